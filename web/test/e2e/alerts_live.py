"""A run that is no number after a while, and goes on."""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path

import treering as tr

with tr.init(
    project="watched",
    entity="acme",
    name="wild-live",
    id="wild-live",
    dir=Path(sys.argv[1]),
    settings={"silent": True},
) as run:
    for step in range(60):
        run.log({"train/loss": math.nan if step >= 40 else 1 / (1 + step)})
    for _ in range(60):
        time.sleep(1)
