"""
One training of the demo: a two-layer network on the 1,797 handwritten digits that scikit-learn ships.

The network, its gradients and its schedule are written out in numpy, so what the charts show is what happened.
"""

from __future__ import annotations

import argparse
import math
import time
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

import treering as tr

from .demo_pictures import mistakes, mistakes_by_class, progress, sample_table, weights

_CLASSES: Final = 10
_BATCH: Final = 32
_PICTURES_EVERY_S: Final = 0.25  # so that a demo of seconds does not spend them on pictures
_FIGURE_EVERY: Final = 5  # times of these: matplotlib takes 50 ms of the training's own time
_BAR_EVERY: Final = 11  # batches

Array = NDArray[np.float64]


class Data(NamedTuple):
    """Images as rows of 64 values in [0, 1], labels as integers."""

    x: Array
    y: NDArray[np.int64]


class Network(NamedTuple):
    """Weights of 64 → width → 10, in the order in which they are used."""

    w1: Array
    b1: Array
    w2: Array
    b2: Array


def load() -> tuple[Data, Data]:
    """Return (train, validation): 1,437 and 360 images, split the same way each time."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise SystemExit("The demo needs scikit-learn's digits: pip install 'treering[demo]'") from None
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    x, y = images[order] / 16.0, labels[order].astype(np.int64)
    return Data(x[360:], y[360:]), Data(x[:360], y[:360])


def new_network(width: int, rng: np.random.Generator) -> Network:
    """He initialisation."""
    return Network(
        rng.normal(0, np.sqrt(2 / 64), (64, width)),
        np.zeros(width),
        rng.normal(0, np.sqrt(2 / width), (width, _CLASSES)),
        np.zeros(_CLASSES),
    )


def forward(net: Network, x: Array) -> tuple[Array, Array]:
    """Return hidden activations and class log-probabilities; weights that explode give ±inf and NaN, as they do."""
    hidden = np.maximum(x @ net.w1 + net.b1, 0)
    logits = hidden @ net.w2 + net.b2
    return hidden, logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def loss_of(log_p: Array, y: NDArray[np.int64]) -> float:
    """Mean cross-entropy in nats."""
    return float(-log_p[np.arange(len(y)), y].mean())


def gradients(net: Network, x: Array, y: NDArray[np.int64]) -> tuple[float, Network]:
    """Return the loss on a batch and its gradient."""
    hidden, log_p = forward(net, x)
    error = np.exp(log_p)
    error[np.arange(len(y)), y] -= 1
    error /= len(y)
    back = (error @ net.w2.T) * (hidden > 0)
    return loss_of(log_p, y), Network(x.T @ back, back.sum(0), hidden.T @ error, error.sum(0))


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Linear warm-up over a twentieth of the steps, then half a cosine to zero."""
    warm = max(1, steps // 20)
    if step < warm:
        return peak * (step + 1) / warm
    return float(peak * 0.5 * (1 + np.cos(np.pi * (step - warm) / max(1, steps - warm))))


def train(config: Any, epoch_s: float, fail_at_epoch: int | None) -> None:
    """Train one network and log it; an epoch takes at least *epoch_s* seconds, so that people can watch."""
    training, validation = load()
    rng = np.random.default_rng(config.seed)
    net = new_network(config.width, rng)
    speed = Network(*(np.zeros_like(weight) for weight in net))
    batches = len(training.y) // _BATCH
    steps = batches * config.epochs
    pictures_every = max(1, math.ceil(_PICTURES_EVERY_S / epoch_s)) if epoch_s else config.epochs
    print(f"{len(training.y)} images to learn from, {len(validation.y)} to validate with, {steps} steps")
    step = 0
    for epoch in range(config.epochs):
        began = time.monotonic()
        order = rng.permutation(len(training.y))
        for batch in range(batches):
            rows = order[batch * _BATCH : (batch + 1) * _BATCH]
            loss, gradient = gradients(net, training.x[rows], training.y[rows])
            rate = learning_rate(step, steps, config.lr)
            norm = float(np.sqrt(sum(float((part**2).sum()) for part in gradient)))
            speed = Network(*(config.momentum * v - rate * g for v, g in zip(speed, gradient, strict=True)))
            net = Network(*(w + v for w, v in zip(net, speed, strict=True)))
            tr.log({"train/loss": loss, "train/lr": rate, "train/grad_norm": norm}, step=step)
            step += 1
            if (batch + 1) % _BAR_EVERY == 0:
                progress(epoch, batch + 1, batches, loss)
            time.sleep(max(0.0, began + epoch_s * (batch + 1) / batches - time.monotonic()))
        _validate(net, training, validation, epoch, step - 1)
        if epoch % pictures_every == 0 or epoch == config.epochs - 1:
            _show(net, validation, epoch, step - 1, epoch % (pictures_every * _FIGURE_EVERY) == 0)
        if epoch == fail_at_epoch:
            broken = validation.x[:, :63]  # a loader that lost a column, as loaders do
            forward(net, broken)
    probability = np.exp(forward(net, validation.x)[1])
    tr.log({"val/samples": sample_table(validation.x, validation.y, probability)}, step=step - 1)


def _validate(net: Network, training: Data, validation: Data, epoch: int, step: int) -> None:
    _, log_p = forward(net, validation.x)
    right = log_p.argmax(axis=1) == validation.y
    _, train_log_p = forward(net, training.x)
    row: dict[str, Any] = {
        "epoch": epoch,
        "val/loss": loss_of(log_p, validation.y),
        "val/acc": 100 * float(right.mean()),
        "train/acc": 100 * float((train_log_p.argmax(axis=1) == training.y).mean()),
        "val_class": {f"acc_{label}": 100 * float(right[validation.y == label].mean()) for label in range(_CLASSES)},
    }
    tr.log(row, step=step)
    print(f"epoch {epoch}: validation loss {row['val/loss']:.4f}, {row['val/acc']:.1f} % right")


def _show(net: Network, validation: Data, epoch: int, step: int, figure: bool) -> None:
    probability = np.exp(forward(net, validation.x)[1])
    guess = probability.argmax(axis=1)
    row: dict[str, Any] = weights(("w1", "w2"), (net.w1, net.w2))
    names = [str(label) for label in range(_CLASSES)]
    row["val/confusion"] = tr.plot.confusion_matrix(
        y_true=validation.y, preds=guess, class_names=names, title="Validation"
    )
    if wrong := mistakes(validation.x, validation.y, probability):
        row["val/mistakes"] = wrong
    if figure:
        row |= mistakes_by_class(validation.y, guess, epoch)
    tr.log(row, step=step)


def main() -> None:
    """Train one configuration, given on the command line."""
    parser = argparse.ArgumentParser(description="Train one small network of the demo.")
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long the training should take")
    parser.add_argument("--fail-at-epoch", type=int)
    parser.add_argument("--project", default="digits")
    parser.add_argument("--tag", default="demo")
    given = parser.parse_args()
    config = {"lr": given.lr, "width": given.width, "seed": given.seed, "momentum": given.momentum}
    config |= {"epochs": given.epochs, "batch_size": _BATCH, "optimizer": "sgd", "model": f"mlp-{given.width}"}
    with np.errstate(all="ignore"), tr.init(project=given.project, config=config, tags=[given.tag]) as run:
        run.define_metric("val/acc", summary="max", goal="maximize", unit="%")
        run.define_metric("train/acc", unit="%")
        run.define_metric("val_class/*", unit="%")
        run.define_metric("*/loss", summary="min", goal="minimize")
        run.define_metric("epoch", hidden=True)
        train(run.config, given.seconds / given.epochs, given.fail_at_epoch)


if __name__ == "__main__":
    main()
