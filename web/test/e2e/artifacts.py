"""
Fill a data folder for the tests of artifacts: ``python artifacts.py DIR`` makes project ``acme/record``.

Two versions of a dataset, each with a training that made a model of it, an evaluation of the second model, a
registered model with a check that only the second one meets, and a version that was removed.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import treering as tr

CODES = "".join(f"{code},{name}\n" for code, name in enumerate(("zero", "one", "two", "three", "four", "five")))


@contextlib.contextmanager
def begin(folder: Path, name: str, job_type: str) -> Iterator[tr.Run]:
    """Run something in the project."""
    with tr.init(entity="acme", project="record", id=name, name=name, job_type=job_type, dir=folder) as run:
        yield run


def prepare(folder: Path, work: Path, name: str, extra: str) -> None:
    """Log a version of the data."""
    data = work / name
    (data / "train").mkdir(parents=True)
    (data / "train" / "labels.csv").write_text(f"code,name\n{CODES}{extra}")
    (data / "train" / "a #1 50%.txt").write_text("names may hold anything\n")
    (data / "README.md").write_text("# Digits\n\nHand-written.\n")
    with begin(folder, name, "prepare") as run:
        artifact = tr.Artifact("digits", "dataset", description="Digits, **hand-written**.")
        artifact.metadata = {"rows": 6 + bool(extra), "split": {"train": 0.8}}
        artifact.add_dir(data)
        artifact.add_reference("s3://bucket/digits.tar", checksum=False)
        run.log_artifact(artifact, aliases=["clean"] if extra else ["raw"], tags=["small"]).wait(60)


def train(folder: Path, work: Path, name: str, data: str, accuracy: float) -> None:
    """Make a model of a version of the data."""
    weights = work / f"{name}.bin"
    weights.write_bytes(name.encode() * 500)
    with begin(folder, name, "train") as run:
        run.use_artifact(data)
        for step in range(20):
            run.log({"val/acc": accuracy * (step + 1) / 20}, step=step)
        run.log_artifact(str(weights), "cnn", "model", aliases=["best"]).wait(60)


def evaluate(folder: Path) -> None:
    """Look at a model."""
    with begin(folder, "evaluation", "eval") as run:
        run.use_artifact("cnn:latest")
        table = tr.Table(columns=["code", "right"], data=[[code, code % 2 == 0] for code in range(6)])
        artifact = tr.Artifact("answers", "evaluation")
        artifact.add(table, "answers")
        run.log_artifact(artifact).wait(60)


def main(folder: Path, work: Path) -> None:
    """Write the project."""
    prepare(folder, work, "prepare-1", "")
    train(folder, work, "train-1", "digits:v0", 0.8)
    prepare(folder, work, "prepare-2", "6,six\n")
    train(folder, work, "train-2", "digits:latest", 0.95)
    evaluate(folder)
    prepare(folder, work, "prepare-3", "7,a mistake\n")
    with tr.Api(folder) as api:
        model = api.create_model("acme/record", "digit-reader", checks=["metric.val/acc >= 0.9"])
        api.artifact("acme/record/cnn:v0").link("acme/digit-reader", note="the first")
        api.artifact("acme/record/cnn:v1").link("acme/digit-reader", note="better data")
        model.refresh()
        model.promote("production", 2, note="meets the check")
        api.artifact("acme/record/digits:v2").delete(delete_aliases=True)


if __name__ == "__main__":
    with contextlib.redirect_stdout(io.StringIO()), tempfile.TemporaryDirectory() as work:
        main(Path(sys.argv[1]), Path(work))
