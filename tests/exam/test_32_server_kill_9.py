"""A server that is killed at any moment: what it acknowledged is there, and in the end every byte, once."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest

from exam.shipping_clients import Client, KillableServer, get
from server.run_logs import write_run
from treering.runlog.shipment import measure
from treering.store import Store

READY_S = 5.0
COMPLETE_S = 10.0


def kill_often(tmp_path: Path, kills: int, clients: int) -> None:
    here = tmp_path / "here"
    here.mkdir(mode=0o700)
    server = KillableServer(here)
    shippers = [Client(tmp_path, server, number) for number in range(clients)]
    chance = random.Random(32)
    try:
        server.start()
        for shipper in shippers:
            shipper.start()
        for _ in range(kills):
            time.sleep(chance.random() * 0.4)  # the moment of the kill is what is tried
            server.kill()
            server.start()
    finally:
        for shipper in shippers:
            shipper.finish()
        server.kill()
        server.close()

    assert [line for shipper in shippers for line in shipper.lost] == []
    for shipper in shippers:
        assert shipper.failures > 0
        for segment, whole in shipper.segments().items():
            stored = (here / "runs" / shipper.key / f"{segment}.trl").read_bytes()
            assert stored == whole, f"{segment}: {len(stored)} bytes here, {len(whole)} there"
            assert measure(segment, lambda n, at, whole=whole: whole[at : at + n]).sealed
        assert not list((here / "runs" / shipper.key).glob("*.behind-*"))
    with Store.open(here) as store:
        store.ingest_now()
        for shipper in shippers:
            run = store.run(shipper.key)
            assert {key: stats.n for key, stats in run.metrics.items()} == dict.fromkeys(
                (f"metric{key}" for key in range(10)), shipper.rows
            )
            assert run.guarantee.uploaded
            assert run.lacks == []


@pytest.mark.exam
def test_20_kills_under_8_shipping_clients_lose_no_acknowledged_byte(tmp_path: Path) -> None:
    kill_often(tmp_path, 20, 8)


@pytest.mark.exam
def test_1_000_kills_under_20_shipping_clients_lose_no_acknowledged_byte(tmp_path: Path) -> None:
    kill_often(tmp_path, 1_000, 20)


@pytest.mark.exam
def test_a_killed_server_with_10_000_runs_is_ready_within_5_seconds(tmp_path: Path) -> None:
    for number in range(10_000):
        write_run(tmp_path, f"r{number}", [{"loss": 1.0}, {"loss": 0.5}])
    server = KillableServer(tmp_path)
    try:
        server.start()
        until = time.monotonic() + 300
        while get(server.port, "/readyz")[0] != 200 and time.monotonic() < until:
            time.sleep(0.2)
        server.kill()
        begin = time.monotonic()
        server.start()
        while get(server.port, "/readyz")[0] != 200:
            assert time.monotonic() - begin < READY_S
            time.sleep(0.02)
        while json.loads(get(server.port, "/readyz")[1])["catching_up"]:
            assert time.monotonic() - begin < COMPLETE_S
            time.sleep(0.02)
    finally:
        server.kill()
        server.close()
