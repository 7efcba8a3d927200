"""
What a run takes beside numbers and texts: rich values, files, data sets and models.

The encoder, and everything that it needs, is loaded with the first of them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Any, Final

from treering.errors import InvalidValue
from treering.runlog import records
from treering.values import Warn, clean_row

from .artifact_run import ArtifactRun
from .media.loggable import may_be_rich
from .settings import Settings
from .staging import Staging
from .terminal import Terminal

if TYPE_CHECKING:
    from .alerts import RaisedAlerts
    from .artifacts.recorder import Recorder
    from .encoder import Encoder
    from .media.media import Media, Shelf
    from .saved import Inputs, SavedFiles
    from .watch import Watched

__all__ = ["STEP_MAX", "RichRun", "whole_step"]

STEP_MAX: Final = (1 << 63) - 1


class RichRun(ArtifactRun):
    """The part of :class:`treering.Run` that is about everything but numbers."""

    # What the rest of the run gives.
    settings: Settings
    _terminal: Terminal
    _staging: Staging | None
    _lock: Any
    _append: Callable[[int, Any], None]
    _record: Callable[[int, Any], None]
    _step: int
    _last: dict[str, Any]
    _pinned: dict[str, Any]
    _finished: bool
    key: Any
    path: Any

    def __init__(self) -> None:
        self._forget_encoder()
        self._inputs: Inputs | None = None
        self._watched: list[Watched] = []
        self._models: list[dict[str, Any]] = []
        self._raised: RaisedAlerts | None = None

    def _forget_encoder(self) -> None:
        """In a forked child: what waits belongs to the parent; the child's first rich value begins one of its own."""
        self._encoder: Encoder | None = None
        self._saved: SavedFiles | None = None
        self._recorder: Recorder | None = None
        self._endings: list[Callable[[bool], None]] = []  # called first when the run ends; True: there is little time

    def log(
        self, data: Mapping[str, Any], step: int | None = None, commit: bool | None = None, sync: bool | None = None
    ) -> None:
        """See :class:`treering.Run`."""
        raise NotImplementedError

    # ── rich values in log() ────────────────────────────────────────────────────────────────────────────────────

    def _clean(self, data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Media]]:
        """Return the numbers and texts of a call, and its rich values, for which others have the time."""
        if not isinstance(data, Mapping):
            raise InvalidValue(f"run.log(): takes a dict of values, got {data!r:.80} ({type(data).__name__}).")
        media: dict[str, Media] = {}
        warn = self._terminal.warn_once
        return clean_row(
            data, warn, lambda key, value: may_be_rich(value) and take_rich(key, value, media, warn)
        ), media

    def _log_with_media(
        self, data: dict[str, Any], media: dict[str, Media], step: int | None, commit: bool | None
    ) -> None:
        """Numbers are recorded at once; media follow with the same step and the time of this call."""
        step = None if step is None else whole_step(step)
        with self._lock:
            at = min(self._step, STEP_MAX) if step is None else step
            now_ns = time_ns()
            if data:
                self.log(data, at, commit)
            else:
                self._step = max(self._step, at if commit is False else at + 1)
            rest = self._encoding().put(at, now_ns, media)
        if rest is not None:
            rest()

    def _summarize_media(self, media: dict[str, Media]) -> None:
        """Set rich values in the summary; they appear there when they are encoded."""
        if self._is_over("summary"):
            return
        with self._lock:
            rest = self._encoding().put(None, time_ns(), media)
        if rest is not None:
            rest()

    def _encoding(self) -> Encoder:
        """Return the encoder, which begins with the first rich value."""
        if self._encoder is None:
            from .blobs import Blobs
            from .encoder import Encoder
            from .media.payload import Spool, spool_root

            folder = Path(self.settings.dir)
            warn, say = self._terminal.warn_once, self._terminal.say
            with self._lock:
                if self._encoder is None:
                    spool = Spool(spool_root(folder, self._staging is not None))
                    blobs = Blobs(folder / "blobs")
                    self._encoder = Encoder(blobs, spool, self._lock, self._append_late, self._note_late, warn, say)
        return self._encoder

    def _append_late(self, kind: int, body: Any) -> None:
        """Append what the encoder made; it holds the lock."""
        if self._finished:
            return
        try:
            self._append(kind, body)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            self._terminal.warn_once(f"late {kind}", f"a {records.KINDS[kind]} could not be stored: {error}.")

    def _note_late(self, row: dict[str, Any], pinned: bool) -> None:
        """Keep what the encoder made for the summary; *pinned* was set there by hand."""
        if pinned:
            self._pinned.update(row)
        self._last.update(row)
        if self._pinned:
            self._last.update(self._pinned)

    # ── files ───────────────────────────────────────────────────────────────────────────────────────────────────

    def save(
        self,
        glob_str: str | os.PathLike[str],
        base_path: str | os.PathLike[str] | None = None,
        policy: str = "live",
        stamp: bool = False,
    ) -> list[str]:
        """
        Store files with the run. They are read off the training's thread.

        Args:
            glob_str: a path or a pattern; a folder stands for everything in it.
            base_path: the folder that the files' names in the run begin below; the working directory, or for an
                absolute path the folder that it names.
            policy: ``now``; ``end``, when the run ends; or ``live``: again whenever a file has changed, looked at every
                ten seconds and at the end.
            stamp: write the run's key into the metadata of those that are safetensors, GGUF or ONNX files, first, so
                that ``treering origin`` tells where a copy comes from, wherever it is.

        Returns:
            The files that there are now.

        Raises:
            InvalidValue: an unknown policy.
        """
        if self._is_over("save"):
            return []
        if self._saved is None:
            from .saved import SavedFiles

            self._saved = SavedFiles(self._encoding(), self._terminal.warn_once)
        return self._saved.save(glob_str, base_path, policy, self._stamp if stamp else None)

    def stamp(self, path: str | os.PathLike[str]) -> bool:
        """
        Write the run's key into the metadata of a safetensors, GGUF or ONNX file, in place.

        Returns whether it was; a file of another format, or one that cannot be written, is left as it is with a
        warning.
        """
        return not self._is_over("stamp") and self._stamp(Path(path))

    def _stamp(self, path: Path) -> bool:
        from .stamps import Stamp, write_stamp

        try:
            write_stamp(path, Stamp(self.key, self.path))
        except (InvalidValue, OSError) as error:
            self._terminal.warn_once(f"stamp {path}", f"stamp(): {error}")
            return False
        return True

    def log_code(
        self,
        root: str | os.PathLike[str] | None = ".",
        name: str | None = None,
        include_fn: Callable[..., bool] | None = None,
        exclude_fn: Callable[..., bool] | None = None,
    ) -> None:
        """
        Store source files with the run.

        Args:
            root: the folder that they are below.
            name: accepted for scripts of other trackers; changes nothing.
            include_fn: called with the path of a file, or with that and *root*; whether to store it. All ``.py`` files
                if it is not given.
            exclude_fn: likewise; whether to leave it out after all.
        """
        if self._is_over("log_code"):
            return
        from .saved import store_code

        folder = Path(os.path.abspath(root or "."))
        data = Path(os.path.abspath(self.settings.dir))
        encoder = self._encoding()
        encoder.run_errand(store_code(folder, include_fn, exclude_fn, data, encoder))

    def log_input(self, path_or_object: Any, name: str | None = None, kind: str = "dataset") -> None:
        """
        Note what the run is made from: a digest of it, not its bytes.

        Args:
            path_or_object: a file or folder (read off the training's thread), a pandas DataFrame, an array, or a
                dataset of Hugging Face.
            name: how it is called in the run.
            kind: what it is, such as ``dataset`` or ``model``.
        """
        if self._is_over("log_input"):
            return
        from .saved import Inputs, digest_of, input_name

        if self._inputs is None:
            self._inputs = Inputs()
        inputs, shown = self._inputs, input_name(path_or_object, name)
        if isinstance(path_or_object, (str, os.PathLike)):
            encoder, path = self._encoding(), Path(os.path.abspath(path_or_object))

            def errand(shelf: Shelf) -> None:
                encoder.post([inputs.add(digest_of(path), shown, kind)])

            encoder.run_errand(errand)
            return
        try:
            self._record(*inputs.add(digest_of(path_or_object), shown, kind))
        except Exception as error:  # a user's type may raise anything from any of its methods
            self._terminal.warn_once(f"input {shown}", f"log_input(): {shown!r} was not noted: {error}.")

    # ── alerts ──────────────────────────────────────────────────────────────────────────────────────────────────

    def alert(self, title: str, text: str = "", level: Any = "INFO", wait_duration: Any = None) -> None:
        """
        Raise an alert: it is shown on the run's page and in its project, and sent to the project's channels.

        It is recorded at once and sent by the server, so that it never keeps the training waiting.

        Args:
            title: what is the matter; alerts of one title are one thing.
            text: more about it.
            level: ``INFO``, ``WARN`` or ``ERROR``, or an ``AlertLevel``.
            wait_duration: seconds, or a timedelta, in which further alerts of this title are only counted; 60 by
                default.

        Raises:
            InvalidValue: the title is empty, or the level or the duration is none.
        """
        if self._is_over("alert"):
            return
        from .alerts import RaisedAlerts

        with self._lock:
            if self._raised is None:
                self._raised = RaisedAlerts()
            step = self._step - 1 if self._step else None  # of the last log()
            now_s = time.monotonic()  # no change of the machine's time makes the wait shorter or longer
            body = self._raised.body(title, text, level, wait_duration, step, now_s, self._terminal.warn_once)
        if body is not None:
            self._record(records.ALERT, [time_ns(), body])

    # ── models ──────────────────────────────────────────────────────────────────────────────────────────────────

    def watch(
        self,
        models: Any,
        criterion: Any = None,
        log: str | None = "gradients",
        log_freq: int = 1000,
        idx: int | None = None,
        log_graph: bool = False,
    ) -> None:
        """
        Record how the gradients and parameters of a torch model are distributed.

        They appear as histograms ``gradients/<layer>`` and ``parameters/<layer>``, and as norms
        ``gradients_norm/<layer>`` and ``parameters_norm/<layer>``, at the step of the next ``log()``.

        Args:
            models: a ``torch.nn.Module``, or several in a list.
            criterion: accepted for scripts of other trackers; changes nothing.
            log: ``gradients``, ``parameters``, ``all``, or None for nothing but the graph.
            log_freq: every how many passes.
            idx: number in front of the names, if several models are watched.
            log_graph: record the modules of the model and how they are connected, at its first pass.

        Raises:
            InvalidValue: an unknown *log*.
        """
        if log not in ("gradients", "parameters", "all", None):
            raise InvalidValue(f"run.watch(): log is gradients, parameters, all or None; got {log!r}.")
        if self._is_over("watch"):
            return
        from .watch import Watched, graph_of, model_fact, models_of

        warn = self._terminal.warn_once
        for number, model in enumerate(models_of(models), len(self._watched) if idx is None else idx):
            if any(watched.model is model for watched in self._watched):
                warn(f"watch {id(model)}", "watch(): this model is watched already; nothing was changed.")
                continue
            if not hasattr(model, "named_parameters"):
                warn("watch type", f"watch(): a {type(model).__qualname__} is no torch.nn.Module; it was left out.")
                continue
            try:
                prefix = f"graph_{number}" if number else ""
                self._models = [*self._models, model_fact(model)]
                first, *others = self._models
                fact = {**first, "others": others} if others else first
                self._record(records.FACTS, [time.time_ns(), {"model": fact}])
                self._watched.append(Watched(model, self._log_measured, log, log_freq, prefix, warn))
                if log_graph:
                    graph_of(model, lambda graph, name=f"graph_{number}": self._log_graph(name, graph), warn)  # type: ignore[misc]
            except Exception as error:  # the training must not end for a model that cannot be hooked
                warn("watch", f"watch(): {type(model).__qualname__} cannot be watched: {error}.")

    def unwatch(self, models: Any = None) -> None:
        """Stop watching a model, or all."""
        chosen = None if models is None else list(models) if isinstance(models, (list, tuple)) else [models]
        kept = []
        for watched in self._watched:
            if chosen is None or any(watched.model is model for model in chosen):
                watched.remove()
            else:
                kept.append(watched)
        self._watched = kept

    def _log_measured(self, row: dict[str, Any]) -> None:
        if not self._finished:
            self.log(row, commit=False)

    def _log_graph(self, name: str, graph: dict[str, Any]) -> None:
        from .media.graph import Graph

        if not self._finished:
            self.log({name: Graph(graph)}, commit=False)

    def _is_over(self, what: str) -> bool:
        if self._finished:
            self._terminal.warn_once(f"{what} after finish", f"{what}() after finish() stores nothing.")
        return self._finished


def take_rich(key: str, value: Any, media: dict[str, Media], warn: Warn) -> bool:
    """Put a rich value into *media*; one that cannot be used costs its own key and one warning."""
    from .encoder import left_out
    from .media.loggable import as_media

    try:
        rich = as_media(value, _table_of)
        if rich is None:
            return False
        if rich.problem:
            left_out(key, rich, rich.problem, warn)
        else:
            media[key] = rich.snapshot()
    except Exception as error:  # a user's type may raise anything from any of its methods
        left_out(key, value, error, warn)
    return True


def _table_of(frame: Any) -> Media:
    from .media.table import Table

    return Table(dataframe=frame)


def whole_step(step: Any) -> int:
    """Return *step* as an int: numpy and torch integers and whole floats are taken, anything else is a mistake."""
    try:
        value = step.__index__() if hasattr(step, "__index__") else step.item() if hasattr(step, "item") else step
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and 0 <= value <= STEP_MAX:
            return int(value)
    except (TypeError, ValueError, RuntimeError):
        pass
    raise InvalidValue(f"run.log(): step must be an integer from 0 to 2**63 - 1, got {step!r:.60}.")
