"""``treering origin``: a file on the disk and the run that it comes from, with a server and without one."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any

import pytest

import treering as tr
from treering.cli import main
from treering.errors import InvalidValue
from treering.limits import PART_BYTES
from treering.sdk.stamps import Stamp, read_stamp, write_stamp

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
        if not name.endswith("onnx"):
            assert once.endswith(tensors)
            write_stamp(path, Stamp("b" * 26, "x/y/z"))
            assert read_stamp(path) == Stamp("b" * 26, "x/y/z")
            assert (len(path.read_bytes()) - len(tensors)) % (128 if name.startswith("b") else 8) == 0
        else:
            assert once.startswith(data)
            with pytest.raises(InvalidValue, match="stamp of another run"):
                write_stamp(path, Stamp("b" * 26, "x/y/z"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gguf", "a.onnx", "a.safetensors", "b.gguf"]


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
