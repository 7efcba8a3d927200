"""
The one thread that encodes rich values, so that the training does not wait for it.

``log()`` hands over snapshots and returns. The thread makes files of them, stores these, and appends a FILE record for
each and then a row with the step and the time of the call. It begins with the first rich value; a run of numbers
alone never has it. Values are taken in the order of the calls, so each key keeps its order.

Nothing here blocks the training or raises into it. Snapshots that do not fit in memory wait in files (the spool),
what does not fit there is dropped, and a GAP record counts it. When the data folder refuses, the thread tries again
until the run ends.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from treering.errors import StorageError
from treering.limits import (
    DISK_RETRY_S,
    FINISH_FULL_DISK_S,
    MEDIA_SPOOL_MAX_BYTES,
    MEDIA_WAITING_MAX,
    MEDIA_WAITING_MAX_BYTES,
    RECORD_SPLIT_BYTES,
    ROW_MAX_KEYS,
)
from treering.runlog import records
from treering.values import Warn, split_row

from .blobs import Blobs
from .media.media import Media, Shelf, StoredFile, problem_of
from .media.payload import Spool

__all__ = ["Encoder", "media_path"]

_IDLE_S: Final = 10.0  # how often the chores that repeat are looked at
_PATIENCE_S: Final = 3.0  # of waiting for the end in silence
_NAME_MAX_BYTES: Final = 800  # of a file, so that its whole path fits in what servers take
_END_RETRY_S: Final = 0.1  # between two tries of a data folder that refuses, while somebody waits for the end
_SETTLED: Final = -1  # in the outbox, in place of a record's kind: so many values are done with
_TURN_S: Final = 0.05  # how long the thread waits for the run's lock before it goes on encoding


Chore = Callable[[Shelf, bool], None]


_FULL: Final = (
    "images and other media are logged faster than they can be encoded, and the waiting room is full. Some are dropped "
    "and counted; numbers are not affected."
)


class _Values(NamedTuple):
    """The rich values of one ``log()`` call, or, without a step, of a change of the summary."""

    step: int | None
    time_ns: int
    values: Mapping[str, Media]
    size: int
    spooled: bool
    dropped: list[bool]  # set when the spool refused after all


class Encoder:
    """
    Encodes the values of one run in one process.

    Args:
        blobs: where the bytes go.
        spool: where snapshots wait that do not fit in memory.
        lock: the run's; held for as long as a record is appended.
        append: appends a record of a kind; called with *lock* held.
        note: told of each row that was appended, and whether it was set in the summary; called with *lock* held.
        warn: says something once per subject.
        say: says something.
    """

    def __init__(
        self,
        blobs: Blobs,
        spool: Spool,
        lock: Any,
        append: Callable[[int, Any], None],
        note: Callable[[dict[str, Any], bool], None],
        warn: Warn,
        say: Callable[[str], None],
        memory_max_bytes: int = MEDIA_WAITING_MAX_BYTES,
        spool_max_bytes: int = MEDIA_SPOOL_MAX_BYTES,
    ) -> None:
        self.blobs = blobs
        self._spool = spool
        self._lock, self._append, self._note, self._warn, self._say = lock, append, note, warn, say
        self._memory_max, self._spool_max = memory_max_bytes, spool_max_bytes
        self._thread: threading.Thread | None = None
        self._waiting: deque[_Values] = deque()
        self._errands: deque[Callable[[Shelf], None]] = deque()
        self._chores: list[Chore] = []
        self._outbox: deque[list[tuple[int, Any]]] = deque()
        # Plain counters that only one side changes: a signal handler may interrupt put() and wait for the thread.
        self._put_bytes = self._taken_bytes = 0
        self._spool_put_bytes = self._spool_taken_bytes = 0
        self._put_count = self._done_count = 0
        self._lost = 0
        self._refused = False  # the data folder, at the last try
        self._lost_since_ns = 0
        self._values_put = self._values_done = self._values_told = 0  # values, all told; told: done, as last written
        self._bell = threading.Event()
        self._stopping = False
        self._closed = False

    # ── the training's side ─────────────────────────────────────────────────────────────────────────────────────

    def put(self, step: int | None, time_ns: int, values: Mapping[str, Media]) -> Callable[[], None] | None:
        """
        Take over the values of one call; the caller holds the run's lock, which keeps the order.

        Returns what is left to do after the lock was given back, if something is: writing to the spool.
        """
        size = sum(value.size() for value in values.values())
        spooled = False
        if self._closed or self._put_count - self._done_count >= MEDIA_WAITING_MAX:
            self._drop(len(values), time_ns)
            return None
        if self._put_bytes - self._taken_bytes + size > self._memory_max and self._put_bytes != self._taken_bytes:
            spooled = True
            if self._spool_put_bytes - self._spool_taken_bytes + size > self._spool_max:
                self._drop(len(values), time_ns)
                return None
        item = _Values(step, time_ns, values, size, spooled, [])
        if spooled:
            self._spool_put_bytes += size
        else:
            self._put_bytes += size
        self._put_count += 1
        self._values_put += len(values)
        self._waiting.append(item)
        self._tell()
        self._start()
        return (lambda: self._spill(item)) if spooled else None

    def _spill(self, item: _Values) -> None:
        try:
            for value in item.values.values():
                for payload in value.payloads():
                    payload.spill(self._spool)
        except Exception:  # the disk refuses, or there is no memory for a copy in another order
            item.dropped.append(True)

    def run_errand(self, errand: Callable[[Shelf], None]) -> None:
        """Have the thread do something else: files to save, hashes to compute. Values go first."""
        self._put_count += 1
        self._errands.append(errand)
        self._start()

    def add_chore(self, chore: Chore) -> None:
        """Have the thread do something every ten seconds, and once at the end, where its second argument is True."""
        self._chores.append(chore)
        self._start()

    def _drop(self, count: int, time_ns: int) -> None:
        self._lost_since_ns = self._lost_since_ns or time_ns
        self._lost += count
        self._warn("media backlog", _FULL)

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            thread = threading.Thread(target=self._work, name="treering-encoder", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter is shutting down: the end encodes what waits
                return
            self._thread = thread
            _finish_in_pool_workers(self)
        self._bell.set()

    @property
    def left(self) -> int:
        """Calls and errands that are not done yet."""
        return self._put_count - self._done_count

    def drain(self, patience_s: float, quick: bool = False) -> None:
        """
        Encode everything that waits; give up when nothing was finished for *patience_s*, at once on Ctrl-C.

        Args:
            quick: *patience_s* is all the time there is.
        """
        if self._thread is None and not self.left:
            return
        self._stopping = True
        began = moved = time.monotonic()
        done = self._done_count
        try:
            while self.left or self._thread is not None:
                if self._thread is None or not self._thread.is_alive():
                    if self.left:
                        self._work()
                    self._flush()
                    self._thread = None
                    break
                self._bell.set()
                self._thread.join(0.02)
                if self._thread.is_alive():
                    # The thread may wait for a lock that this one holds: below a signal handler it does.
                    self._flush()
                now = time.monotonic()
                if self._done_count != done and not quick:
                    done, moved = self._done_count, now
                if now - moved > (min(patience_s, FINISH_FULL_DISK_S) if self._refused else patience_s):
                    break
                if now - began > _PATIENCE_S and self.left:
                    self._warn("media waiting", f"{self.left:,} media are still being encoded. Ctrl-C stops waiting.")
        except KeyboardInterrupt:
            self._say("stopped waiting for media.")

    def close(self) -> None:
        """Take nothing more and count what is left; the caller holds the run's lock and writes nothing after this."""
        self._flush()
        self._closed = self._stopping = True
        doing, self._doing = self._doing, None
        left = [*([doing] if doing is not None else []), *(item for item in list(self._waiting) if item is not doing)]
        self._waiting.clear()
        self._lost += sum(len(item.values) for item in left)
        if left:
            self._lost_since_ns = self._lost_since_ns or left[0].time_ns
            if self._refused:
                count = sum(len(item.values) for item in left)
                self._say(f"{count:,} media were lost because the disk refused them.")
        self._write_gap()
        if self._values_put != self._values_told:
            self._values_done = self._values_put
            self._tell()
        self._spool.close()
        self._bell.set()

    # ── the thread ──────────────────────────────────────────────────────────────────────────────────────────────

    _doing: _Values | None = None

    def _work(self) -> None:
        self.blobs.remove_leftovers()
        chores_at = time.monotonic()
        while not self._closed:
            if self._waiting:
                self._encode_next()
            elif self._errands:
                self._run_next_errand()
            elif self._stopping:
                self._do_chores(last=True)
                break
            else:
                self._bell.wait(_TURN_S if self._outbox else _IDLE_S if self._chores else None)
                self._bell.clear()
            if self._chores and not self._stopping and time.monotonic() - chores_at >= _IDLE_S:
                chores_at = time.monotonic()
                self._do_chores(last=False)
            if self._outbox or self._lost:
                self._take_turn()
        self._take_turn()

    def _encode_next(self) -> None:
        try:
            item = self._doing = self._waiting[0]  # first here, then gone there: close() must see it at least once
            self._waiting.popleft()
        except IndexError:  # close() was quicker
            return
        row: dict[str, Any] = {}
        files: list[tuple[int, Any]] = []
        for key, value in item.values.items():
            encoded = None if item.dropped else self._encode(key, value, item, files)
            if encoded is not None:
                row[key] = encoded
        if item.dropped:
            # Not through the counter, which belongs to who holds the lock.
            self._warn("media backlog", _FULL)
            self._outbox.append([(records.GAP, _gap(len(item.values), item.time_ns))])
        if self._was_abandoned():
            return
        if row:
            parts = split_row(row, ROW_MAX_KEYS, RECORD_SPLIT_BYTES)
            if item.step is None:
                entries: list[tuple[int, Any]] = [(records.SUMMARY, (item.time_ns, part)) for part in parts]
            else:
                entries = [(records.ROW, (item.step, item.time_ns, part)) for part in parts]
            self._outbox.append([*files, *entries])
        self._outbox.append([(_SETTLED, len(item.values))])
        if item.spooled:
            self._spool_taken_bytes += item.size
        else:
            self._taken_bytes += item.size
        self._doing = None
        self._done_count += 1

    def _is_closed(self) -> bool:
        """Return whether another thread has closed it meanwhile."""
        return self._closed

    def _was_abandoned(self) -> bool:
        """Return whether close() counted the present values as lost meanwhile."""
        return self._doing is None

    def _encode(self, key: str, value: Media, item: _Values, files: list[tuple[int, Any]]) -> dict[str, Any] | None:
        def warn(text: str) -> None:
            self._warn(f"media {key} {text[:20]}", f"{key!r} ({_name(value)}): {text}.")

        while not self._closed:
            shelf = Shelf(self.blobs, warn)
            try:
                encoded = {"_type": value.type_name, **shelf.encode(value)}
            except StorageError as error:
                self._warn(
                    "media disk",
                    f"media cannot be stored: {error}. The training goes on, and so does trying; numbers are not "
                    "affected.",
                )
                self._refused = True
                self._pause()
                continue
            except Exception as error:  # a library that encodes may raise anything
                if self._is_closed():
                    return None  # the spool was taken away; the value is counted already
                left_out(key, value, error, self._warn)
                return None
            self._refused = False
            declared = {media_path(stored, key, item.step): stored.blob for stored in shelf.files}
            files += [
                (records.FILE, (item.time_ns, path, blob.sha256, blob.size, {"purpose": "media"}))
                for path, blob in declared.items()
            ]
            return encoded
        return None

    def _run_next_errand(self) -> None:
        errand = self._errands.popleft()
        while not self._run(errand) and not self._stopping:
            self._refused = True
            self._pause()
        self._done_count += 1

    def _pause(self) -> None:
        """Wait before the data folder is tried again; not for the bell, which every log() rings."""
        until = time.monotonic() + (_END_RETRY_S if self._stopping else DISK_RETRY_S)
        while time.monotonic() < until and not self._closed:
            if self._stopping and until - time.monotonic() > _END_RETRY_S:
                return
            time.sleep(min(_END_RETRY_S, DISK_RETRY_S))

    def _run(self, errand: Callable[[Shelf], None]) -> bool:
        """Return False when the data folder refused and another try may help."""
        shelf = Shelf(self.blobs, lambda text: self._warn(f"file {text[:40]}", f"{text}."))
        try:
            errand(shelf)
        except StorageError as error:
            self._warn("files disk", f"files cannot be stored: {error}. The training goes on, and so does trying.")
            return False
        except Exception as error:
            self._warn(f"errand {error}", f"a file could not be stored: {problem_of(error)}.")
        return True

    def _do_chores(self, *, last: bool) -> None:
        for chore in self._chores:
            self._run(lambda shelf, chore=chore: chore(shelf, last))  # type: ignore[misc]

    def post(self, entries: list[tuple[int, Any]]) -> None:
        """Append records from an errand, in order and without a stranger in between."""
        self._outbox.append(entries)

    def hand_in(self, entries: list[tuple[int, Any]]) -> None:
        """Append records from any thread, in order and without a stranger in between, as soon as the run can."""
        self.post(entries)
        self._start()

    def _take_turn(self) -> None:
        if self._lock.acquire(timeout=_TURN_S):
            try:
                self._flush()
            finally:
                self._lock.release()

    def _flush(self) -> None:
        """Append what is encoded. The one caller at a time has the lock, or is the only thread that runs."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            while self._outbox:
                try:
                    entries = self._outbox.popleft()
                except IndexError:
                    break
                for kind, body in entries:
                    if kind == _SETTLED:
                        self._values_done += body
                        continue
                    self._append(kind, body)
                    if kind in (records.ROW, records.SUMMARY):
                        self._note(body[-1], kind == records.SUMMARY)
            self._write_gap()
            if self._values_done != self._values_told:
                self._tell()
        finally:
            self._lock.release()

    def _tell(self) -> None:
        """Write down how many values wait in memory: whatever kills the process, they are counted."""
        self._values_told = self._values_done
        self._append(records.WAITING, [time.time_ns(), {"put": self._values_put, "done": self._values_done}])

    def _write_gap(self) -> None:
        lost, self._lost = self._lost, 0
        if lost:
            since_ns, self._lost_since_ns = self._lost_since_ns, 0
            self._append(records.GAP, _gap(lost, since_ns))


def _gap(count: int, since_ns: int) -> list[Any]:
    now_ns = time.time_ns()
    return [now_ns, {"count": count, "reason": "media backlog", "since_ns": since_ns, "until_ns": now_ns}]


def left_out(key: str, value: Any, error: Exception | str, warn: Warn) -> None:
    """Say once that a value was left out, why, and what is accepted."""
    problem = error if isinstance(error, str) else problem_of(error)
    accepts = f" It takes {value.accepts}." if getattr(value, "accepts", "") else ""
    warn(f"media {key}", f"{key!r} ({_name(value)}) was left out: {problem}.{accepts}")


def _name(value: Any) -> str:
    values = getattr(value, "values", None)
    if type(value).__name__ == "Several" and values:
        return f"list of {type(values[0]).__name__}"
    return type(value).__name__


def media_path(stored: StoredFile, key: str, step: int | None) -> str:
    """Return the name of a stored file: a text for people, never a path of a file system."""
    key = key.encode()[:_NAME_MAX_BYTES].decode("utf-8", "ignore")
    name = "/".join(part if part not in ("", ".", "..") else "_" for part in key.replace("\0", "_").split("/"))
    at = "summary" if step is None else step
    return f"media/{stored.kind}/{name}_{at}_{stored.blob.sha256[:8]}.{stored.extension}"


def _finish_in_pool_workers(encoder: Encoder) -> None:
    """A worker process of ``multiprocessing`` ends without ``atexit``; what waits there is encoded before."""
    multiprocessing = sys.modules.get("multiprocessing.process")
    if multiprocessing is None or multiprocessing.parent_process() is None:
        return
    from multiprocessing.util import Finalize

    pid = os.getpid()
    Finalize(encoder, lambda: encoder.drain(DISK_RETRY_S) if os.getpid() == pid else None, exitpriority=10)
