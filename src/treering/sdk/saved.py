"""
Files that belong to a run: ``run.save``, ``run.log_code`` and ``run.log_input``.

They are read, hashed and stored by the encoder's thread; the calls themselves only look which files there are.
"""

from __future__ import annotations

import glob
import hashlib
import inspect
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Final

from treering.errors import InvalidValue, StorageError
from treering.limits import (
    CODE_FILE_MAX_BYTES,
    CODE_FILES_MAX,
    FILE_PATH_MAX_BYTES,
    INPUTS_MAX,
    READ_CHUNK_BYTES,
    SAVED_FILES_MAX,
)
from treering.runlog import records
from treering.runlog.file_parts import parts_of, write_digests
from treering.values import Warn, clean_text

from .encoder import Encoder
from .media.media import Shelf, problem_of
from .redact import is_secret_file, redact_source
from .settings import current_folder

__all__ = ["SavedFiles", "digest_of", "file_path", "store_code"]

_POLICIES: Final = ("live", "now", "end")
_SETTLED_S: Final = 1.0  # since a live file changed last
_NO_CODE: Final = frozenset({"__pycache__", "node_modules", "site-packages", "venv", "env", "wandb", "mlruns"})


def file_path(path: Path, base: Path) -> str:
    """
    Return the name under which a file is stored: its path below *base*, with ``/``.

    Raises:
        InvalidValue: it is not below *base*, or its name could not be written on every system.
    """
    try:
        relative = PurePosixPath(os.path.relpath(path, base).replace(os.sep, "/"))
    except ValueError as error:  # NUL in it, or another drive
        raise InvalidValue(f"{str(path)!r}: {error}") from None
    if relative.is_absolute() or ".." in relative.parts or not relative.parts:
        raise InvalidValue(f"{str(path)!r} is not below {str(base)!r}; give base_path=, the folder that it is below")
    name = str(relative)
    if len(name.encode("utf-8", "replace")) > FILE_PATH_MAX_BYTES:
        raise InvalidValue(f"{name!r:.80} is longer than {FILE_PATH_MAX_BYTES:,} bytes")
    if "\0" in name or "\\" in name or (len(name) > 1 and name[1] == ":"):
        raise InvalidValue(f"{name!r} has characters that a path cannot have on every system")
    return clean_text(name)


class SavedFiles:
    """
    The files of ``run.save``.

    Args:
        encoder: whose thread does the work.
        warn: says something once per subject.
    """

    def __init__(self, encoder: Encoder, warn: Warn) -> None:
        self._encoder = encoder
        self._warn = warn
        data = encoder.blobs.folder.parent
        self._data = tuple(f"{folder}{os.sep}" for folder in {data, data.resolve()})
        self._patterns: list[tuple[str, Path, str]] = []  # those that are looked at again: live, end
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._stamps: dict[str, Callable[[Path], bool]] = {}  # by pattern

    def save(
        self,
        pattern: str | os.PathLike[str],
        base_path: str | os.PathLike[str] | None,
        policy: str,
        stamp: Callable[[Path], bool] | None = None,
    ) -> list[str]:
        """
        Store the files that *pattern* names, now, at the end, or whenever they changed; return their paths.

        *stamp* is called with each before it is read.

        Raises:
            InvalidValue: a policy that does not exist.
        """
        if policy not in _POLICIES:
            raise InvalidValue(f"run.save(): policy is one of {', '.join(_POLICIES)}; got {policy!r}.")
        text = os.fspath(pattern)
        if "\0" in text:
            self._warn(f"save {text}", f"run.save(): {text!r} holds NUL, which no path can; nothing was saved.")
            return []
        if base_path is None:
            base = Path(os.path.dirname(text)) if os.path.isabs(text) else current_folder()
        else:
            base = Path(base_path)
            text = os.path.join(base, text)
        text = os.path.abspath(text) if not os.path.isabs(text) else text
        base = Path(os.path.abspath(base))
        found = list(self._find(text, base))
        if not found and policy == "now":
            self._warn(f"save {text}", f"run.save(): {text!r} names no file; nothing was saved.")
        if policy != "now" and (text, base, policy) not in self._patterns:
            if not self._patterns:
                self._encoder.add_chore(self.look)
            self._patterns.append((text, base, policy))
            if stamp is not None:
                self._stamps[text] = stamp
        if policy != "end":
            for path, name in found:
                self._encoder.run_errand(partial(self._store, path, name, policy, stamp=stamp))
        return [str(path) for path, _ in found]

    def look(self, shelf: Shelf, last: bool) -> None:
        """Store what changed since the last look; at the last one also what was to be saved at the end."""
        for text, base, policy in list(self._patterns):
            if policy == "live" or last:
                for path, name in self._find(text, base):
                    try:
                        # One that somebody is writing is not copied half; it is looked at again.
                        if last or time.time() - os.stat(path).st_mtime > _SETTLED_S:
                            self._store(path, name, policy, shelf, self._stamps.get(text))
                    except StorageError:
                        raise
                    except OSError as error:
                        self._warn(f"save {path}", f"run.save(): {str(path)!r} was not saved: {problem_of(error)}.")

    def _find(self, text: str, base: Path) -> Iterator[tuple[Path, str]]:
        count = 0
        for match in sorted(glob.iglob(text, recursive=True)):
            for path in _files_below(Path(match), self._data):
                if str(path).startswith(self._data):
                    continue  # what is stored would be stored again, and again
                try:
                    name = file_path(path, base)
                except InvalidValue as error:
                    self._warn(f"save {path}", f"run.save(): {error}. It was not saved.")
                    continue
                count += 1
                if count > SAVED_FILES_MAX:
                    self._warn(
                        f"save many {text}",
                        f"run.save(): {text!r} names more than {SAVED_FILES_MAX:,} files; the rest was not saved.",
                    )
                    return
                yield path, name

    def _store(
        self, path: Path, name: str, policy: str, shelf: Shelf, stamp: Callable[[Path], bool] | None = None
    ) -> None:
        try:
            found = os.stat(path)
            mark = (found.st_size, found.st_mtime_ns, found.st_ino)
            if self._seen.get(name) == mark:
                return
            if stamp is not None and stamp(path):
                found = os.stat(path)
                mark = (found.st_size, found.st_mtime_ns, found.st_ino)
            blob = shelf.copy(path, "")
        except FileNotFoundError:
            return  # removed meanwhile: what was stored of it stays
        self._seen[name] = mark
        about: dict[str, Any] = {"purpose": "saved", "mode": stat.S_IMODE(found.st_mode), "policy": policy}
        # By its parts a file is known again that is not byte for byte what it was.
        parts = parts_of(self._encoder.blobs.path(blob.sha256))
        if parts:
            about["parts"] = write_digests(parts)
        self._encoder.post([(records.FILE, (time.time_ns(), name, blob.sha256, blob.size, about))])


def _files_below(path: Path, without: tuple[str, ...] = ()) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if f"{os.path.join(folder, name)}{os.sep}" not in without)
            yield from (Path(folder) / name for name in sorted(names) if (Path(folder) / name).is_file())


# ── code ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def store_code(
    root: Path,
    include_fn: Callable[..., bool] | None,
    exclude_fn: Callable[..., bool] | None,
    data_folder: Path,
    encoder: Encoder,
) -> Callable[[Shelf], None]:
    """Return the errand that stores the source files below *root*."""

    def errand(shelf: Shelf) -> None:
        skipped: list[dict[str, Any]] = []
        entries: list[tuple[int, Any]] = []
        total = 0
        for path in _source_files(root, data_folder):
            if not _chosen(path, root, include_fn, exclude_fn):
                continue
            try:
                name = file_path(path, root)
                found = os.stat(path)
                if found.st_size > CODE_FILE_MAX_BYTES:
                    skipped.append({"path": name, "reason": "large", "bytes": found.st_size})
                    continue
                if len(entries) >= CODE_FILES_MAX:
                    skipped.append({"path": name, "reason": "too many files", "bytes": found.st_size})
                    break
                if is_secret_file(name):
                    skipped.append({"path": name, "reason": "holds secrets, by its name", "bytes": 0})
                    continue
                data = path.read_bytes()
            except (InvalidValue, FileNotFoundError, PermissionError) as error:
                skipped.append({"path": clean_text(str(path)), "reason": problem_of(error), "bytes": 0})
                continue
            about: dict[str, Any] = {"purpose": "code", "mode": stat.S_IMODE(found.st_mode)}
            text, redacted = redact_source(data.decode("utf-8", "surrogateescape"), name)
            if redacted and b"\0" not in data:
                data, about["redacted"] = text.encode("utf-8", "surrogateescape"), redacted
            blob = shelf.store(data, "")
            total += blob.size
            entries.append((records.FILE, (time.time_ns(), name, blob.sha256, blob.size, about)))
        fact = {"files": len(entries), "bytes": total, "skipped": skipped[:INPUTS_MAX], "kind": "copy"}
        encoder.post([*entries, (records.FACTS, [time.time_ns(), {"logged_code": fact}])])

    return errand


def _source_files(root: Path, data_folder: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name not in _NO_CODE and Path(folder, name) != data_folder
        )
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file() and (not path.is_symlink() or path.resolve().is_relative_to(root.resolve())):
                yield path


def _chosen(
    path: Path, root: Path, include_fn: Callable[..., bool] | None, exclude_fn: Callable[..., bool] | None
) -> bool:
    included = path.suffix == ".py" if include_fn is None else _ask(include_fn, path, root)
    return included and not (exclude_fn is not None and _ask(exclude_fn, path, root))


def _ask(function: Callable[..., bool], path: Path, root: Path) -> bool:
    """Call a user's function with the path, and with the root too if it takes two arguments."""
    try:
        two = len(inspect.signature(function).parameters) > 1
    except (TypeError, ValueError):
        two = False
    return bool(function(str(path), str(root)) if two else function(str(path)))


# ── inputs ───────────────────────────────────────────────────────────────────────────────────────────────────────


def digest_of(value: Any) -> dict[str, Any]:
    """
    Return what identifies a file, a folder, a table, an array or a dataset: digest, source, bytes, rows.

    A folder's digest is that of the sorted list of its files' paths and digests.

    Raises:
        InvalidValue: there is no telling what is in it.
        OSError: a file cannot be read.
    """
    if isinstance(value, (str, os.PathLike)):
        return _digest_of_path(Path(value))
    top = type(value).__module__.partition(".")[0]
    if isinstance(getattr(value, "_fingerprint", None), str):  # datasets of Hugging Face
        rows = getattr(value, "num_rows", None)
        size = getattr(value, "dataset_size", None)
        found = {"digest": f"fingerprint:{value._fingerprint}", "source": f"{top}.{type(value).__name__}"}
        return {
            **found,
            "rows": rows if isinstance(rows, int) else None,
            "bytes": size if isinstance(size, int) else None,
        }
    if isinstance(value, dict) and value and all(hasattr(part, "_fingerprint") for part in value.values()):
        parts = {str(name): digest_of(part) for name, part in value.items()}
        digest = hashlib.sha256("".join(f"{n}\0{p['digest']}\n" for n, p in sorted(parts.items())).encode())
        rows = sum(part["rows"] or 0 for part in parts.values())
        return {"digest": f"sha256:{digest.hexdigest()}", "source": f"{top}.{type(value).__name__}", "rows": rows}
    if top == "pandas" and hasattr(value, "iloc"):
        return _digest_of_frame(value)
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return _digest_of_array(value)
    raise InvalidValue(f"{type(value).__qualname__} is no path, table, array or dataset")


def _digest_of_path(path: Path) -> dict[str, Any]:
    source = str(path.absolute())
    if path.is_dir():
        whole, total, count = hashlib.sha256(), 0, 0
        for file in _files_below(path):
            digest, size = _digest_of_file(file)
            whole.update(f"{file.relative_to(path).as_posix()}\0{digest}\n".encode("utf-8", "surrogateescape"))
            total, count = total + size, count + 1
        return {"digest": f"sha256:{whole.hexdigest()}", "source": source, "bytes": total, "files": count}
    digest, size = _digest_of_file(path)
    return {"digest": f"sha256:{digest}", "source": source, "bytes": size}


def _digest_of_file(path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with open(path, "rb") as file:
        while chunk := file.read(READ_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def _digest_of_frame(frame: Any) -> dict[str, Any]:
    pandas = sys.modules["pandas"]
    digest = hashlib.sha256(repr([*map(str, getattr(frame, "columns", ())), frame.shape]).encode())
    digest.update(pandas.util.hash_pandas_object(frame, index=True).to_numpy().tobytes())
    used = frame.memory_usage(index=True)
    size = int(used.sum()) if hasattr(used, "sum") else int(used)
    return {"digest": f"sha256:{digest.hexdigest()}", "source": "pandas", "rows": len(frame), "bytes": size}


def _digest_of_array(value: Any) -> dict[str, Any]:
    from .media.arrays import snapshot

    array = snapshot(value)
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(array.tobytes())
    rows = int(array.shape[0]) if array.ndim else 1
    source = type(value).__module__.partition(".")[0]
    return {"digest": f"sha256:{digest.hexdigest()}", "source": source, "rows": rows, "bytes": int(array.nbytes)}


class Inputs:
    """What a run was given, as FACTS ``inputs``: every record holds the whole list."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def add(self, found: dict[str, Any], name: str, kind: str) -> tuple[int, Any]:
        """Add one; return the record. The same digest under the same name is there once."""
        entry = {"name": name, "kind": kind, **{key: value for key, value in found.items() if value is not None}}
        if entry not in self.entries:
            self.entries = [*self.entries[-INPUTS_MAX + 1 :], entry]
        return records.FACTS, [time.time_ns(), {"inputs": self.entries}]


def input_name(value: Any, name: str | None) -> str:
    """Return what an input is called."""
    if name is not None:
        return clean_text(str(name))
    if isinstance(value, (str, os.PathLike)):
        return clean_text(Path(value).absolute().name)
    return clean_text(str(getattr(value, "name", None) or type(value).__name__))
