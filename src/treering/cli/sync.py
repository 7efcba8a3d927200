"""``treering sync``: send what offline runs, and runs whose server was not there, have left on this machine."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from treering.errors import NotFound, UsageError
from treering.ids import RUN_KEY
from treering.limits import BLOBS_QUERY_MAX
from treering.runlog.shipment import Held, measure
from treering.sdk.file_shipping import Declared, declared_files
from treering.sdk.remote import RemoteServer
from treering.sdk.segment_files import SegmentFiles, life_of
from treering.sdk.ship_lock import ShipLock
from treering.sdk.staging import leftovers

from .folder import data_folder
from .output import print_json, visible
from .shipments import Report, Screen, Shipment, connect, report, ship_for, unreachable

__all__ = ["run"]

_NO_PROGRESS_S: Final = 60.0
_LONGEST_WAIT_S: Final = 0.5
_QUERY: Final = 1_000
_DAY_S: Final = 86_400.0


def run(arguments: argparse.Namespace) -> int:
    """Ship the named runs or folders, or the whole data folder; 0 if everything is at the server."""
    places = _places(arguments)
    if arguments.prune_days is not None and arguments.prune_days < 0:
        raise UsageError("--prune-days must be 0 or more.")
    brought = _bring_home(arguments.json)
    try:
        server = connect(arguments)
    except UsageError:
        if brought:
            return 0  # that was what there was to do: no server is set
        raise
    screen = Screen(arguments.json)
    whole = True
    rows: list[dict[str, object]] = []
    try:
        for data_dir, keys in places.items():
            found = _sync(server, data_dir, keys, arguments.follow, screen)
            pruned: list[str] = []
            if arguments.prune_days is not None:
                pruned = _prune(server, data_dir, keys, arguments.prune_days, found.unsent_runs)
            whole = whole and not found.unsent_runs
            rows.append(_row(data_dir, found, pruned))
            if not arguments.json:
                _print(server, data_dir, found, pruned)
    finally:
        server.close()
    if arguments.json:
        print_json({"to": server.url, "folders": rows})
    return 0 if whole else 1


def _bring_home(quiet: bool) -> int:
    """Copy what killed jobs left in this machine's memory to the network folders it was meant for; return how much."""
    brought = 0
    for staging in leftovers():
        try:
            staging.close()
        except OSError as error:
            print(f"{staging.target}: {error.strerror}. What waits for it stays in memory.", file=sys.stderr)
            continue
        brought += 1
        if not quiet:
            print(f"brought home what a killed job had left in memory: {staging.target}", file=sys.stderr)
    return brought


def _places(arguments: argparse.Namespace) -> dict[Path, list[str] | None]:
    """Return data folders with the runs of each that were named; None for all."""
    places: dict[Path, list[str] | None] = {}
    base = data_folder(arguments.data)
    for name in arguments.what or [str(base)]:
        path = Path(name).expanduser().absolute()
        if (path / "runs").is_dir():
            places[path] = None
            continue
        if RUN_KEY.fullmatch(path.name) and path.is_dir() and path.parent.name == "runs":
            data_dir, key = path.parent.parent, path.name
        else:
            data_dir, key = base, _find(base, name)
        keys = places.setdefault(data_dir, [])
        if keys is not None and key not in keys:
            keys.append(key)
    return places


def _find(data_dir: Path, name: str) -> str:
    """Return the key of a run by key, ``entity/project/id``, ``project/id`` or id, as the run logs have them."""
    runs = data_dir / "runs"
    if RUN_KEY.fullmatch(name) and (runs / name).is_dir():
        return name
    wanted = name.split("/")
    found: list[str] = []
    for folder in sorted(runs.iterdir()) if runs.is_dir() else ():
        first = next(iter(sorted(folder.glob("*.trl"))), None)
        about = (life_of(first) or {}).get("run") if first is not None else None
        if isinstance(about, dict):
            path = [str(about.get(part)) for part in ("entity", "project", "id")]
            if path[-len(wanted) :] == wanted:
                found.append(folder.name)
    if not found:
        raise NotFound(f"{name!r} is no data folder, and no run of {data_dir} has this key, path or id.")
    if len(found) > 1:
        raise UsageError(
            f"{len(found)} runs have the id {name!r}; name one by entity/project/id or key: {', '.join(found[:5])}"
        )
    return found[0]


def _sync(server: RemoteServer, data_dir: Path, keys: list[str] | None, follow: bool, screen: Screen) -> Report:
    others: set[str] = set()

    def skipped() -> set[str]:
        nonlocal others
        others = ShipLock.shipped_by_others(data_dir, server.url)
        return others

    files = SegmentFiles(data_dir, keys, time.monotonic, skipped=skipped)
    shipment = Shipment(server, files, idle_s=2.0)
    began = time.monotonic()
    try:
        while True:
            wait_s = ship_for(shipment, screen, began)
            if wait_s > 0 and not follow and shipment.settled:
                break
            if not follow and shipment.error and time.monotonic() - shipment.progress_at > _NO_PROGRESS_S:
                raise unreachable(server, shipment.error)
            if wait_s > 0:
                shipment.shipper.ask_about_index()
                time.sleep(min(wait_s, _LONGEST_WAIT_S))
    except KeyboardInterrupt:
        if not follow:
            raise
    finally:
        screen.clear()
        files.close()
    found = report(shipment, files)
    wanted = others if keys is None else others & set(keys)
    for key in wanted:
        found.unsent_runs.setdefault(key, "its own training is shipping it at present")
    return found


def _prune(
    server: RemoteServer, data_dir: Path, keys: list[str] | None, days: float, unsent: Collection[str]
) -> list[str]:
    """Remove runs whose every segment is sealed, old enough, and at the server by length and chain; never *unsent*."""
    runs = data_dir / "runs"
    removed: list[str] = []
    freed: set[str] = set()
    for folder in sorted(runs.iterdir()):
        if not RUN_KEY.fullmatch(folder.name) or (keys is not None and folder.name not in keys):
            continue
        if folder.name in unsent:  # also one whose own training is there: sealed does not mean that it is through
            continue
        paths = sorted(folder.glob("*.trl"))
        if not paths or max(path.stat().st_mtime for path in paths) > time.time() - days * _DAY_S:
            continue
        ours = {path.stem: _measured(path) for path in paths}
        declared = {file.sha256 for path in paths for file in _declared(path)}
        if all(held.sealed for held in ours.values()) and _is_there(server, ours, folder.name, declared):
            shutil.rmtree(folder)
            freed |= declared
            removed.append(folder.name)
            for ticket in (data_dir / "live").glob(f"{folder.name}.*"):
                ticket.unlink(missing_ok=True)
    _remove_blobs(data_dir, freed)
    return removed


def _remove_blobs(data_dir: Path, freed: set[str]) -> None:
    """Remove the bytes of files that no run here declares any longer."""
    if not freed:
        return
    for path in (data_dir / "runs").glob("*/*.trl"):
        freed -= {file.sha256 for file in _declared(path)}
    for name in freed:
        (data_dir / "blobs" / name[:2] / name).unlink(missing_ok=True)


def _declared(path: Path) -> list[Declared]:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        return declared_files(path.stem, lambda length, offset: os.pread(file.fileno(), length, offset), 0, size)[0]


def _measured(path: Path) -> Held:
    with path.open("rb") as file:
        held = measure(path.stem, lambda length, offset: os.pread(file.fileno(), length, offset))
        whole = held.length == os.fstat(file.fileno()).st_size
    return held if whole else held._replace(sealed=False)


def _is_there(server: RemoteServer, ours: Mapping[str, Held], run_key: str, declared: Collection[str]) -> bool:
    names = list(ours)
    for begin in range(0, len(names), _QUERY):
        answer = server.query(names[begin : begin + _QUERY])
        if any(answer.segments.get(name) != ours[name] for name in names[begin : begin + _QUERY]):
            return False
    files = list(declared)
    return not any(
        server.missing_files(run_key, files[begin : begin + BLOBS_QUERY_MAX])
        for begin in range(0, len(files), BLOBS_QUERY_MAX)
    )


def _row(data_dir: Path, found: Report, pruned: list[str]) -> dict[str, object]:
    return {
        "data": str(data_dir),
        "runs": found.runs,
        "segments": found.segments,
        "sent_bytes": found.sent_bytes,
        "held_bytes": found.held_bytes,
        "left_bytes": found.left_bytes,
        "forks": found.forks,
        "unsent": found.unsent_runs,
        "pruned": pruned,
    }


def _print(server: RemoteServer, data_dir: Path, found: Report, pruned: list[str]) -> None:
    already = found.held_bytes + found.file_bytes - found.sent_bytes
    print(f"{data_dir} → {server.url}")
    print(f"  {found.runs:,} runs, {found.segments:,} segments")
    print(f"  {found.sent_bytes / 1e6:,.2f} MB sent, {max(already, 0) / 1e6:,.2f} MB were there already")
    if found.file_bytes:
        print(f"  {found.file_bytes / 1e6:,.2f} MB of that are files and media")
    if found.forks:
        print(f"  {found.forks:,} parts behind damage, or of changed files, were sent as segments of their own")
    for key, reason in list(found.unsent_runs.items())[:20]:
        print(f"  not all of {key}: {visible(reason)}", file=sys.stderr)
    if len(found.unsent_runs) > 20:
        print(f"  and {len(found.unsent_runs) - 20} more", file=sys.stderr)
    if pruned:
        print(f"  {len(pruned)} runs removed here: sealed, confirmed there, and older than asked")
