"""transformers' own Trainer on a model of a few thousand numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import treering as tr

pytestmark = [pytest.mark.frameworks, pytest.mark.filterwarnings("ignore")]


def tiny_trainer(folder: Path, callback: Any, **arguments: Any) -> Any:
    import torch
    from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    model = BertForSequenceClassification(BertConfig(vocab_size=20, **shape))

    def samples(count: int) -> list[dict[str, Any]]:
        rows = torch.randint(0, 20, (count, 6))
        return [
            {"input_ids": row, "attention_mask": torch.ones(6, dtype=torch.long), "labels": row[0] % 2} for row in rows
        ]

    chosen = {
        "per_device_train_batch_size": 8,
        "max_steps": 10,
        "logging_steps": 2,
        "use_cpu": True,
        "report_to": "none",
    }
    given = TrainingArguments(output_dir=str(folder), disable_tqdm=True, **{**chosen, **arguments})
    return Trainer(model, given, train_dataset=samples(64), eval_dataset=samples(16), callbacks=[callback])


def test_metrics_stand_at_the_global_step_and_everything_is_configured(tmp_path: Path, recorded: Any) -> None:
    from treering.integrations.huggingface import TreeringCallback

    callback = TreeringCallback(project="digits", watch="gradients")
    trainer = tiny_trainer(tmp_path / "out", callback, eval_strategy="steps", eval_steps=5)
    trainer.train()
    assert not callback.run._finished, "an evaluation may follow"
    trainer.evaluate()
    run = recorded()

    assert run.steps("train/loss") == [2, 4, 6, 8, 10]
    assert set(run.steps("eval/loss")) == {5, 10}
    logged = {entry["step"]: entry["loss"] for entry in trainer.state.log_history if "loss" in entry}
    assert dict(run.series("train/loss")) == logged
    assert run.config["learning_rate"] == trainer.args.learning_rate
    assert run.config["model"]["hidden_size"] == 16
    assert run.summary["train/loss"] == logged[10]
    assert run.summary["train_loss"] == pytest.approx(sum(logged.values()) / len(logged))
    assert run.summary["train_runtime"] > 0
    facts = run.run.detail["meta"]["model"]
    assert facts["class"] == "BertForSequenceClassification"
    assert facts["parameters"] == sum(each.numel() for each in trainer.model.parameters())


def test_checkpoints_are_stored_when_asked_for(tmp_path: Path, recorded: Any) -> None:
    from treering.integrations.huggingface import TreeringCallback

    with tr.init(project="digits") as run:
        callback = TreeringCallback(save_checkpoints=True)
        tiny_trainer(tmp_path / "out", callback, save_steps=5, max_steps=5, save_only_model=True).train()
        assert callback.run is run

    files = recorded().files()
    assert "checkpoint-5/model.safetensors" in files
    assert "checkpoint-5/config.json" in files
