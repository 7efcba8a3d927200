"""
Where a run is kept and what it is called: arguments of ``init()``, then ``TREERING_*``, then a few ``WANDB_*``
variables, then ``[tool.treering]`` of the nearest pyproject.toml, then defaults.
"""

from __future__ import annotations

import getpass
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from treering.errors import FolderNotWritable, InvalidValue
from treering.ids import check_folder, check_name, clean_name
from treering.limits import FINISH_TIMEOUT_S, FINISH_UNREACHABLE_S, SAMPLE_EVERY_S

from .credentials import Credentials, Login, credentials_path, plain_url

__all__ = ["MODES", "RESUMES", "Settings", "default_folder"]

MODES: Final = ("local", "offline", "online", "disabled")
RESUMES: Final = ("allow", "must", "never", "auto")

# Fall-backs for people who switch. Keys and addresses of another product are never taken.
_WANDB: Final = frozenset(
    {"PROJECT", "ENTITY", "NAME", "RUN_GROUP", "RUN_ID", "TAGS", "NOTES", "JOB_TYPE", "RESUME", "MODE"}
)


class Settings(msgspec.Struct, kw_only=True, frozen=True):
    """
    The settings of one run; each is also an environment variable, ``TREERING_`` and its name in capitals.

    Attributes:
        dir: the data folder.
        dir_strict: raise if ``dir`` cannot be written, instead of the printed fall-back.
        entity: whose run it is; the user of the operating system by default.
        project: the git repository's name by default, else ``uncategorized``.
        name: display name; two words by default.
        run_id: fixed for ever; 8 random characters by default.
        run_group, job_type, tags, notes: as shown in the browser.
        folder: where the run stands within its project, such as ``ablations/width``.
        parent: the run in the same project that this one belongs to, by its id: a sweep, a search, an outer loop.
        mode: ``local`` or ``offline`` (write the data folder), ``disabled`` (nothing), ``online`` (and ship it to a
            server; needs ``base_url``, or one ``treering login``).
        base_url: address of a server; none means the local folder, unless ``treering login --default`` chose one.
        api_key: key for the server; by default the one that ``treering login`` keeps for its address.
        ca_file, ca_dir: certificates of authorities to believe, PEM, beside those of the system.
        insecure: believe any certificate; said loudly.
        allow_stop: let people with the right to it stop the run from its page.
        resume: ``allow``, ``must``, ``never`` or ``auto``.
        network_folder: whether ``dir`` is on NFS, Lustre or FUSE and must not be mapped: ``auto`` looks, ``yes`` and
            ``no`` say it.
        ranks: what processes with a rank above 0 do: ``join`` rank 0's run, or ``main`` (only rank 0 writes).
        console: ``wrap`` (what the process prints is recorded) or ``off``.
        console_ansi: keep colours in what is recorded.
        capture_arguments: make typed config of the arguments that argparse, click, Hydra, Fire or jsonargparse parsed.
        capture_environment: names of environment variables to record beside the usual harmless ones.
        disable_git: record neither commit nor changes.
        disable_code: record no code: no changes, no untracked files, no copy where there is no repository.
        save_code: record all source files, also where a repository has them.
        silent: print nothing.
        sample_s: seconds between two looks at CPU, memory, disk, network and GPU; 0 turns them off.
        finish_timeout_s: how long ``finish()`` waits for the uploader without any progress.
        finish_unreachable_s: how long it waits while the server does not answer. The log is on the disk by then, and
            the uploader goes on by itself.
    """

    dir: str = ""
    dir_strict: bool = False
    entity: str = ""
    project: str = ""
    name: str = ""
    run_id: str = ""
    run_group: str = ""
    job_type: str = ""
    folder: str = ""
    parent: str = ""
    tags: tuple[str, ...] = ()
    notes: str = ""
    mode: str = ""
    base_url: str = ""
    api_key: str = ""
    ca_file: str = ""
    ca_dir: str = ""
    insecure: bool = False
    allow_stop: bool = True
    resume: str = ""
    network_folder: str = "auto"
    ranks: str = "join"
    console: str = "wrap"
    console_ansi: bool = True
    capture_arguments: bool = True
    capture_environment: tuple[str, ...] = ()
    disable_git: bool = False
    disable_code: bool = False
    save_code: bool = False
    silent: bool = False
    sample_s: float = SAMPLE_EVERY_S
    finish_timeout_s: float = FINISH_TIMEOUT_S
    finish_unreachable_s: float = FINISH_UNREACHABLE_S

    def __repr__(self) -> str:
        """Return all settings but the key."""
        shown = ((name, getattr(self, name)) for name in self.__struct_fields__)
        values = (f"{name}={'…' if name == 'api_key' and value else value!r}" for name, value in shown)
        return f"Settings({', '.join(values)})"

    @classmethod
    def resolve(cls, given: Mapping[str, Any], environ: Mapping[str, str], cwd: Path) -> Settings:
        """
        Return the settings of a run; *given* holds what was passed to ``init()``, with None for what was not.

        Raises:
            InvalidValue, InvalidName: a value of the wrong type or range, naming where it came from.
        """
        values: dict[str, Any] = {}
        for field in msgspec.structs.fields(cls):
            name = field.name
            value, source = given.get(name), f"init({name}=…)"
            if value is None:
                value, source = _from_environ(name, environ)
            if value is not None:
                values[name] = _convert(name, value, field.type, source)
        if not values.get("dir"):
            values["dir"] = str(default_folder(environ, cwd))
        login = _choose_server(values, environ)
        values["entity"] = check_name(
            values.get("entity") or (login.entity if login else "") or _default_entity(), "entity"
        )
        values["project"] = check_name(values.get("project") or _default_project(cwd), "project")
        if values.get("run_id"):
            values["run_id"] = check_name(values["run_id"], "run id")
        if values.get("parent"):
            values["parent"] = check_name(values["parent"], "parent")
        values["folder"] = check_folder(values.get("folder", ""))
        _one_of("resume", values.get("resume", ""), ("", *RESUMES))
        _one_of("ranks", values.get("ranks", "join"), ("join", "main"))
        _one_of("console", values.get("console", "wrap"), ("wrap", "off"))
        _one_of("network_folder", values.get("network_folder", "auto"), ("auto", "yes", "no"))
        return cls(**values)


def _from_environ(name: str, environ: Mapping[str, str]) -> tuple[str | None, str]:
    variable = f"TREERING_{name.upper()}"
    if environ.get(variable):
        return environ[variable], variable
    if name.upper() in _WANDB and environ.get(f"WANDB_{name.upper()}"):
        return environ[f"WANDB_{name.upper()}"], f"WANDB_{name.upper()}"
    return None, ""


def _convert(name: str, value: Any, kind: Any, source: str) -> Any:
    if kind is bool:
        if isinstance(value, str):
            return value.strip().lower() in ("1", "true", "yes", "on")
        return bool(value)
    if kind is float:
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise InvalidValue(f"{source}: {name} must be a number of seconds, got {value!r}.") from None
        if not 0 <= number < float("inf"):
            raise InvalidValue(f"{source}: {name} must be 0 or more seconds, got {value!r}.")
        return number
    if name in ("tags", "capture_environment"):
        tags = value.split(",") if isinstance(value, str) else value
        if not isinstance(tags, (list, tuple, set, frozenset)) or not all(isinstance(tag, str) for tag in tags):
            raise InvalidValue(f"{source}: {name} must be strings, got {value!r}.")
        return tuple(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
    if name == "console":  # words of other trackers
        value = {"auto": "wrap", "wrap_raw": "wrap", "wrap_emu": "wrap", "redirect": "wrap"}.get(value, value)
    if name == "resume" and isinstance(value, bool):
        return "auto" if value else ""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str):
        raise InvalidValue(f"{source}: {name} must be a string, got {value!r} ({type(value).__name__}).")
    # A secret that was mounted as a file ends with a newline.
    return value.strip() if name in ("api_key", "base_url") else value


def _choose_server(values: dict[str, Any], environ: Mapping[str, str]) -> Login | None:
    """Settle mode, address and key; return the login that is kept for the address."""
    mode = values.get("mode") or ("online" if values.get("base_url") else "")
    mode = {"dryrun": "offline", "run": "online"}.get(mode, mode)
    _one_of("mode", mode, ("", *MODES))
    if mode not in ("", "online"):
        values["mode"] = mode
        return None
    path = credentials_path(environ)
    kept = Credentials(environ) if path.exists() else None
    if not values.get("base_url") and kept is not None:
        values["base_url"] = kept.default or (kept.single() if mode == "online" else None) or ""
    if not values.get("base_url"):
        # Scripts written for a hosted tracker ask for "online"; the record is kept here.
        values["mode"] = "local"
        return None
    values["base_url"] = plain_url(values["base_url"])
    values["mode"] = "online"
    login = kept.find(values["base_url"]) if kept is not None else None
    if not values.get("api_key") and login is not None:
        values["api_key"] = login.key
    return login


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InvalidValue(f"init(): {name} must be one of {', '.join(filter(None, allowed))}; got {value!r}.")


def default_folder(environ: Mapping[str, str], cwd: Path) -> Path:
    """Return the data folder: ``TREERING_DIR``, else ``[tool.treering] dir``, else ``~/.treering``."""
    if environ.get("TREERING_DIR"):
        return Path(environ["TREERING_DIR"]).expanduser()
    for folder in (cwd, *cwd.parents):
        file = folder / "pyproject.toml"
        if file.is_file():
            named = _dir_in_pyproject(file)
            if named:
                return (folder / Path(named).expanduser()).resolve()
            break
    home = environ.get("HOME")
    return Path(home) / ".treering" if home else Path(tempfile.gettempdir()) / f"treering-{os.getuid()}"


def _dir_in_pyproject(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    if "[tool.treering" not in text:  # parsing costs 5 ms; almost no project needs it
        return ""
    import tomllib

    try:
        value = tomllib.loads(text).get("tool", {}).get("treering", {}).get("dir", "")
    except tomllib.TOMLDecodeError:
        return ""
    return value if isinstance(value, str) else ""


def _default_entity() -> str:
    try:
        return clean_name(getpass.getuser(), "me")
    except (KeyError, OSError):  # a container whose uid has no name
        return f"user{os.getuid()}"


def _default_project(cwd: Path) -> str:
    for folder in (cwd, *cwd.parents):
        if (folder / ".git").exists():
            return clean_name(folder.name, "uncategorized")
    return "uncategorized"


class Folder(NamedTuple):
    """The data folder that is used, and why it is not the one asked for (empty when it is)."""

    path: Path
    note: str


def writable_folder(wanted: str, *, strict: bool, environ: Mapping[str, str]) -> Folder:
    """
    Return a data folder that can be written: *wanted*, else ``~/.treering``, else one in the temporary folder.

    Raises:
        FolderNotWritable: *strict* and *wanted* cannot be written, or nothing can.
    """
    places = [Path(wanted).expanduser()]
    if environ.get("HOME"):
        places.append(Path(environ["HOME"]) / ".treering")
    places.append(Path(tempfile.gettempdir()) / f"treering-{os.getuid()}")
    first_error: OSError | None = None
    for place in dict.fromkeys(places):
        try:
            _prepare(place.absolute())
        except OSError as error:
            first_error = first_error or error
            if strict:
                break
            continue
        note = "" if first_error is None else f"cannot write {wanted} ({first_error.strerror}); using {place}"
        return Folder(place.absolute(), note)
    hint = "Set TREERING_DIR to a folder that can be written."
    raise FolderNotWritable(f"cannot write the data folder {wanted!r}: {first_error}. {hint}")


def _prepare(folder: Path) -> None:
    """Create the folder's rooms and prove that files can be made in them."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for room in ("runs", "live"):
        (folder / room).mkdir(mode=0o700 if not folder.stat().st_mode & 0o2020 else 0o2770, exist_ok=True)
        if not os.access(folder / room, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied", str(folder / room))
        handle, path = tempfile.mkstemp(prefix=".probe-", dir=folder / room)
        os.close(handle)
        os.unlink(path)


def current_folder() -> Path:
    """Return the folder that the process is in; ``/`` if it was removed meanwhile."""
    try:
        return Path.cwd()
    except OSError:
        return Path("/")


def listing() -> list[tuple[str, str]]:
    """Return (environment variable, default) of every setting, for the documentation and ``treering doctor``."""
    return [(f"TREERING_{field.name.upper()}", repr(field.default)) for field in msgspec.structs.fields(Settings)]
