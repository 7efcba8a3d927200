"""Accelerate's own Accelerator with a tracker of ours."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.frameworks, pytest.mark.filterwarnings("ignore")]


def test_an_accelerated_training_is_recorded(recorded: Any) -> None:
    import numpy as np
    import torch
    from accelerate import Accelerator

    from treering.integrations.accelerate import TreeringTracker

    accelerator = Accelerator(cpu=True, log_with=TreeringTracker(project="digits", name="small"))
    accelerator.init_trackers("ignored", config={"lr": 0.1, "layers": 2})
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model, optimizer = accelerator.prepare(model, optimizer)
    x = torch.randn(16, 3)
    losses = []
    for step in range(5):
        loss = ((model(x) - x.sum(1, keepdim=True)) ** 2).mean()
        accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        accelerator.log({"loss": loss.item()}, step=step * 10)
    tracker = accelerator.get_tracker("treering")
    tracker.log_images({"pictures": [np.zeros((4, 4)), np.ones((4, 4))]}, step=40, caption="x")
    tracker.log_table("rows", columns=["a"], data=[[1], [2]], step=40)
    assert accelerator.get_tracker("treering", unwrap=True).name == "small"
    accelerator.end_training()
    run = recorded()

    assert run.series("loss") == [(step * 10, loss) for step, loss in enumerate(losses)]
    assert run.config == {"lr": 0.1, "layers": 2}
    assert run.run.name == "small"
    assert [len(value["items"]) for _, value in run.series("pictures")] == [2]
    assert [value["nrows"] for _, value in run.series("rows")] == [2]
