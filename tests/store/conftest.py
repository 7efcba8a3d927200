from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from store.postgres import PostgresServer, is_here
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
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL 15 server for the whole session."""
    if not is_here():
        pytest.fail("PostgreSQL is not installed; `scripts/system-packages` says how to get it")
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def metadata_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty metadata database, once on each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'meta.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()
