"""
A treering server as a destination for segments, and what else a client asks of it.

Replies are the words of a stranger: bounded in size and time, checked for their form, never a name of a file or of
anything to import. What is no treering reply (a proxy's page, a wrong address) becomes ``Unreachable`` or ``Refused``
with what to do about it.
"""

from __future__ import annotations

import http.client
import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec

from treering._version import __version__
from treering.errors import InvalidValue
from treering.limits import REPLY_TIMEOUT_S, SHIP_EVERY_S, SHIP_REPLY_MAX_BYTES
from treering.runlog.shipment import Held

from .destination import Answer, Appended, Diverged, Gap, Refused, TooLarge, Unreachable
from .file_shipping import Declared, PieceGap
from .transport import Address, Trust, explain, is_loopback, open_connection

__all__ = ["RemoteServer"]

_FRAMES: Final = "application/x-treering-frames"
_BLOB: Final = "application/x-treering-blob"
_SMALL_BYTES: Final = 1024  # not worth compressing
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_NOT_YOURS: Final = frozenset({"project_not_found", "segment_not_found"})
_WAIT: Final = frozenset({408, 425, 429, 500, 502, 503, 504, 507})


class _Segment(msgspec.Struct):
    length: int
    chain: int
    sealed: bool
    indexed: int = 0


class _QueryReply(msgspec.Struct):
    store_id: str
    restores: int
    segments: dict[str, _Segment]


class _AppendReply(_Segment):
    store_id: str = ""
    restores: int = 0
    stop: bool = False
    stopped_by: str = ""
    every_s: float = SHIP_EVERY_S


class _Problem(msgspec.Struct):
    code: str = ""
    message: str = ""
    hint: str = ""


class _ErrorReply(msgspec.Struct):
    error: _Problem
    held: _Segment | None = None
    length: int | None = None


class _Missing(msgspec.Struct):
    sha256: str
    offset: int


class _MissingReply(msgspec.Struct):
    missing: list[_Missing]


class _PieceReply(msgspec.Struct):
    length: int
    complete: bool


class _Past(msgspec.Struct):
    """What a run's earlier lives left at the server."""

    last_step: int | None = None
    config: dict[str, Any] = {}
    summary: dict[str, Any] = {}
    defines: dict[str, dict[str, Any]] = {}
    meta: dict[str, Any] = {}
    end_state: str | None = None
    lives: int = 0
    newest_created_ns: int = 0
    restarts: list[Any] = []


class RemoteServer:
    """
    One server and the key for it. Not thread-safe.

    Args:
        base_url: its address.
        key: an API key; sent to this address and nowhere else.
        environ: where proxies are named.

    Raises:
        InvalidValue: the address, a certificate file or a proxy that is set cannot be used.
    """

    def __init__(self, base_url: str, key: str, trust: Trust, environ: Mapping[str, str]) -> None:
        if any(not 32 < ord(char) < 127 for char in key):
            raise InvalidValue("the API key has characters that no key has; copy it again: treering login")
        self.address = Address.parse(base_url)
        self.insecure = trust.insecure and self.address.scheme == "https"
        self._key = key
        self._connection = open_connection(self.address, trust, environ)
        self._deflate = not is_loopback(self.address.host)

    @property
    def url(self) -> str:
        """The server's address."""
        return self.address.url

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    # ── segments ────────────────────────────────────────────────────────────────────────────────────────────────

    def query(self, segments: Sequence[str]) -> Answer:
        """Say what the server holds of these segments. Raises Unreachable, Refused."""
        body = msgspec.json.encode({"segments": list(segments)})
        reply = self._decode(self._send("POST", "/segments/query", body, "application/json"), _QueryReply)
        asked = set(segments)
        found = {name: one for name, one in reply.segments.items() if name in asked}
        return Answer(
            reply.store_id[:100],
            reply.restores,
            {name: Held(one.length, one.chain, one.sealed) for name, one in found.items()},
            {name: one.indexed for name, one in found.items()},
        )

    def append(self, segment: str, offset: int, prev: int, body: bytes) -> Appended:
        """Send whole frames. Raises Unreachable, Refused, TooLarge, Gap, Diverged."""
        path = f"/segments/{segment}?offset={offset}&prev={prev}"
        extra = {}
        if self._deflate and len(body) > _SMALL_BYTES:
            packed = zlib.compress(body, 1)
            if len(packed) < len(body):
                body, extra = packed, {"Content-Encoding": "deflate"}
        reply = self._decode(self._send("POST", path, body, _FRAMES, extra), _AppendReply)
        return Appended(
            Held(reply.length, reply.chain, reply.sealed),
            reply.indexed,
            reply.store_id[:100] or None,
            reply.restores,
            (reply.stopped_by[:200] or "somebody") if reply.stop else None,
            reply.every_s,
        )

    # ── files ───────────────────────────────────────────────────────────────────────────────────────────────────

    def missing_files(self, run_key: str, sha256: Sequence[str]) -> list[tuple[str, int]]:
        """Return which files have to be sent for a run, and from where on. Raises Unreachable, Refused."""
        body = msgspec.json.encode({"sha256": list(sha256)})
        reply = self._decode(
            self._send("POST", f"/runs/{run_key}/blobs/query", body, "application/json"), _MissingReply
        )
        return [(one.sha256, one.offset) for one in reply.missing]

    def send_piece(self, run_key: str, file: Declared, offset: int, piece: bytes) -> tuple[int, bool]:
        """Send a piece of a file. Raises Unreachable, Refused, TooLarge, PieceGap."""
        path = f"/runs/{run_key}/blobs/{file.sha256}?offset={offset}&size={file.size}"
        reply = self._decode(self._send("PUT", path, piece, _BLOB), _PieceReply)
        return reply.length, reply.complete

    # ── what else is asked ──────────────────────────────────────────────────────────────────────────────────────

    def past(self, run_key: str, writer: str, step: int | None = None) -> dict[str, Any] | None:
        """
        Return what the server knows of a run's earlier lives, as it was at *step*; None if it knows none.

        Raises:
            Unreachable, Refused: it does not answer, or not so.
        """
        upto = "" if step is None else f"&step={step}"
        try:
            content = self._send("GET", f"/runs/{run_key}/past?writer={quote(writer, safe='')}{upto}", None, "")
        except Refused as error:
            if error.code in ("run_not_found", "not_found"):
                return None
            raise
        return msgspec.structs.asdict(self._decode(content, _Past))

    def session(self) -> dict[str, Any]:
        """Return whom one talks to and as whom. Raises Unreachable, Refused."""
        value: dict[str, Any] = self._decode(self._send("GET", "/session", None, ""), dict[str, Any])
        return value

    def about(self) -> dict[str, Any]:
        """Return what a server says to everybody: its version and mode. Raises Unreachable, Refused."""
        value: dict[str, Any] = self._decode(self._send("GET", "/server", None, "", authorized=False), dict[str, Any])
        return value

    # ── one request ─────────────────────────────────────────────────────────────────────────────────────────────

    def _send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        content_type: str,
        extra: Mapping[str, str] | None = None,
        *,
        authorized: bool = True,
    ) -> bytes:
        headers = {"Accept": "application/json", "User-Agent": f"treering/{__version__}", **(extra or {})}
        if authorized and self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        if body is not None:
            headers["Content-Type"] = content_type
        try:
            response = self._connection.request(method, f"/api/1{path}", body, headers, REPLY_TIMEOUT_S)
            content = response.read(SHIP_REPLY_MAX_BYTES + 1)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise Unreachable(explain(error, self._connection)) from None
        if len(content) > SHIP_REPLY_MAX_BYTES:
            self.close()
            raise Unreachable(f"{self.url} answered with more than {SHIP_REPLY_MAX_BYTES:,} bytes: is that treering?")
        if response.status == 200:
            return content
        if response.will_close or len(content) > _SMALL_BYTES * 64:
            self.close()
        raise self._refusal(method, path, response, content)

    def _decode(self, content: bytes, kind: Any) -> Any:
        try:
            return msgspec.json.decode(content, type=kind)
        except (msgspec.DecodeError, RecursionError, ValueError):
            raise Unreachable(
                f"{self.url} answered with something that is no treering reply: is the address right, and is there no "
                "sign-in page in between?"
            ) from None

    def _refusal(self, method: str, path: str, response: http.client.HTTPResponse, content: bytes) -> Exception:
        status = response.status
        try:
            reply = msgspec.json.decode(content, type=_ErrorReply)
        except (msgspec.DecodeError, RecursionError, ValueError):
            reply = _ErrorReply(_Problem())
        code = _plain(reply.error.code, 100)
        message = _plain(reply.error.message, 500)
        hint = _plain(reply.error.hint, 500)
        if status == 409 and reply.held is not None and method == "POST" and "?offset=" in path:
            held = Held(reply.held.length, reply.held.chain, reply.held.sealed)
            if code == "segment_gap":
                return Gap(held)
            if code == "segment_diverged":
                return Diverged(held)
        if code == "blob_gap" and reply.length is not None:
            return PieceGap(reply.length)
        if 300 <= status < 400:
            return Refused(*self._redirected(response), everything=True)
        if status == 401:
            if not self._key:
                return Refused(
                    f"{self.url} wants a key, and there is none: treering login {self.url}",
                    "no_key",
                    "",
                    401,
                    everything=True,
                )
            return Refused(
                f"the key was refused by {self.url} (it may be revoked or expired): treering login {self.url}",
                "key_refused",
                "",
                401,
                everything=True,
            )
        if status == 407:
            proxy = self._connection.proxy
            return Unreachable(f"the proxy {proxy.place if proxy else ''} wants a user and a password in its address")
        if status in _WAIT:
            what = message or f"status {status}"
            return Unreachable(f"{self.url} cannot take it now: {what}", _retry_after(response))
        if status == 413:
            return TooLarge(
                message or f"{self.url}, or a proxy before it, takes no body of this size.", "too_large", hint, 413
            )
        if not code:
            if status == 404 or status == 405:
                return Refused(
                    f"there is no treering server at {self.url} (status {status}): check TREERING_BASE_URL",
                    "wrong_address",
                    "",
                    status,
                    everything=True,
                )
            return Refused(
                f"{self.address.place}, or a proxy before it, answered with status {status} and no reason",
                "refused",
                "",
                status,
                everything=status in (403, 421),
            )
        if code in _NOT_YOURS and method == "POST":
            # It says no more, since it tells nobody what others have; so this says what the reason can be.
            message = f"{self.url} takes nothing for this project with this key: {message}"
            hint = (
                hint or "If it is another user's, file your runs under your own name: TREERING_ENTITY=<your name there>"
            )
        return Refused(message or f"refused: {code}", code, hint, status, everything=status == 421)

    def _redirected(self, response: http.client.HTTPResponse) -> tuple[str, str]:
        """Name the address that a redirect leads to, so far as it can be set instead of this one."""
        location = _plain(response.headers.get("Location", ""), 300)
        try:
            parts = urlsplit(location)
            base = parts.path.partition("/api/1")[0].rstrip("/")
            better = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{base}" if parts.netloc else ""
        except ValueError:
            better = ""
        say = f" If that is your server: TREERING_BASE_URL={better}" if better else ""
        return (
            f"{self.url} sends us elsewhere (status {response.status}); the key is not sent to another address.{say}",
            "redirected",
        )


def _plain(text: str, most: int) -> str:
    """Return a stranger's text on one line, without what could drive a terminal, and not longer than it should be."""
    return _CONTROLS.sub(" ", text)[:most].strip()


def _retry_after(response: http.client.HTTPResponse) -> float | None:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else None
