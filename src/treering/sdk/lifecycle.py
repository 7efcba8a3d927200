"""How a run begins: ``init()``, and the active run."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from treering._version import __version__
from treering.errors import InvalidValue, UsageError
from treering.ids import new_life_id, new_run_id, random_run_name, run_key
from treering.limits import (
    DISPLAY_NAME_MAX_CHARS,
    INIT_WORD_S,
    NOTES_MAX_BYTES,
    SEGMENT_MAX_BYTES,
    STAGED_SEGMENT_BYTES,
    TAG_MAX_CHARS,
    TAGS_MAX,
)
from treering.runlog import records
from treering.runlog.writer import Writer, map_is_safe
from treering.values import clean_config

from . import process_end, ranks
from .active_folder import note_active_folder
from .arguments import Arguments, find_arguments, find_options
from .branch import Branch, Origin, find_branch, key_of, record_fork
from .disabled import DisabledRun
from .locked import check_lock
from .plan import Plan
from .redact import redact_arguments, redact_text, remember_secrets
from .reproduced import apart_from_original, reproduced_run
from .resume import Past, read_past
from .run import Run
from .scheduler import Job, Program, Tracked, claim, is_batch, job_of
from .settings import RESUMES, Settings, current_folder, writable_folder
from .spawn import UploaderProcess
from .staging import Staging, leftovers
from .terminal import Terminal

__all__ = ["active_run", "finish", "init"]

_active: Run | DisabledRun | None = None
_inits = 0  # ranks of one job count their runs alike
_lock = threading.RLock()


def init(
    project: str | None = None,
    *,
    entity: str | None = None,
    name: str | None = None,
    id: str | None = None,  # noqa: A002 - the field's word for it
    config: Any = None,
    tags: Any = None,
    group: str | None = None,
    job_type: str | None = None,
    folder: str | None = None,
    parent: str | Run | None = None,
    notes: str | None = None,
    mode: str | None = None,
    dir: str | os.PathLike[str] | None = None,  # noqa: A002 - the field's word for it
    resume: str | bool | None = None,
    fork_from: str | None = None,
    resume_from: str | None = None,
    reinit: str | bool | None = None,
    config_exclude_keys: Any = None,
    config_include_keys: Any = None,
    sync_tensorboard: bool | str | os.PathLike[str] | None = None,
    settings: Mapping[str, Any] | Settings | None = None,
    **others: Any,
) -> Run | DisabledRun:
    """
    Begin a run and make it the active one.

    Args:
        project, entity, name, id, tags, group, job_type, folder, notes, mode, dir, resume: see
            :class:`treering.Settings`.
        parent: the run of the same project that this one belongs to, or its id.
        config: hyperparameters: a dict, ``argparse.Namespace``, dataclass, attrs, pydantic or OmegaConf object, absl
            flags, or the path of a JSON or YAML file.
        fork_from: ``"RUN_ID?_step=200"``: a new run whose lines up to that step are those of another run of the
            project; it logs on behind it.
        resume_from: ``"RUN_ID?_step=200"``: the same run goes on behind that step; what it logged beyond steps back.
        reinit: what to do with a run that is still active: ``finish_previous`` (the default in a notebook, and for
            True), ``return_previous`` (the default elsewhere), or ``create_new``.
        config_exclude_keys, config_include_keys: top-level keys of *config* to leave out, or to keep alone.
        sync_tensorboard: also record what this process writes for TensorBoard from now on. A path instead of True says
            below which folder a log directory's own path becomes the first part of its keys.
        settings: any field of :class:`treering.Settings` that has no argument of its own.
        others: arguments of other trackers that have no meaning here are accepted with one warning.

    Raises:
        InvalidName, InvalidValue: an argument that cannot be right; the message names it.
        UsageError: ``resume="must"`` without such a run, ``"never"`` with one, or a run to branch off from that is
            not there.
        FolderNotWritable: no folder can be written.
    """
    global _active, _inits
    with _lock:
        given = {
            "project": project,
            "entity": entity,
            "name": name,
            "run_id": id,
            "tags": tags,
            "run_group": group,
            "job_type": job_type,
            "folder": folder,
            "parent": parent.id if isinstance(parent, Run) else parent,
            "notes": notes,
            "mode": mode,
            "dir": dir,
            "resume": resume,
        }
        given = {**_given_settings(settings), **{key: value for key, value in given.items() if value is not None}}
        chosen = apart_from_original(Settings.resolve(given, os.environ, current_folder()), os.environ)
        branch, chosen = find_branch(fork_from, resume_from, chosen)
        terminal = Terminal(chosen.silent)
        previous = _previous(reinit)
        if previous is not None:
            return previous
        _warn_unused(others, terminal)
        loaded = _load_config(config, config_exclude_keys, config_include_keys, terminal)
        arguments = find_arguments(sys._getframe())
        remember_secrets(loaded)
        if arguments is not None:
            remember_secrets(arguments.values)
        _inits += 1
        place = ranks.place_of(os.environ)
        begun = ranks.begun_by_parent(os.environ)
        if begun is not None and not chosen.run_id and not chosen.run_group:
            place, names = begun.place, begun._asdict()
            del names["place"]
            chosen = msgspec.structs.replace(chosen, **names)
        if chosen.mode == "disabled" or (place.rank > 0 and chosen.ranks == "main" and not chosen.run_group):
            _active = DisabledRun(chosen, loaded)
            return _active
        _active = run = _begin(chosen, loaded, place, terminal, branch)
        if arguments is not None and chosen.capture_arguments:
            _take_arguments(run, arguments, loaded, config_exclude_keys, config_include_keys)
        if sync_tensorboard:
            from .tensorboard.sync import TensorBoardSync

            TensorBoardSync(run, None if sync_tensorboard is True else sync_tensorboard)
        process_end.watch(run, _forget_for_auto, _renew_lock)
        return run


def active_run() -> Run | DisabledRun | None:
    """Return the run of the last ``init()`` that has not finished."""
    if _active is not None and _active._finished:
        return None
    return _active


def finish(exit_code: int | None = None, quiet: bool | None = None) -> None:
    """Finish the active run; without one, do nothing."""
    run = active_run()
    if run is not None:
        run.finish(exit_code)


def _renew_lock() -> None:
    """In a forked child: another thread of the parent may have held it."""
    global _lock
    _lock = threading.RLock()


# ── beginning ────────────────────────────────────────────────────────────────────────────────────────────────────


def _begin(
    settings: Settings, config: dict[str, Any], place: ranks.Place, terminal: Terminal, branch: Branch | None
) -> Run:
    folder = writable_folder(settings.dir, strict=settings.dir_strict, environ=os.environ)
    if folder.note:
        terminal.say(folder.note)
    job = job_of(os.environ)
    joins = place.world_size > 1 and not settings.run_group
    # Its scheduler may start this program again, perhaps elsewhere: then it goes on in the run that it began.
    requeues = not (settings.run_id or settings.resume or settings.run_group or joins) and is_batch(job)
    label = f"rank{place.rank}" if joins and place.rank > 0 else ""
    run_id = settings.run_id or _run_id(settings, folder.path, joins, job if requeues else None)
    key = run_key(settings.entity, settings.project, run_id)
    run_folder = folder.path / "runs" / key
    check_lock(run_folder)
    online = settings.mode == "online"
    network = _is_network(folder.path, settings)
    if network:
        _bring_home(run_folder)
    # The server is asked by the uploader, so that nothing of a network is loaded into the training process.
    known = bool(settings.run_id or settings.resume or joins or requeues or branch)
    ask: dict[str, Any] = {"run_key": key, "writer": label}
    if branch is not None:
        ask |= {"origin": key_of(branch, settings), "step": branch.step}
    uploader = UploaderProcess.open(settings, ask if known else None)
    try:
        past = read_past(run_folder, label) if run_folder.is_dir() else None
        word = uploader.first_word(INIT_WORD_S) if online and uploader is not None else None
        there = Past.from_server((word or {}).get("past"))
        past = there.merged_with(past) if there is not None else past
        settings = msgspec.structs.replace(settings, dir=str(folder.path))
        _check_resume(settings, past, run_id)
        origin = None if branch is None else _origin(settings, branch, folder.path, word, terminal)
        goes_on = bool(settings.resume) or (joins and not settings.run_id)
        goes_on = goes_on or (requeues and past is not None and past.end_state != "finished")
        where = _Where(run_folder, run_id, label, job, place, network)
        return _begin_life(settings, config, terminal, where, past, goes_on, uploader, word, origin)
    except BaseException:
        if uploader is not None:
            uploader.give_up()
        raise


def _origin(
    settings: Settings, branch: Branch, folder: Path, word: dict[str, Any] | None, terminal: Terminal
) -> Origin:
    """Return what is known, here and on the server, of the run that is branched off from."""
    key = key_of(branch, settings)
    place = folder / "runs" / key
    past = read_past(place, "", branch.step) if place.is_dir() else None
    there = Past.from_server((word or {}).get("origin"))
    past = there.merged_with(past) if there is not None else past
    if past is None:
        run = f"run {branch.run_id!r} of {settings.entity}/{settings.project}"
        if settings.mode == "local":
            raise UsageError(f"init(): {branch.argument} names {run}, which is not in {folder}.")
        terminal.say(f"{run} is not known here (yet); it is found once both are on the server.")
    return Origin(branch, key, past)


class _Where(NamedTuple):
    """The run and the writer that a life is about to begin, and the process that begins it."""

    folder: Path
    run_id: str
    label: str
    job: Job
    place: ranks.Place
    network: bool  # the folder must not be mapped


def _begin_life(
    settings: Settings,
    config: dict[str, Any],
    terminal: Terminal,
    where: _Where,
    past: Past | None,
    goes_on: bool,
    uploader: UploaderProcess | None,
    word: dict[str, Any] | None,
    origin: Origin | None,
) -> Run:
    run_folder, run_id, label, job, place, network = where
    key, data_dir = run_folder.name, run_folder.parent.parent
    again = past is not None and past.lives > 0  # this writer was here before
    goes_on = again and goes_on
    rewinds = origin is not None and origin.branch.rewinds
    if origin is not None and rewinds and origin.branch.is_done(past, job.id, job.incarnation):
        rewinds, goes_on, origin = False, True, None
    forks = origin is not None and not rewinds and not goes_on  # who goes on in a fork forked it before
    goes_on = goes_on or rewinds
    name = settings.name or (past.meta.get("name") if past else "") or random_run_name()
    settings = msgspec.structs.replace(settings, run_id=run_id, name=name)
    terminal.silent = terminal.silent or bool(label)  # eight ranks would say everything eight times
    _check_texts(settings)
    run_folder.mkdir(mode=0o700, exist_ok=True)
    note_active_folder(data_dir)
    life = {
        "run": {"entity": settings.entity, "project": settings.project, "id": run_id, "key": key},
        "life_id": new_life_id(),
        "writer": label,
        "from_step": _first_own_step(origin if rewinds else None, again=again, goes_on=goes_on),
        "resumed": goes_on,
        "process": _process(place, job),
        "client": f"treering {__version__}",
        "meta": _meta(settings, job, first=not again and not label),
    }
    # Arguments and variables may hold bytes that are no text.
    life = clean_config(life, terminal.warn_once)
    # A clock that stands wrong must not put this life before those that it follows.
    earlier = [known.newest_created_ns for known in (past, origin and origin.past) if known is not None]
    floor_ns = max(earlier, default=-1) + 1
    staging = Staging.create(run_folder, str(life["life_id"])) if network else None
    if staging is not None:
        life["staged"] = True
    writer = Writer(
        run_folder if staging is None else staging.folder,
        life,
        mapped=None if staging is None else True,
        segment_max_bytes=SEGMENT_MAX_BYTES if staging is None else STAGED_SEGMENT_BYTES,
        room=None if staging is None else staging.check_room,
        clock_ns=lambda: max(time.time_ns(), floor_ns),
    )
    (data_dir / "live" / f"{key}.{writer.segment_id}").touch(mode=0o600)
    if network:
        terminal.say(_ABOUT_NETWORK_FOLDERS[staging is not None])
    # What a run came out of is recorded when it begins; who resumes or joins it adds only its own process.
    plan = None if label or goes_on else Plan.here(settings, data_dir, _argv())
    if uploader is not None and not uploader.begin(run_folder, life, settings, staging, plan):
        uploader.give_up()
        uploader = None
    begins_with = origin.start(past if rewinds else None) if origin is not None and (rewinds or forks) else None
    run = Run(settings, writer, terminal, begins_with or (past if goes_on else None), uploader, staging)
    if origin is not None and forks:
        run.resumed = False
        record_fork(run, origin)
    if config:
        run.config.update(config)
    if not label:
        ranks.say_begun(os.environ, settings.entity, settings.project, run_id)
        _remember_for_auto(data_dir, settings)
        how = "resumed" if goes_on else "fork" if forks else "run"
        view = run.url or f"treering ui --data {data_dir}"
        terminal.say(f"{how} {name} · project {settings.project} · saved in {data_dir} · view: {view}")
    if settings.mode == "online":
        _say_first_word(settings, word, uploader, terminal)
    if run._console is not None:
        run._console.start()
    if "ipykernel" in sys.modules:
        run._show_in_notebook()
    return run


def _first_own_step(rewound: Origin | None, *, again: bool, goes_on: bool) -> int | None:
    """Return from which step on earlier lives step back; None for nowhere."""
    if rewound is not None:
        return rewound.branch.step + 1
    # The same id again, without asking to resume: what came before steps back, and nothing is deleted.
    return 0 if again and not goes_on else None


# By whether shared memory stands between the training and the folder.
_ABOUT_NETWORK_FOLDERS = {
    True: "the data folder is on a network file system. Killing the training loses nothing; killing the whole job at "
    "once leaves up to the last second in this machine's memory, until the next run here or `treering sync`.",
    False: "the data folder is on a network file system, and there is no shared memory here: each log() is one write() "
    "call instead of a copy.",
}


def _is_network(folder: Path, settings: Settings) -> bool:
    """Return whether the data folder must not be mapped: by what it is, or by what the user says of it."""
    return settings.network_folder == "yes" or (settings.network_folder == "auto" and not map_is_safe(folder))


def _bring_home(run_folder: Path) -> None:
    """Copy what an earlier life of this run left in this machine's memory, so that it can be gone on with."""
    for staging in leftovers():
        if staging.target == run_folder:
            with contextlib.suppress(OSError):  # it stays for the next try
                staging.close()


def _say_first_word(
    settings: Settings, word: dict[str, Any] | None, uploader: UploaderProcess | None, terminal: Terminal
) -> None:
    """Say once what is wrong with the way to the server. The training goes on whatever it is."""
    said = (word or {}).get("word")
    if uploader is None:
        terminal.say("no process for uploading could be started; the run stays here. Later: treering sync")
    elif not isinstance(said, dict):
        terminal.say(
            f"{settings.base_url} has not answered within {INIT_WORD_S:g} s; training goes on, and everything is sent "
            "as soon as it does."
        )
    else:
        if said.get("insecure"):
            terminal.say(
                f"WARNING: the certificate of {settings.base_url} is not checked (TREERING_INSECURE): whoever stands "
                "in between can read the key and everything that is sent."
            )
        if not said.get("ok"):
            error = str(said.get("error")).rstrip(". ")
            terminal.say(f"{error}. Training goes on; nothing is lost, it is sent once that is mended.")


def _given_settings(settings: Mapping[str, Any] | Settings | None) -> dict[str, Any]:
    if settings is None:
        return {}
    if isinstance(settings, Settings):
        defaults = Settings()
        fields = ((name, getattr(settings, name)) for name in settings.__struct_fields__)
        return {name: value for name, value in fields if value != getattr(defaults, name)}
    if not isinstance(settings, Mapping):
        raise InvalidValue(f"init(): settings must be a dict or treering.Settings, got {settings!r:.60}.")
    unknown = [name for name in settings if name not in Settings.__struct_fields__]
    if unknown:
        raise InvalidValue(
            f"init(): no setting is called {unknown[0]!r}; there are {', '.join(Settings.__struct_fields__)}."
        )
    return dict(settings)


def _previous(reinit: str | bool | None) -> Run | DisabledRun | None:
    """Settle what happens to a run that is still active; return it if it is to be returned."""
    run = active_run()
    if run is None:
        return None
    policy = "finish_previous" if reinit is True else reinit
    if not policy or policy == "default":
        policy = "finish_previous" if "ipykernel" in sys.modules or isinstance(run, DisabledRun) else "return_previous"
    if policy == "finish_previous":
        run.finish()
        return None
    if policy == "create_new":
        return None
    if policy == "return_previous":
        return run
    raise InvalidValue(f"init(): reinit must be finish_previous, return_previous or create_new; got {reinit!r}.")


def _warn_unused(others: Mapping[str, Any], terminal: Terminal) -> None:
    for name, value in others.items():
        if value not in (None, False):
            terminal.warn_once(f"init {name}", f"init({name}=…) has no effect here.")


def _load_config(config: Any, exclude: Any, include: Any, terminal: Terminal) -> dict[str, Any]:
    if config is None:
        return {}
    if isinstance(config, (str, os.PathLike)):
        config = _read_config_file(Path(config))
    cleaned: dict[str, Any] = clean_config(config, terminal.warn_once)
    if include:
        cleaned = {key: value for key, value in cleaned.items() if key in include}
    return {key: value for key, value in cleaned.items() if key not in (exclude or ())}


def _read_config_file(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidValue(f"init(): config file {str(path)!r} cannot be read: {error}.") from None
    try:
        if path.suffix == ".json":
            return msgspec.json.decode(text)
        import yaml  # type: ignore[import-untyped, unused-ignore]

        return yaml.safe_load(text)
    except ImportError:
        raise InvalidValue(f"init(): reading {str(path)!r} needs PyYAML: pip install pyyaml") from None
    except Exception as error:
        raise InvalidValue(f"init(): config file {str(path)!r} does not parse: {error}.") from None


def _take_arguments(run: Run, arguments: Arguments, given: Mapping[str, Any], exclude: Any, include: Any) -> None:
    """Make config of parsed arguments. What the script says itself, or said in an earlier life, stands."""
    wanted = {
        name: value
        for name, value in arguments.values.items()
        if name not in given and name not in (exclude or ()) and (not include or name in include)
    }
    if wanted:
        run.config.setdefaults(wanted)
    run._record(records.FACTS, [time.time_ns(), {"arguments": {"source": arguments.source, "keys": sorted(wanted)}}])


def _run_id(settings: Settings, folder: Path, joins: bool, requeued: Job | None) -> str:
    if settings.resume == "auto":
        remembered = _auto_file(folder, settings)
        if remembered.is_file():
            return remembered.read_text(encoding="utf-8").strip() or new_run_id()
    if joins:
        return ranks.run_id_of(ranks.job_id(os.environ), _inits)
    if requeued is None:
        return new_run_id()

    def look(run_id: str) -> Tracked | None:
        run_folder = folder / "runs" / run_key(settings.entity, settings.project, run_id)
        past = read_past(run_folder, "") if run_folder.is_dir() else None
        return None if past is None else Tracked(past.end_state, past.incarnations)

    return claim(requeued, Program.here(os.environ, _argv()), look)


def _check_resume(settings: Settings, past: Past | None, run_id: str) -> None:
    if settings.resume == "must" and not settings.run_id:
        raise UsageError(f"init(): resume='must' needs id=… to say which run. resume is one of {', '.join(RESUMES)}.")
    where = f"run {run_id!r} of {settings.entity}/{settings.project} in {settings.dir}"
    if settings.resume == "must" and past is None:
        raise UsageError(f"init(): resume='must', yet there is no {where}. Use resume='allow' to begin it.")
    if settings.resume == "never" and past is not None:
        raise UsageError(f"init(): resume='never', yet there is already {where}. Use another id, or resume='allow'.")


def _check_texts(settings: Settings) -> None:
    if len(settings.name) > DISPLAY_NAME_MAX_CHARS:
        raise InvalidValue(f"init(): name has {len(settings.name)} characters; at most {DISPLAY_NAME_MAX_CHARS}.")
    if len(settings.notes.encode("utf-8", "replace")) > NOTES_MAX_BYTES:
        raise InvalidValue(f"init(): notes are larger than {NOTES_MAX_BYTES:,} bytes.")
    if len(settings.tags) > TAGS_MAX or any(len(tag) > TAG_MAX_CHARS for tag in settings.tags):
        raise InvalidValue(f"init(): at most {TAGS_MAX} tags of {TAG_MAX_CHARS} characters; got {len(settings.tags)}.")


def _process(place: ranks.Place, job: Job) -> dict[str, Any]:
    pid = os.getpid()
    return {
        "host": platform.node(),
        "boot_id": ranks.boot_id(),
        "pid": pid,
        "start_time": ranks.process_start_time(pid),
        "rank": place.rank,
        "local_rank": place.local_rank,
        "world_size": place.world_size,
        "job_id": job.id or (ranks.job_id(os.environ) if place.world_size > 1 else ""),
        "incarnation": job.incarnation,
    }


def _meta(settings: Settings, job: Job, *, first: bool) -> dict[str, Any]:
    """Return what describes the run; a later life and another rank add only how they themselves were started."""
    arguments = redact_arguments(_argv(), find_options())
    process = {
        "program": arguments[0] if arguments else "",
        "command": " ".join(_quoted(argument) for argument in arguments),
        "python": platform.python_version(),
        "executable": sys.executable or "",
        "os": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cwd": redact_text(str(current_folder())),
        "cpu_count": os.cpu_count() or 0,
    }
    if job.scheduler:
        process["job"] = job.record
    if not first:
        return {"also_started_with": process}
    return {
        "name": settings.name,
        "group": settings.run_group,
        "job_type": settings.job_type,
        "folder": settings.folder,
        "parent": settings.parent,
        "tags": list(settings.tags),
        "notes": settings.notes,
        **({"reproduces": original} if (original := reproduced_run(os.environ)) is not None else {}),
        **process,
    }


def _argv() -> list[str]:
    """Return the command line; a program may have put anything into it, or taken it away."""
    return [str(argument) for argument in getattr(sys, "argv", None) or ()]


def _quoted(argument: str) -> str:
    plain = argument and all(char.isalnum() or char in "-_./=:,+@%[]" for char in argument)
    return argument if plain else "'" + argument.replace("'", "'\\''") + "'"


def _auto_file(folder: Path, settings: Settings) -> Path:
    where = run_key(settings.entity, settings.project, f"{current_folder()}\0{(_argv() or [''])[0]}")
    return folder / "live" / f"{where}.auto"


def _remember_for_auto(folder: Path, settings: Settings) -> None:
    """``resume="auto"``: note the run id until the run ends well, so that the same script goes on after a crash."""
    if settings.resume == "auto":
        _auto_file(folder, settings).write_text(settings.run_id, encoding="utf-8")


def _forget_for_auto(run: Run) -> None:
    if run.settings.resume == "auto" and run._ended_as == "finished":
        _auto_file(Path(run.settings.dir), run.settings).unlink(missing_ok=True)
