"""The snippets of the pages about frameworks run, with what each leaves to the reader."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.frameworks]

PAGES = Path(__file__).resolve().parents[2] / "docs" / "how-to"

_BOOSTED = """
import numpy as np, {0}
x = np.random.default_rng(0).random((100, 3))
data = {0}.{1}(x, x.sum(1))
parameters = {{}}
"""
GIVEN = {
    "Hugging Face transformers": """
import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments
shape = dict(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
model = BertForSequenceClassification(BertConfig(vocab_size=20, **shape))
data = [{"input_ids": torch.ones(4, dtype=torch.long), "labels": torch.tensor(0)}] * 8
arguments = TrainingArguments("out", max_steps=2, report_to="none", use_cpu=True)
""",
    "Lightning": """
import torch
from lightning import LightningModule, Trainer
class Model(LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)
    def training_step(self, batch, at):
        return self.layer(batch).square().mean()
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)
model, data = Model(), torch.utils.data.DataLoader(torch.rand(8, 4))
""",
    "Keras": """
import keras, numpy as np
x = np.random.default_rng(0).random((16, 4))
y = x.sum(1)
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
""",
    "XGBoost": _BOOSTED.format("xgboost", "DMatrix"),
    "LightGBM": _BOOSTED.format("lightgbm", "Dataset"),
    "scikit-learn": """
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
x_train, x_test, y_train, y_test = train_test_split(*load_digits(return_X_y=True), random_state=0)
model = LogisticRegression(max_iter=50).fit(x_train / 16, y_train)
""",
}


def snippets() -> list[tuple[str, str]]:
    """(heading, code) of every snippet."""
    sections = [
        section
        for page in ("frameworks.md", "tensorboard.md")
        for section in (PAGES / page).read_text().split("\n## ")[1:]
    ]
    fence = re.compile(r"^```py\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return [(section.partition("\n")[0], code) for section in sections for code in fence.findall(section)]


@pytest.mark.parametrize(("heading", "code"), snippets(), ids=[heading for heading, _ in snippets()])
def test_the_snippets_run(heading: str, code: str, data: Path) -> None:
    Path("snippet.py").write_text(GIVEN.get(heading, "") + code)
    done = subprocess.run([sys.executable, "snippet.py"], capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stderr[-3000:]
    assert list((data / "runs").iterdir())
