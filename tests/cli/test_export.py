"""``treering export``: one page that holds everything, and what comes back of it; or a folder of plain files."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import treering as tr
from treering.cli import main
from treering.cli.export import page_text
from treering.errors import FormatError, NewerFormat
from treering.importers.page import import_page

HOSTILE = "</script><script>alert(1)</script><!-- & ' \" \u2028"


@pytest.fixture(scope="module", autouse=True)
def _script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A stand-in for the page's built script, which browser journeys hold."""
    script = tmp_path_factory.mktemp("script") / "page.js"
    script.write_text('const ends = "</script><!--";\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("treering.cli.export._PAGE", script)
        patch.setattr("treering.cli.export._REPORT_SCRIPT", script)
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("export")
    for n in range(2):
        with tr.init(
            project="digits",
            entity="ada",
            id=f"r{n}",
            name=f"=run {n} {HOSTILE}",
            notes=HOSTILE,
            tags=["a"],
            config={"lr": 0.1, "nan": math.nan, "text": HOSTILE},
            dir=root / "data",
        ) as run:
            for step in range(20):
                run.log({"loss": math.nan if step == 3 else 1 / (1 + step), "count": step, "big": 2**60})
            run.log({"note": HOSTILE})
            (root / "w.bin").write_bytes(b"weights")
            run.save(root / "w.bin", policy="now")
    return root / "data"


@pytest.fixture(scope="module")
def page(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "page.html"
    assert main(["export", "ada/digits", "--data", str(data), "--html", str(file)]) == 0
    return file


def test_a_page_has_one_script_and_whatever_was_logged_is_data(page: Path):
    text = page.read_text()
    head = text[: text.index("</head>")]

    before, _, script = text.partition("<script>")
    assert re.findall(r"<[a-z/]*script[^>]*>", before.split("</head>")[1]) == [
        '<script type="application/json" id="treering-index">',
        "</script>",
        '<script type="application/json" id="treering-blocks">',
        "</script>",
    ]
    assert (script.count("</script>"), script.endswith("</script>\n</body>\n</html>\n")) == (1, True)
    assert "<!--" not in text
    assert "default-src 'none'; script-src 'sha256-" in head
    assert "http" not in head.split("http-equiv", 1)[1]
    assert "<title>ada/digits</title>" in head


def test_a_script_that_would_end_itself_cannot():
    text = page_text('let a = "</script><!-- x";', "t", {}, [])
    assert text.count("</script>") == 3
    assert '"<\\/script><\\!-- x"' in text


def test_runs_come_back_from_a_page_as_they_were(data: Path, page: Path, tmp_path: Path, capsys: Any):
    into = tmp_path / "again"
    assert main(["import", "html", str(page), "--data", str(into), "--entity", "ada", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [run["why"] for run in said["runs"]] == ["", ""]
    with tr.Api(data) as before, tr.Api(into) as after:
        old, new = before.run("ada/digits/r1"), after.run("ada/digits/r1")
        for name in ("loss", "count"):
            rows = [[(row["_step"], row[name]) for row in run.history([name])] for run in (old, new)]
            assert [(step, repr(value)) for step, value in rows[0]] == [(step, repr(value)) for step, value in rows[1]]
        assert (new.name, new.notes, new.tags) == (old.name, old.notes, old.tags)
        assert (new.config["lr"], new.config["text"], math.isnan(new.config["nan"])) == (0.1, HOSTILE, True)
        assert new.summary["note"] == HOSTILE
        assert new.created_at == pytest.approx(old.created_at, abs=1e-3)
    assert main(["import", "html", str(page), "--data", str(into), "--entity", "ada"]) == 1


@pytest.mark.parametrize(
    ("index", "blocks"),
    [
        ({"format": 1, "runs": 5}, []),
        ({"format": 1, "runs": [5]}, []),
        ({"format": 1}, "x"),
        ({"runs": []}, []),
    ],
)
def test_what_is_no_page_of_ours_is_refused(index: Any, blocks: Any, tmp_path: Path):
    file = tmp_path / "x.html"
    file.write_text(page_text("", "t", index, blocks))
    with pytest.raises(FormatError):
        import_page(file, tmp_path / "data", "ada", None, lambda *_: None)
    file.write_text("<html></html>")
    with pytest.raises(FormatError, match="is no page"):
        import_page(file, tmp_path / "data", "ada", None, lambda *_: None)
    file.write_text(page_text("", "t", {"format": 9, "runs": []}, []))
    with pytest.raises(NewerFormat):
        import_page(file, tmp_path / "data", "ada", None, lambda *_: None)


def test_a_column_that_lies_costs_its_run_and_no_memory(tmp_path: Path):
    import base64
    import zlib

    bomb = base64.b64encode(zlib.compress(b"\0" * 300_000_000, 9)).decode()
    run = {"run_id": "r", "project": "p", "created_at": 1.0}
    for series, blocks in (
        ({"key": "k", "n": 1, "steps": 0, "times": 0, "values": 9}, ["x"]),
        ({"key": "k", "n": 1, "steps": 0, "times": 0, "values": 0}, [bomb]),
        (
            {"key": "k", "n": 2, "steps": 0, "times": 0, "values": 0},
            [base64.b64encode(zlib.compress(b"\0" * 8)).decode()],
        ),
    ):
        file = tmp_path / "x.html"
        file.write_text(page_text("", "t", {"format": 1, "runs": [{**run, "series": [series]}]}, blocks))
        found = import_page(file, tmp_path / "data", "ada", None, lambda *_: None)
        assert found[0].why.startswith(("a column", "columns of"))
        assert not (tmp_path / "data").exists()


def test_a_folder_has_every_row_and_file_and_a_table_without_formulas(data: Path, tmp_path: Path):
    out = tmp_path / "out"
    assert main(["export", "ada/digits", "--data", str(data), "--dir", str(out), "--filter", 'id = "r1"']) == 0
    (place,) = (out / "runs").iterdir()
    with open(out / "runs.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["name"].startswith("'=run 1")
    assert json.loads((place / "run.json").read_text())["config"]["nan"] == "NaN"
    assert any((place / f"history.{kind}").exists() for kind in ("parquet", "jsonl"))
    assert (place / "files" / "w.bin").read_bytes() == b"weights"
    assert main(["export", "ada/digits", "--data", str(data), "--dir", str(out)]) == 2
    assert main(["export", "ada/digits", "--data", str(data)]) == 2
    assert main(["export", "nothing", "--data", str(data), "--dir", str(tmp_path / "x")]) == 3


def test_a_frozen_report_is_a_page_with_its_text_and_data(data: Path, tmp_path: Path, capsys: Any):
    file = tmp_path / "report.html"
    words = ["export", "--data", str(data), "--html", str(file)]
    with tr.Api(data) as api:
        report = api.create_report("ada/digits", HOSTILE, f"# Losses\n\n{HOSTILE}\n")
        words.append(f"report:{report.id}")
        assert main(words) != 0
        said = capsys.readouterr().err
        report.freeze()

    assert main(words) == 0

    assert "frozen" in said
    index = json.loads(re.findall(r'id="treering-index">(.*?)</script>', file.read_text(), re.S)[0])
    assert index["kind"] == "report"
    assert index["report"]["markdown"].startswith("# Losses")
    assert index["report"]["frozen"]["frozen_by"]
    assert "<script>alert(1)" not in file.read_text()


def test_a_reports_page_has_the_bytes_it_shows_and_becomes_a_draft_over_its_runs_again(tmp_path: Path, capsys: Any):
    with tr.init(project="shown", entity="ada", id="r", dir=tmp_path / "data") as run:
        run.log({"loss": 0.5, "img": tr.Image(np.zeros((4, 4, 3), np.uint8))})
        run.log({"rows": tr.Table(["n", "picture"], [[1, tr.Image(np.ones((3, 3, 3), np.uint8))], [2, None]])})
    fence = "```treering\n{}\n```\n\n"
    text = "# {{ mean(loss) }}\n\n" + "".join(
        fence.format(json.dumps({"panel": {"type": "media", "settings": {"key": key}}})) for key in ("img", "rows")
    )
    file = tmp_path / "report.html"
    with tr.Api(tmp_path / "data") as api:
        report = api.create_report("ada/shown", "Shown", text)
        report.freeze()
        report.refresh()
        report.markdown = text + fence.format('{"panel": {"type": "line", "settings": {"keys": ["loss"]}}}')
        report.save()
        words = ["export", f"report:http://host/ada/shown/reports/{report.id}?version=1", "--with-runs"]
        assert main([*words, "--data", str(tmp_path / "data"), "--html", str(file)]) == 0

    said = capsys.readouterr().err
    assert "1 of its figures was added or changed after it was frozen" in said
    page = file.read_text()
    index, blocks = (
        json.loads(re.findall(rf'id="treering-{name}">(.*?)</script>', page, re.S)[0]) for name in ("index", "blocks")
    )
    frozen, held = index["report"]["frozen"], index["report"]["bytes"]
    (kept,) = frozen["figures"][1]["panels"][0]["media"]["tables"].values()
    assert ([row[0] for row in kept["rows"]], kept["total"]) == ([1, 2], 2)
    assert held.keys() == frozen["blobs"].keys()
    assert sorted(kind for _, kind in held.values()) == ["", "image/png", "image/png"]  # and the table's Parquet
    for sha256, (block, _) in held.items():
        assert hashlib.sha256(base64.b64decode(blocks[block])).hexdigest() == sha256

    into = ["import", "html", str(file), "--data", str(tmp_path / "again"), "--entity", "bea", "--json"]
    assert main(into) == 0
    made = json.loads(capsys.readouterr().out)
    with tr.Api(tmp_path / "again") as api:
        again = api.report(made["report"])
        assert (again.markdown, again.published) == (report.markdown, False)
        assert again.values()["mean(loss)"]["written"] == "0.5"
    assert main(into) == 1  # a second time adds nothing
    assert "has a report of this title" in capsys.readouterr().err
