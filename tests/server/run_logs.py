"""Runs written as a training writes them, without a training."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from treering.ids import new_life_id, run_key
from treering.runlog import records
from treering.runlog.artifact_manifest import Entry, Manifest
from treering.runlog.writer import Writer

SECOND_NS = 1_000_000_000


def write_run(
    data_dir: Path,
    run_id: str,
    rows: Iterable[Mapping[str, Any]] = (),
    *,
    entity: str = "ada",
    project: str = "digits",
    config: Mapping[str, Any] | None = None,
    state: str | None = "finished",
    began_s: float = 1_700_000_000.0,
    writer: str = "",
    files: Mapping[str, bytes] | None = None,
    artifacts: Mapping[str, Mapping[str, bytes]] | None = None,
    **meta: Any,
) -> str:
    """
    Write one life of a run, a row a step and a second, and return its key. ``state=None`` leaves the end out.

    *files* are stored and declared under their paths, which begin with what they are for; *artifacts* are versions of
    data sets, by name.
    """
    key = run_key(entity, project, run_id)
    log = open_run(data_dir, run_id, entity=entity, project=project, began_s=began_s, writer=writer, **meta)
    now_ns = int(began_s * SECOND_NS)
    if config is not None:
        log.append(records.CONFIG, [now_ns, dict(config), "merge"])
    for path, content in (files or {}).items():
        declare(log, path, store_blob(data_dir, content), len(content), now_ns)
    for name, content in (artifacts or {}).items():
        log_artifact(log, data_dir, name, content, time_ns=now_ns)
    for step, row in enumerate(rows):
        log.append(records.ROW, [step, now_ns + step * SECOND_NS, dict(row)])
    if state is not None:
        end = {"state": state, "exit_code": 0, "reason": "", "traceback": "", "runtime_s": 9.0, "writer": writer}
        log.append(records.END, [now_ns + 9 * SECOND_NS, end])
    log.close()
    return key


def store_blob(data_dir: Path, content: bytes) -> str:
    """Put bytes where a data folder has them, and return their hash."""
    sha256 = hashlib.sha256(content).hexdigest()
    path = data_dir / "blobs" / sha256[:2] / sha256
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return sha256


def declare(log: Writer, path: str, sha256: str, size: int, time_ns: int = 0, **about: Any) -> None:
    """Say in a run's log that a file belongs to it."""
    about = {"purpose": path.partition("/")[0], **about}
    log.append(records.FILE, [time_ns or time.time_ns(), path, sha256, size, about])


def log_artifact(
    log: Writer, data_dir: Path, name: str, files: Mapping[str, bytes], *, time_ns: int = 0, **about: Any
) -> str:
    """Log a version of an artifact as a training does; return the id of its record, which its content decides."""
    time_ns = time_ns or time.time_ns()
    manifest = Manifest({path: Entry(len(data), store_blob(data_dir, data)) for path, data in files.items()})
    listed = manifest.encode()
    for content in (*files.values(), listed):
        sha256 = store_blob(data_dir, content)
        declare(log, f"artifact/{sha256}", sha256, len(content), time_ns)
    digest = hashlib.sha256(listed).hexdigest()
    record = {
        "id": digest[:16],
        "name": name,
        "type": "dataset",
        "digest": digest,
        "manifest_bytes": len(listed),
        "bytes": manifest.total_bytes,
        "files": len(manifest),
        **about,
    }
    log.append(records.ARTIFACT, [time_ns, record])
    return str(record["id"])


def open_run(
    data_dir: Path,
    run_id: str,
    *,
    entity: str = "ada",
    project: str = "digits",
    began_s: float | None = None,
    writer: str = "",
    **meta: Any,
) -> Writer:
    """Begin a life and return its writer, with the ticket in ``live/`` that ``init`` leaves."""
    key = run_key(entity, project, run_id)
    folder = data_dir / "runs" / key
    folder.mkdir(parents=True, exist_ok=True)
    created_ns = time.time_ns() if began_s is None else int(began_s * SECOND_NS)
    life = {
        "run": {"entity": entity, "project": project, "id": run_id, "key": key},
        "life_id": new_life_id(),
        "writer": writer,
        "from_step": None,
        "resumed": False,
        "process": {"host": socket.gethostname(), "pid": 1, "boot_id": "", "start_time": 0.0},
        "client": "treering tests",
        "meta": {"name": f"name-{run_id}", **meta},
    }
    log = Writer(folder, life, clock_ns=lambda: created_ns)
    (data_dir / "live").mkdir(exist_ok=True)
    (data_dir / "live" / f"{key}.{log.segment_id}").touch()
    return log
