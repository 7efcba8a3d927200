"""
A small convolutional network on the handwritten digits that scikit-learn ships, recorded with treering.

::

    pip install treering torch scikit-learn
    python examples/torch_digits.py --lr 0.003
    treering ui
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

import treering as tr

SHOWN = 8  # images of mistakes in each epoch


def load() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return (train, validation) as images (n, 1, 8, 8) in [0, 1] and labels (n,)."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    x = torch.from_numpy(images[order].astype(np.float32) / 16).reshape(-1, 1, 8, 8)
    y = torch.from_numpy(labels[order])
    return (x[360:], y[360:]), (x[:360], y[:360])


def network(width: int) -> nn.Module:
    """Two convolutions and a linear layer."""
    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, 2 * width, 3, padding=1, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(2 * width * 16, 10),
    )


@torch.no_grad()
def validate(model: nn.Module, x: Tensor, y: Tensor) -> dict[str, object]:
    """Return what there is to log of an epoch: loss, accuracy, a confusion matrix, and the worst mistakes."""
    model.eval()
    log_p = model(x).log_softmax(dim=1)
    model.train()
    guess = log_p.argmax(dim=1)
    wrong = (guess != y).nonzero().ravel()
    worst = wrong[log_p[wrong, guess[wrong]].argsort(descending=True)][:SHOWN]
    row: dict[str, object] = {
        "val/loss": nn.functional.nll_loss(log_p, y),
        "val/acc": 100 * (guess == y).float().mean(),
        "val/confusion": tr.plot.confusion_matrix(
            y_true=y.numpy(), preds=guess.numpy(), class_names=[str(digit) for digit in range(10)], title="Validation"
        ),
    }
    if len(worst):
        row["val/mistakes"] = [tr.Image(1 - x[i], caption=f"{y[i]}, taken for {guess[i]}") for i in worst]
    return row


def main() -> None:
    """Train; the options become the run's config by themselves."""
    parser = argparse.ArgumentParser(description="Train a small network on handwritten digits.")
    parser.add_argument("--lr", type=float, default=0.002)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint", type=Path, default=Path("digits.pt"))
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    (x, y), validation = load()
    model = network(options.width)
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.lr)
    with tr.init(project="torch-digits") as run:
        run.define_metric("val/acc", summary="max", goal="maximize", unit="%")
        run.watch(model, log="all", log_freq=20, log_graph=True)
        step = 0
        best = 0.0
        for epoch in range(options.epochs):
            began = time.perf_counter()
            for rows in torch.randperm(len(x)).split(options.batch):
                loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                run.log({"train/loss": loss, "epoch": epoch}, step=step)
                step += 1
            row = validate(model, *validation)
            row["train/images_per_s"] = len(x) / (time.perf_counter() - began)
            run.log(row, step=step - 1)
            accuracy = float(row["val/acc"])  # type: ignore[arg-type]
            print(f"epoch {epoch}: {accuracy:.1f} % right")
            if accuracy > best:
                best = accuracy
                torch.save(model.state_dict(), options.checkpoint)
        run.save(options.checkpoint, base_path=options.checkpoint.parent, policy="now")


if __name__ == "__main__":
    main()
