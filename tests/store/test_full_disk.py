"""A real file system that runs full under the store: nothing breaks, and it goes on by itself once there is room."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

# In a mount namespace of its own, so that the small file system is gone with the process. Needs root, as CI has it.
_IN_NAMESPACE = 'mount -t tmpfs -o size=24m none "$1" && exec "$2" -c "$3" "$1" "$4"'

_FILL = """
import json, os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from store.shipping import ADA, frames_of, pieces
from store.world import World
from treering.errors import StorageError, StorageFull
from treering.runlog.shipment import Held
from treering.store import Store

disk, there = Path(sys.argv[1]), World(Path(sys.argv[1]).parent / "there")
lives = [there.life(f"r{number}") for number in range(3)]
for life in lives:
    for step in range(4_000):
        life.log({f"metric{key}": step / (key + 1) for key in range(10)}, step)
    life.end()
parts = {life.run_key: pieces(life.path, 30_000) for life in lives}
(disk / "ballast").write_bytes(bytes(20 << 20))
store = Store.open(disk / "data", clock_ns=there.now, flush_points=10_000)
said = {"full": 0, "ingest_failed": 0}

def ship():
    for key, waiting in parts.items():
        while waiting:
            try:
                store.received.append(*waiting[0])
            except StorageFull:
                said["full"] += 1
                break
            waiting.pop(0)
            try:
                store.ingest_now()
            except Exception as error:
                said["ingest_failed"] += 1

ship()
said["waiting"] = sum(len(waiting) for waiting in parts.values())
readable = [len(store.run(life.run_key).keys) for life in lives[:1]]
said["rows_while_full"] = sum(len(batch.step) for batch in store.history(lives[0].run_key))
os.unlink(disk / "ballast")
ship()
said["waiting_after"] = sum(len(waiting) for waiting in parts.values())
store.ingest_now()

def answers(store):
    return {
        life.run_key: [
            {key: (stats.n, stats.last, stats.mean) for key, stats in store.run(life.run_key).metrics.items()},
            sum(len(batch.step) for batch in store.history(life.run_key)),
        ]
        for life in lives
    }

said["equal_files"] = all(
    (disk / "data" / "runs" / life.run_key / life.path.name).read_bytes() == frames_of(life.path) for life in lives
)
live = answers(store)
store.close()
store = Store.open(disk / "data", clock_ns=there.now)
store.ingest_now()
said["equal_after_restart"] = answers(store) == live
store.rebuild()
said["equal_after_rebuild"] = answers(store) == live
said["rows"] = sorted(rows for _, rows in live.values())
store.close()
print(json.dumps(said))
"""


def test_a_full_disk_refuses_and_breaks_nothing_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    tests = str(Path(__file__).parents[1])
    command = ["unshare", "-m", "sh", "-c", _IN_NAMESPACE, "sh", str(disk), sys.executable, _FILL, tests]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)

    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["full"] > 0, "the disk never was full"
    assert said["waiting"] > 0
    assert said["rows_while_full"] > 0
    assert said["waiting_after"] == 0
    assert said["equal_files"]
    assert said["rows"] == [4_000] * 3
    assert said["equal_after_restart"]
    assert said["equal_after_rebuild"]
