"""
The bytes of a run's files, out and in.

Whatever they are, a browser that opens them shows nothing: they are an attachment under a policy that allows nothing,
and only types that hold no script are named as what they are. The UI draws them from memory.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from treering.errors import BlobConflict, NotFound
from treering.limits import BLOB_CHUNK_BYTES, BLOB_MAX_BYTES
from treering.server.bodies import RawRoute
from treering.server.context import new_router
from treering.server.errors import ApiError, error_reply
from treering.server.inflow import BLOB, Inflow
from treering.server.media_schema import BlobReply
from treering.server.permissions import Action, permission
from treering.store import Store

router = new_router("files")
router.route_class = RawRoute

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_RANGE: Final = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")
_PIECE: Final = 256 * 1024
_PLAIN_NAME: Final = re.compile(r"[^A-Za-z0-9._ -]")
# First bytes, at which place, of the types that cannot hold a script. Anything else is bytes.
_KINDS: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"BM", "image/bmp"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"glTF", "model/gltf-binary"),
)
_BYTES: Final = "application/octet-stream"

_IN_PATH: list[dict[str, Any]] = [
    {"name": "run_key", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[a-z2-7]{26}$"}},
    {"name": "sha256", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"}},
]
_IN_QUERY: list[dict[str, Any]] = [
    {"name": "offset", "in": "query", "required": True, "schema": {"type": "integer", "minimum": 0}},
    {"name": "size", "in": "query", "required": True, "schema": {"type": "integer", "minimum": 0}},
]


def media_type(head: bytes) -> str:
    """Return the type of a file that begins with *head*, as far as it is known to be harmless."""
    for place, mark, kind in _KINDS:
        if head[place : place + len(mark)] == mark:
            if place == 8 and head[:4] != b"RIFF":
                continue
            return kind
    return _BYTES


@router.get(
    "/runs/{run_key}/blobs/{sha256}",
    response_model=None,
    responses={200: {"content": {_BYTES: {}}}},
    openapi_extra={"parameters": _IN_PATH},
)
@permission(Action.READ)
async def read_blob(request: Request) -> Response:
    """Return the bytes of a file that the run declared and that are here; `?name=` is what a browser saves it as."""
    sha256 = _sha256(request)
    store: Store = request.app.state.store
    size = await run_in_threadpool(store.blob_size, request.path_params["run_key"], sha256)
    return await blob_reply(request, store, sha256, size)


async def blob_reply(request: Request, store: Store, sha256: str, size: int) -> Response:
    """Return the bytes of a hash, or those of them that the request asks for, to a caller who may have them."""
    headers = {
        "ETag": f'"{sha256}"',
        "Cache-Control": "private, max-age=31536000, immutable",
        "Accept-Ranges": "bytes",
        "Content-Disposition": f"attachment{_file_name(request.query_params.get('name', ''))}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    if request.headers.get("if-none-match", "") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    head = await run_in_threadpool(store.blobs.range, sha256, 0, 16)
    begin, end, status = 0, size, 200
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    if asked is not None and asked.group(0) != "bytes=-":  # several ranges at once are answered with everything
        begin, end = _bounds(asked, size)
        if begin >= end:
            return error_reply(
                "range_refused", f"The file has {size:,} bytes.", headers={"content-range": f"bytes */{size}"}
            )
        status = 206
        headers["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - begin)
    return StreamingResponse(_pieces(store, sha256, begin, end), status, headers, media_type(head))


@router.put(
    "/runs/{run_key}/blobs/{sha256}",
    response_model=BlobReply,
    openapi_extra={
        "parameters": _IN_PATH + _IN_QUERY,
        "requestBody": {"required": True, "content": {BLOB: {"schema": {"type": "string", "format": "binary"}}}},
    },
)
@permission(Action.INGEST)
async def write_blob(request: Request) -> Response:
    """
    Take a piece of a file that the run's log declares.

    Pieces come in order; one that begins elsewhere is answered with 409 and, beside the error, with the `length` that
    is here. When the last piece has come the whole is checked against its hash.
    """
    sha256 = _sha256(request)
    offset, size = _number(request, "offset"), _number(request, "size")
    store: Store = request.app.state.store
    inflow: Inflow = request.app.state.inflow
    store.check_room()
    chunk = await inflow.read(request, BLOB, BLOB_CHUNK_BYTES)
    if not chunk and offset < size:
        raise ApiError("invalid_request", "The body is empty.")
    try:
        length, whole = await run_in_threadpool(
            store.receive_blob, request.path_params["run_key"], sha256, offset, size, chunk
        )
    except BlobConflict as error:
        return error_reply("blob_gap", str(error), beside={"length": error.length})
    answer = {"sha256": sha256, "length": length, "complete": whole}
    return Response(msgspec.json.encode(answer), media_type="application/json")


def _sha256(request: Request) -> str:
    sha256: str = request.path_params["sha256"]
    if not _SHA256.fullmatch(sha256):
        raise NotFound(f"the run has no file {sha256[:64]!r} here.")
    return sha256


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) <= 19 and int(text) <= BLOB_MAX_BYTES):
        raise ApiError("invalid_request", f"query.{name}: a whole number from 0 to {BLOB_MAX_BYTES:,} is needed.")
    return int(text)


def _bounds(asked: re.Match[str], size: int) -> tuple[int, int]:
    first, last = asked.groups()
    if not first:  # the last so many bytes
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1 if last else size)


def _pieces(store: Store, sha256: str, begin: int, end: int) -> Iterator[bytes]:
    fd = os.open(store.blobs.path(sha256), os.O_RDONLY | os.O_CLOEXEC)
    try:
        while begin < end:
            piece = os.pread(fd, min(_PIECE, end - begin), begin)
            if not piece:
                return
            begin += len(piece)
            yield piece
    finally:
        os.close(fd)


def _file_name(name: str) -> str:
    """Return the part of Content-Disposition that names the file: safe characters, and all of them percent-encoded."""
    name = name.replace("\\", "/").rpartition("/")[2][:200].strip(". ")
    if not name:
        return ""
    return f"; filename=\"{_PLAIN_NAME.sub('_', name)}\"; filename*=UTF-8''{quote(name, safe='', errors='replace')}"
