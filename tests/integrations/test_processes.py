"""Trainings of two processes with the frameworks' own launchers: one run, nothing twice, and nobody crashes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.frameworks, pytest.mark.filterwarnings("ignore")]

LIGHTNING = """
import os, sys
import torch
from lightning.pytorch import LightningModule, Trainer
from treering.integrations.lightning import TreeringLogger

class Model(LightningModule):
    def __init__(self, lr=0.1):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(4, 1)

    def training_step(self, batch, at):
        loss = ((self.layer(batch) - batch.sum(1, keepdim=True)) ** 2).mean()
        self.log("train/loss", loss, sync_dist=True)
        self.logger.experiment.log({"own": 1.0 + self.global_rank})
        self.logger.log_metrics({"rank": float(self.global_rank)}, step=self.global_step)
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.lr)

if __name__ == "__main__":
    torch.manual_seed(0)
    data = torch.utils.data.DataLoader(torch.rand(32, 4), batch_size=4)
    BEFORE
    quiet = dict(enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False)
    logger = TreeringLogger(project="digits", name="two")
    trainer = Trainer(max_epochs=2, logger=logger, log_every_n_steps=1, accelerator="cpu", devices=2,
                      strategy="ddp", **quiet)
    trainer.fit(Model(), data)
    print("rank", trainer.global_rank, "of", trainer.world_size, "ended", flush=True)
"""

ACCELERATE = """
import torch
from accelerate import Accelerator
from treering.integrations.accelerate import TreeringTracker

BEFORE
accelerator = Accelerator(cpu=True, log_with=TreeringTracker(project="digits", name="two"))
accelerator.init_trackers("ignored", config={"lr": 0.1})
model = torch.nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
model, optimizer = accelerator.prepare(model, optimizer)
for step in range(5):
    x = torch.randn(8, 3)
    loss = ((model(x) - x.sum(1, keepdim=True)) ** 2).mean()
    accelerator.backward(loss)
    optimizer.step()
    optimizer.zero_grad()
    accelerator.log({"loss": accelerator.gather(loss.detach()).mean().item(), "rank": accelerator.process_index}, step=step)
assert accelerator.num_processes == 2
accelerator.end_training()
print("rank", accelerator.process_index, "of 2 ended", flush=True)
"""

IN_EVERY_PROCESS = "import treering as tr; tr.init(project='digits', name='two', config={'seed': 1})"


def run(script: Path, *launcher: str) -> str:
    """Run it to its end and return what both processes printed."""
    environ = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, *launcher, str(script)], capture_output=True, text=True, timeout=300, env=environ, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def free_port() -> str:
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


@pytest.mark.parametrize("before", ["", IN_EVERY_PROCESS], ids=["by the logger", "by the script"])
def test_lightning_on_two_processes(before: str, tmp_path: Path, recorded: Any) -> None:
    script = tmp_path / "train.py"
    script.write_text(LIGHTNING.replace("BEFORE", before))
    printed = run(script)
    read = recorded()  # there is one run

    assert set(re.findall(r"(\d) of 2 ended", printed)) == {"0", "1"}
    assert read.run.name == "two"
    assert read.run.state == "finished"
    assert read.steps("train/loss") == list(range(8)), "four batches of each process in two epochs, once"
    assert {value for _, value in read.series("rank")} == {0.0}
    assert {value for _, value in read.series("own")} == {1.0}
    assert len(read.series("own")) == 8
    assert read.config["lr"] == 0.1


@pytest.mark.parametrize("before", ["", IN_EVERY_PROCESS], ids=["by the tracker", "by the script"])
def test_accelerate_on_two_processes(before: str, tmp_path: Path, recorded: Any) -> None:
    script = tmp_path / "train.py"
    script.write_text(ACCELERATE.replace("BEFORE", before))
    printed = run(script, "-m", "torch.distributed.run", "--nproc-per-node=2", f"--master-port={free_port()}")
    read = recorded()

    assert set(re.findall(r"(\d) of 2 ended", printed)) == {"0", "1"}
    assert read.run.name == "two"
    assert read.run.state == "finished"
    assert read.steps("loss") == list(range(5))
    assert {value for _, value in read.series("rank")} == {0}
    assert read.config["lr"] == 0.1
