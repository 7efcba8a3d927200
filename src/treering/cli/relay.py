"""``treering relay``: follow a shared folder from a machine that reaches the server, until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Final

from treering.errors import FolderInUse, NotFound
from treering.sdk.segment_files import SegmentFiles
from treering.sdk.ship_lock import ShipLock

from .output import print_json
from .shipments import Screen, Shipment, connect, report, ship_for

__all__ = ["run"]

_LONGEST_WAIT_S: Final = 1.0


def run(arguments: argparse.Namespace) -> int:
    """Ship whatever runs write into the folder, the newest first, with one stream of requests."""
    data_dir = Path(arguments.dir).expanduser().absolute()
    if not (data_dir / "runs").is_dir():
        raise NotFound(f"{data_dir} is no data folder: it has no runs/. Runs make it when they begin.")
    server = connect(arguments)
    lock = ShipLock.take_relay(data_dir, server.url)
    if lock is None:
        raise FolderInUse(f"Another relay ships {data_dir} to {server.url} already.")
    files = SegmentFiles(
        data_dir, None, time.monotonic, skipped=lambda: ShipLock.shipped_by_others(data_dir, server.url)
    )
    shipment = Shipment(server, files)
    screen = Screen(arguments.json)
    began = time.monotonic()
    if not arguments.json:
        print(f"treering: relaying {data_dir} to {server.url}; Ctrl-C ends it, and nothing is lost by that", flush=True)
    try:
        while True:
            wait_s = ship_for(shipment, screen, began)
            if wait_s:
                time.sleep(min(wait_s, _LONGEST_WAIT_S))
    except KeyboardInterrupt:
        pass
    finally:
        screen.clear()
        files.close()
        server.close()
        if lock >= 0:
            os.close(lock)
    found = report(shipment, files)
    if arguments.json:
        print_json({"runs": found.runs, "sent_bytes": found.sent_bytes, "unsent": len(found.unsent_runs)})
    else:
        print(
            f"{found.runs:,} runs followed, {found.sent_bytes / 1e6:,.2f} MB sent; {len(found.unsent_runs):,} runs "
            "have something that is not there yet",
            file=sys.stderr,
        )
    return 0
