"""Fill a data folder for ``bench/ui.mjs``: ``python bench/seed.py DIR [RUNS] [POINTS] [KEYS]``, project ``acme/bench``."""

from __future__ import annotations

import math
import random
import sys

import treering as tr


def main(folder: str, runs: int = 50, points: int = 1_000, keys: int = 16) -> None:
    """Write *runs* runs of *points* steps with *keys* noisy decays each."""
    for index in range(runs):
        rng = random.Random(index)
        run = tr.init(project="bench", entity="acme", id=f"b{index}", dir=folder, settings={"silent": True})
        with run:
            for step in range(points):
                base = 0.5 + 6 * math.exp(-step / (points * (0.1 + index / 500)))
                run.log({f"bench/metric_{key}": base + key + rng.gauss(0, 0.1) for key in range(keys)})


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
