"""Runs for the browser tests of alerts: one that blows up while somebody looks, and some before it."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import treering as tr

FOLDER = Path(sys.argv[1])


def train(name: str, steps: int, blows_up: int | None = None) -> None:
    """Log a loss that falls, and from a step on is no number."""
    with tr.init(project="watched", entity="acme", name=name, id=name, dir=FOLDER, settings={"silent": True}) as run:
        run.config.update({"lr": 0.1 if blows_up is None else 3.0})
        for step in range(steps):
            loss = 2.0 * math.exp(-step / 60) + 0.02 * math.sin(step)
            if blows_up is not None and step >= blows_up - 12:
                loss *= 1.35 ** (step - blows_up + 12)
            if blows_up is not None and step >= blows_up:
                loss = math.nan
            run.log({"train/loss": loss, "grad/norm": 1 / (1 + step)})
        if blows_up is not None:
            run.alert("the loss is gone", f"it was a number until step {blows_up}", level="ERROR")


for number in range(4):
    train(f"calm-{number}", 200)
train("wild-9", 160, 140)
