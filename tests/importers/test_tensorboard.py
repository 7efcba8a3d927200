"""Folders of event files become runs: what was written, when it was written, once."""

from __future__ import annotations

import base64
import itertools
import math
import os
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from treering.errors import NotFound
from treering.importers import folders, imported_run, tensorboard

from .conftest import Imports
from .event_files import (
    FILE,
    START_S,
    event,
    field,
    framed,
    histogram,
    histogram_tensor,
    hyperparameters,
    metadata,
    picture,
    pictures,
    scalar,
    session_start,
    sound,
    tensor,
    text,
    version,
    write,
)

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAYAAAD0In+KAAAAD0lEQVR4nGP4z8DwHwgBABv2A/3dT0mZAAAAAElFTkSuQmCC"
)


def test_each_folder_is_a_run_with_the_times_of_its_events(imports: Imports) -> None:
    write(imports.logs / "a" / FILE, *(event(step, scalar("loss", 1 / (step + 1))) for step in range(50)))
    write(imports.logs / "a" / "eval" / FILE, event(7, scalar("acc", math.nan)))
    write(imports.logs / FILE, event(0, scalar("x", 1.0)))
    (imports.logs / "notes.txt").write_text("not an event file")
    done = imports.read()

    assert [(each.name, each.rows, each.files) for each in done] == [(".", 1, 1), ("a", 50, 1), ("a/eval", 1, 1)]
    run = imports.run("a")
    rows = run.history()
    assert [row["loss"] for row in rows] == pytest.approx([1 / (step + 1) for step in range(50)])
    assert [row["_timestamp"] for row in rows] == [START_S + step for step in range(50)]
    assert run.state == "finished"
    assert run.detail["created_at"] == START_S
    assert run.detail["runtime_s"] == 49.0
    assert math.isnan(imports.series("a/eval", "acc")[0][1])
    assert imports.run("logs").id.startswith("run-"), "the log directory itself has the name of its folder"
    assert imports.left_out == []


def test_every_kind_of_summary_is_understood(imports: Imports) -> None:
    import struct

    write(
        imports.logs / "a" / FILE,
        event(1, tensor("t/scalar", "scalars", 1, [], field(5, struct.pack("<f", 2.5)))),
        event(1, tensor("t/half", "scalars", 19, [], varint_field(13, 0x3E00))),
        event(1, tensor("t/int", "scalars", 9, [], field(10, 7))),
        event(1, text("note", "hello", "there")),
        event(1, picture("one", PNG), pictures("two", PNG, PNG), sound("tone")),
        event(1, histogram("h", [1.0, 2.0, 1.7e308], [1.0, 2.0, 3.0], 0.5, 3.0)),
        event(1, histogram_tensor("ht", [(0.0, 1.0, 4.0), (1.0, 2.0, 6.0)])),
        event(1, histogram_tensor("one_value", [(5.0, 5.0, 0.0), (5.0, 5.0, 9.0)])),
        event(1, tensor("pr", "pr_curves", 2, [6, 3], field(4, struct.pack("<18d", *range(18))))),
        field(1, START_S) + field(4, b"a graph"),
        event(0, hyperparameters({"lr": 0.5, "layers": 3, "name": "cnn", "flag": True, "list": [1, "a"]})),
    )
    imports.read()
    run = imports.run("a")
    (row,) = [row for row in run.history() if row["_step"] == 1]

    assert (row["t/scalar"], row["t/half"], row["t/int"]) == (2.5, 1.5, 7.0)
    assert row["note"] == "hello\nthere"
    assert (row["one"]["_type"], row["one"]["format"], row["one"]["width"]) == ("image-file", "png", 2)
    assert [item["format"] for item in row["two"]["items"]] == ["png", "png"]
    assert (row["tone"]["duration_s"], row["tone"]["sample_rate"]) == (0.1, 8000)
    assert row["h"]["bins"] == [0.5, 1.0, 2.0, 3.0]
    assert row["h"]["values"] == [1.0, 2.0, 3.0]
    assert (row["h"]["min"], row["h"]["max"], row["h"]["mean"], row["h"]["std"]) == (0.5, 3.0, 1.0, 1.0)
    assert (row["ht"]["bins"], row["ht"]["values"]) == ([0.0, 1.0, 2.0], [4.0, 6.0])
    assert row["one_value"]["values"] == [9.0]
    assert (row["pr"]["preset"], row["pr"]["table"]["nrows"]) == ("pr_curve", 3)
    assert run.config == {"lr": 0.5, "layers": 3, "name": "cnn", "flag": True, "list": [1, "a"]}
    assert {file.sha256 for file in run.files()} >= {row["one"]["sha256"], row["tone"]["sha256"]}
    assert run.files(search="/one_1")[0].read() == PNG
    assert imports.left_out == [("a", "the graph of the model is not shown")]
    assert run.detail["meta"]["imported"]["left_out"] == ["the graph of the model is not shown"]


def varint_field(number: int, value: int) -> bytes:
    return field(number, value)


def test_a_histogram_of_hundreds_of_buckets_becomes_64_of_equal_width(imports: Imports) -> None:
    limits = [1.1**power for power in range(300)]
    write(imports.logs / "a" / FILE, event(1, histogram("h", limits, [2.0] * 300, 0.5, limits[-1])))
    imports.read()
    ((_, value),) = imports.series("a", "h")

    assert len(value["values"]) == 64
    assert sum(value["values"]) == pytest.approx(600)
    assert (value["bins"][0], value["bins"][-1]) == (0.5, limits[-1])


def test_a_gif_that_moves_is_a_video(imports: Imports) -> None:
    gif = b"GIF89a\x10\x00\x08\x00\x80\x00\x00" + bytes(6) + b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00;"
    write(imports.logs / "a" / FILE, event(1, picture("clip", gif)))
    imports.read()
    ((_, value),) = imports.series("a", "clip")

    assert (value["_type"], value["width"], value["height"]) == ("video-file", 16, 8)


def test_importing_again_adds_nothing_and_then_only_what_is_new(imports: Imports) -> None:
    path = write(imports.logs / "a" / FILE, event(0, scalar("loss", 1.0)), event(1, picture("p", PNG)))
    first = imports.read()
    again = imports.read()
    assert [each.rows for each in (*first, *again)] == [2, 0]
    assert first[0].run_id == again[0].run_id

    write(path, event(2, scalar("loss", 0.5)), append=True)
    write(imports.logs / "a" / "events.out.tfevents.1800000000.host.2.0", event(3, scalar("loss", 0.25)))
    assert [each.rows for each in imports.read()] == [2]
    assert imports.series("a", "loss") == [(0, 1.0), (2, 0.5), (3, 0.25)]
    assert imports.run("a").state == "finished"


def test_an_import_that_was_killed_anywhere_is_completed_without_doubles(imports: Imports, monkeypatch: Any) -> None:
    events = [event(step, scalar("loss", step), picture("p", PNG)) for step in range(20)]
    write(imports.logs / "a" / FILE, *events)
    write(imports.logs / "a" / "events.out.tfevents.1800000000.host.2.0", event(20, scalar("loss", 20.0)))
    monkeypatch.setattr(tensorboard, "IMPORT_BATCH_BYTES", 600)

    class Killed(BaseException):
        pass

    append = imported_run.ImportedRun._append
    left = 0

    def fails(self: Any, *arguments: Any) -> None:
        nonlocal left
        if left == 0:
            raise Killed
        left -= 1
        append(self, *arguments)

    monkeypatch.setattr(imported_run.ImportedRun, "_append", fails)
    killed = 0
    for survives in itertools.cycle((0, 1, 7, 8, 3, 2, 12, 13)):
        left = survives
        try:
            imports.read()
            break
        except Killed:
            killed += 1
    assert killed > 5

    rows = [row for row in imports.run("a").history() if "loss" in row]
    assert [(row["_step"], row["_attempt"]) for row in rows] == [(step, 0) for step in range(21)]
    assert len(_rows(imports.data)) == 21


def _rows(data: Path) -> list[Any]:
    from treering.runlog import records
    from treering.runlog.reader import SegmentReader

    found = []
    for path in (data / "runs").glob("*/*.trl"):
        with SegmentReader(path) as reader:
            while frames := reader.read(whole=True):
                found += [record for frame in frames if frame.kind == records.ROW for record in records.decode(frame)]
    return found


def test_equal_names_in_other_places_are_other_runs(imports: Imports, tmp_path: Path) -> None:
    write(imports.logs / "train" / FILE, event(0, scalar("loss", 1.0)))
    imports.read()
    shutil.rmtree(imports.logs)
    path = imports.logs / "train" / FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(framed(version(START_S + 9)) + framed(event(0, scalar("loss", 2.0))))
    imports.read()

    assert len(list((imports.data / "runs").iterdir())) == 2


def test_a_writer_that_begins_again_takes_back_what_is_behind(imports: Imports) -> None:
    write(imports.logs / "a" / FILE, *(event(step, scalar("loss", step)) for step in range(10)))
    second = imports.logs / "a" / "events.out.tfevents.1800000000.host.2.0"
    write(second, session_start(5), *(event(step, scalar("loss", -step)) for step in range(5, 8)))
    imports.read()

    latest = imports.run("a").history(attempts="latest")
    assert [(row["_step"], row["loss"]) for row in latest] == [
        *((step, float(step)) for step in range(5)),
        *((step, -float(step)) for step in range(5, 8)),
    ]


def test_a_folder_is_followed_while_it_is_written(imports: Imports, monkeypatch: Any) -> None:
    path = write(imports.logs / "a" / FILE, event(0, scalar("loss", 0.0)))
    heard: list[Any] = []
    stop = threading.Event()
    monkeypatch.setattr(tensorboard, "FOLLOW_EVERY_S", 0.01)
    thread = threading.Thread(target=imports.work().follow, args=(heard.append, stop), daemon=True)
    thread.start()
    for step in range(1, 6):
        with open(path, "ab") as file:
            for byte in (
                (data := framed(event(step, scalar("loss", float(step)))))[: len(data) // 2],
                data[len(data) // 2 :],
            ):
                file.write(byte)
                file.flush()
                time.sleep(0.03)
    write(imports.logs / "b" / FILE, event(0, scalar("loss", 9.0)))
    limit = time.monotonic() + 20
    while time.monotonic() < limit and len(_rows(imports.data)) < 7:
        time.sleep(0.02)
    assert imports.run("a").state == "running"
    stop.set()
    thread.join(20)

    assert {each.name: each.rows for each in heard} == {"a": 6, "b": 1}
    assert imports.series("a", "loss") == [(step, float(step)) for step in range(6)]
    time.sleep(0.5)
    assert imports.run("a").state == "finished"


def test_a_second_import_of_the_same_run_waits_its_turn(imports: Imports) -> None:
    write(imports.logs / "a" / FILE, event(0, scalar("loss", 1.0)))
    first = imports.read()[0]
    held = imported_run.ImportedRun(imports.data, "ada", "board", first.run_id, lambda subject, text: None)
    assert imports.read() == []
    held.close()

    assert "another import is writing the run" in imports.left_out[-1][1]


# ── hostile folders ──────────────────────────────────────────────────────────────────────────────────────────────


def test_links_devices_and_broken_files_are_named_and_the_rest_is_imported(imports: Imports, tmp_path: Path) -> None:
    logs = imports.logs
    write(logs / "good" / FILE, event(0, scalar("loss", 1.0)))
    outside = write(tmp_path / "outside" / FILE, event(0, scalar("secret", 1.0)))
    (logs / "linked").symlink_to(outside.parent)
    (logs / "loop").symlink_to(logs)
    (logs / "file").mkdir()
    (logs / "file" / FILE).symlink_to(outside)
    os.mkfifo(logs / "file" / "pipe.tfevents")
    (logs / "empty").mkdir()
    (logs / "empty" / FILE).write_bytes(b"")
    (logs / "noise").mkdir()
    (logs / "noise" / FILE).write_bytes(os.urandom(100_000))
    broken = write(logs / "flipped" / FILE, *(event(step, scalar("loss", step)) for step in range(20)))
    data = bytearray(broken.read_bytes())
    data[400] ^= 1
    broken.write_bytes(data)
    cut = write(logs / "cut" / FILE, *(event(step, scalar("loss", step)) for step in range(20)))
    os.truncate(cut, cut.stat().st_size - 3)
    done = {each.name: each.rows for each in imports.read()}

    assert done == {"good": 1, "flipped": 19, "cut": 19}
    assert dict(imports.left_out).keys() == {"linked", "loop", f"file/{FILE}", "file/pipe.tfevents", "flipped", "noise"}
    assert "does not fit its checksum" in dict(imports.left_out)["flipped"]
    assert "secret" not in str(_rows(imports.data))


def test_limits_name_the_entry_that_they_were_met_at(imports: Imports, monkeypatch: Any) -> None:
    for number in range(6):
        write(imports.logs / f"r{number}" / FILE, event(0, scalar("loss", 1.0)))
    monkeypatch.setattr(folders, "IMPORT_RUNS_MAX", 4)
    assert [each.name for each in imports.read()] == ["r0", "r1", "r2", "r3"]
    assert imports.left_out == [("r4", "more than 4 runs")]

    monkeypatch.setattr(folders, "IMPORT_RUNS_MAX", 100)
    monkeypatch.setattr(folders, "IMPORT_ENTRIES_MAX", 9)
    imports.left_out.clear()
    assert [each.name for each in imports.read()] == ["r0", "r1", "r2"]
    assert "more than 9 files and folders" in imports.left_out[0][1]


def test_a_hundred_thousand_entries_and_folders_without_end_are_looked_through(imports: Imports) -> None:
    write(imports.logs / "z" / FILE, event(0, scalar("loss", 1.0)))
    crowded = imports.logs / "crowded"
    crowded.mkdir()
    for number in range(100_000):
        os.close(os.open(crowded / f"{number}.txt", os.O_CREAT | os.O_WRONLY))
    deep = imports.logs / "deep"
    for _ in range(100):
        deep = deep / "d"
    deep.mkdir(parents=True)
    write(deep / FILE, event(0, scalar("loss", 1.0)))

    assert [each.name for each in imports.read()] == ["z"]
    assert imports.left_out[0][1] == "more than 64 folders within each other"


def test_a_value_that_unpacks_a_thousandfold_is_stored_as_it_is_and_never_unpacked(imports: Imports) -> None:
    import zlib

    pixels = zlib.compress(bytes(100_000_000), 9)
    header = (20_000).to_bytes(4, "big") + (40_000).to_bytes(4, "big") + b"\x01\x00\x00\x00\x00"
    bomb = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")
    huge = field(1, 1) + field(2, field(2, field(1, 1 << 40))) + field(5, b"\0\0\0\0")
    write(
        imports.logs / "a" / FILE,
        event(0, picture("bomb", bomb)),
        event(1, field(1, "tensor") + field(8, huge)),
        event(2, field(1, "many") + field(5, b"\x08\x01" * 300_000)),
        event(3, scalar("loss", 1.0)),
    )
    assert [each.rows for each in imports.read()] == [2]

    ((_, value),) = imports.series("a", "bomb")
    assert (value["size"], value["width"], value["height"]) == (len(bomb), 20_000, 40_000)
    assert dict(imports.left_out) == {"a": imports.left_out[-1][1]}
    said = " ".join(why for _, why in imports.left_out)
    assert "'tensor': a tensor of more than 1,000,000 numbers" in said
    assert "'many'" in said


def _chunk(kind: bytes, data: bytes) -> bytes:
    import zlib

    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def test_names_of_every_kind_become_runs(imports: Imports) -> None:
    names = ["a b", "ünïcode", "100%", "q?x", "new\nline", "..hidden", "x" * 200]
    for name in names:
        write(imports.logs / name / FILE, event(0, scalar(f"k/{name}", 1.0)))
    os.makedirs(os.fsencode(imports.logs) + b"/bad\xff")
    write(Path(os.fsdecode(os.fsencode(imports.logs) + b"/bad\xff")) / FILE, event(0, scalar("x", 1.0)))

    assert len(imports.read()) == len(names) + 1
    assert len({each.run_id for each in imports.read()}) == len(names) + 1


def test_steps_that_no_run_can_have_are_left_out(imports: Imports) -> None:
    write(imports.logs / "a" / FILE, event(-1, scalar("loss", 1.0)), event(1, scalar("loss", 2.0)))
    imports.read()

    assert imports.series("a", "loss") == [(1, 2.0)]
    assert imports.left_out == [("a", "values at step -1 were left out")]


def test_summaries_of_unknown_plugins_are_named(imports: Imports) -> None:
    write(
        imports.logs / "a" / FILE, event(1, field(1, "m") + metadata("mesh") + field(8, b"")), event(1, scalar("x", 1))
    )
    imports.read()

    assert imports.left_out == [("a", "meshes cannot be shown")]


def test_a_folder_that_is_not_there_is_said(imports: Imports) -> None:
    with pytest.raises(NotFound):
        imports.read()
