"""
Following references: what stays where it is comes into a folder, and is what was added, or is named.

An address comes from whoever logged the version, so it is followed only where the caller asked for it.
"""

from __future__ import annotations

import base64
import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from treering.errors import FormatError, InvalidValue, NotFound, ServerUnavailable, StorageError, TreeringError
from treering.limits import ARTIFACT_DOWNLOAD_TRIES, ARTIFACT_DOWNLOADS_AT_ONCE, READ_CHUNK_BYTES
from treering.runlog.artifact_manifest import Entry
from treering.sdk.run_files import safe_target

from .buckets import Buckets, parse_bucket
from .download import PARTIAL, check_tree, make_folder, open_partial, write_at
from .reference_digest import CONTENT, Found, is_changed, read_parts
from .references import local_path
from .web_files import read_web_file

__all__ = ["fetch_references", "holds"]

_PAUSE_S: Final = 0.2  # before a server that broke off is asked again; twice as long each time
_NAMED: Final = 5  # of those that are not what was added


class _Reading(NamedTuple):
    """What is at an address, from where on its bytes come, these, and what ends it."""

    found: Found
    begin: int
    pieces: Iterator[bytes]
    close: Callable[[], None]


class _Changed(Exception):
    """What is at an address is not what was added; the text says how."""


def fetch_references(name: str, entries: Mapping[str, Entry], root: Path, note: Callable[[int], None]) -> None:
    """
    Write what references lead to below *root*, each under its path.

    Args:
        name: of the version, for messages.
        note: called with the bytes of each piece, from several threads.

    Raises:
        FormatError: some lead to other content than was added, or to nothing any more; the message names the first
            ones. The others were written.
        InvalidName, UsageError: a path, or a link that is in the way, would lead out of *root*.
        MissingExtra: boto3, or google-cloud-storage, is not installed.
        StorageError: the disk refuses.
        ServerUnavailable: a server does not answer; calling this again goes on.
    """
    references = {path: entry for path, entry in entries.items() if entry.ref is not None}
    if not references:
        return
    check_tree(root, references)
    partial, buckets = root / PARTIAL, Buckets()
    with ThreadPoolExecutor(ARTIFACT_DOWNLOADS_AT_ONCE, thread_name_prefix="treering-references") as pool:
        jobs = {
            path: pool.submit(_fetch, buckets, entry, safe_target(root, path), partial, note)
            for path, entry in sorted(references.items())
        }
        try:
            wrong = [f"{path} ({references[path].ref}) {why}" for path, job in jobs.items() if (why := job.result())]
        except BaseException:
            for job in jobs.values():
                job.cancel()
            raise
    with suppress(OSError):
        partial.rmdir()
    if wrong:
        more = f"; and {len(wrong) - _NAMED:,} more" if len(wrong) > _NAMED else ""
        raise FormatError(f"{name} has references that are not what was added: {'; '.join(wrong[:_NAMED])}{more}.")


def _fetch(buckets: Buckets, entry: Entry, target: Path, partial: Path, note: Callable[[int], None]) -> str:
    """Write what one reference leads to; return what is wrong with it, empty if nothing is."""
    try:
        make_folder(target.parent)
        make_folder(partial)
        mark = hashlib.sha256(f"{entry.ref}\n{entry.digest}".encode()).hexdigest()
        fd, part = open_partial(partial, f"{mark}.reference")
        try:
            if entry.bytes is None or not any(each in read_parts(entry.digest) for each in CONTENT):
                os.ftruncate(fd, 0)  # nothing tells whether what an earlier try left is of the same content
            _receive_all(buckets, entry, fd, note)
            os.replace(part, target)
        except (_Changed, NotFound):
            part.unlink(missing_ok=True)
            raise
        finally:
            os.close(fd)
    except _Changed as error:
        return str(error)
    except NotFound:
        return "is gone"
    except TreeringError:
        raise
    except OSError as error:
        raise StorageError(error.errno, f"{target} cannot be written: {error.strerror or error}") from None
    return ""


def _receive_all(buckets: Buckets, entry: Entry, fd: int, note: Callable[[int], None]) -> None:
    """Go on with a file where it ends, until all of it is there and is what was added."""
    for tries in range(ARTIFACT_DOWNLOAD_TRIES):
        try:
            _receive(buckets, entry, fd, note)
            break
        except ServerUnavailable:
            if tries + 1 == ARTIFACT_DOWNLOAD_TRIES:
                raise
            time.sleep(_PAUSE_S * 2**tries)
    _check_content(entry, fd)


def _receive(buckets: Buckets, entry: Entry, fd: int, note: Callable[[int], None]) -> None:
    done = os.fstat(fd).st_size
    if entry.bytes is not None and done >= entry.bytes:
        os.ftruncate(fd, 0)
        done = 0
    reading = _read(buckets, entry, done)
    try:
        _take_in(entry, reading, fd, note)
    finally:
        reading.close()


def _take_in(entry: Entry, reading: _Reading, fd: int, note: Callable[[int], None]) -> None:
    found = reading.found
    if is_changed(entry.digest, found.digest):
        raise _Changed("was changed")
    if entry.bytes is not None and found.bytes is not None and entry.bytes != found.bytes:
        raise _Changed(f"was changed: it has {found.bytes:,} bytes and not {entry.bytes:,}")
    size = found.bytes if entry.bytes is None else entry.bytes
    os.ftruncate(fd, reading.begin)
    done = reading.begin
    for piece in reading.pieces:
        write_at(fd, piece, done)
        done += len(piece)
        note(len(piece))
        if size is not None and done > size:
            raise _Changed(f"was changed: it has more than {size:,} bytes")
    if size is not None and done < size:
        raise ServerUnavailable(f"{entry.ref} broke off: {done:,} of {size:,} bytes came.")


def _check_content(entry: Entry, fd: int) -> None:
    if not _is_content(entry, fd):
        os.ftruncate(fd, 0)
        raise _Changed("was changed")


def holds(path: Path, entry: Entry) -> bool:
    """Return whether a file is what an entry says, as far as its digest and size tell. Raises OSError: it is none."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return entry.bytes in (None, os.fstat(fd).st_size) and _is_content(entry, fd)
    finally:
        os.close(fd)


def _is_content(entry: Entry, fd: int) -> bool:
    """Return whether bytes have the hashes that an entry knows; an ETag or a generation cannot be told from bytes."""
    known = {"sha256": entry.sha256} if entry.sha256 is not None else read_parts(entry.digest)
    made = {
        name: new
        for name, new in (("sha256", hashlib.sha256()), ("md5", hashlib.md5(usedforsecurity=False)))
        if name in known
    }
    at = 0
    while made and (piece := os.pread(fd, READ_CHUNK_BYTES, at)):
        at += len(piece)
        for one in made.values():
            one.update(piece)
    return all(
        str(known[name]).lower() == one.hexdigest() or known[name] == base64.b64encode(one.digest()).decode()
        for name, one in made.items()
    )


def _read(buckets: Buckets, entry: Entry, begin: int) -> _Reading:
    uri = str(entry.ref)
    scheme = uri.partition("://")[0]
    if scheme == "file":
        return _read_file(uri, begin)
    if scheme in ("http", "https"):
        return _Reading(*read_web_file(uri, entry.digest, begin))
    if scheme in ("s3", "gs"):
        return _read_object(buckets, uri, entry.digest, begin)
    raise InvalidValue(f"{uri!r:.200} is no address that is followed.")


def _read_file(uri: str, begin: int) -> _Reading:
    path = local_path(uri)
    if path.is_dir():
        raise _Changed("is a folder, of which no list was kept")
    if not path.is_file():
        raise NotFound(f"there is no file {path}.")

    def pieces() -> Iterator[bytes]:
        with open(path, "rb") as file:
            file.seek(begin)
            while piece := file.read(READ_CHUNK_BYTES):
                yield piece

    return _Reading(Found(None, path.stat().st_size), begin, pieces(), lambda: None)


def _read_object(buckets: Buckets, uri: str, digest: str | None, begin: int) -> _Reading:
    """Read the version that was recorded, also where another one is the newest by now."""
    place = parse_bucket(uri)
    parts = read_parts(digest)
    version = place.version or parts.get("version" if place.scheme == "s3" else "generation", "")
    try:
        found, pieces, close = buckets.read(place._replace(version=version), begin)
    except NotFound:
        if not version or place.version:
            raise
        found, pieces, close = buckets.read(
            place, begin
        )  # raises if it is gone; else it is another one, or equal to it
    return _Reading(found, begin, pieces, close)
