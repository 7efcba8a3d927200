"""
References: entries of an artifact that stay where they are, kept by their address and what identifies their content.

Only this process ever follows them, and only as far as it is asked to: a server is told the address and the digest and
looks at neither.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from treering.errors import InvalidValue, LimitExceeded, MissingExtra
from treering.limits import CONNECT_TIMEOUT_S
from treering.runlog.artifact_manifest import Entry

from .copying import hash_file

__all__ = ["local_path", "resolve_reference"]

_SCHEMES: Final = ("file", "gs", "http", "https", "s3")


def resolve_reference(
    uri: str, name: str | None, checksum: bool, max_objects: int, digest: str | None
) -> Iterator[tuple[str, Entry]]:
    """
    Yield the entries that an address stands for, by their paths in the artifact.

    Args:
        name: the path of the entry, or of the folder of a prefix; by default the last part of the address.
        checksum: find out what identifies the content: a file's SHA-256, an object's ETag.
        max_objects: of a folder or a prefix; more are refused.
        digest: what identifies it, if the caller knows.

    Raises:
        InvalidValue: an address that is none, or of a kind that is not known.
        LimitExceeded: it stands for more than *max_objects*.
        MissingExtra: the library of the object store is not installed.
        OSError: what is at the address cannot be looked at.
    """
    parts = urlsplit(uri)
    if parts.scheme not in _SCHEMES:
        raise InvalidValue(f"add_reference(): {uri!r:.200} does not begin with one of {', '.join(_SCHEMES)} and ://.")
    if parts.username or parts.password:
        raise InvalidValue("add_reference(): an address with a user or a password in it would be seen by others.")
    path = name or unquote(parts.path).rstrip("/").rpartition("/")[2] or parts.netloc
    if digest is not None or not checksum:
        size = None
        if parts.scheme == "file":
            size = os.stat(local_path(uri)).st_size
        yield path, Entry(bytes=size, ref=uri, digest=digest)
    elif parts.scheme == "file":
        yield from _files(local_path(uri), uri, path, max_objects)
    elif parts.scheme in ("http", "https"):
        yield path, _http(uri)
    elif parts.scheme == "s3":
        yield from _s3(parts.netloc, parts.path.lstrip("/"), path, max_objects)
    else:
        yield from _gs(parts.netloc, parts.path.lstrip("/"), path, max_objects)


def local_path(uri: str) -> Path:
    """Return the path that a ``file://`` address means. Raises InvalidValue: it names another machine."""
    parts = urlsplit(uri)
    if parts.netloc not in ("", "localhost"):
        raise InvalidValue(f"{uri!r:.200} names the machine {parts.netloc!r}; a file's address begins with file:///.")
    return Path(unquote(parts.path))


def _files(place: Path, uri: str, name: str, max_objects: int) -> Iterator[tuple[str, Entry]]:
    if not place.is_dir():
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
            _check_count(found, max_objects, uri)
            sha256, size = hash_file(path)
            below = path.relative_to(place).as_posix()
            yield f"{name}/{below}", Entry(bytes=size, ref=path.as_uri(), digest=f"sha256:{sha256}")


def _http(uri: str) -> Entry:
    with urlopen(Request(uri, method="HEAD"), timeout=CONNECT_TIMEOUT_S) as reply:  # noqa: S310 - http or https, above
        etag, length = reply.headers.get("ETag"), reply.headers.get("Content-Length", "")
    size = int(length) if length.isascii() and length.isdigit() and len(length) < 18 else None
    return Entry(bytes=size, ref=uri, digest=f"etag:{etag}" if etag else None)


def _s3(bucket: str, key: str, name: str, max_objects: int) -> Iterator[tuple[str, Entry]]:
    try:
        import boto3  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise MissingExtra(
            "add_reference('s3://…') looks at the bucket with boto3: pip install boto3, or give checksum=False."
        ) from None
    client: Any = boto3.client("s3")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
    objects = (
        (str(one["Key"]), int(one["Size"]), one.get("ETag")) for page in pages for one in page.get("Contents", ())
    )
    yield from _objects("s3", bucket, key, name, max_objects, objects)


def _gs(bucket: str, key: str, name: str, max_objects: int) -> Iterator[tuple[str, Entry]]:
    try:
        from google.cloud import storage  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError:
        raise MissingExtra(
            "add_reference('gs://…') looks at the bucket with google-cloud-storage: pip install google-cloud-storage, "
            "or give checksum=False."
        ) from None
    found: Any = storage.Client().list_blobs(bucket, prefix=key)
    objects = ((str(one.name), int(one.size or 0), one.etag) for one in found)
    yield from _objects("gs", bucket, key, name, max_objects, objects)


def _objects(
    scheme: str, bucket: str, key: str, name: str, max_objects: int, objects: Iterator[tuple[str, int, Any]]
) -> Iterator[tuple[str, Entry]]:
    """Yield the object of a key, or all below it."""
    count = 0
    for found, size, etag in objects:
        if found.endswith("/") or (key and found != key and not found.startswith(key.rstrip("/") + "/")):
            continue  # a folder's own mark, or a key that only begins alike
        count += 1
        _check_count(count, max_objects, f"{scheme}://{bucket}/{key}")
        path = name if found == key else f"{name}/{found[len(key) :].lstrip('/')}" if name else found
        yield path, Entry(bytes=size, ref=f"{scheme}://{bucket}/{found}", digest=f"etag:{etag}" if etag else None)
    if not count:
        raise InvalidValue(f"add_reference(): there is nothing at {scheme}://{bucket}/{key}.")


def _check_count(count: int, most: int, uri: str) -> None:
    if count > most:
        raise LimitExceeded(f"add_reference(): {uri!r:.200} stands for more than {most:,} objects; give max_objects=.")
