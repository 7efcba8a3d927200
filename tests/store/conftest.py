from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.world import World
from treering.store import Store


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An empty data folder, and the means to write runs into it."""
    return World(tmp_path / "data")


@pytest.fixture
def store(world: World) -> Iterator[Store]:
    """The store of that folder. It does not follow writers by itself: ``ingest_now()`` does."""
    with Store.open(world.folder, clock_ns=world.now) as opened:
        yield opened


@pytest.fixture(scope="session")
def numbers() -> Iterator[int]:
    return itertools.count()
