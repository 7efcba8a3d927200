"""TensorFlow's own writer of event files: taken while it writes, and imported afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import treering as tr

pytestmark = [pytest.mark.frameworks, pytest.mark.filterwarnings("ignore")]

TRAINING = """
import os
FIRST
import treering as tr
run = tr.init(project="digits", name="tf", sync_tensorboard=True) if os.environ.get("SYNC") else None
import tensorflow as tf

train = tf.summary.create_file_writer("logs/train")
with train.as_default():
    for step in range(20):
        tf.summary.scalar("loss", 1.0 / (step + 1), step=step * 10)
    tf.summary.histogram("weights", tf.linspace(-1.0, 1.0, 1000), step=0)
    tf.summary.image("pictures", tf.constant([0.2, 0.8])[:, None, None, None] * tf.ones([2, 8, 8, 3]), step=1)
    tf.summary.text("note", "hello **there**", step=2)
    tf.summary.audio("tone", tf.sin(tf.linspace(0.0, 400.0, 8000))[None, :, None], 8000, step=1)
    tf.summary.write("raw", tf.constant([[1.0, 2.0]]), step=3)
train.flush()
with tf.summary.create_file_writer("logs/validation").as_default():
    tf.summary.scalar("accuracy", 0.5, step=190)

@tf.function
def traced(step):
    tf.summary.scalar("in_graph", tf.cast(step, tf.float32) * 2, step=step)

with train.as_default():
    for step in range(3):
        traced(tf.constant(step, tf.int64))

model = tf.keras.Sequential([tf.keras.layers.Input((3,)), tf.keras.layers.Dense(1)])
model.compile("sgd", "mse")
board = tf.keras.callbacks.TensorBoard("logs/keras")
model.fit(tf.random.normal([32, 3]), tf.random.normal([32, 1]), epochs=3, verbose=0, callbacks=[board])
if run is not None:
    run.finish()
"""


def train(tmp_path: Path, first: str = "", **environ: str) -> None:
    script = tmp_path / "train.py"
    script.write_text(TRAINING.replace("FIRST", first))
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "KERAS_BACKEND": "tensorflow"}
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, **quiet, **environ},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.mark.parametrize("first", ["", "import tensorflow"], ids=["imported later", "imported before"])
def test_what_tensorflow_writes_lands_in_the_run(first: str, tmp_path: Path, recorded: Any) -> None:
    train(tmp_path, first, SYNC="1")
    read = recorded()

    assert read.series("train/loss") == [(step * 10, pytest.approx(1 / (step + 1))) for step in range(20)]
    assert read.series("validation/accuracy") == [(190, 0.5)]
    assert read.series("train/in_graph") == [(0, 0.0), (1, 2.0), (2, 4.0)]
    assert sum(read.series("train/weights")[0][1]["values"]) == pytest.approx(1000)
    assert len(read.series("train/pictures")[0][1]["items"]) == 2
    assert read.series("train/note") == [(2, "hello **there**")]
    assert read.series("train/tone")[0][1]["duration_s"] == pytest.approx(1.0)
    epochs = [key for key in read.run.keys if key.startswith("keras/") and "epoch_loss" in key]
    assert epochs
    assert [step for step, _ in read.series(epochs[0])] == [0, 1, 2]


def test_event_files_of_tensorflow_are_imported_with_the_same_values(tmp_path: Path, data: Path) -> None:
    train(tmp_path)
    command = [sys.executable, "-m", "treering.cli", "import", "tensorboard", "logs", "--project", "digits", "--json"]
    for _ in range(2):  # again: nothing twice
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
    with tr.Api(data) as api:
        runs = {run.name: api.run(run.key) for run in api.runs("digits")}
        assert {name.split("/")[0] for name in runs} >= {"train", "validation"}
        rows = [row for row in runs["train"].history() if "loss" in row]
    assert [(row["_step"], row["loss"]) for row in rows] == [
        (step * 10, pytest.approx(1 / (step + 1))) for step in range(20)
    ]
