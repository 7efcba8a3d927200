"""A server that is put back from an older backup: clients notice and ship again what it lacks."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from exam.shipping_clients import Client, KillableServer, get
from treering.store.backup import back_up, restore


def lose_and_restore(tmp_path: Path, seconds: float) -> None:
    here = tmp_path / "here"
    here.mkdir(mode=0o700)
    server = KillableServer(here)
    # These clients send one segment a request: in minutes, small ones would become thousands.
    segment_bytes = 20_000 if seconds < 60 else 4_000_000
    staying = [Client(tmp_path, server, number, segment_bytes) for number in range(4)]
    gone = Client(tmp_path, server, 99)  # its files will not be there any more
    try:
        server.start()
        for client in staying:
            client.start()
        gone.log(50)
        assert gone.ship()
        time.sleep(seconds / 2)
        report = back_up(here, tmp_path / "backup.tar")
        gone.log(50)
        assert gone.ship() or gone.ship()  # the server closes a connection that was idle for minutes
        time.sleep(seconds / 2)
        server.kill()
        shutil.rmtree(here)
        shutil.rmtree(gone.runs)
        restored = restore(tmp_path / "backup.tar", here)
        server.start()
        for client in staying:
            client.finish()
        holdings = shown_holdings(server, {gone.key})
    finally:
        for client in [*staying, gone]:
            client.stop()
        server.kill()
        server.close()

    assert report.damaged == []
    assert (restored.store_id, restored.restores) == (report.store_id, report.restores + 1)
    for client in staying:
        assert client.restores_seen == 1
        assert client.lost == []
        for segment, whole in client.segments().items():
            assert (here / "runs" / client.key / f"{segment}.trl").read_bytes() == whole
    assert holdings["restores"] == 1
    assert {run["run_key"] for run in holdings["not_whole"]} <= {gone.key}


def shown_holdings(server: KillableServer, lost: set[str]) -> dict[str, Any]:
    """Return what the server says that it holds, once its index has come as far as the bytes."""
    give_up = time.monotonic() + 60
    while True:
        holdings: dict[str, Any] = json.loads(get(server.port, "/api/1/holdings", server.token)[1])
        if {run["run_key"] for run in holdings["not_whole"]} <= lost or time.monotonic() > give_up:
            return holdings
        time.sleep(0.5)


def test_after_the_loss_of_a_server_an_older_backup_and_the_clients_make_it_whole(tmp_path: Path) -> None:
    lose_and_restore(tmp_path, 2.0)


@pytest.mark.exam
def test_the_same_after_five_minutes(tmp_path: Path) -> None:
    lose_and_restore(tmp_path, 300.0)
