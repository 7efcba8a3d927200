"""Fills a folder for the tests of a server with accounts: one run that is whole, one that lost records."""

from __future__ import annotations

import sys
import time

import numpy as np

import treering as tr
from treering.runlog import records

for run_id, name in (("whole", "amber-heron"), ("gap", "verdant-wolf")):
    run = tr.init(
        entity="acme", project="vit", id=run_id, name=name, dir=sys.argv[1], settings={"silent": True, "sample_s": 0.0}
    )
    for step in range(200):
        run.log({"train/loss": 1 / (step + 1)})
    if run_id == "whole":
        run.log({"media/image": tr.Image(np.full((8, 8, 3), 200, np.uint8)), "media/page": tr.Html("<h1>shared</h1>")})
    if run_id == "gap":
        now = time.time_ns()
        lost = {"count": 17, "reason": "disk full", "since_ns": now - 10**9, "until_ns": now}
        run._writer.append(records.GAP, [now, lost])
    run.finish()
