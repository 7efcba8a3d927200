"""Writes run logs as training processes would, with a clock that the test holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from treering.ids import new_life_id, run_key
from treering.runlog import records
from treering.runlog.writer import Writer

SECOND = 1_000_000_000


class World:
    """A data folder and a clock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_ns = 1_700_000_000 * SECOND

    def now(self) -> int:
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        self.now_ns += int(seconds * SECOND)

    def life(self, run_id: str = "r", *, project: str = "digits", **options: Any) -> Life:
        """Begin a life of a run and return what writes it."""
        self.sleep(1)
        return Life(self, run_id, project, **options)


class Life:
    """One life of one writer process."""

    def __init__(
        self,
        world: World,
        run_id: str,
        project: str,
        *,
        writer: str = "",
        from_step: int | None = None,
        meta: dict[str, Any] | None = None,
        process: dict[str, Any] | None = None,
        segment_max_bytes: int = 64 << 20,
        **extra: Any,
    ) -> None:
        self.world = world
        self.run_key = run_key("ada", project, run_id)
        self.folder = world.folder / "runs" / self.run_key
        self.folder.mkdir(parents=True, exist_ok=True)
        self.label = writer
        life = {
            "run": {"entity": "ada", "project": project, "id": run_id, "key": self.run_key},
            "life_id": new_life_id(),
            "writer": writer,
            "from_step": from_step,
            "resumed": from_step is not None,
            "process": process or {"host": "elsewhere", "boot_id": "b", "pid": 1, "start_time": 1.0, "rank": 0},
            "client": "treering test",
            "meta": meta if meta is not None else {"name": f"name of {run_id}"},
            **extra,
        }
        self.id = life["life_id"]
        self.writer = Writer(self.folder, life, segment_max_bytes=segment_max_bytes, clock_ns=world.now, mapped=False)

    @property
    def path(self) -> Path:
        return self.writer.path

    def log(self, data: dict[str, Any], step: int) -> None:
        """One row; the clock moves a second."""
        self.world.sleep(1)
        self.writer.append(records.ROW, [step, self.world.now_ns, data])

    def log_relative(self, data: dict[str, Any], offset: int) -> None:
        self.world.sleep(1)
        self.writer.append(records.ROW_RELATIVE, [offset, self.world.now_ns, data])

    def record(self, kind: int, *rest: Any) -> None:
        self.writer.append(kind, [self.world.now_ns, *rest])

    def config(self, values: dict[str, Any]) -> None:
        self.record(records.CONFIG, values, "merge")

    def end(self, state: str = "finished", **more: Any) -> None:
        self.record(records.END, {"state": state, "writer": self.label, **more})
        self.writer.close()
