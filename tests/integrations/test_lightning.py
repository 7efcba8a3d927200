"""Lightning's own Trainer, by both of its names."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.frameworks, pytest.mark.filterwarnings("ignore")]

TRAINING = """
import sys
import torch
from {package} import LightningModule, Trainer
from {package}.callbacks import ModelCheckpoint
from treering.integrations.lightning import TreeringLogger

class Model(LightningModule):
    def __init__(self, lr=0.1):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(4, 1)

    def training_step(self, batch, at):
        loss = ((self.layer(batch) - batch.sum(1, keepdim=True)) ** 2).mean()
        self.log("train/loss", loss)
        if at == 0:
            self.logger.log_image("inputs", [batch[:4].numpy()], step=self.global_step, caption=["batch"])
        return loss

    def validation_step(self, batch, at):
        self.log("val/loss", ((self.layer(batch) - batch.sum(1, keepdim=True)) ** 2).mean())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.lr)

torch.manual_seed(0)
data = torch.utils.data.DataLoader(torch.rand(40, 4), batch_size=8)
logger = TreeringLogger(project="digits", name="light")
best = ModelCheckpoint("checkpoints", filename="best-{{epoch}}", monitor="val/loss")
quiet = dict(enable_progress_bar=False, enable_model_summary=False, accelerator="cpu")
trainer = Trainer(max_epochs=3, logger=logger, callbacks=[best], log_every_n_steps=1, **quiet)
trainer.fit(Model(), data, data)
trainer.validate(trainer.model, data, verbose=False)
print(best.best_model_path)
print(float(best.best_model_score))
"""


@pytest.mark.parametrize("package", ["lightning.pytorch", "pytorch_lightning"])
def test_a_fit_is_recorded_with_its_best_checkpoint(package: str, tmp_path: Path, recorded: Any) -> None:
    script = tmp_path / "train.py"
    script.write_text(TRAINING.format(package=package))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    path, score = done.stdout.split()[-2:]
    run = recorded()

    assert run.steps("train/loss") == list(range(15)), "a row for each of five batches in three epochs"
    assert run.steps("val/loss")[:3] == [4, 9, 14]
    assert run.config["lr"] == 0.1
    assert run.run.name == "light"
    assert run.summary["best_checkpoint"] == path
    assert run.summary["best_score"] == pytest.approx(float(score))
    assert run.files() == [Path(path).name]
    assert run.series("inputs")[0][1]["items"][0]["caption"] == "batch"


def test_a_logger_goes_on_in_its_run_where_it_is_unpickled(recorded: Any) -> None:
    from treering.integrations.lightning import TreeringLogger

    logger = TreeringLogger(project="digits", prefix="a")
    logger.log_metrics({"loss": 1.0}, step=0)
    logger.experiment.finish()
    other = pickle.loads(pickle.dumps(logger))
    other.log_metrics({"loss": 0.5}, step=1)
    assert other.version == logger.version
    run = recorded()

    assert run.series("a/loss") == [(0, 1.0), (1, 0.5)]


def test_a_logger_goes_on_in_the_run_that_the_script_had_begun(recorded: Any) -> None:
    import treering as tr
    from treering.integrations.lightning import TreeringLogger

    run = tr.init(project="digits", name="mine")
    state = pickle.dumps(TreeringLogger(project="digits"))
    run.finish()
    other = pickle.loads(state)
    other.log_metrics({"loss": 0.5}, step=1)

    assert recorded().series("loss") == [(1, 0.5)]
