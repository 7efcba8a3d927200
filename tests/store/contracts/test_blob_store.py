"""What every BlobStore promises."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from treering.errors import InvalidValue, NotFound
from treering.store.blobs import BlobStore, FileBlobs


@pytest.fixture(params=["files"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    return {"files": lambda: FileBlobs(tmp_path / "blobs")}[request.param]()


def test_a_blob_is_named_by_its_content_and_comes_back_whole(blobs: BlobStore):
    name, size = blobs.put([b"one ", b"", b"two"])

    assert name == hashlib.sha256(b"one two").hexdigest()
    assert size == blobs.size(name) == 7
    assert b"".join(blobs.get(name)) == b"one two"


def test_equal_content_is_stored_once(blobs: BlobStore):
    names = {blobs.put([b"x"])[0] for _ in range(3)}

    assert sorted(names) == list(blobs.list())


def test_the_empty_blob_is_a_blob(blobs: BlobStore):
    name, size = blobs.put([])

    assert (size, b"".join(blobs.get(name))) == (0, b"")


def test_a_range_is_cut_at_the_end(blobs: BlobStore):
    name, _ = blobs.put([bytes(range(100))])

    assert blobs.range(name, 10, 5) == bytes(range(10, 15))
    assert blobs.range(name, 95, 50) == bytes(range(95, 100))
    assert blobs.range(name, 500, 5) == b""


def test_an_upload_that_fails_leaves_nothing(blobs: BlobStore):
    def broken():
        yield b"half"
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        blobs.put(broken())

    assert list(blobs.list()) == []


def test_a_deleted_blob_is_gone_and_may_come_again(blobs: BlobStore):
    name, _ = blobs.put([b"x"])

    assert blobs.delete(name)
    assert not blobs.delete(name)
    with pytest.raises(NotFound):
        blobs.size(name)
    with pytest.raises(NotFound):
        blobs.get(name)
    with pytest.raises(NotFound):
        blobs.range(name, 0, 1)
    assert blobs.put([b"x"])[0] == name


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n", "/" + "a" * 63])
def test_only_a_sha256_is_a_name(blobs: BlobStore, name: str):
    for call in (blobs.size, blobs.delete, blobs.get):
        with pytest.raises(InvalidValue):
            call(name)
