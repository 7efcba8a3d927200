"""EXAM 15 for artifacts: a server that means harm writes nothing outside the folder, and nothing that it did not announce."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import treering as tr
from exam.test_15_hostile_server import Hostile, reply
from treering.errors import FormatError, InvalidName, ServerUnavailable, TreeringError, UsageError
from treering.runlog.artifact_manifest import Entry, Manifest
from treering.sdk.artifacts.download import fetch_all

EVIL = b"evil"
SHA256 = hashlib.sha256(EVIL).hexdigest()
PATHS = [
    "../outside",
    "/tmp/treering-outside",
    "a/../../outside",
    "C:\\outside",
    "C:/outside",
    "a\\..\\outside",
    "a/./b",
    "nul\0",
    "",
    "x/C:outside",
]


def version(digest: str, size: int, **more: Any) -> bytes:
    row = {
        "entity": "ada",
        "project": "p",
        "name": "data",
        "type": "dataset",
        "version": 0,
        "digest": digest,
        "manifest_bytes": size,
        "aliases": [],
        "tags": [],
        "description": "",
        "bytes": 4,
        "files": 1,
        **more,
    }
    import msgspec

    return msgspec.msgpack.encode(row)


def serving(listed: bytes, content: bytes = EVIL, digest: str = "", **more: Any) -> Hostile:
    """Return a server that describes a version by *listed* and has *content* for everything in it."""
    digest = digest or hashlib.sha256(listed).hexdigest()

    def answer(near: Any, request: bytes) -> None:
        target = request.split(b" ")[1].decode()
        if target.endswith(digest):
            body = listed
        elif "/blobs/" in target:
            body = content
        else:
            body = version(digest, len(listed), **more)
        reply("200 OK", body, "application/msgpack")(near, request)

    return Hostile(answer)


def listing(entries: dict[str, Any]) -> bytes:
    return json.dumps({"entries": entries, "format": 1}, separators=(",", ":"), ensure_ascii=False).encode()


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_out_of_the_folder(tmp_path: Path, path: str) -> None:
    server = serving(listing({path: {"bytes": 4, "sha256": SHA256}}))
    with tr.Api(base_url=server.url, token="t") as api, pytest.raises(FormatError):
        api.artifact("ada/p/data").download(tmp_path / "out")
    server.close()

    assert everything(tmp_path) <= {"out"}
    assert not Path("/tmp/treering-outside").exists()


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("other bytes", FormatError),
        ("too many bytes", FormatError),
        ("too few bytes", (FormatError, ServerUnavailable)),
        ("another list", FormatError),
        ("names that lead elsewhere", FormatError),
        ("no version", FormatError),
        ("a list without end", FormatError),
        ("a file without end", FormatError),
    ],
)
def test_what_is_not_what_was_announced_gets_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, error: Any
) -> None:
    monkeypatch.setattr("treering.sdk.artifacts.download._PAUSE_S", 0.001)
    listed = Manifest({"a": Entry(4, SHA256)}).encode()
    makes: dict[str, Callable[[], Hostile]] = {
        "other bytes": lambda: serving(listed, b"wrong"[:4]),
        "too many bytes": lambda: serving(listed, EVIL * 1_000_000),
        "too few bytes": lambda: serving(listed, b""),
        "another list": lambda: serving(Manifest({"b": Entry(4, SHA256)}).encode(), digest="1" * 64),
        "names that lead elsewhere": lambda: serving(listed, name="../../etc"),
        "no version": lambda: serving(listed, version="many"),
        "a list without end": lambda: serving(listed, manifest_bytes=10**12),
        "a file without end": lambda: serving(Manifest({"a": Entry(10**12, SHA256)}).encode(), EVIL * 1_000_000),
    }
    server = makes[what]()
    with tr.Api(base_url=server.url, token="t") as api, pytest.raises(error):
        api.artifact("ada/p/data").download(tmp_path / "out")
    server.close()

    assert not (tmp_path / "out" / "a").exists()
    assert not (tmp_path / "out" / "b").exists()


def test_nothing_is_written_through_a_link_or_over_a_folder(tmp_path: Path) -> None:
    entries = {"dir/file": Entry(4, SHA256), "plain": Entry(4, SHA256)}
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_bytes(b"mine")
    for number, prepare in enumerate(
        (
            lambda root: (root / "dir").symlink_to(outside),
            lambda root: (root / "plain").symlink_to(outside / "file"),
            lambda root: (root / "plain").mkdir(),
        )
    ):
        root = tmp_path / str(number)
        root.mkdir()
        prepare(root)
        server = serving(Manifest(entries).encode())
        with tr.Api(base_url=server.url, token="t") as api, pytest.raises((UsageError, InvalidName)):
            api.artifact("ada/p/data").download(root)
        server.close()
        assert everything(outside) == {"file"}
        assert (outside / "file").read_bytes() == b"mine"
        assert not (root / "dir" / "file").is_file() or (root / "dir").is_symlink()


def test_two_names_that_are_one_on_this_disk_overwrite_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a disk tells no upper from lower case, of which there is none here."""
    monkeypatch.setattr("treering.sdk.artifacts.download._tells_no_case", lambda root: True)
    for one, other in (("README", "readme"), ("é", "e\u0301")):
        with pytest.raises(UsageError, match="one file on this disk"):
            fetch_all(None, {one: Entry(4, SHA256), other: Entry(4, SHA256)}, tmp_path / "out", lambda size: None)  # type: ignore[arg-type]
    assert everything(tmp_path / "out") == set()


def test_a_partial_file_that_somebody_planted_does_no_harm(tmp_path: Path) -> None:
    listed = Manifest({"a": Entry(4, SHA256)}).encode()
    (tmp_path / "out" / ".treering-partial").mkdir(parents=True)
    (tmp_path / "out" / ".treering-partial" / SHA256).write_bytes(b"evxx")
    server = serving(listed)
    with tr.Api(base_url=server.url, token="t") as api:
        api.artifact("ada/p/data").download(tmp_path / "out")
    assert (tmp_path / "out" / "a").read_bytes() == EVIL
    (tmp_path / "out" / "a").unlink()
    (tmp_path / "out" / ".treering-partial").mkdir()
    (tmp_path / "mine").write_bytes(b"mine")
    (tmp_path / "out" / ".treering-partial" / SHA256).symlink_to(tmp_path / "mine")
    with tr.Api(base_url=server.url, token="t") as api, pytest.raises((TreeringError, OSError)):
        api.artifact("ada/p/data").download(tmp_path / "out")
    server.close()
    assert (tmp_path / "mine").read_bytes() == b"mine"
    assert not os.path.lexists(tmp_path / "out" / "a")
