"""
What ``run.watch`` costs a training step: a small residual network, watched and not.

    python bench/watch.py [--steps N] [--freq N] [--log all]

Run with a Python that has torch and treering; prints one JSON line. Watched and bare stretches take turns, and the
processor time of this process counts, so that a busy machine disturbs both alike.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from typing import Any

import torch
from torch import nn


class Block(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Any) -> Any:
        """Add what the layers make of *x* to it."""
        return torch.relu(x + self.layers(x))


def network() -> nn.Module:
    """About 0.3 million parameters in 50 tensors, as for CIFAR-10."""
    stem = [nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU()]
    blocks = [Block(32) for _ in range(3)] + [nn.Conv2d(32, 64, 3, stride=2)] + [Block(64) for _ in range(3)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def main() -> None:
    """Train in turns with and without hooks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100, help="of one stretch")
    parser.add_argument("--freq", type=int, default=100)
    parser.add_argument("--log", default="all")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    home = tempfile.mkdtemp(prefix="watch-")
    os.environ.update(TREERING_DIR=home, TREERING_SILENT="1")
    import treering

    torch.set_num_threads(1)
    torch.manual_seed(0)
    model, batch, target = network(), torch.randn(8, 3, 32, 32), torch.randint(0, 10, (8,))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    run = treering.init(project="p")

    def stretch() -> float:
        began = time.process_time()
        for _ in range(given.steps):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(batch), target)
            loss.backward()
            optimizer.step()
            run.log({"loss": loss.item()})
        return (time.process_time() - began) / given.steps

    stretch()
    bare, watched = [], []
    for _ in range(given.rounds):
        bare.append(stretch())
        run.watch(model, log=given.log, log_freq=given.freq)
        watched.append(stretch())
        run.unwatch()
    before, after = statistics.median(bare), statistics.median(watched)
    result = {
        "tensors": sum(1 for _ in model.parameters()),
        "parameters": sum(each.numel() for each in model.parameters()),
        "freq": given.freq,
        "log": given.log,
        "step_ms": round(before * 1e3, 2),
        "watched_step_ms": round(after * 1e3, 2),
        "overhead_percent": round((after / before - 1) * 100, 2),
    }
    run.finish()
    print(json.dumps(result), flush=True)
    shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
