"""What a training of the demo shows beside its numbers: mistakes, charts, weights, and every validation sample."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

import treering as tr

__all__ = ["digit", "mistakes", "mistakes_by_class", "progress", "sample_table", "weights"]

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

_SHOWN: Final = 8  # mistakes of an epoch
_TIMES: Final = 8  # each pixel of the 8 x 8 is drawn so large
_BAR_CHARS: Final = 20


def digit(pixels: Array, caption: str) -> tr.Image:
    """Return one image of 64 values in [0, 1], dark on light as it was written."""
    shades = np.rint(255 * (1 - pixels.reshape(8, 8))).astype(np.uint8)
    return tr.Image(np.kron(shades, np.ones((_TIMES, _TIMES), np.uint8)), caption=caption)


def mistakes(x: Array, y: Labels, probability: Array) -> list[tr.Image]:
    """Return the images that the network is surest of and wrong about, the worst first; at most eight."""
    guess = probability.argmax(axis=1)
    wrong = np.flatnonzero(guess != y)
    worst = wrong[np.argsort(-probability[wrong, guess[wrong]], kind="stable")][:_SHOWN]
    return [digit(x[i], f"{y[i]}, taken for {guess[i]} ({100 * probability[i, guess[i]]:.0f} %)") for i in worst]


def mistakes_by_class(y: Labels, guess: Labels, epoch: int) -> Mapping[str, Any]:
    """Return a figure of how many images of each class were taken for another; nothing without matplotlib."""
    if find_spec("matplotlib") is None:
        return {}
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4, 2.5), dpi=100, layout="tight")
    axes = figure.add_subplot()
    counts = [int(((y == label) & (guess != label)).sum()) for label in range(10)]
    axes.bar(range(10), counts, color="#4a7a5c")
    axes.set(xticks=range(10), xlabel="digit", ylabel="mistakes", title=f"epoch {epoch}")
    return {"figures/mistakes": figure}


def weights(names: Sequence[str], arrays: Sequence[Array]) -> dict[str, tr.Histogram]:
    """Return how the weights of each layer are distributed."""
    return {f"weights/{name}": tr.Histogram(array) for name, array in zip(names, arrays, strict=True)}


def sample_table(x: Array, y: Labels, probability: Array) -> tr.Table:
    """Return every validation sample: its image, what it is, what it was taken for, how surely, and the loss."""
    guess = probability.argmax(axis=1)
    with np.errstate(divide="ignore"):
        loss = -np.log(probability[np.arange(len(y)), y])
    table = tr.Table(columns=["image", "digit", "predicted", "right", "confidence", "loss"])
    for i in range(len(y)):
        sure = float(probability[i, guess[i]])
        table.add_data(digit(x[i], str(y[i])), int(y[i]), int(guess[i]), bool(y[i] == guess[i]), sure, float(loss[i]))
    return table


def progress(epoch: int, batch: int, batches: int, loss: float) -> None:
    """Draw a bar over the line that is there, as progress bars do; the epoch's last one ends the line."""
    full = _BAR_CHARS * batch // batches
    bar = f"epoch {epoch:3d} |{'█' * full}{' ' * (_BAR_CHARS - full)}| {batch}/{batches} loss={loss:.4f}"
    sys.stderr.write(f"\r{bar}" + ("\n" if batch == batches else ""))
    sys.stderr.flush()
