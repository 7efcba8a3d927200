"""Files, code and data sets that belong to a run."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import treering as tr
from treering.errors import InvalidValue
from treering.runlog import records
from treering.sdk.saved import digest_of, file_path

from .conftest import Folder, wait_until


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def saved(folder: Folder, purpose: str = "saved") -> list[tuple[str, bytes]]:
    """(path, bytes) of every FILE record of a purpose, read from the blobs."""
    return [
        (file.path, (folder.path / "blobs" / file.sha256[:2] / file.sha256).read_bytes())
        for file in folder.records(records.FILE)
        if file.about["purpose"] == purpose
    ]


def test_files_are_stored_with_their_paths_and_modes(folder: Folder, work: Path) -> None:
    (work / "out" / "deep").mkdir(parents=True)
    (work / "a.txt").write_text("a")
    (work / "empty").write_bytes(b"")
    (work / "out" / "b #?%ü.bin").write_bytes(b"b")
    (work / "out" / "deep" / "c.sh").write_text("c")
    (work / "out" / "deep" / "c.sh").chmod(0o755)
    with tr.init(project="p") as run:
        assert run.save("a.txt", policy="now") == [str(work / "a.txt")]
        assert len(tr.save("out", policy="now")) == 2
        assert len(run.save(work / "out" / "*.bin", policy="now")) == 1
        assert len(run.save("empty", policy="now")) == 1
        assert len(run.save("*.bin", base_path="out", policy="now")) == 1

    assert saved(folder) == [
        ("a.txt", b"a"),
        ("out/b #?%ü.bin", b"b"),
        ("out/deep/c.sh", b"c"),
        ("b #?%ü.bin", b"b"),
        ("empty", b""),
    ]
    modes = {file.path: file.about["mode"] for file in folder.records(records.FILE)}
    assert modes["out/deep/c.sh"] == 0o755


def write_whole(path: Path, text: str) -> None:
    """Replace a file in one instant, so that nobody sees it empty in between."""
    other = path.with_suffix(".new")
    other.write_text(text)
    other.replace(path)


def test_a_live_file_is_stored_again_when_it_changed(
    folder: Folder, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("treering.sdk.encoder._IDLE_S", 0.05)
    path = work / "model.pt"
    path.write_text("1")
    with tr.init(project="p") as run:
        run.save("*.pt")
        wait_until(lambda: len(saved(folder)) == 1)
        write_whole(path, "22")
        wait_until(lambda: len(saved(folder)) == 2)
        write_whole(work / "later.pt", "new")
        wait_until(lambda: len(saved(folder)) == 3)
        write_whole(path, "333")

    assert saved(folder) == [("model.pt", b"1"), ("model.pt", b"22"), ("later.pt", b"new"), ("model.pt", b"333")]


def test_a_file_for_the_end_is_stored_as_it_is_at_the_end(folder: Folder, work: Path) -> None:
    with tr.init(project="p") as run:
        assert run.save("result.json", policy="end") == []
        (work / "result.json").write_text("early")
        (work / "result.json").write_text("done")

    assert saved(folder) == [("result.json", b"done")]


def test_what_cannot_be_a_path_is_refused_with_a_message(
    folder: Folder, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (work.parent / "outside.txt").write_text("x")
    (work / "back\\slash").write_text("x")
    (work / "good").write_text("x")
    with tr.init(project="p") as run:
        assert run.save("../outside.txt", policy="now") == []
        assert run.save("back*", policy="now") == []
        assert run.save("a\0b", policy="now") == []
        assert run.save("nothing", policy="now") == []
        assert run.save("good", policy="now") != []
        with pytest.raises(InvalidValue, match="policy is one of live, now, end"):
            run.save("good", policy="sometimes")

    said = capsys.readouterr().err
    assert "outside.txt' is not below" in said
    assert "back\\\\slash' has characters" in said
    assert "NUL" in said
    assert "names no file" in said
    assert saved(folder) == [("good", b"x")]


@pytest.mark.parametrize("path", ["../a", "/other/a", "a\\b", "c:/a", "a" * 1_025])
def test_unsafe_names(path: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidValue):
        file_path(tmp_path / path, tmp_path)


def test_a_file_that_vanishes_or_may_not_be_read_costs_itself_alone(
    folder: Folder, work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        (work / name).write_text(name)
    original = open

    def refusing(path: Any, *given: Any, **options: Any) -> Any:
        if str(path).endswith("b.txt"):
            raise PermissionError(13, "Permission denied", str(path))
        return original(path, *given, **options)

    monkeypatch.setattr("builtins.open", refusing)
    with tr.init(project="p") as run:
        run.save("*.txt", policy="end")
        (work / "a.txt").unlink()

    assert saved(folder) == [("c.txt", b"c.txt")]
    assert "b.txt' was not saved" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_costs_itself(
    folder: Folder, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fifo = work / "pipe"
    os.mkfifo(fifo)
    (work / "good").write_text("x")
    with tr.init(project="p") as run:
        run.save("pipe", policy="now")
        run.save("good", policy="now")
        run.log_input("nowhere")

    assert saved(folder) == [("good", b"x")]
    assert "nowhere" in capsys.readouterr().err


# ── code ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_source_files_are_stored_as_code(folder: Folder, work: Path) -> None:
    (work / "train.py").write_text("print()")
    (work / "notes.md").write_text("x")
    (work / "big.py").write_bytes(b"#" * 2_000_000)
    (work / ".hidden").mkdir()
    (work / ".hidden" / "x.py").write_text("x")
    (work / "package").mkdir()
    (work / "package" / "model.py").write_text("y")
    (work / "out.py").symlink_to("/etc/hostname")
    with tr.init(project="p") as run:
        run.log_code()

    assert saved(folder, "code") == [("train.py", b"print()"), ("package/model.py", b"y")]
    facts = folder.records(records.FACTS)
    (fact,) = [each.data["logged_code"] for each in facts if "logged_code" in each.data]
    assert (fact["files"], fact["bytes"], fact["kind"]) == (2, 8, "copy")
    assert fact["skipped"] == [{"path": "big.py", "reason": "large", "bytes": 2_000_000}]


def test_functions_choose_the_code(folder: Folder, work: Path) -> None:
    for name in ("a.py", "b.md", "c.md"):
        (work / name).write_text(name)
    with tr.init(project="p") as run:
        run.log_code(
            ".",
            include_fn=lambda path: path.endswith(".md"),
            exclude_fn=lambda path, root: os.path.relpath(path, root) == "c.md",
        )

    assert saved(folder, "code") == [("b.md", b"b.md")]


def test_secrets_in_logged_code_are_hidden_and_counted(folder: Folder, work: Path) -> None:
    (work / "a.py").write_text("login(token='Zq7plx9K2m4')\n")
    (work / "secrets.py").write_text("x = 1\n")
    with tr.init(project="p") as run:
        run.log_code()

    assert saved(folder, "code") == [("a.py", b"login(token='[redacted]')\n")]
    (file,) = folder.records(records.FILE)
    assert file.about["redacted"] == 1


def test_a_data_folder_among_saved_files_is_not_stored_in_itself(folder: Folder, work: Path) -> None:
    (work / "a.txt").write_text("x")
    run = tr.init(project="p", dir=work / "data")
    assert run.save("*") == [str(work / "a.txt")]
    assert run.save(".") == [str(work / "a.txt")]
    run.finish()


def test_a_function_that_raises_costs_the_code_alone(
    folder: Folder, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (work / "a.py").write_text("x")
    with tr.init(project="p") as run:
        run.log_code(include_fn=lambda path: 1 / 0)
        run.log({"x": tr.Histogram([1])})

    assert "ZeroDivisionError" in capsys.readouterr().err
    assert folder.end()["state"] == "finished"
    assert len(folder.rows()) == 1


# ── inputs ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_inputs_are_noted_by_digest(folder: Folder, work: Path) -> None:
    (work / "data" / "deep").mkdir(parents=True)
    (work / "data" / "b.csv").write_text("b")
    (work / "data" / "deep" / "a.csv").write_text("a")
    with tr.init(project="p") as run:
        run.log_input("data/b.csv")
        run.log_input("data", name="all", kind="folder")
        run.log_input(np.arange(6).reshape(3, 2), name="array")
        run.log_input(pd.DataFrame({"x": [1, 2]}), name="frame")
        run.log_input("data/b.csv")

    inputs = folder.records(records.FACTS)[-1].data["inputs"]
    found = {entry["name"]: entry for entry in inputs}
    sha = {text: hashlib.sha256(text.encode()).hexdigest() for text in "ab"}
    assert len(inputs) == 4
    assert found["b.csv"]["digest"] == f"sha256:{sha['b']}"
    assert (found["b.csv"]["kind"], found["b.csv"]["bytes"]) == ("dataset", 1)
    assert found["b.csv"]["source"] == str(work / "data" / "b.csv")
    whole = f"b.csv\0{sha['b']}\ndeep/a.csv\0{sha['a']}\n"
    assert found["all"]["digest"] == f"sha256:{hashlib.sha256(whole.encode()).hexdigest()}"
    assert (found["all"]["kind"], found["all"]["files"], found["all"]["bytes"]) == ("folder", 2, 2)
    assert (found["array"]["rows"], found["frame"]["rows"]) == (3, 2)


def test_equal_data_have_equal_digests() -> None:
    class Dataset:
        _fingerprint = "abc"
        num_rows = 3

    frame = pd.DataFrame({"x": [1.0, np.nan], "s": ["a", None]})
    pairs: list[tuple[Any, Any, bool]] = [
        (np.arange(3), np.arange(3), True),
        (np.arange(3), np.arange(3.0), False),
        (np.arange(4), np.arange(4).reshape(2, 2), False),
        (frame, frame.copy(), True),
        (frame, frame.rename(columns={"x": "y"}), False),
        (frame, frame.assign(x=[1.0, 2.0]), False),
        (Dataset(), Dataset(), True),
        ({"train": Dataset()}, {"train": Dataset()}, True),
        ({"train": Dataset()}, {"test": Dataset()}, False),
    ]
    for one, other, same in pairs:
        assert (digest_of(one)["digest"] == digest_of(other)["digest"]) == same
    assert digest_of(Dataset())["digest"] == "fingerprint:abc"


def test_what_cannot_be_told_apart_is_said(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    with tr.init(project="p") as run:
        run.log_input(object(), name="thing")
        run.log({"x": 1})

    assert "log_input(): 'thing' was not noted: object is no path, table, array or dataset" in capsys.readouterr().err
    assert len(folder.rows()) == 1
