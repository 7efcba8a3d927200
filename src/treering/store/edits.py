"""
What people say of runs: names, tags, notes, whether one is deleted, archived or to stop.

Each edit is a record in the run's own log, in a segment that this server writes, so that it is there after a rebuild
and goes wherever the run goes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from treering.errors import InvalidValue, RunNotFound
from treering.ids import check_folder, check_name
from treering.limits import DISPLAY_NAME_MAX_CHARS, NOTES_MAX_BYTES, TAG_MAX_CHARS, TAGS_MAX
from treering.runlog import records
from treering.runlog.writer import Writer

from .apply import EDITABLE
from .filing import change_tags
from .ingest import Committed, Ingester
from .ledger import Ledger, server_life
from .liveness import Sight, deciding_life, end_of
from .locks import Locks
from .metadata import MetadataStore
from .segments import FileSegments, SegmentRef
from .state import RunState

__all__ = ["Edits"]

WRITERS_OPEN: Final = 64
EDITED_TOGETHER: Final = 64  # runs, in one transaction


class Edits:
    """
    Writes edits into the logs of runs, and knows which runs were asked to stop. Thread-safe.

    Args:
        ingest_lock: held while a record is written and applied.
        check_room: raises StorageFull while the disk is too full for anything new.
    """

    def __init__(
        self,
        segments: FileSegments,
        metadata: MetadataStore,
        ledger: Ledger,
        locks: Locks,
        ingester: Ingester,
        ingest_lock: threading.RLock,
        check_room: Callable[[], None],
        clock_ns: Callable[[], int],
    ) -> None:
        self._segments = segments
        self._metadata = metadata
        self._ledger = ledger
        self._locks = locks
        self._ingester = ingester
        self._ingest_lock = ingest_lock
        self._check_room = check_room
        self._clock_ns = clock_ns
        self._writers: OrderedDict[str, Writer] = OrderedDict()
        self._stops: dict[str, tuple[int, str]] = {}  # run key → when it was last asked to stop and by whom; 0 if never

    # ── what is said ────────────────────────────────────────────────────────────────────────────────────────────

    def edit(self, run_key: str, changes: dict[str, Any], author: str) -> RunState:
        """
        Change what people say of a run (``apply.EDITABLE``) and return it as it then is.

        Raises RunNotFound, InvalidValue, StorageFull.
        """
        clean = {name: _check_edit(name, value) for name, value in changes.items()}
        self._check_room()
        if clean.get("deleted") and self._locks.is_locked(run_key):
            raise InvalidValue("the run is locked: unlock it before you delete it.")
        with self._ingest_lock:
            state = self._state(run_key)
            self.append(state, (records.EDIT, [self._clock_ns(), author, clean]))
        return self._metadata.run(run_key) or state

    def edit_many(
        self,
        run_keys: Sequence[str],
        changes: dict[str, Any],
        author: str,
        add_tags: Sequence[str] = (),
        remove_tags: Sequence[str] = (),
    ) -> dict[str, str]:
        """
        Change many runs as ``edit`` does one, and their tags. Returns run key → why it was not changed.

        Raises InvalidValue, StorageFull: then none was.
        """
        clean = {name: _check_edit(name, value) for name, value in changes.items()}
        change_tags([], add_tags, remove_tags)
        self._check_room()
        refused: dict[str, str] = {}
        for begin in range(0, len(run_keys), EDITED_TOGETHER):
            some = run_keys[begin : begin + EDITED_TOGETHER]
            with self._ingest_lock:
                states = self._metadata.runs_by_key(some)
                grown: list[SegmentRef] = []
                for key in some:
                    try:
                        grown.append(self._edit_one(key, states.get(key), clean, author, add_tags, remove_tags))
                    except InvalidValue as error:
                        refused[key] = str(error)
                    except OSError as error:  # of this run's folder; the others need not wait for it
                        refused[key] = f"its folder refuses: {error.strerror or error}"
                self._ingester.ingest(grown, live=Sight.LIVE)
        return refused

    def _edit_one(
        self,
        run_key: str,
        state: RunState | None,
        clean: dict[str, Any],
        author: str,
        add_tags: Sequence[str],
        remove_tags: Sequence[str],
    ) -> SegmentRef:
        if state is None:
            raise InvalidValue("there is no such run")
        if clean.get("deleted") and self._locks.is_locked(run_key):
            raise InvalidValue("it is locked")
        its = dict(clean)
        if add_tags or remove_tags:
            its["tags"] = change_tags(state.tags, add_tags, remove_tags)
        writer = self._writer(state)
        writer.append(records.EDIT, [self._clock_ns(), author, its])
        if writer.disk_error is not None:
            raise writer.disk_error
        return SegmentRef(run_key, writer.segment_id)

    def append(self, state: RunState, *bodies: tuple[int, Any], durable: bool = False) -> None:
        """Append records, each a kind and a value, to a run's log and apply them; *durable* ones are synced before."""
        with self._ingest_lock:
            writer = self._writer(state)
            for kind, value in bodies:
                writer.append(kind, value)
            ref = SegmentRef(state.run_key, writer.segment_id)
            if durable:
                self._segments.sync(ref)
            self._ingester.ingest([ref], live=Sight.LIVE)

    # ── stopping ────────────────────────────────────────────────────────────────────────────────────────────────

    def stop(self, run_key: str, author: str) -> None:
        """Ask a run to stop. Raises RunNotFound, StorageFull."""
        self._check_room()
        with self._ingest_lock:
            now_ns = self._clock_ns()
            stop = {"stop": {"time_ns": now_ns, "by": author}}
            self.append(self._state(run_key), (records.EDIT, [now_ns, author, stop]))
            self._stops[run_key] = now_ns, author

    def stop_many(self, run_keys: Sequence[str], author: str) -> dict[str, str]:
        """Ask those runs to stop that run. Returns run key → why it was not asked. Raises StorageFull."""
        refused: dict[str, str] = {}
        for key in run_keys:
            state = self._metadata.run(key)
            if state is None or state.deleted:
                refused[key] = "there is no such run"
            elif state.state != "running":
                refused[key] = "it does not run"
            else:
                self.stop(key, author)
        return refused

    def stop_asked(self, segment: str) -> str:
        """
        Return who asked the run of a received segment to stop after this life of it began; empty if nobody did.

        Both times are of this server's clock; the training's own may be a day off.
        """
        receipt = self._ledger.received.get(segment)
        if receipt is None:
            return ""
        asked = self._stops.get(receipt.run_key)
        if asked is None:
            # Each commit says it of its runs, so the index is asked for one that was there before this process only.
            position = self._ingester.positions.get(segment)
            state = self._metadata.run(receipt.run_key) if position is not None and position.offset else None
            if state is None:
                return ""  # not applied yet, so nobody has seen it
            asked = self._stops.setdefault(receipt.run_key, state.stop_asked)
        asked_ns, by = asked
        return by if asked_ns > self._ledger.first_seen_ns[receipt.life] else ""

    def is_stopping(self, state: RunState) -> bool:
        """Return whether a run was asked to stop and has not ended yet."""
        life_id, life = next(
            ((key, its) for key, its in state.lives.items() if its is deciding_life(state)), ("", None)
        )
        if life is None or end_of(state, life) is not None:
            return False
        return state.stop_asked[0] > self._ledger.first_seen_ns.get(life_id, life.created_ns)

    def note_commit(self, committed: Iterable[Committed]) -> None:
        """Note what a commit says of stopping."""
        for entry in committed:
            self._stops[entry.run_key] = max(entry.stop, self._stops.get(entry.run_key, entry.stop))

    # ── the segments that this server writes ────────────────────────────────────────────────────────────────────

    def _writer(self, state: RunState) -> Writer:
        writer = self._writers.pop(state.run_key, None)
        if writer is None:
            # What a segment says of its run is what the run's key is made of, wherever it is filed since.
            moved = self._ledger.moved.get(state.run_key)
            entity, project = (state.entity, state.project) if moved is None else moved[3:]
            run = {"entity": entity, "project": project, "id": state.run_id, "key": state.run_key}
            writer = self._segments.writer(state.run_key, server_life(run))
        self._writers[state.run_key] = writer
        while len(self._writers) > WRITERS_OPEN:
            self._writers.popitem(last=False)[1].close()
        return writer

    def end_segment(self, run_key: str) -> bool:
        """End the segment that is open for a run, so that the next edit begins another. Returns whether one was."""
        writer = self._writers.pop(run_key, None)
        if writer is not None:
            writer.close()
        return writer is not None

    def forget(self, run_key: str) -> None:
        """Forget a run that was moved or removed."""
        self._stops.pop(run_key, None)

    def close(self) -> None:
        """End all open segments."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def _state(self, run_key: str) -> RunState:
        state = self._metadata.run(run_key)
        if state is None or state.deleted:
            raise RunNotFound(f"there is no run {run_key!r}.")
        return state


def _check_edit(name: str, value: Any) -> Any:
    if name not in EDITABLE:
        raise InvalidValue(f"{name!r} cannot be edited; only {', '.join(sorted(EDITABLE))} can.")
    if name in ("archived", "deleted"):
        if not isinstance(value, bool):
            raise InvalidValue(f"{name} must be true or false, got {value!r}.")
        return value
    if name == "tags":
        if not isinstance(value, list) or not all(isinstance(tag, str) and tag for tag in value):
            raise InvalidValue(f"tags must be a list of non-empty strings, got {value!r}.")
        if len(value) > TAGS_MAX or any(len(tag) > TAG_MAX_CHARS for tag in value):
            raise InvalidValue(f"at most {TAGS_MAX} tags of at most {TAG_MAX_CHARS} characters each.")
        return list(dict.fromkeys(value))
    if value is None and name != "name":
        return None
    if not isinstance(value, str):
        raise InvalidValue(f"{name} must be a string, got {value!r} ({type(value).__name__}).")
    if name == "folder":
        return check_folder(value) or None
    if name == "parent":
        return check_name(value, "parent") if value else None
    if name == "notes":
        if len(value.encode("utf-8", "surrogatepass")) > NOTES_MAX_BYTES:
            raise InvalidValue(f"notes are larger than {NOTES_MAX_BYTES:,} bytes.")
    elif len(value) > DISPLAY_NAME_MAX_CHARS or (name == "name" and not value.strip()):
        raise InvalidValue(f"{name} must have 1 to {DISPLAY_NAME_MAX_CHARS} characters, got {len(value)}.")
    return value
