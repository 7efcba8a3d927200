"""
Objects in buckets, as references lead to them: what is there, what identifies it, and its bytes.

S3 is asked with boto3 and Google Cloud Storage with google-cloud-storage, both with the credentials, regions and
endpoints that these find by themselves. Each call to them can end in dozens of kinds of error of theirs; a caller sees
``NotFound`` for what is not there and ``ServerUnavailable`` for everything else.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from treering.errors import InvalidValue, MissingExtra, NotFound, ServerUnavailable, TreeringError
from treering.limits import CONNECT_TIMEOUT_S, READ_CHUNK_BYTES, REFERENCE_REPLY_TIMEOUT_S

from .reference_digest import Found, spell

__all__ = ["Buckets", "Place", "parse_bucket"]

_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,221}\Z")
_S3_VERSION: Final = re.compile(r"(.*)\?versionId=([^?&]+)\Z", re.DOTALL)
_GS_GENERATION: Final = re.compile(r"(.*)#([0-9]{6,20})\Z", re.DOTALL)
_GONE_CODES: Final = frozenset({"404", "NoSuchKey", "NoSuchBucket", "NoSuchVersion", "NotFound"})


class Place(NamedTuple):
    """An object, or all below a prefix. ``version`` is a version's id or a generation; empty for the newest."""

    scheme: str
    bucket: str
    key: str
    version: str

    @property
    def address(self) -> str:
        """The address without a version."""
        return f"{self.scheme}://{self.bucket}/{self.key}"


class Listed(NamedTuple):
    """An object of a bucket: its key, and what is known of it."""

    key: str
    found: Found


def parse_bucket(uri: str) -> Place:
    """
    Return what ``s3://bucket/key`` or ``gs://bucket/key`` names.

    A key is taken as it stands: ``#``, ``?`` and ``%`` are part of it. Only ``?versionId=…`` at the end of an S3
    address, and ``#`` with a generation's digits at the end of a GCS one, name a version, as their own tools write it.

    Raises:
        InvalidValue: there is no bucket in it.
    """
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if not _BUCKET.match(bucket):
        raise InvalidValue(f"add_reference(): {uri!r:.200} names no bucket: {scheme}://bucket/key is an address.")
    versioned = (_S3_VERSION if scheme == "s3" else _GS_GENERATION).match(key)
    return Place(scheme, bucket, *(versioned.groups() if versioned else (key, "")))


class Buckets:
    """The stores that one call asks; each gets one client, with the credentials of the moment. Thread-safe."""

    def __init__(self) -> None:
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def list_objects(self, place: Place, most: int) -> Iterator[Listed]:
        """
        Yield the object at a place; if there is none, all below it, at most *most* and one more.

        Raises:
            NotFound: there is no such bucket, or version.
            MissingExtra: the library is not installed.
            ServerUnavailable: it does not answer, or refuses.
        """
        with _asking(place):
            client = self._client(place.scheme)
            yield from (_list_s3 if place.scheme == "s3" else _list_gs)(client, place, most)

    def read(self, place: Place, begin: int) -> tuple[Found, Iterator[bytes], Callable[[], None]]:
        """Return what is known of an object, its bytes from *begin* on, and what ends it; raises likewise."""
        with _asking(place):
            client = self._client(place.scheme)
            return (_read_s3 if place.scheme == "s3" else _read_gs)(client, place, begin)

    def _client(self, scheme: str) -> Any:
        with self._lock:
            if scheme not in self._clients:
                self._clients[scheme] = _s3() if scheme == "s3" else _gs()
            return self._clients[scheme]


@contextmanager
def _asking(place: Place) -> Iterator[None]:
    """Turn what the libraries raise into errors of ours that name the address."""
    try:
        yield
    except TreeringError:
        raise
    except Exception as error:
        if _is_gone(error):
            raise NotFound(f"there is nothing at {place.address}.") from None
        raise ServerUnavailable(f"{place.address} cannot be read: {type(error).__name__}: {error}") from None


def _is_gone(error: Exception) -> bool:
    reply = getattr(error, "response", None)
    code = reply.get("Error", {}).get("Code") if isinstance(reply, dict) else getattr(error, "code", None)
    return str(code) in _GONE_CODES or code == 404


# ── S3 ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def _s3() -> Any:
    try:
        import boto3  # type: ignore[import-not-found, import-untyped, unused-ignore]
        from botocore.config import Config  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError:
        raise MissingExtra(
            "s3:// is read with boto3: pip install boto3. add_reference(…, checksum=False) does without."
        ) from None
    timeouts = {"connect_timeout": CONNECT_TIMEOUT_S, "read_timeout": REFERENCE_REPLY_TIMEOUT_S}
    return boto3.client("s3", config=Config(**timeouts, retries={"mode": "standard", "max_attempts": 3}))


def _list_s3(client: Any, place: Place, most: int) -> Iterator[Listed]:
    if place.key and not place.key.endswith("/"):
        try:
            which = {"VersionId": place.version} if place.version else {}
            yield Listed(place.key, _s3_found(client.head_object(Bucket=place.bucket, Key=place.key, **which)))
            return
        except Exception as error:
            if not _is_gone(error) or place.version:
                raise
    has_versions = _s3_keeps_versions(client, place.bucket)
    call, rows = ("list_object_versions", "Versions") if has_versions else ("list_objects_v2", "Contents")
    prefix = f"{place.key.rstrip('/')}/" if place.key else ""  # "data" is not the beginning of "database"
    for page in client.get_paginator(call).paginate(Bucket=place.bucket, Prefix=prefix):
        for one in page.get(rows, ()):
            if one.get("IsLatest", True) and not str(one["Key"]).endswith("/"):  # that is a folder's own mark
                yield Listed(str(one["Key"]), _s3_found({**one, "ContentLength": one["Size"]}))
                most -= 1
                if most < 0:
                    return


def _s3_keeps_versions(client: Any, bucket: str) -> bool:
    try:
        status = client.get_bucket_versioning(Bucket=bucket).get("Status")
        if status == "Enabled":
            client.list_object_versions(Bucket=bucket, MaxKeys=1)
        return bool(status == "Enabled")
    except Exception:  # one may read objects and not ask this: ETags are enough to notice a change
        return False


def _s3_found(said: dict[str, Any]) -> Found:
    version = str(said.get("VersionId") or "")
    parts = {"etag": str(said.get("ETag") or ""), "version": "" if version == "null" else version}
    return Found(spell(parts), int(said["ContentLength"]))


def _read_s3(client: Any, place: Place, begin: int) -> tuple[Found, Iterator[bytes], Callable[[], None]]:
    which = {"VersionId": place.version} if place.version else {}
    if begin:
        which["Range"] = f"bytes={begin}-"
    said = client.get_object(Bucket=place.bucket, Key=place.key, **which)
    found = _s3_found(said)

    def pieces() -> Iterator[bytes]:
        with _asking(place):
            yield from said["Body"].iter_chunks(READ_CHUNK_BYTES)

    return Found(found.digest, found.bytes + begin if found.bytes is not None else None), pieces(), said["Body"].close


# ── Google Cloud Storage ─────────────────────────────────────────────────────────────────────────────────────────
def _gs() -> Any:
    try:
        from google.auth.exceptions import (  # type: ignore[import-not-found, import-untyped, unused-ignore]
            DefaultCredentialsError,
        )
        from google.cloud import storage  # type: ignore[import-not-found, import-untyped, attr-defined, unused-ignore]
    except ImportError:
        raise MissingExtra(
            "gs:// is read with google-cloud-storage: pip install google-cloud-storage. "
            "add_reference(…, checksum=False) does without."
        ) from None
    try:
        return storage.Client()
    except DefaultCredentialsError:  # what is public can be read without
        return storage.Client.create_anonymous_client()


def _gs_options() -> dict[str, Any]:
    from google.cloud.storage.retry import (  # type: ignore[import-not-found, import-untyped, unused-ignore]
        DEFAULT_RETRY,
    )

    return {"timeout": CONNECT_TIMEOUT_S, "retry": DEFAULT_RETRY.with_timeout(REFERENCE_REPLY_TIMEOUT_S)}


def _list_gs(client: Any, place: Place, most: int) -> Iterator[Listed]:
    options = _gs_options()
    bucket = client.bucket(place.bucket)
    if place.key and not place.key.endswith("/"):
        one = bucket.get_blob(place.key, generation=int(place.version) if place.version else None, **options)
        if one is not None:
            yield Listed(place.key, _gs_found(one))
            return
        if place.version:
            raise NotFound(f"{place.address} has no generation {place.version}.")
    prefix = f"{place.key.rstrip('/')}/" if place.key else ""
    for one in client.list_blobs(bucket, prefix=prefix, **options):
        if not str(one.name).endswith("/"):
            yield Listed(str(one.name), _gs_found(one))
            most -= 1
            if most < 0:
                return


def _gs_found(blob: Any) -> Found:
    parts = {
        "generation": str(blob.generation or ""),
        "md5": str(blob.md5_hash or ""),
        "crc32c": str(blob.crc32c or ""),
    }
    return Found(spell(parts), None if blob.size is None else int(blob.size))


def _read_gs(client: Any, place: Place, begin: int) -> tuple[Found, Iterator[bytes], Callable[[], None]]:
    options = _gs_options()
    bucket = client.bucket(place.bucket)
    blob = bucket.get_blob(place.key, generation=int(place.version) if place.version else None, **options)
    if blob is None:
        raise NotFound(f"there is nothing at {place.address}.")
    found = _gs_found(blob)

    def pieces() -> Iterator[bytes]:
        at, end = begin, int(found.bytes or 0)
        while at < end:
            with _asking(place):
                last = min(at + READ_CHUNK_BYTES * 8, end) - 1
                which = {"if_generation_match": int(blob.generation), "raw_download": True}
                piece: bytes = blob.download_as_bytes(start=at, end=last, **which, **options)
            if not piece:
                return
            at += len(piece)
            yield piece

    return found, pieces(), lambda: None
