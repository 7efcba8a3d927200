"""What an operator asks a server: what it holds, how it does, whether there is room."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from server.conftest import start_server
from server.run_logs import write_run
from treering.limits import MIB
from treering.server.disk import DiskWatch, Room, reserve_of
from treering.server.settings import Settings
from treering.server.shipping_schema import HoldingsReply
from treering.store import Store


@pytest.fixture
def served(tmp_path: Path):
    keys = [write_run(tmp_path, name, [{"loss": 1.0}] * 3) for name in ("a", "b")]
    with Store.open(tmp_path) as store:
        store.start(wait_s=5)
        server = start_server(store, Settings(tmp_path, static_dir=Path("/nonexistent")))
        yield server, keys
        server.stop()


def test_holdings_add_up_and_name_what_is_not_whole(served) -> None:
    server, _ = served
    reply = server.call("GET", "/holdings")

    held = HoldingsReply.model_validate(reply.json)
    assert (held.runs, held.points) == (2, 6)
    assert held.projects[0].runs == 2
    assert held.disk[0].total > 0
    assert len(held.store_id) == 32


def test_metrics_are_in_prometheus_text_format(served) -> None:
    server, _ = served
    server.call("GET", "/projects")
    text = server.send("GET", "/metrics", {"Authorization": f"Bearer {server.token}"})

    assert text.status == 200
    assert text.headers["content-type"].startswith("text/plain")
    lines = text.body.decode().splitlines()
    sample = re.compile(r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?[0-9.]+')
    assert [line for line in lines if not line.startswith("# ") and not sample.fullmatch(line)] == []
    assert 'treering_requests_total{method="GET",route="/api/1/projects",status="200"} 1' in lines
    assert 'treering_runs{state="finished"} 2' in lines
    assert any(line.startswith("process_resident_memory_bytes ") for line in lines)


def test_metrics_want_a_token_and_health_does_not(served) -> None:
    server, _ = served

    assert server.send("GET", "/metrics").status in (401, 403)
    assert server.send("GET", "/metrics", {"Authorization": "Bearer x"}).status in (401, 403)
    assert server.send("GET", "/healthz").json == {"status": "ok"}
    assert server.send("GET", "/readyz").json == {"status": "ready", "catching_up": 0}


def test_a_keys_name_never_becomes_a_label(served) -> None:
    server, keys = served
    server.call("GET", f"/runs/{keys[0]}")
    server.call("GET", "/secret/name")
    text = server.send("GET", "/metrics", {"Authorization": f"Bearer {server.token}"}).body.decode()

    assert keys[0] not in text
    assert "secret" not in text


# ── the disk ─────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("total", "reserve"),
    [(1 * MIB, 104_857), (256 * MIB, 26_843_545), (4096 * MIB, 64 * MIB), (1 << 40, (1 << 40) // 100)],
)
def test_the_reserve_grows_with_the_disk_and_leaves_a_small_one_usable(total: int, reserve: int) -> None:
    assert reserve_of(total) == reserve
    assert reserve_of(total, 5) == 5


class Disk:
    def __init__(self) -> None:
        self.free = 1 << 40
        self.refused: list[str | None] = []
        self.watch = DiskWatch([Path("/data")], self.refused.append, room=self.room)

    def room(self, folder: Path) -> Room:
        return Room(str(folder), 1 << 40, self.free)

    def codes(self, free_share: float) -> list[str]:
        self.free = int(free_share * (1 << 40))
        self.watch.look()
        return [notice["code"] for notice in self.watch.notices()]


def test_people_are_told_at_nine_tenths_and_nothing_is_taken_in_below_the_reserve() -> None:
    disk = Disk()

    assert disk.codes(0.5) == []
    assert disk.codes(0.09) == ["disk_filling"]
    assert disk.refused[-1] is None
    assert disk.codes(0.009) == ["disk_full"]
    assert "MiB left" in str(disk.refused[-1])
    assert disk.codes(0.0105) == ["disk_full"]  # not on and off at the edge
    assert disk.codes(0.02) == ["disk_filling"]
    assert disk.refused[-1] is None


def test_a_disk_that_cannot_be_looked_at_stops_nothing() -> None:
    def room(folder: Path) -> Room:
        raise OSError(5, "Input/output error")

    refused: list[str | None] = []
    watch = DiskWatch([Path("/data")], refused.append, room=room)
    watch.start()
    watch.close()

    assert refused == [None]
    assert watch.notices() == []
