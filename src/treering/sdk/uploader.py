"""
The uploader: a process that looks after one run while the training process trains.

It puts the log on the disk every few seconds, beats, samples the machine, and notices when the training process is
gone without a word. What it has to say goes into a segment of its own, so that it never touches the trainer's. It
reads the trainer's segments only from the page cache and shares no memory with it. On one machine nothing is sent
anywhere: the server reads the same files. In online mode a thread of it ships them, see ``courier.py``.
"""

from __future__ import annotations

import json
import os
import select
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from treering.errors import TreeringError
from treering.ids import new_life_id
from treering.limits import (
    BEAT_EVERY_S,
    CAPTURE_LAST_S,
    EARLY_SAMPLES_S,
    HELPER_OUTLIVES_PARENT_S,
    SAMPLE_WINDOW_S,
    STAGED_COPY_S,
    SYNC_EVERY_S,
)
from treering.runlog import records
from treering.runlog.frames import Frame
from treering.runlog.reader import SegmentReader
from treering.runlog.writer import Writer
from treering.values import clean_config, clean_text

from .blobs import Blobs
from .capture.storing import Storing
from .durable import DurableSegment
from .plan import Plan
from .ranks import process_start_time
from .staging import Staging, leftovers
from .system import UNITS, Sampler, Window

if TYPE_CHECKING:
    from .courier import Courier

__all__ = ["main"]

_STDIN = 0
_STDOUT = 1
_STOP_LOOK_S = 1.0  # how often is looked whether somebody asked the run to stop
_HEAD_BYTES = 64 * 1024
_TELL_S = 0.5
_CAPTURE_TOGETHER_S = 1.0  # that a training which ends waits for what is being recorded of its beginning
_LOOK_S = 2.0  # how often a parent without pidfd is looked at


def main() -> None:
    """Read the orders from standard input and look after the run until it ends or its process is gone."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # meant for the training; this process ends with it
    lines = _Lines()
    hello = lines.next()
    if hello is None:
        return
    greeting: dict[str, Any] = json.loads(hello)
    courier = None
    if greeting.get("server"):
        from .courier import Courier

        courier = Courier(greeting["server"], greeting.get("ask"), _say)
        courier.start()
    order = lines.next()
    if order is None:
        return
    timeout_s, began_ns = float(greeting["finish_timeout_s"]), int(greeting["began_ns"])
    Watch(json.loads(order), lines.over, courier, timeout_s, began_ns).run()


class _Lines:
    """Reads lines from standard input without a buffer: a word that follows at once must stay visible to poll()."""

    def __init__(self) -> None:
        self._text = b""

    @property
    def over(self) -> bool:
        """The run had ended before this process was up."""
        return bool(self._text)

    def next(self) -> bytes | None:
        """Return the next line; None at the end."""
        while b"\n" not in self._text:
            piece = os.read(_STDIN, 64 * 1024)
            if not piece:
                return None
            self._text += piece
        line, _, self._text = self._text.partition(b"\n")
        return line


def _say(value: dict[str, Any]) -> None:
    """Tell the training process something; it may be gone, or not listen."""
    line = json.dumps(value).encode() + b"\n"
    try:
        while line:
            line = line[os.write(_STDOUT, line) :]
    except OSError:
        pass


def _say_nothing(subject: str, text: str) -> None:
    """Take a warning about a value that is not the user's."""


class Watch:
    """Looks after one life of one training process."""

    def __init__(
        self, order: dict[str, Any], over: bool, courier: Courier | None, finish_timeout_s: float, began_ns: int
    ) -> None:
        self._over = over  # the run had ended before this process was up
        self._courier = courier
        self._finish_timeout_s = finish_timeout_s
        self._allow_stop = bool(order.get("allow_stop", True))
        self._stopped = False
        self._began_ns = began_ns  # before the life did: who asks to stop it does so later
        self._folder = Path(order["folder"])
        self._life: dict[str, Any] = order["life"]
        self._sample_s = float(order["sample_s"])
        self._process: dict[str, Any] = self._life["process"]
        self._pid = int(self._process["pid"])
        self._staging = Staging.find(Path(order["staging"])) if order.get("staging") else None
        self._staged_failure = ""
        self._segments: dict[str, SegmentReader] = {}
        self._durable: dict[str, DurableSegment] = {}
        self._foreign: set[str] = set()
        self._edits: dict[str, SegmentReader] = {}
        self._synced: dict[str, int] = {}
        self._failed: dict[str, str] = {}
        self._ended = False
        self._preempting = False
        self._began = time.monotonic()
        label = self._life.get("writer") or ""
        own = {**self._life, "life_id": new_life_id(), "writer": f"system/{label}" if label else "system"}
        own["of_life"] = self._life["life_id"]
        self._writer = Writer(self._folder, {**own, "from_step": None})
        self._oom_kills = _oom_kills()
        self._captured: threading.Thread | None = None
        self._hurry = False
        self._storing = Storing(self._store)
        if order.get("plan"):
            plan = msgspec.convert(order["plan"], Plan)
            self._captured = threading.Thread(target=self._capture, args=(plan,), name="treering-capture", daemon=True)
            self._captured.start()
        if self._staging is not None:
            self._staging.take()
        if courier is not None:
            courier.begin(self._folder, self._is_of_this_family)

    def run(self) -> None:
        """Work until the run has ended, at most a few seconds longer than its process."""
        sampler = Sampler(self._pid, str(self._folder), node=not self._process.get("local_rank"))
        if self._sample_s:
            self._define_units(sampler)
        window, early = Window(), [self._began + offset for offset in EARLY_SAMPLES_S]
        sample_at = window_at = beat_at = self._began
        sync_at = self._began + SYNC_EVERY_S
        copy_at = self._began
        stop_at = self._began + _STOP_LOOK_S
        window_at += SAMPLE_WINDOW_S
        with _Parent(self._pid, float(self._process.get("start_time") or 0)) as parent:
            while True:
                now = time.monotonic()
                if self._sample_s and now >= sample_at:
                    sample = sampler.sample()
                    window.add(sample)
                    sample_at = now + self._sample_s
                    if early and now >= early[0]:
                        early = [at for at in early if at > now]
                        self._system({key: [value, value, value, 1] for key, value in sample.items()})
                if now >= window_at:
                    self._system(window.take())
                    window_at = now + SAMPLE_WINDOW_S
                if self._staging is not None and now >= copy_at:
                    self._copy(self._staging)
                    copy_at = now + STAGED_COPY_S
                if now >= sync_at:
                    self._sync()
                    sync_at = now + SYNC_EVERY_S
                if now >= beat_at:
                    self._beat()
                    beat_at = now + BEAT_EVERY_S
                if self._over:
                    break
                if self._allow_stop and not self._stopped and now >= stop_at:
                    self._look_for_stop()
                    stop_at = now + _STOP_LOOK_S
                due = min(sync_at, beat_at, sample_at if self._sample_s else beat_at)
                if self._allow_stop and not self._stopped:
                    due = min(due, stop_at)
                if self._staging is not None:
                    due = min(due, copy_at)
                if parent.wait(max(0.0, due - time.monotonic())):
                    break
        if self._sample_s:
            window.add(sampler.sample())
            self._system(window.take())
        if self._captured is not None:  # a run of a second has come out of something, too
            self._wait_for_capture(self._captured)
        if self._staging is not None:
            self._empty(self._staging)
        self._end()
        if self._courier is not None:
            self._wait_for(self._courier)
        if self._staging is not None:
            self._bring_home_leftovers()

    # ── how the run came about ──────────────────────────────────────────────────────────────────────────────────

    def _capture(self, plan: Plan) -> None:
        """Record code, packages and machine, beside everything else; whatever goes wrong costs nothing else."""
        try:
            from .capture.capture import capture

            capture(plan, self, os.environ)
            self._storing.wait()
        except Exception as error:
            self._fact("capture_failed", f"{type(error).__name__}: {error}"[:500])

    def _wait_for_capture(self, thread: threading.Thread) -> None:
        """Wait until everything is recorded; the training does not wait so long, if nothing else is left to do."""
        thread.join(_CAPTURE_TOGETHER_S)
        if thread.is_alive() and self._courier is None and self._staging is None:
            _say({"leave": True})
        deadline = time.monotonic() + CAPTURE_LAST_S - _CAPTURE_TOGETHER_S
        while thread.is_alive() and time.monotonic() < deadline:
            if self._courier is not None:  # beside a server that is not there the training waits for nothing
                _say({"progress": self._courier.progress._asdict()})
            thread.join(_TELL_S)
        self._hurry = True
        thread.join(_CAPTURE_TOGETHER_S)
        if thread.is_alive():
            self._fact("code_not_whole", "the run ended before everything was read")

    def is_over(self) -> bool:
        """Whether the run ended a while ago."""
        return self._hurry

    def fact(self, topic: str, value: Any) -> None:
        """Note something about the run, behind the files that came before."""
        self._storing.wait()
        self._fact(topic, value)

    def _fact(self, topic: str, value: Any) -> None:
        self._writer.append(records.FACTS, [time.time_ns(), {topic: clean_config({"v": value}, _say_nothing)["v"]}])

    def file(self, path: str, data: bytes, about: dict[str, Any]) -> None:
        """Store a file with the run."""
        self._storing.add(path, data, about)

    def _store(self, path: str, data: bytes, about: dict[str, Any]) -> None:
        blob = Blobs(self._folder.parent.parent / "blobs").put(data)
        body = [time.time_ns(), clean_text(path), blob.sha256, blob.size, clean_config(about, _say_nothing)]
        self._writer.append(records.FILE, body)

    def _define_units(self, sampler: Sampler) -> None:
        for key in sampler.sample():
            unit = UNITS.get(key.rpartition(".")[2]) or UNITS.get(key.rpartition("/")[2].partition(".")[2])
            if unit:
                define: dict[str, Any] = {
                    "name": key,
                    "step_metric": None,
                    "summary": [],
                    "goal": None,
                    "unit": unit,
                    "hidden": False,
                }
                self._writer.append(records.DEFINE, [time.time_ns(), define])

    def _system(self, values: dict[str, list[float]]) -> None:
        if values:
            self._writer.append(records.SYSTEM, [time.time_ns(), values])

    def _beat(self) -> None:
        body: dict[str, Any] = {
            "synced": dict(self._synced),
            "failed": dict(self._failed),
            "uploader_pid": os.getpid(),
        }
        if self._staged_failure:
            body["staged"] = self._staged_failure
        if self._courier is not None:
            body["shipped"], body["server"] = self._courier.shipped, self._courier.url
        self._writer.append(records.BEAT, [time.time_ns(), body])

    # ── the trainer's segments ──────────────────────────────────────────────────────────────────────────────────

    def _own_segments(self) -> list[SegmentReader]:
        """Return readers of the segments of the life that is looked after, opening those that are new."""
        for path in self._folder.glob("*.trl"):
            name = path.stem
            if name in self._segments or name in self._foreign:
                continue
            try:
                reader = SegmentReader(path)
                life = next((records.decode(f)[0] for f in reader.read(_HEAD_BYTES) if f.kind == records.LIFE), None)
            except (OSError, TreeringError):
                continue
            if life is None:
                reader.close()  # the file is just being made; look again
            elif life.get("life_id") == self._life["life_id"]:
                self._segments[name] = SegmentReader(path)
                reader.close()
            elif life.get("writer") == "server" and self._allow_stop:
                self._edits[name] = SegmentReader(path)
                self._foreign.add(name)
                reader.close()
            else:
                self._foreign.add(name)
                reader.close()
        return list(self._segments.values())

    def _is_of_this_family(self, life: dict[str, Any]) -> bool:
        """Return whether a segment's life is the one that is looked after, this process's, or a forked child's."""
        process = life.get("process") or {}
        if process.get("host") != self._process.get("host") or process.get("boot_id") != self._process.get("boot_id"):
            return False
        mine = self._life["life_id"]
        label = self._life.get("writer") or "main"
        return mine in (life.get("life_id"), life.get("of_life")) or str(life.get("writer")).startswith(f"{label}/fork")

    # ── a request to stop ───────────────────────────────────────────────────────────────────────────────────────

    def _look_for_stop(self) -> None:
        """The server that a run is shipped to says it in its answers; one on this machine writes it into the folder."""
        by = self._courier.stop if self._courier is not None else None
        self._own_segments()
        for reader in self._edits.values():
            try:
                while frames := reader.read():
                    for frame in frames:
                        by = self._stop_in(frame) or by
            except (OSError, TreeringError):
                continue
        if by is not None:
            self._stop_training(by)

    def _stop_in(self, frame: Frame) -> str | None:
        if frame.kind == records.EDIT:
            for edit in records.decode(frame):
                asked = edit.changes.get("stop")
                if isinstance(asked, dict) and edit.time_ns > self._began_ns:
                    return str(edit.author)[:200] or "somebody"
        return None

    def _stop_training(self, by: str) -> None:
        """Interrupt the training as Ctrl-C would. First it is told who asked, so that its end can say so."""
        self._stopped = True
        _say({"stop": by})
        start_time = float(self._process.get("start_time") or 0)
        if not start_time or process_start_time(self._pid) == start_time:
            try:
                os.kill(self._pid, signal.SIGINT)
            except OSError:
                pass

    # ── the end of shipping ─────────────────────────────────────────────────────────────────────────────────────

    def _wait_for(self, courier: Courier) -> None:
        """Stay until everything is shipped: as long as there is progress, and a while longer."""
        courier.end()
        began = time.monotonic()
        parent_gone = False
        told_at = 0.0
        while courier.is_alive():
            courier.join(0.1)
            now = time.monotonic()
            if now >= told_at + _TELL_S or not courier.is_alive():
                told_at = now
                _say({"progress": courier.progress._asdict()})
            parent_gone = parent_gone or _is_gone(self._pid, float(self._process.get("start_time") or 0))
            limit_s = HELPER_OUTLIVES_PARENT_S if parent_gone else self._finish_timeout_s
            if courier.progress.hopeless or now - max(courier.progress_at, began) > limit_s:
                break
        _say({"progress": courier.progress._asdict()})

    # ── a network folder ────────────────────────────────────────────────────────────────────────────────────────

    def _copy(self, staging: Staging) -> bool:
        """Bring to the network folder what waits in this machine's memory; return whether it was taken."""
        try:
            staging.copy()
            self._staged_failure = ""
        except (OSError, TreeringError) as error:
            self._staged_failure = str(error)
        return not self._staged_failure

    def _empty(self, staging: Staging) -> None:
        """The training is over: bring home the rest, as long as a helper may outlive its parent."""
        deadline = time.monotonic() + min(self._finish_timeout_s, HELPER_OUTLIVES_PARENT_S)
        while True:
            try:
                staging.close()
                return
            except (OSError, TreeringError) as error:
                self._staged_failure = str(error)
            if time.monotonic() > deadline:
                return
            time.sleep(STAGED_COPY_S)

    def _bring_home_leftovers(self) -> None:
        """What jobs that were killed on this machine left in its memory belongs into their folders."""
        for staging in leftovers():
            try:
                staging.close()
            except (OSError, TreeringError):
                continue  # its folder cannot be reached now

    # ── the disk ────────────────────────────────────────────────────────────────────────────────────────────────

    def _sync(self) -> None:
        """Put what is whole on the disk, and look at what it says: so far the log survives a power cut."""
        for reader in self._own_segments():
            name = reader.header.segment_id
            durable = self._durable.setdefault(name, DurableSegment(reader.path))
            if durable.synced.sealed:
                continue
            try:
                self._synced[name] = durable.advance().length
                while frames := reader.read():
                    for frame in frames:
                        self._look_at(frame)
            except (OSError, TreeringError) as error:
                durable.failure = durable.failure or str(error)
            self._failed[name] = durable.failure
            if not durable.failure:
                del self._failed[name]
        if self._staging is not None:
            try:
                self._staging.sync()
            except OSError as error:
                self._staged_failure = str(error)

    def _look_at(self, frame: Frame) -> None:
        if frame.kind == records.END:
            self._ended = True
        elif frame.kind == records.FACTS:
            facts = (record.data for record in records.decode(frame))
            self._preempting = self._preempting or any(its.get("preempting") for its in facts)

    def _end(self) -> None:
        """The run has ended or its process is gone: say which, put everything on the disk, seal."""
        self._sync()
        if not self._ended:
            killed = _oom_kills() > self._oom_kills
            reason = "out of memory" if killed else "the process ended without a word (kill -9, power, or a crash)"
            body = {
                "state": "preempted" if self._preempting else "crashed",
                "exit_code": None,
                "reason": reason,
                "traceback": "",
                "runtime_s": time.monotonic() - self._began,
                "writer": self._life.get("writer") or "",
            }
            self._beat()
            self._writer.append(records.END, [time.time_ns(), body])
        else:
            self._beat()
        self._writer.close()
        _fdatasync(self._writer.path)


class _Parent:
    """Waits for the training process: for its word that the run has ended, or for its end."""

    def __init__(self, pid: int, start_time: float) -> None:
        self._pid = pid
        self._start_time = start_time
        self._poll = select.poll()
        self._stdin_open = True
        self._pidfd = -1
        self._poll.register(_STDIN, select.POLLIN)
        try:
            self._pidfd = os.pidfd_open(pid)
            self._poll.register(self._pidfd, select.POLLIN)
        except (OSError, AttributeError):
            pass  # an old kernel or macOS: the process is looked at instead

    def __enter__(self) -> _Parent:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._pidfd >= 0:
            os.close(self._pidfd)

    def wait(self, timeout_s: float) -> bool:
        """Wait at most so long; return whether the run is over."""
        limit = timeout_s if self._pidfd >= 0 else min(timeout_s, _LOOK_S)
        for fd, _ in self._poll.poll(limit * 1000):
            if fd == self._pidfd:
                return True
            if self._stdin_open and fd == _STDIN:
                if os.read(fd, 4096):
                    return True
                # Closed without a word: the process is going, or a fork still trains. Its pid will tell.
                self._stdin_open = False
                self._poll.unregister(fd)
        return not self._alive()

    def _alive(self) -> bool:
        return process_start_time(self._pid) == self._start_time if self._start_time else True


def _is_gone(pid: int, start_time: float) -> bool:
    """Return whether the process has ended, also if nobody has asked for its exit code yet."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    except (OSError, AttributeError):
        return bool(start_time) and process_start_time(pid) != start_time
    try:
        return bool(select.select([descriptor], [], [], 0)[0])
    finally:
        os.close(descriptor)


def _fdatasync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        getattr(os, "fdatasync", os.fsync)(fd)
    finally:
        os.close(fd)


def _oom_kills() -> int:
    """Return how often the kernel killed a process of this control group for memory."""
    try:
        for line in Path("/sys/fs/cgroup/memory.events").read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    except (OSError, ValueError, IndexError):
        pass
    return 0
