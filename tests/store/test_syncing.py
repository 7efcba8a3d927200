"""Making many files durable at once, in the kernel or in threads."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from treering.store.syncing import Syncer


@pytest.fixture(params=[True, False], ids=["kernel", "threads"])
def syncer(request: pytest.FixtureRequest):
    made = Syncer(kernel=request.param)
    yield made
    made.close()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 300])
def test_every_file_is_synced_and_says_so(syncer: Syncer, tmp_path: Path, count: int) -> None:
    descriptors = [os.open(tmp_path / str(number), os.O_RDWR | os.O_CREAT) for number in range(count)]
    for descriptor in descriptors:
        os.write(descriptor, b"x" * 1000)

    assert syncer.sync(descriptors) == [None] * count
    for descriptor in descriptors:
        os.close(descriptor)


def test_a_descriptor_that_cannot_be_synced_fails_alone(syncer: Syncer, tmp_path: Path) -> None:
    good = [os.open(tmp_path / str(number), os.O_RDWR | os.O_CREAT) for number in range(4)]
    closed = os.dup(good[0])
    os.close(closed)
    found = syncer.sync([good[0], good[1], closed, good[2], good[3]])

    assert [problem is None for problem in found] == [True, True, False, True, True]
    assert found[2] is not None
    assert found[2].errno == errno.EBADF
    for descriptor in good:
        os.close(descriptor)


def test_names_in_folders_are_synced(syncer: Syncer, tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(5)]
    for folder in folders:
        folder.mkdir()
    descriptors = [os.open(folder, os.O_RDONLY) for folder in folders]

    assert syncer.sync(descriptors, names=True) == [None] * 5
    for descriptor in descriptors:
        os.close(descriptor)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone takes lists")
def test_linux_takes_lists() -> None:
    syncer = Syncer()

    assert syncer.in_kernel
    syncer.close()
    assert not syncer.in_kernel
