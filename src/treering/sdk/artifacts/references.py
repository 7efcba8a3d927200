"""
References: entries of an artifact that stay where they are, kept by their address and what identifies their content.

Only this process ever looks there, and only when it is asked to: a server is told the address and the digest and
follows neither.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from treering.errors import InvalidValue, LimitExceeded
from treering.limits import ARTIFACT_ENTRIES_MAX, ARTIFACT_REFERENCE_MAX_CHARS
from treering.runlog.artifact_manifest import Entry

from .buckets import Buckets, parse_bucket
from .copying import hash_file
from .web_files import look_at

__all__ = ["local_path", "resolve_reference"]

_SCHEMES: Final = ("file", "gs", "http", "https", "s3")


def resolve_reference(
    uri: str, name: str | None, checksum: bool, max_objects: int, digest: str | None
) -> Iterator[tuple[str, Entry]]:
    """
    Yield the entries that an address stands for, by their paths in the artifact.

    Args:
        name: the path of the entry, or of the folder of a prefix; by default the last part of the address.
        checksum: find out what identifies the content: a file's SHA-256, an object's ETag, version or generation.
        max_objects: of a folder or a prefix; more are refused.
        digest: what identifies it, if the caller knows.

    Raises:
        InvalidValue: an address that is none, or of a kind that is not known, or an argument that cannot be right.
        LimitExceeded: it stands for more than *max_objects*.
        MissingExtra: the library of the object store is not installed.
        NotFound, ServerUnavailable, OSError: what is at the address cannot be looked at.
    """
    scheme = _check_address(uri, digest)
    if isinstance(max_objects, bool) or not isinstance(max_objects, int) or max_objects < 1:
        raise InvalidValue(f"add_reference(): max_objects is a number of objects, 1 or more; got {max_objects!r:.80}.")
    most = min(max_objects, ARTIFACT_ENTRIES_MAX)
    if scheme in ("s3", "gs"):
        place = parse_bucket(uri)
        path = name or place.key.rstrip("/").rpartition("/")[2] or place.bucket
    else:
        parts = urlsplit(uri)
        path = name or unquote(parts.path).rstrip("/").rpartition("/")[2] or parts.netloc
    if digest is not None or not checksum:
        yield path, Entry(bytes=_size_of_file(uri) if scheme == "file" else None, ref=uri, digest=digest)
    elif scheme == "file":
        yield from _files(local_path(uri), uri, path, most)
    elif scheme in ("s3", "gs"):
        yield from _objects(uri, path, most)
    else:
        found = look_at(uri)
        yield path, Entry(bytes=found.bytes, ref=uri, digest=found.digest)


def _check_address(uri: object, digest: object) -> str:
    """Return the scheme of an address. Raises InvalidValue."""
    if not isinstance(uri, str) or not uri or len(uri) > ARTIFACT_REFERENCE_MAX_CHARS:
        raise InvalidValue(
            f"add_reference(): an address is a text of at most {ARTIFACT_REFERENCE_MAX_CHARS:,} characters."
        )
    if digest is not None and (not isinstance(digest, str) or not 0 < len(digest) <= ARTIFACT_REFERENCE_MAX_CHARS):
        raise InvalidValue(f"add_reference(): digest is a text of at most {ARTIFACT_REFERENCE_MAX_CHARS:,} characters.")
    for text in (uri, digest or ""):
        if any(ord(char) < 32 or ord(char) == 127 or 0xD800 <= ord(char) < 0xE000 for char in text):
            raise InvalidValue(f"add_reference(): {text!r:.200} has a character that no address has. Encode it as %XX.")
    scheme = uri.partition("://")[0]
    if "://" not in uri or scheme not in _SCHEMES:
        raise InvalidValue(f"add_reference(): {uri!r:.200} does not begin with one of {', '.join(_SCHEMES)} and ://.")
    if scheme in ("http", "https"):
        try:
            parts = urlsplit(uri)
            user, host, _ = parts.username or parts.password, parts.hostname, parts.port
        except ValueError as error:
            raise InvalidValue(f"add_reference(): {uri!r:.200} is no address: {error}.") from None
        if user:
            raise InvalidValue("add_reference(): an address with a user or a password in it would be seen by others.")
        if not host:
            raise InvalidValue(f"add_reference(): {uri!r:.200} names no host.")
    return scheme


def local_path(uri: str) -> Path:
    """Return the path that a ``file://`` address means. Raises InvalidValue: it names another machine, or no path."""
    parts = urlsplit(uri)
    if parts.netloc not in ("", "localhost"):
        raise InvalidValue(f"{uri!r:.200} names the machine {parts.netloc!r}; a file's address begins with file:///.")
    if "#" in uri or "?" in uri:
        raise InvalidValue(
            f"{uri!r:.200}: # and ? end the path of an address; Path(…).as_uri() writes them as %23, %3F."
        )
    path = unquote(parts.path)
    if "\0" in path or not path:
        raise InvalidValue(f"{uri!r:.200} is the address of no file.")
    return Path(path)


def _size_of_file(uri: str) -> int | None:
    path = local_path(uri)
    return os.stat(path).st_size if path.is_file() else None


def _files(place: Path, uri: str, name: str, most: int) -> Iterator[tuple[str, Entry]]:
    if not place.is_dir():
        if place.exists() and not place.is_file():
            raise InvalidValue(f"add_reference(): {uri!r:.200} is neither a file nor a folder.")
        sha256, size = hash_file(place)
        yield name, Entry(bytes=size, ref=uri, digest=f"sha256:{sha256}")
        return
    found = 0
    for folder, folders, names in os.walk(place):
        folders.sort()
        for each in sorted(names):
            path = Path(folder) / each
            if not path.is_file():
                continue
            found += 1
            _check_count(found, most, uri)
            sha256, size = hash_file(path)
            below = path.relative_to(place).as_posix()
            yield f"{name}/{below}", Entry(bytes=size, ref=path.absolute().as_uri(), digest=f"sha256:{sha256}")
    if not found:
        raise InvalidValue(f"add_reference(): there is no file below {uri!r:.200}.")


def _objects(uri: str, name: str, most: int) -> Iterator[tuple[str, Entry]]:
    """Yield the object of an address, or all below it."""
    place = parse_bucket(uri)
    prefix = f"{place.key.rstrip('/')}/" if place.key else ""
    count = 0
    for key, found in Buckets().list_objects(place, most):
        count += 1
        _check_count(count, most, uri)
        alone = key == place.key
        ref = uri if alone else f"{place.scheme}://{place.bucket}/{key}"
        yield name if alone else f"{name}/{key[len(prefix) :]}", Entry(found.bytes, ref=ref, digest=found.digest)
    if not count:
        raise InvalidValue(f"add_reference(): there is nothing at {place.address}.")


def _check_count(count: int, most: int, uri: str) -> None:
    if count > most:
        raise LimitExceeded(f"add_reference(): {uri!r:.200} stands for more than {most:,} objects; give max_objects=.")
