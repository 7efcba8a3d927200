"""What each kind of record, other than rows, does to a run's document."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from treering.ids import RUN_KEY
from treering.limits import (
    ALERT_TEXT_MAX_CHARS,
    ALERT_TITLE_MAX_CHARS,
    ALERTS_MAX_PER_RUN,
    FILE_ABOUT_MAX_BYTES,
    FILE_PATH_MAX_BYTES,
    FORK_LIVES_MAX,
    OPEN_LINE_MAX_CHARS,
    OPEN_LINES_MAX,
)
from treering.runlog import records
from treering.runlog.file_parts import read_digests
from treering.runlog.frames import Frame

from .artifact_records import read_artifact, read_use
from .attrs import flatten, to_attr
from .liveness import Sight, is_fresh
from .metadata import MetadataStore, ProjectRef
from .state import (
    AlertRow,
    ArtifactRow,
    Attr,
    ConsoleSpan,
    FileRow,
    Fork,
    Gap,
    HeldRow,
    Life,
    OriginRow,
    RewindRow,
    RunState,
    SegmentState,
    UseRow,
    stream_of,
)

PAGE_LINES: Final = 256
CONFIG_CHANGES_KEPT: Final = 1_000
EDITABLE: Final = frozenset({"name", "notes", "tags", "deleted", "archived", "group", "job_type", "folder", "parent"})
_EDITS: Final = EDITABLE | {"stop"}  # which has a request of its own

_SAVED: Final = frozenset({"saved", "artifact"})  # files that live on elsewhere, and are asked for by what they hold
_FAR: Final = 1 << 61  # of steps
_SHA256: Final = re.compile(r"[0-9a-f]{64}")

_decode = msgspec.msgpack.Decoder().decode
_encode_json = msgspec.json.Encoder().encode


class Applier:
    """Applies records to one run. What changed in the tables beside the document is taken out with ``take_…``."""

    def __init__(
        self, state: RunState, project: ProjectRef, metadata: MetadataStore, is_received: Callable[[str], bool]
    ) -> None:
        self._state = state
        self._project = project
        self._metadata = metadata
        self._flat: dict[tuple[str, str], Any] | None = None  # as the tables have it; None while nothing changes it
        self._console: dict[tuple[int, int], ConsoleSpan] = {}
        self._open_page: dict[int, ConsoleSpan] = {}
        self._rewinds: list[RewindRow] = []
        self._files: dict[str, FileRow] = {}
        self._held: dict[str, HeldRow] = {}
        self._artifacts: dict[str, ArtifactRow] = {}
        self._uses: dict[tuple[str, int], UseRow] = {}
        self._alerts: dict[tuple[int, int], AlertRow] = {}
        self._origins: dict[tuple[str, str], OriginRow] = {}
        self._is_received = is_received
        self._by_kind: dict[int, Callable[[SegmentState, Frame, Any, int, Sight], None]] = {
            records.LIFE: self._life,
            records.CONFIG: self._config,
            records.SUMMARY: self._summary,
            records.DEFINE: self._define,
            records.STATE: self._checkpoint,
            records.END: self._end,
            records.BEAT: self._beat,
            records.CONSOLE: self._console_line,
            records.GAP: self._gap,
            records.EDIT: self._edit,
            records.REWIND: self._rewind,
            records.FORK: self._fork,
            records.FACTS: self._facts,
            records.SEAL: self._seal,
            records.FILE: self._file,
            records.HELD: self._hold,
            records.ARTIFACT: self._artifact,
            records.USE: self._use,
            records.WAITING: self._media_waiting,
            records.ALERT: self._alert,
        }

    def apply(self, segment: SegmentState, frame: Frame, now_ns: int, live: Sight) -> None:
        """Apply one frame. Raises TypeError, ValueError, … if it is not what its kind says."""
        action = self._by_kind.get(frame.kind)
        if action is None:
            return
        payload = records.inflate(frame)
        values = [_decode(payload)] if frame.nrec == 1 else records.decode(frame)
        for value in values:
            action(segment, frame, value, now_ns, live)

    def begin_anew(self) -> None:
        """The run was begun again under its id: config and summary are those of the new life."""
        self._touch_attrs()
        self._state.config = {}
        self._state.summary = {}

    # ── what the tables need ────────────────────────────────────────────────────────────────────────────────────

    def _touch_attrs(self) -> None:
        if self._flat is None:
            self._flat = self._flatten()

    def _flatten(self) -> dict[tuple[str, str], Any]:
        flat: dict[tuple[str, str], Any] = {("config", k): v for k, v in flatten(self._state.config).items()}
        flat.update({("summary", k): v for k, v in flatten(self._state.summary).items()})
        flat.update({("tag", tag): True for tag in self._state.tags})
        return copy.copy(flat)

    def take_attrs(self) -> dict[int, Attr | None]:
        """Return the attribute rows that changed since the last call; None for removed ones."""
        if self._flat is None:
            return {}
        before, now = self._flat, self._flatten()
        self._flat = None
        changed = {key: value for key, value in now.items() if key not in before or _differs(before[key], value)}
        removed = [key for key in before if key not in now]
        result: dict[int, Attr | None] = {}
        for space in ("config", "summary", "tag"):
            names = [name for its, name in [*changed, *removed] if its == space]
            ids = self._metadata.make_keys(self._project, space, names, space) if names else {}
            result.update({ids[name]: to_attr(value) for (its, name), value in changed.items() if its == space})
            result.update({ids[name]: None for its, name in removed if its == space})
        return result

    def take_console(self) -> list[ConsoleSpan]:
        taken, self._console = list(self._console.values()), {}
        return taken

    def take_rewinds(self) -> list[RewindRow]:
        taken, self._rewinds = self._rewinds, []
        return taken

    def take_files(self) -> list[FileRow]:
        taken, self._files = list(self._files.values()), {}
        return taken

    def take_held(self) -> list[HeldRow]:
        taken, self._held = list(self._held.values()), {}
        return taken

    def take_artifacts(self) -> list[ArtifactRow]:
        taken, self._artifacts = list(self._artifacts.values()), {}
        return taken

    def take_uses(self) -> list[UseRow]:
        taken, self._uses = list(self._uses.values()), {}
        return taken

    def take_origins(self) -> list[OriginRow]:
        taken, self._origins = list(self._origins.values()), {}
        return taken

    def take_alerts(self) -> list[AlertRow]:
        taken, self._alerts = list(self._alerts.values()), {}
        return taken

    # ── records ─────────────────────────────────────────────────────────────────────────────────────────────────

    def sign_of_life(self, segment: SegmentState, time_ns: int, now_ns: int, live: Sight) -> None:
        """A record of this segment was written: its process lives, and so does the one an uploader looks after."""
        for life in self._lives_of(segment):
            fresh = live is Sight.LIVE or (live is Sight.ARRIVED and is_fresh(life, time_ns, now_ns))
            life.beat_ns = max(life.beat_ns, now_ns if fresh else min(time_ns, now_ns))
        for life in self._state.lives.values():
            if life.of == segment.life and life.end is not None and time_ns > (life.end_ns or 0):
                life.end, life.end_ns = None, None  # its uploader said it was gone; it came back

    def _lives_of(self, segment: SegmentState) -> list[Life]:
        own = self._state.lives.get(segment.life)
        if own is None:
            return []
        other = self._state.lives.get(own.of) if own.of else None
        return [own] if other is None else [own, other]

    def _life(self, segment: SegmentState, _: Frame, value: Any, now_ns: int, live: Sight) -> None:
        meta = value.get("meta")
        if not isinstance(meta, dict) or segment.writer == "server":
            return
        _map(meta)
        self._touch_attrs()
        if "name" in meta and "name" not in self._state.meta:
            self._state.meta = {**meta, **self._state.meta}
        else:
            started = self._state.meta.setdefault("later_lives", [])
            extra = meta.get("also_started_with", meta)
            if isinstance(started, list) and len(started) < 100:
                started.append(extra)
            for name, its in meta.items():
                self._state.meta.setdefault(name, its)

    def _config(self, _: SegmentState, __: Frame, value: Any, now_ns: int, live: Sight) -> None:
        time_ns, change = _whole(value[0]), value[1]
        mode = value[2] if len(value) > 2 else "merge"
        self._touch_attrs()
        if mode == "delete":
            for name in value[3]:
                self._note_config(time_ns, str(name), self._state.config.pop(name, None), None)
            return
        for name, new in _map(change).items():  # what is given replaces what stood there, nested values included
            old = self._state.config.get(name)
            if name in self._state.config and _differs(old, new):
                self._note_config(time_ns, str(name), old, new)
            self._state.config[name] = copy.deepcopy(new)

    def _note_config(self, time_ns: int, name: str, old: Any, new: Any) -> None:
        if len(self._state.config_changes) < CONFIG_CHANGES_KEPT:
            self._state.config_changes.append((time_ns, name, copy.deepcopy(old), copy.deepcopy(new)))

    def _summary(self, _: SegmentState, __: Frame, value: Any, now_ns: int, live: Sight) -> None:
        self._touch_attrs()
        for name, new in _map(value[1]).items():
            if new is None:
                self._state.summary.pop(name, None)
            else:
                self._state.summary[name] = copy.deepcopy(new)

    def _define(self, _: SegmentState, __: Frame, value: Any, now_ns: int, live: Sight) -> None:
        body = _map(value[1])
        self._state.defines[str(body["name"])] = body

    def _checkpoint(self, segment: SegmentState, _: Frame, value: Any, now_ns: int, live: Sight) -> None:
        """A checkpoint repeats what earlier records said; it is needed only where some of them are damaged."""
        if not segment.doc.damage:
            return
        body = value[1]
        self._touch_attrs()
        for mine, name in ((self._state.config, "config"), (self._state.summary, "summary")):
            if isinstance(body.get(name), dict):
                mine.update(copy.deepcopy(_map(body[name])))

    def _end(self, segment: SegmentState, _: Frame, value: Any, now_ns: int, live: Sight) -> None:
        time_ns, body = _whole(value[0]), _map(value[1])
        life = self._state.lives.get(segment.life)  # an uploader's is what it saw of the other: see liveness.end_of
        if life is not None and life.end is None:
            life.end, life.end_ns = body, time_ns
        self._state.activity_ns = max(self._state.activity_ns, min(time_ns, now_ns))

    def _beat(self, segment: SegmentState, _: Frame, value: Any, now_ns: int, live: Sight) -> None:
        self.sign_of_life(segment, _whole(value[0]), now_ns, live)
        synced = value[1].get("synced")
        if isinstance(synced, dict):
            for name, size in synced.items():
                self._state.synced[str(name)] = max(_whole(size), self._state.synced.get(str(name), 0))

    def _console_line(self, segment: SegmentState, frame: Frame, value: Any, now_ns: int, live: Sight) -> None:
        time_us = _whole(value[0]) // 1000
        stream, text = stream_of(value[1]), str(value[2])
        name = f"{segment.writer}/{stream}"
        if len(value) > 3 and value[3]:
            if name in self._state.open_lines or len(self._state.open_lines) < OPEN_LINES_MAX:
                self._state.open_lines[name] = _whole(value[0]), text[-OPEN_LINE_MAX_CHARS:]
            return
        self._state.open_lines.pop(name, None)
        page = self._open_page.get(segment.id)
        if page is None or page.lines >= PAGE_LINES:
            page = ConsoleSpan(segment.id, frame.offset, frame.end, 0, time_us, time_us)
            self._open_page[segment.id] = page
        page.lines += 1
        page.end_offset = frame.end
        page.first_us, page.last_us = min(page.first_us, time_us), max(page.last_us, time_us)
        self._console[page.segment_id, page.offset] = page

    def _gap(self, segment: SegmentState, _: Frame, value: Any, now_ns: int, live: Sight) -> None:
        body = value[1]
        gap = self._state.gaps.setdefault(segment.segment, Gap())
        gap.count += 1
        gap.points = _whole(gap.points + max(0, _whole(body.get("points") or body.get("count") or 0)))
        since_ns, until_ns = _whole(body.get("since_ns") or value[0]), _whole(body.get("until_ns") or value[0])
        gap.since_ns = min(gap.since_ns or since_ns, since_ns)
        gap.until_ns = max(gap.until_ns, until_ns)
        gap.reason = str(body.get("reason") or gap.reason)[:300]

    def _media_waiting(self, segment: SegmentState, _: Frame, value: Any, now_ns: int, live: Sight) -> None:
        life = self._state.lives.get(segment.life)
        if life is not None:
            life.waiting = _whole(max(0, value[1]["put"] - value[1]["done"]))

    def _edit(self, _: SegmentState, __: Frame, value: Any, now_ns: int, live: Sight) -> None:
        time_ns, changes = _whole(value[0]), dict(value[2])
        self._touch_attrs()
        for name, new in changes.items():
            if name in _EDITS:
                old = self._state.edits.get(name)
                if old is None or time_ns >= old[0]:
                    self._state.edits[name] = (time_ns, new)

    def _rewind(self, segment: SegmentState, frame: Frame, value: Any, now_ns: int, live: Sight) -> None:
        step = _whole(value[1]["from_step"])
        if not -_FAR < step < _FAR:
            raise ValueError("a rewind to a step beyond 62 bits")
        self._rewinds.append(RewindRow(segment.id, frame.offset, segment.writer_id, step))
        segment.last_step = step - 1
        self._state.unsettled = True

    def _fork(self, segment: SegmentState, _: Frame, value: Any, now_ns: int, live: Sight) -> None:
        time_ns, body = _whole(value[0]), dict(value[1])
        key, step = str(body["parent_key"]), _whole(body["step"])
        if not RUN_KEY.fullmatch(key) or key == self._state.run_key or not -1 <= step < _FAR:
            raise ValueError("a fork needs the key of another run and a step")
        old = self._state.fork
        since_ns = segment.life_created_ns
        if old is not None and (old.parent_key, old.step) == (key, step):  # another process of it, or the record again
            if segment.life not in old.lives and len(old.lives) < FORK_LIVES_MAX:
                old.lives.append(segment.life)
            old.since_ns = min(old.since_ns, since_ns)
        elif old is None or since_ns >= old.since_ns:
            until_ns = _whole(body.get("until_ns") or time_ns)
            needs_config = body.get("config") is False
            self._state.fork = Fork(
                key, str(body.get("parent_id") or ""), step, until_ns, since_ns, [segment.life], needs_config
            )
        self._state.unsettled = True

    def inherit_config(self, config: dict[str, Any]) -> None:
        """Set what a fork's parent said and it did not say itself."""
        self._touch_attrs()
        self._state.config = {**copy.deepcopy(config), **self._state.config}

    def _facts(self, _: SegmentState, __: Frame, value: Any, now_ns: int, live: Sight) -> None:
        self._state.facts.update(_map(value[1]))

    def _file(self, segment: SegmentState, _: Frame, value: Any, now_ns: int, live: Sight) -> None:
        time_ns, path, sha256, size, about = value
        purpose = about.get("purpose", "")
        if not (isinstance(path, str) and 0 < len(path.encode()) <= FILE_PATH_MAX_BYTES and _SHA256.fullmatch(sha256)):
            raise ValueError(f"a file needs a path of at most {FILE_PATH_MAX_BYTES:,} bytes and a SHA-256")
        if not (isinstance(size, int) and 0 <= size < 1 << 62 and isinstance(purpose, str) and len(purpose) <= 40):
            raise ValueError("a file needs its size and what it is for")
        rest = {name: its for name, its in about.items() if name not in ("purpose", "parts")}
        text = _encode_json(rest).decode()
        if len(text) > FILE_ABOUT_MAX_BYTES:
            raise ValueError(f"more is said about a file than {FILE_ABOUT_MAX_BYTES:,} bytes")
        time_us, received = _whole(time_ns) // 1000, self._is_received(segment.segment)
        self._files[path] = FileRow(path, sha256, size, time_us, purpose, text, received)
        if purpose in _SAVED:
            digests = read_digests(about.get("parts"))
            self._origins[sha256, path] = OriginRow(sha256, path, size, time_us, purpose, received, digests)

    def _hold(self, segment: SegmentState, _: Frame, value: Any, now_ns: int, live: Sight) -> None:
        _time_ns, sha256, size = value
        # Only this server says what it was given: a segment that came over the network says nothing of the kind.
        if self._is_received(segment.segment) or segment.writer != "server" or not _SHA256.fullmatch(sha256):
            return
        self._held[sha256] = HeldRow(sha256, _whole(size))

    def _alert(self, segment: SegmentState, frame: Frame, value: Any, now_ns: int, live: Sight) -> None:
        time_ns, body = _whole(value[0]), _map(value[1])
        level, step = str(body.get("level") or "INFO"), body.get("step")
        if self._state.alerts >= ALERTS_MAX_PER_RUN or level not in ("INFO", "WARN", "ERROR"):
            return
        self._state.alerts += 1
        off = frame.offset  # of several in a frame each gets a place of its own, as rows do
        while (segment.id, off) in self._alerts:
            off += 1
        self._alerts[segment.id, off] = AlertRow(
            segment.id,
            segment.segment,
            off,
            max(0, time_ns // 1000),
            level,
            str(body["title"])[:ALERT_TITLE_MAX_CHARS],
            str(body.get("text") or "")[:ALERT_TEXT_MAX_CHARS],
            None if step is None else _whole(step),
            min(1 << 31, max(0, _whole(body.get("repeats") or 0))),
        )

    def _artifact(self, segment: SegmentState, _: Frame, value: Any, now_ns: int, live: Sight) -> None:
        row = read_artifact(_whole(value[0]), _map(value[1]), segment.segment)
        self._artifacts[row.record] = row

    def _use(self, _: SegmentState, __: Frame, value: Any, now_ns: int, live: Sight) -> None:
        row = read_use(_whole(value[0]), _map(value[1]))
        self._uses[row.artifact, row.version] = row

    def _seal(self, segment: SegmentState, _: Frame, value: Any, now_ns: int, live: Sight) -> None:
        segment.doc.sealed = True


def _map(value: Any) -> dict[str, Any]:
    """Return a map whose names are texts, as the run's document needs them. Raises TypeError."""
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise TypeError("not a map of names to values")
    return value


def _whole(value: Any) -> int:
    """Return a whole number that the tables can hold. Raises TypeError, ValueError, OverflowError."""
    number = int(value)
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError("a number beyond 64 bits")
    return number


def _differs(a: Any, b: Any) -> bool:
    """Whether two values differ, with 1, 1.0 and True as three different ones and NaN equal to itself."""
    return type(a) is not type(b) or (a != b and not (a != a and b != b))
