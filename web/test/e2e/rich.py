"""
Fill a data folder for the browser tests of media, logs, code and files: ``python rich.py DIR`` makes ``acme/rich``.

Three runs with one value of each kind at several steps. Pictures are made so that a test knows every pixel: run r, step
s has the grey value 40 + 30·r + 10·s in its left half and a colour of its own in its right half.
"""

from __future__ import annotations

import base64
import io
import json
import math
import os
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import PIL.Image

import treering as tr
from treering.runlog import records

STEPS = 4
LABELS = {0: "road", 1: "car", 2: "person"}
HOSTILE = "<img src=x onerror=alert(1)>"
NOTES = r"""Steps are **few**. See [the docs](https://example.org).

The loss $\mathcal{L} = -\sum_i y_i \log p_i$ costs $5 and $6 an hour, and $\href{javascript:alert(1)}{x}$ is no link.

$$
\hat\theta = \arg\min_\theta \mathbb{E}\left[\frac{1}{n}\sum_{i=1}^{n} (x_i - \theta)^2\right]
$$
"""
WATER = """HEADER    WATER
HETATM    1  O   HOH A   1       0.000   0.000   0.117  1.00  0.00           O
HETATM    2  H1  HOH A   1       0.000   0.757  -0.471  1.00  0.00           H
HETATM    3  H2  HOH A   1       0.000  -0.757  -0.471  1.00  0.00           H
END
"""
PAGE = """<!doctype html><h1 id="title">Report of step {step}</h1><p>loss went down</p>
<script>
document.getElementById("title").textContent += " by script";
let reach = "nothing";
try {{ reach = localStorage.length + " items"; }} catch {{}}
try {{ reach = parent.document.title; }} catch {{}}
fetch("/api/1/projects").then(() => document.body.append("NETWORK"), () => document.body.append("no network"));
document.body.append(" reached " + reach + " ");
</script>"""
SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 60"><rect width="100" height="60" fill="#0a6b4d"/>
<script>parent.alert(1)</script></svg>"""


def picture(run: int, step: int, size: int = 64) -> np.ndarray:
    """Return what the tests expect, pixel by pixel."""
    image = np.zeros((size, size, 3), np.uint8)
    image[:, : size // 2] = 40 + 30 * run + 10 * step
    image[:, size // 2 :] = (200, 40 * run, 50 * step)
    return image


def marked(run: int, step: int) -> tr.Image:
    """Return a picture with boxes and two masks of which the prediction is wrong in one column."""
    truth = np.zeros((64, 64), np.uint8)
    truth[16:48, 16:48] = 1
    guess = truth.copy()
    guess[16:48, 16 + step] = 2
    box = {"minX": 0.25, "maxX": 0.75, "minY": 0.25, "maxY": 0.75}
    low = {"minX": 0.05, "maxX": 0.2, "minY": 0.6, "maxY": 0.9}
    boxes = [
        {"position": box, "class_id": 1, "scores": {"score": 0.9}},
        {"position": low, "class_id": 2, "scores": {"score": 0.3}},
    ]
    return tr.Image(
        picture(run, step),
        caption=f"frame {step} {HOSTILE}" if run == 0 else f"frame {step}",
        boxes={"prediction": {"box_data": boxes, "class_labels": LABELS}},
        masks={
            "prediction": {"mask_data": guess, "class_labels": LABELS},
            "truth": {"mask_data": truth, "class_labels": LABELS},
        },
    )


def table(run: int) -> tr.Table:
    """Return 2,500 rows of numbers, texts, vectors and small pictures."""
    rng = np.random.default_rng(run)
    rows = []
    for i in range(2500):
        label = ("cat", "dog", "owl")[i % 3]
        center = {"cat": 0.0, "dog": 4.0, "owl": 8.0}[label]
        score = float("nan") if i == 7 else round(((i * 37) % 1000) / 1000, 3)
        vector = (rng.normal(center, 0.6, 6)).tolist()
        thumb = tr.Image(picture(run, i % 4, 16)) if i < 200 else None
        rows.append([i, label, score, i % 2 == 0, vector, thumb, "=1+1" if i == 3 else f"note {i}"])
    return tr.Table(columns=["id", "label", "score", "even", "embedding", "thumb", "note"], data=rows)


def cloud(step: int) -> tr.Object3D:
    """Return a helix with colours and one box."""
    t = np.linspace(0, 8 * math.pi, 1500)
    xyz = np.stack([np.cos(t) * 2, t / 6 - 2, np.sin(t) * 2], 1)
    rgb = np.stack([np.full_like(t, 40 + 40 * step), 255 * t / t.max(), np.full_like(t, 160)], 1)
    corners = [[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    return tr.Object3D(
        {
            "type": "lidar/beta",
            "points": np.concatenate([xyz, rgb], 1),
            "boxes": [{"corners": corners, "label": "car", "color": [255, 120, 60]}],
        }
    )


def solids(folder: Path) -> dict[str, tr.Object3D]:
    """Return one triangle in each of the formats of shapes; the GLB has a picture on it."""
    (folder / "shape.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    facet = "facet normal 0 0 1 outer loop vertex 0 0 0 vertex 1 0 0 vertex 0 1 0 endloop endfacet"
    (folder / "shape.stl").write_text(f"solid one\n{facet}\nendsolid one\n")
    places = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], "<f4").tobytes()
    corners = np.array([[0, 0], [1, 0], [0, 1]], "<f4").tobytes()
    png = io.BytesIO()
    PIL.Image.fromarray(picture(0, 0, 4)).save(png, "png")
    body = places + corners + png.getvalue()
    views = [(0, 36), (36, 24), (60, len(body) - 60)]
    shape = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "material": 0}]}],
        "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}, "doubleSided": True}],
        "textures": [{"source": 0}],
        "images": [{"bufferView": 2, "mimeType": "image/png"}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3", "min": [0, 0, 0], "max": [1, 1, 0]},
            {"bufferView": 1, "componentType": 5126, "count": 3, "type": "VEC2"},
        ],
        "bufferViews": [{"buffer": 0, "byteOffset": at, "byteLength": length} for at, length in views],
        "buffers": [{"byteLength": len(body)}],
    }
    uri = "data:application/octet-stream;base64," + base64.b64encode(body).decode()
    (folder / "shape.gltf").write_text(json.dumps({**shape, "buffers": [{"byteLength": len(body), "uri": uri}]}))
    text = json.dumps(shape).encode()
    text += b" " * (-len(text) % 4)
    body += bytes(-len(body) % 4)
    head = struct.pack("<4sII", b"glTF", 2, 28 + len(text) + len(body))
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(body), b"BIN\0") + body
    (folder / "shape.glb").write_bytes(head + chunks)
    return {f"solid/{kind}": tr.Object3D(str(folder / f"shape.{kind}")) for kind in ("obj", "stl", "gltf", "glb")}


def rich_row(run: int, step: int) -> dict[str, object]:
    """Return one value of each kind."""
    rng = np.random.default_rng(10 * run + step)
    rate = 8000
    sound = np.sin(2 * math.pi * (220 + 110 * step) * np.arange(rate) / rate) * np.linspace(1, 0.1, rate)
    frames = np.stack([np.full((3, 32, 48), 20 * f + 10 * step, np.uint8) for f in range(6)])
    figure = {
        "data": [{"type": "scatter", "mode": "lines+markers", "x": [0, 1, 2, 3], "y": [step, 2, 1, 3], "name": "a"}],
        "layout": {"title": {"text": f"Figure of step {step}"}},
    }
    spec = {
        "mark": "bar",
        "encoding": {"x": {"field": "k", "type": "nominal"}, "y": {"field": "v", "type": "quantitative"}},
    }
    weights = rng.normal(step * 0.5, 1 + step * 0.3, 2000)
    weights[:step] = math.nan
    actual = rng.integers(0, 3, 300)
    wrong = rng.random(300) < 0.25
    predicted = np.where(wrong, rng.integers(0, 3, 300), actual)
    scores = np.eye(3)[predicted] * 0.6 + rng.random((300, 3)) * 0.4
    scores /= scores.sum(1, keepdims=True)
    names = ["cat", "dog", "owl"]
    return {
        "train/loss": 3 / (step + 1) + 0.1 * run,
        "media/image": tr.Image(picture(run, step), caption=f"step {step}"),
        "media/marked": marked(run, step),
        "media/several": [tr.Image(picture(run, step, 24), caption=f"n {i}") for i in range(5)],
        "media/audio": tr.Audio(sound.astype(np.float32), sample_rate=rate, caption="a falling tone"),
        "media/video": tr.Video(frames, fps=4, format="gif"),
        "media/html": tr.Html(PAGE.format(step=step), inject=False),
        "media/cloud": cloud(step),
        "media/molecule": tr.Molecule(WATER, caption="water", file_type="pdb"),
        "charts/plotly": tr.Plotly(figure),
        "charts/vega": tr.VegaLite(
            {**spec, "data": {"name": "table"}},
            tr.Table(columns=["k", "v"], data=[["a", 3 + step], ["b", 5], ["c", 2]]),
        ),
        "charts/confusion": tr.plot.confusion_matrix(
            y_true=actual.tolist(), preds=predicted.tolist(), class_names=names, title="Confusion"
        ),
        "charts/pr": tr.plot.pr_curve(actual.tolist(), scores.tolist(), labels=names),
        "charts/roc": tr.plot.roc_curve(actual.tolist(), scores.tolist(), labels=names),
        "charts/bar": tr.plot.bar(
            tr.Table(columns=["animal", "n"], data=[["cat", 3], ["dog", 5 + step], ["owl", 1]]),
            "animal",
            "n",
            title="Animals",
        ),
        "charts/scatter": tr.plot.scatter(
            tr.Table(columns=["x", "y"], data=rng.normal(0, 1, (200, 2)).tolist()), "x", "y", title="Cloud"
        ),
        "weights/layer1": tr.Histogram(weights),
        "text/answer": f"answer of step {step}: {HOSTILE}" if step == 1 else f"answer of step {step}",
    }


def write_log(run: tr.Run, lines: int) -> None:
    """Write what a training prints: colours, a link, errors, and a bar that has not come to its end."""
    now = time.time_ns() - lines * 1_000_000

    def write(stream: str, text: str, *rest: int) -> None:
        nonlocal now
        now += 1_000_000
        run._writer.append(records.CONSOLE, [now, stream, text, *rest])

    write("stdout", "\x1b[1m\x1b[32mstarting\x1b[0m the \x1b[38;5;208mtraining\x1b[0m")
    trap = "\x1b]8;;javascript:alert(1)\x1b\\a trap\x1b]8;;\x1b\\"
    write("stdout", f"\x1b]8;;https://example.org/docs\x1b\\the docs\x1b]8;;\x1b\\ and {trap}")
    write("stdout", f"hostile {HOSTILE}")
    for line in range(lines):
        write("stdout", f"epoch {line:05d} loss {3 / (line + 1):.4f}")
    write("stderr", "a warning of the loader")
    write("stdout", "training  50%|#####     |", 1)


def checkout(folder: Path) -> None:
    """Make a repository with a commit, an uncommitted change and an untracked file."""
    (folder / "model").mkdir()
    (folder / "train.py").write_text("import math\n\n\ndef loss(step: int) -> float:\n    return 1 / (step + 1)\n")
    (folder / "model" / "net.py").write_text("class Net:\n    width = 64\n")
    run = lambda *words: subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)  # noqa: E731
    run("init", "-q", "-b", "main")
    run("config", "user.email", "ada@example.org")
    run("config", "user.name", "ada")
    run("remote", "add", "origin", "https://ada:secret@example.org/ada/net.git")
    run("add", ".")
    run("commit", "-q", "-m", "The first net")
    (folder / "train.py").write_text("import math\n\n\ndef loss(step: int) -> float:\n    return 2 / (step + 1)\n")
    (folder / "notes.md").write_text("# Notes\n\nTry a *smaller* rate.\n")


def main(folder: str) -> None:
    """Write the runs."""
    work = Path(tempfile.mkdtemp(prefix="treering-code-"))
    checkout(work)
    os.chdir(work)
    sys.argv = ["train.py", "--lr", "0.1"]
    for number in range(3):
        run = tr.init(
            project="rich",
            entity="acme",
            id=f"rich{number}",
            name=("amber-heron-1", "quiet-otter-2", "brisk-marten-3")[number],
            dir=folder,
            config={"lr": 0.1, "model": "net"},
            notes=NOTES if number == 0 else "",
            settings={"silent": True},
        )
        with run:
            if number == 0:
                write_log(run, 3000)
                run.log({"media/table": table(number)}, step=0)
                Path("results.json").write_text(json.dumps({"accuracy": 0.91}, indent=2))
                Path("page.svg").write_text(SVG)
                films = Path(__file__).parent / "films"
                run.log(
                    {f"film/{path.stem}": tr.Video(str(path)) for path in films.iterdir() if path.suffix != ".py"},
                    step=0,
                )
                run.log(solids(Path(tempfile.mkdtemp(prefix="treering-solids-"))), step=0)
                run.save("results.json")
                run.save("page.svg")
            for step in range(STEPS if number != 1 else STEPS - 1):
                run.log(rich_row(number, step), step=step * 100)


if __name__ == "__main__":
    main(sys.argv[1])
