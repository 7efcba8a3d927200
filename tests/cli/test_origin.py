"""``treering origin``: a file on the disk and the run that it comes from, with a server and without one."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import treering as tr
from treering.cli import main
from treering.errors import InvalidValue
from treering.limits import PART_BYTES
from treering.sdk.stamps import Stamp, _open_beside, read_stamp, write_stamp

KEY = "a" * 26
STAMP = Stamp(KEY, "ada/digits/r")


def safetensors(tensors: dict[str, bytes], metadata: dict[str, str] | None = None) -> bytes:
    header: dict[str, Any] = {} if metadata is None else {"__metadata__": metadata}
    at = 0
    for name, data in tensors.items():
        header[name] = {"dtype": "U8", "shape": [len(data)], "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(tensors.values())


def gguf(data: bytes, keys: int = 2, alignment: int | None = None) -> bytes:
    def string(text: str) -> bytes:
        return struct.pack("<Q", len(text)) + text.encode()

    entries = [string(f"key {n}") + struct.pack("<I", 8) + string("x" * n) for n in range(keys)]
    entries.append(string("list") + struct.pack("<IIQ", 9, 8, 2) + string("a") + string("b"))
    if alignment is not None:
        entries.append(string("general.alignment") + struct.pack("<II", 4, alignment))
    info = string("w") + struct.pack("<IQIQ", 1, len(data), 24, 0)
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(entries)) + b"".join(entries) + info
    return head + b"\0" * (-len(head) % (alignment or 32)) + data


def onnx(graph: bytes) -> bytes:
    return b"\x08\x08" + b"\x12\x07pytorch" + b"\x3a" + bytes([len(graph)]) + graph


def onnx_entry(key: str, value: str) -> bytes:
    """One of a model's metadata_props, shorter than 128 bytes."""
    entry = b"".join(bytes([tag, len(text)]) + text.encode() for tag, text in ((0x0A, key), (0x12, value)))
    return b"\x72" + bytes([len(entry)]) + entry


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one run that saved weights twice under one name, and a stamped copy."""
    root = tmp_path_factory.mktemp("origin")
    tensors = {f"layer {n}": os.urandom(100_000) for n in range(10)}
    (root / "first.safetensors").write_bytes(safetensors(tensors))
    changed = {**tensors, "layer 3": os.urandom(100_000)}
    (root / "second.safetensors").write_bytes(safetensors(changed))
    weights = root / "model.safetensors"
    with tr.init(project="digits", entity="ada", id="r", dir=root / "data", config={"lr": 0.1}) as run:
        run.log_input(__file__, name="the data")
        for step, name in enumerate(("first", "second")):
            run.log({"loss": 1.0 - step / 2})
            weights.write_bytes((root / f"{name}.safetensors").read_bytes())
            run.save(weights, base_path=root, policy="now")
            run._encoding().drain(10, False)
        run.log({"loss": -99.0})
        weights.write_bytes(safetensors(tensors, {"format": "pt"}))
        run.save(weights, base_path=root, policy="now", stamp=True)
    return root


def origin(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = main(["origin", *words, "--json"])
    said = capsys.readouterr()
    return code, json.loads(said.out) if said.out else {"error": said.err}


@pytest.fixture(params=["server", "offline"])
def how(request: pytest.FixtureRequest, folder: Path) -> list[str]:
    """The words that name where to ask."""
    data = str(folder / "data")
    return ["--offline", data] if request.param == "offline" else ["--data", data]


def test_a_file_that_was_written_over_since_is_known_with_the_metrics_of_its_time(
    folder: Path, how: list[str], capsys: pytest.CaptureFixture[str]
):
    code, said = origin(capsys, str(folder / "first.safetensors"), *how)

    assert (code, said["known"]) == (0, True)
    found = said["origins"][0]
    assert (found["how"], found["run_id"], found["config"]) == ("hash", "r", {"lr": 0.1})
    assert found["values"]["loss"] == [0, 1.0]
    assert (found["file"]["path"], found["file"]["is_held"]) == ("model.safetensors", True)
    assert found["inputs"][0]["name"] == "the data"


def test_a_file_with_another_header_is_told_by_its_tensors_and_one_that_was_trained_on_by_its_share(
    folder: Path, how: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    raw = (folder / "second.safetensors").read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + length])
    tensors = {name: raw[8 + length :][slice(*about["data_offsets"])] for name, about in header.items()}
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(safetensors(dict(reversed(tensors.items())), {"saved by": "another tool"}))
    code, said = origin(capsys, str(copy), *how)
    assert (code, said["origins"][0]["how"], said["origins"][0]["file"]["share"]) == (0, "parts", 1.0)

    tuned = tmp_path / "tuned.safetensors"
    tuned.write_bytes(safetensors({**tensors, "layer 7": os.urandom(100_000)}))
    code, said = origin(capsys, str(tuned), *how)
    assert (code, said["known"]) == (3, False)
    assert said["origins"][0]["file"]["share"] == pytest.approx(0.9)
    assert origin(capsys, str(tuned), "--share", "80", *how)[0] == 0
    main(["origin", str(tuned), *how])
    assert "90.0% of it is model.safetensors of this run" in capsys.readouterr().out


def test_a_stamp_names_the_run_and_leaves_the_tensors_as_they_are(
    folder: Path, how: list[str], capsys: pytest.CaptureFixture[str]
):
    code, said = origin(capsys, str(folder / "model.safetensors"), *how)

    assert code == 0
    assert said["stamp"]["path"] == "ada/digits/r"
    assert said["stamp"]["run_key"] == said["origins"][0]["run_key"]
    raw = (folder / "model.safetensors").read_bytes()
    header = json.loads(raw[8 : 8 + struct.unpack("<Q", raw[:8])[0]])
    assert header["__metadata__"]["format"] == "pt"
    assert raw.endswith((folder / "first.safetensors").read_bytes()[-1_000_000:])


def test_weights_that_nobody_saved_are_unknown_and_a_folder_is_wrong_use(
    folder: Path, how: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    other = tmp_path / "other.bin"
    other.write_bytes(os.urandom(200_000))
    code, said = origin(capsys, str(other), *how)
    assert (code, said["origins"]) == (3, [])
    assert origin(capsys, str(tmp_path), *how)[0] == 2
    assert origin(capsys, str(tmp_path / "none"), *how)[0] == 2
    assert origin(capsys, str(other), "--offline", str(tmp_path))[0] == 2


# ── stamps ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_each_format_takes_a_stamp_that_can_be_read_again_and_again_replaced(tmp_path: Path):
    tensors = os.urandom(5_000)
    for name, data in (
        ("a.safetensors", safetensors({"w": tensors})),
        ("a.gguf", gguf(tensors)),
        ("b.gguf", gguf(tensors, keys=7, alignment=128)),
        ("a.onnx", onnx(b"graph")),
        ("b.onnx", onnx(b"graph") + onnx_entry("a", "b") + b"\x2a\x01\x00"),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        path.chmod(0o640)
        assert read_stamp(path) is None
        write_stamp(path, STAMP)
        assert read_stamp(path) == STAMP
        once = path.read_bytes()
        write_stamp(path, STAMP)
        assert (path.read_bytes(), path.stat().st_mode & 0o777) == (once, 0o640)
        other = Stamp("b" * 26, "x/y/z and a longer one")
        write_stamp(path, other)
        assert read_stamp(path) == other
        if name.endswith("onnx"):  # all that was there, and one field behind it
            assert (once[: len(data)], path.read_bytes()[: len(data)]) == (data, data)
            assert path.read_bytes().count(b"treering.run") == 1
        else:
            assert once.endswith(tensors)
            assert (len(path.read_bytes()) - len(tensors)) % (128 if name.startswith("b") else 8) == 0
        write_stamp(path, STAMP)
        assert path.read_bytes() == once
    assert len(list(tmp_path.iterdir())) == 5


def test_a_stamp_in_the_middle_of_a_model_is_replaced_and_the_rest_stays(tmp_path: Path):
    begin, end = onnx(b"graph"), b"\x2a\x01\x00" + onnx_entry("a", "b")
    old = json.dumps({"run": "b" * 26, "path": "x/y/z"})
    path = tmp_path / "m.onnx"
    path.write_bytes(begin + onnx_entry("treering.run", old) + end + onnx_entry("treering.run", old))
    write_stamp(path, STAMP)
    assert path.read_bytes().startswith(begin + end)
    assert path.read_bytes().count(b"treering.run") == 1
    assert read_stamp(path) == STAMP


def test_a_kill_in_the_middle_of_a_stamp_leaves_a_whole_file_and_no_litter_for_ever(tmp_path: Path):
    data = safetensors({"w": os.urandom(24 << 20)})
    path = tmp_path / ("n" * 240 + ".safetensors")  # a name that leaves no room for a longer one
    path.write_bytes(data)
    write_stamp(path, STAMP)
    stamped = {data, path.read_bytes()}
    code = f"from pathlib import Path\nfrom treering.sdk.stamps import Stamp, write_stamp\np = Path({str(path)!r})\n"
    code += f"print(flush=True)\nwhile True: write_stamp(p, Stamp({KEY!r}, 'ada/digits/r'))"
    for pause_s in (0.0, 0.01, 0.03):
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(pause_s)
            process.kill()
        assert path.read_bytes() in stamped
    write_stamp(path, STAMP)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_two_stamp_one_file_one_after_the_other(tmp_path: Path):
    path = tmp_path / "m.safetensors"
    path.write_bytes(safetensors({"w": b"1"}))
    beside, place = _open_beside(path)
    with beside, pytest.raises(InvalidValue, match="another process stamps"):
        write_stamp(path, STAMP)
    write_stamp(path, STAMP)
    assert read_stamp(path) == STAMP
    assert not place.exists()


def test_what_cannot_be_stamped_is_named(tmp_path: Path):
    path = tmp_path / "odd.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 9, 0, 0))
    with pytest.raises(InvalidValue, match=r"odd\.gguf"):
        write_stamp(path, STAMP)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 a torch file",
        struct.pack("<Q", 1 << 60) + b"{}",
        struct.pack("<Q", 2) + b"[]" + b"x" * 9,
        b"GGUF" + struct.pack("<IQQ", 9, 0, 0),
        b"GGUF" + struct.pack("<IQQ", 3, 1 << 40, 1),
        gguf(b"x" * 99)[:60],
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1) + b"k" + struct.pack("<I", 77) + b"\0" * 99,
        onnx(b"graph")[:-2],
        onnx(b"graph") + b"\xff\xff",
    ],
)
def test_a_file_that_is_not_understood_is_left_as_it_is(data: bytes, tmp_path: Path):
    path = tmp_path / "weights"
    path.write_bytes(data)
    assert read_stamp(path) is None
    with pytest.raises(InvalidValue):
        write_stamp(path, STAMP)
    assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


def test_a_large_file_of_any_format_is_cut_into_parts(tmp_path: Path):
    from treering.runlog.file_parts import parts_of, read_digests, write_digests

    path = tmp_path / "big"
    path.write_bytes(os.urandom(PART_BYTES * 2 + 5))
    parts = parts_of(path)
    assert [(part.offset, part.length) for part in parts] == [
        (0, PART_BYTES),
        (PART_BYTES, PART_BYTES),
        (2 * PART_BYTES, 5),
    ]
    assert read_digests(write_digests(parts)) == [part.digest for part in parts]
    for wrong in ("abc", "g" * 16, None, 5, "a" * 17):
        assert read_digests(wrong) == []
