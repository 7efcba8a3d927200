"""A run, as the training script holds it. ``Run.log`` is the first stop of every metric."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import time_ns
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from treering.errors import InvalidValue
from treering.ids import run_key
from treering.limits import FINISH_FULL_DISK_S, MEDIA_SIGNAL_S, RECORD_SPLIT_BYTES, ROW_MAX_KEYS, TRACEBACK_MAX_CHARS
from treering.runlog import records
from treering.runlog.writer import Writer
from treering.values import clean_config, clean_key, clean_row, clean_text, split_row

from . import resume as earlier
from .config import Config, Summary
from .console import Console
from .fork import ForkedWriter
from .redact import redact_config, redact_source, remember_secrets
from .rich_run import STEP_MAX, RichRun, whole_step
from .settings import Settings
from .staging import Staging
from .terminal import Terminal, end_block

if TYPE_CHECKING:
    from .notebook import Card

__all__ = ["Metric", "Run", "UploaderHandle", "outcome_of"]

_PLAIN: Final = frozenset({float, int, bool})
_PATIENCE_S: Final = 3.0  # of waiting for the upload in silence
_STATE_KEYS_MAX: Final = 1_000  # summary values in a checkpoint
_SUMMARIES: Final = frozenset({"min", "max", "mean", "best", "last", "first", "copy", "none"})


class UploaderHandle(Protocol):
    """What a run needs of the process that looks after it."""

    def finish(
        self, timeout_s: float, unreachable_s: float, on_wait: Callable[[dict[str, Any]], None] | None = None
    ) -> dict[str, Any] | None:
        """Say that the run has ended and wait for the process, until so long nothing has moved."""

    def hear_stop(self) -> str | None:
        """Return who asked the run to stop."""


class Metric:
    """What ``define_metric`` returns: the definition as it was recorded."""

    def __init__(self, definition: dict[str, Any]) -> None:
        self.name: str = definition["name"]
        self.step_metric: str | None = definition["step_metric"]
        self.summary: tuple[str, ...] = tuple(definition["summary"])
        self.goal: str | None = definition["goal"]
        self.unit: str | None = definition["unit"]
        self.hidden: bool = definition["hidden"]

    def __repr__(self) -> str:
        return f"Metric({self.name!r}, step_metric={self.step_metric!r}, summary={self.summary!r})"


class Run(RichRun):
    """
    One run being recorded. Made by :func:`treering.init`; use it as a context manager, or call :meth:`finish`.

    All methods may be called from any thread. After ``init`` nothing here raises for disk or server reasons.
    """

    def __init__(
        self,
        settings: Settings,
        writer: Writer,
        terminal: Terminal,
        past: earlier.Past | None = None,
        uploader: UploaderHandle | None = None,
        staging: Staging | None = None,
    ) -> None:
        super().__init__()
        self.settings = settings
        self._staging = staging
        self._writer: Writer | ForkedWriter = writer
        self._terminal = terminal
        self._uploader = uploader
        self._child = False  # this object was inherited by a forked process
        self._lock = writer.lock  # one lock for step and log: a call takes it once
        self._append: Callable[[int, Any], None] = writer.append_locked
        self._defines: dict[str, dict[str, Any]] = dict(past.defines) if past else {}
        self._last: dict[str, Any] = dict(past.summary) if past else {}
        self._pinned: dict[str, Any] = {}
        self._step = 0 if past is None or past.last_step is None else past.last_step + 1
        self._preempting = False
        self._finished = False
        self._began = time.monotonic()
        self._ended_as = ""
        self._ended_at = 0.0
        self.resumed = past is not None
        self.starting_step = self._step
        self.config = Config(self._save_config)
        self._shown_config: dict[str, Any] = {}  # as it is recorded: secrets hidden
        if past is not None:
            self.config._values.update(past.config)
            self._shown_config.update(past.config)
        self.summary = Summary(self._last, self._save_summary)
        self._shell: Any = None  # of a notebook
        self._card: Card | None = None
        self._console: Console | None = None
        if settings.console == "wrap":
            self._console = Console(self._record_console, colours=settings.console_ansi)
        writer.checkpoint = self._state

    # ── who it is ───────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def id(self) -> str:
        """The run id, fixed for ever."""
        return self.settings.run_id

    @property
    def name(self) -> str:
        """The display name; setting it records a new one."""
        return self.settings.name

    @name.setter
    def name(self, value: str) -> None:
        self._edit("name", str(value))

    @property
    def notes(self) -> str:
        """Free text about the run; setting it records a new one."""
        return self.settings.notes

    @notes.setter
    def notes(self, value: str) -> None:
        self._edit("notes", str(value))

    @property
    def tags(self) -> tuple[str, ...]:
        """The run's tags; setting them records new ones."""
        return self.settings.tags

    @tags.setter
    def tags(self, value: Any) -> None:
        self._edit("tags", tuple(dict.fromkeys(str(tag) for tag in value)))

    @property
    def project(self) -> str:
        """The project that the run belongs to."""
        return self.settings.project

    @property
    def entity(self) -> str:
        """Whose run it is."""
        return self.settings.entity

    @property
    def group(self) -> str:
        """The group that was given to ``init``, or an empty text."""
        return self.settings.run_group

    @property
    def job_type(self) -> str:
        """The job type that was given to ``init``, or an empty text."""
        return self.settings.job_type

    @property
    def key(self) -> str:
        """The run's 26-character key: its folder and its permanent link, ``/r/<key>``."""
        return run_key(self.entity, self.project, self.id)

    @property
    def path(self) -> str:
        """``entity/project/id``."""
        return f"{self.entity}/{self.project}/{self.id}"

    @property
    def dir(self) -> str:
        """The folder that holds the run's log."""
        return str(self._writer.folder if self._staging is None else self._staging.target)

    @property
    def url(self) -> str | None:
        """The run's page on the server; None for a run that is only in a local folder."""
        return f"{self.settings.base_url}/r/{self.key}" if self.settings.mode == "online" else None

    @property
    def offline(self) -> bool:
        """Whether the run is written to a folder only."""
        return self.settings.mode != "online"

    @property
    def disabled(self) -> bool:
        """Whether nothing is recorded."""
        return False

    @property
    def step(self) -> int:
        """The step that the next ``log()`` without one will have."""
        return self._step

    # ── the metric's first stop ─────────────────────────────────────────────────────────────────────────────────

    def log(
        self, data: Mapping[str, Any], step: int | None = None, commit: bool | None = None, sync: bool | None = None
    ) -> None:
        """
        Record values at a step. When this returns they survive the death of the process.

        Args:
            data: key → number, text or media; nested dicts become ``a/b`` keys. NaN and ±inf are kept as they are.
            step: absolute, ≥ 0. Lower and repeated steps are stored too; equal ones merge, the last value winning.
                None counts 0, 1, 2… from the last step.
            commit: False keeps the step for the next call.
            sync: accepted for scripts of other trackers; changes nothing.

        Raises:
            InvalidValue: *data* is no mapping, or *step* no integer from 0 to 2**63 - 1.
        """
        if self._finished:
            self._terminal.warn_once("log after finish", "log() after finish() stores nothing.")
            return
        if not (type(data) is dict and _PLAIN.issuperset(map(type, data.values())) and len(data) <= ROW_MAX_KEYS):
            data, media = self._clean(data)
            if media:
                self._log_with_media(data, media, step, commit)
                return
            if len(data) > ROW_MAX_KEYS or not _PLAIN.issuperset(map(type, data.values())):
                parts = split_row(data, ROW_MAX_KEYS, RECORD_SPLIT_BYTES)
                if len(parts) > 1:
                    self._log_in_parts(parts, step, commit)
                    return
        if step is not None and (type(step) is not int or not 0 <= step <= STEP_MAX):
            step = whole_step(step)
        with self._lock:
            if step is None:
                step = self._step
                if commit is not False:
                    self._step = step + 1
            elif step >= self._step:
                self._step = step if commit is False else step + 1
            last = self._last
            known = len(last)
            last.update(data)
            if len(last) != known:  # the summary grew, so a name is new and may need cleaning
                data = self._clean_names(data)
            if self._pinned:
                last.update(self._pinned)
            try:
                self._append(1, (step, time_ns(), data))
            except OverflowError:  # an int of more than 64 bits came through the quick look
                data = clean_row(data, self._terminal.warn_once)
                last.update(data)
                self._append(1, (step, time_ns(), data))

    def _clean_names(self, data: Mapping[Any, Any]) -> dict[str, Any]:
        """Return *data*, some of whose names were never seen, with all names fit to store; mend the summary."""
        row = clean_row(data, self._terminal.warn_once)
        for name in data:
            if name not in row:
                self._last.pop(name, None)
        self._last.update(row)
        return row

    def _log_in_parts(self, parts: Sequence[dict[str, Any]], step: int | None, commit: bool | None) -> None:
        """A very wide or large row becomes several records of the same step, which readers merge."""
        with self._lock:
            at = self._step if step is None else step
            for part in parts[:-1]:
                self.log(part, at, commit=False)
            self.log(parts[-1], at, commit)

    # ── config, summary, definitions ────────────────────────────────────────────────────────────────────────────

    def _save_config(self, changes: Mapping[str, Any], removed: str | None) -> dict[str, Any]:
        if removed is not None:
            self._shown_config.pop(removed, None)
            self._record(records.CONFIG, [time.time_ns(), {}, "delete", [removed]])
            return {}
        cleaned: dict[str, Any] = clean_config(changes, self._terminal.warn_once)
        remember_secrets(cleaned)
        shown: dict[str, Any] = redact_config(cleaned)
        self._shown_config.update(shown)
        if cleaned:
            for part in split_row(shown, ROW_MAX_KEYS, RECORD_SPLIT_BYTES):
                self._record(records.CONFIG, [time.time_ns(), part, "merge"])
        return cleaned

    def _save_summary(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        removed = [key for key, value in changes.items() if value is None]
        cleaned, media = self._clean({k: v for k, v in changes.items() if v is not None})
        self._pinned.update(cleaned)
        for key in removed:
            self._pinned.pop(key, None)
        if cleaned or removed or not media:
            self._record(records.SUMMARY, [time.time_ns(), {**cleaned, **dict.fromkeys(map(str, removed))}])
        if media:
            self._summarize_media(media)
        return cleaned

    def define_metric(
        self,
        name: str,
        step_metric: str | Metric | None = None,
        step_sync: bool | None = None,
        hidden: bool | None = None,
        summary: str | None = None,
        goal: str | None = None,
        overwrite: bool | None = None,
        unit: str | None = None,
    ) -> Metric:
        """
        Say what a metric means; the charts and the summary follow.

        Args:
            name: a key, or a pattern with ``*`` such as ``val/*``. Later definitions win over earlier ones.
            step_metric: the key that is this metric's x axis.
            summary: what the run's summary shows beside the last value, as ``<name>.<rule>``: one or more of ``min,max,
                mean,first,best``, separated by commas; ``none`` shows nothing, ``last`` adds nothing.
            goal: ``minimize`` or ``maximize``; what ``best`` means.
            unit: written after the value, such as ``%`` or ``s``.
            hidden: draw no chart of its own.
            step_sync, overwrite: accepted for scripts of other trackers; change nothing.

        Raises:
            InvalidValue: an unknown summary or goal.
        """
        rules = [rule.strip() for rule in (summary or "").split(",") if rule.strip()]
        if bad := [rule for rule in rules if rule not in _SUMMARIES]:
            raise InvalidValue(f"define_metric(): summary must be of {', '.join(sorted(_SUMMARIES))}; got {bad[0]!r}.")
        if goal not in (None, "minimize", "maximize"):
            raise InvalidValue(f"define_metric(): goal must be 'minimize' or 'maximize', got {goal!r}.")
        if isinstance(step_metric, Metric):
            step_metric = step_metric.name
        definition: dict[str, Any] = {
            "name": clean_key(name, self._terminal.warn_once),
            "step_metric": None if step_metric is None else clean_key(step_metric, self._terminal.warn_once),
            "summary": rules,
            "goal": goal,
            "unit": None if unit is None else clean_text(str(unit)),
            "hidden": bool(hidden),
        }
        self._defines[definition["name"]] = definition
        self._record(records.DEFINE, [time.time_ns(), definition])
        return Metric(definition)

    def mark_preempting(self) -> None:
        """
        Say that the scheduler is taking the machine away: if the process ends badly now, the run is *preempted*.

        It is recorded at once, so that it holds for a process that is killed without another word, too.
        """
        if not self._preempting:
            self._preempting = True
            self._record(records.FACTS, [time.time_ns(), {"preempting": self._writer.life["life_id"]}])

    def _edit(self, field: str, value: Any) -> None:
        value = tuple(map(clean_text, value)) if isinstance(value, tuple) else clean_text(value)
        self.settings = msgspec.structs.replace(self.settings, **{field: value})
        self._record(records.EDIT, [time.time_ns(), self.entity, {field: value}])

    def _record_console(self, time_ns: int, stream: str, text: str, open: bool) -> None:  # noqa: A002 - what it is
        if not self._finished:
            self._writer.append(records.CONSOLE, (time_ns, stream, text, 1) if open else (time_ns, stream, text))

    def _record(self, kind: int, body: Any) -> None:
        """Append a record other than a row; a value that cannot be encoded costs only itself."""
        if self._finished:
            self._terminal.warn_once("after finish", "the run is finished; later changes to it are not stored.")
            return
        try:
            self._writer.append(kind, body)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            name = records.KINDS[kind]
            self._terminal.warn_once(f"record {name}", f"a {name} value could not be stored: {error}.")

    def _state(self) -> dict[str, Any]:
        """Return a checkpoint: what a later life needs to go on, so that it need not read the whole log."""
        last = self._last if len(self._last) <= _STATE_KEYS_MAX else dict(list(self._last.items())[:_STATE_KEYS_MAX])
        return {
            "last_step": self._step - 1,
            "config": dict(self._shown_config),
            "summary": dict(last),
            "defines": dict(self._defines),
        }

    # ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
        """
        End the run: 0 or None is *finished*, another exit code *failed*. A second call does nothing.

        Returns when the log is on the disk and everything is on the server; it waits for that as long as there is
        progress, and ``settings.finish_timeout_s`` longer. A server that does not answer is not waited for.
        """
        self._end("finished" if not exit_code else "failed", exit_code or 0)

    def _end(
        self, state: str, exit_code: int | None, reason: str = "", traceback: str = "", quick: bool = False
    ) -> None:
        """Write the end record, seal the log, let the uploader finish. Never raises."""
        while self._endings and not self._finished:
            self._endings.pop(0)(quick)
        if self._encoder is not None and not self._finished:
            self._encoder.drain(MEDIA_SIGNAL_S if quick else self._patience_s, quick)
        if self._console is not None:
            self._console.stop()
        if self._shell is not None and not self._finished and not quick:
            self._keep_cells()
        with self._lock:
            if self._finished:
                return
            if self._encoder is not None:
                self._encoder.close()
            if self._preempting and state in ("killed", "crashed", "failed"):
                state = "preempted"
            if state == "killed" and reason == "SIGINT" and self._uploader is not None:
                by = self._uploader.hear_stop()
                reason = f"stopped from the browser by {by}" if by is not None else reason
            runtime_s = time.monotonic() - self._began
            end = {
                "state": state,
                "exit_code": exit_code,
                "reason": clean_text(reason),
                "traceback": clean_text(traceback[-TRACEBACK_MAX_CHARS:]),
                "runtime_s": runtime_s,
            }
            self._record(records.STATE, [time.time_ns(), self._state()])
            self._record(records.END, [time.time_ns(), end])
            self._finished = True
            self.unwatch()
            self._ended_as = state
            self._ended_at = time.monotonic()
        self._writer.close()
        if self._card is not None:
            self._card.close()
        for segment in self._writer.segments:
            _to_disk(self._writer.folder / f"{segment}.trl")
        if self._uploader is not None:
            unreachable_s = self.settings.finish_unreachable_s
            said = self._uploader.finish(0.0 if quick else self._patience_s, unreachable_s, self._note_waiting)
            if self.settings.mode == "online" and not quick:
                self._say_whether_uploaded(said)
        if self._staging is not None and not quick and not self._child:
            self._leave_memory(self._staging)
        if lost := self._writer.lost_records:
            self._terminal.say(f"{lost:,} records were lost because the disk refused them: {self._writer.disk_error}.")
        if not quick and not self._terminal.silent and not self._child:
            self._say_goodbye(state, runtime_s)

    @property
    def _patience_s(self) -> float:
        """How long the end waits without progress: beside a disk that refuses there will hardly be any."""
        longest = self.settings.finish_timeout_s
        return longest if self._writer.disk_error is None else min(longest, FINISH_FULL_DISK_S)

    def _leave_memory(self, staging: Staging) -> None:
        """See that nothing stays in shared memory: the uploader has copied it, or is gone and this process does."""
        if not staging.folder.exists():
            return
        try:
            if staging.take():
                staging.close()
                return
            why = "it does not answer"
        except OSError as error:
            why = str(error.strerror)
        self._terminal.say(
            f"the network folder has not taken everything yet ({why}). The rest waits in this machine's memory. "
            f"Later, here: treering sync {self.dir}"
        )

    def _note_waiting(self, progress: dict[str, Any]) -> None:
        """While the end is waited for: say once why it takes time."""
        if time.monotonic() - self._ended_at > _PATIENCE_S:
            left, error = progress.get("left_bytes") or 0, str(progress.get("error") or "").rstrip(". ")
            size = f"{left / 1e6:.1f} MB" if left >= 1e5 else f"{left / 1e3:.1f} kB"
            why = f": {error}" if error else ""
            self._terminal.warn_once("waiting", f"{size} are still to be uploaded{why}. Ctrl-C stops waiting.")

    def _say_whether_uploaded(self, said: dict[str, Any] | None) -> None:
        if said is not None and said.get("done"):
            return
        error = str((said or {}).get("error") or "").rstrip(". ")
        why = f" ({error})" if error else ""
        goes_on = "; the uploader goes on for a while" if (said or {}).get("goes_on") else ""
        self._terminal.say(
            f"not everything is uploaded yet{why}. Nothing is lost, it is kept here{goes_on}. "
            f"Later: treering sync {self.dir}"
        )

    def _after_fork(self) -> None:
        """In a forked child: leave the parent's segment alone. The child's first record opens one of its own."""
        self._uploader = None
        if self._console is not None:
            self._console.abandon()
        self._shell = self._card = None
        self._forget_encoder()
        self._child = True
        parent, child = self._writer, ForkedWriter(self._writer)
        self._writer, self._lock, self._append = child, child.lock, child.append
        parent.abandon()

    # ── notebooks ───────────────────────────────────────────────────────────────────────────────────────────────

    def _repr_html_(self) -> str:
        """Return the run as a card for a notebook: state, latest values, small lines, a link."""
        from .notebook import card_html, lines_of

        state = self._ended_as or "running"
        runtime_s = (self._ended_at or time.monotonic()) - self._began
        with self._lock:
            summary = dict(self._last)
        lines = lines_of(self._writer.folder, self._writer.segments)
        where = f"treering ui --data {self.settings.dir}"
        return card_html(self.name, self.project, state, runtime_s, where, self.url, summary, lines)

    def _show_in_notebook(self) -> None:
        """In a notebook's kernel: show the card below the cell, and keep the cells when the run ends."""
        from .notebook import Card, find_shell

        self._shell = find_shell()
        if self._shell is not None and not self._terminal.silent:
            from IPython import display  # type: ignore[import-not-found, unused-ignore]

            self._card = Card(self._repr_html_, display)
            self._card.show()

    def _keep_cells(self) -> None:
        from .blobs import Blobs
        from .notebook import notebook_name, session_cells, session_notebook

        try:
            book, hidden = session_notebook(session_cells(self._shell))
            blob = Blobs(Path(self.settings.dir) / "blobs").put(book)
            about = {"purpose": "notebook", **({"redacted": hidden} if hidden else {})}
            self._record(records.FILE, [time.time_ns(), "notebook/session.ipynb", blob.sha256, blob.size, about])
            self._record(records.FACTS, [time.time_ns(), {"notebook": {"name": notebook_name(self._shell)}}])
        except Exception as error:  # a kernel's history is the kernel's own
            self._terminal.warn_once("notebook", f"the notebook's cells could not be kept: {error}.")

    def _say_goodbye(self, state: str, runtime_s: float) -> None:
        paths = [self._writer.folder / f"{segment}.trl" for segment in self._writer.segments]
        lines: dict[str, list[float]] = {}
        for row in earlier.sample_rows(paths):
            for key, value in row.items():
                if isinstance(value, (int, float)):
                    lines.setdefault(key, []).append(float(value))
        folder = self.settings.dir
        where = f"saved in {folder} · view: {self.url or f'treering ui --data {folder}'}"
        self._terminal.say("\n".join(end_block(self.name, state, runtime_s, lines, self._last, where)))

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.finish()
        else:
            self._end(*outcome_of(error, trace))

    def __repr__(self) -> str:
        return f"<treering run {self.name} {self.path}>"


def outcome_of(error: BaseException, trace: TracebackType | None) -> tuple[str, int | None, str, str]:
    """Return (state, exit code, reason, traceback) of a process that ends with *error*."""
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
        return ("failed" if code else "finished"), code, "", ""
    if isinstance(error, KeyboardInterrupt):
        return "killed", 130, "SIGINT", ""
    import traceback  # 5 ms, and only for a run that failed

    # What an error says may be what was sent to some service, its key included, and others see the run's page.
    text = redact_source("".join(traceback.format_exception(type(error), error, trace)))[0]
    return "failed", 1, redact_source(f"{type(error).__name__}: {error}"[:2000])[0][:1000], text


def _to_disk(path: Path) -> None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        getattr(os, "fdatasync", os.fsync)(fd)
    except OSError:
        pass
    finally:
        os.close(fd)
