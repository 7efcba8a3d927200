"""
A run that logs one picture and prints one line per line read from standard input: ``python live_media.py DIR RUN_ID``.

Prints the step and the time (unix seconds) just before each ``log()``. The picture of step s is grey, 10 · s.
"""

from __future__ import annotations

import sys
import time

import numpy as np

import treering as tr
from treering.runlog import records

with tr.init(
    project="live-media", entity="acme", id=sys.argv[2], name=sys.argv[2], dir=sys.argv[1], settings={"silent": True}
) as run:
    run.log({"sample": tr.Image(np.zeros((8, 8, 3), np.uint8))}, step=0)
    for line in range(200):
        run._writer.append(records.CONSOLE, [time.time_ns(), "stdout", f"before {line}"])
    print("ready", flush=True)
    for step, _ in enumerate(sys.stdin, 1):
        now = time.time()
        run._writer.append(records.CONSOLE, [time.time_ns(), "stdout", f"line {step}"])
        run.log({"sample": tr.Image(np.full((8, 8, 3), 10 * step, np.uint8))}, step=step)
        print(step, now, flush=True)
