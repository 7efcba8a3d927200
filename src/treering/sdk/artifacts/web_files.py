"""Files on web servers, as references lead to them: what identifies one, and its bytes from any place on."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from treering.errors import InvalidValue, NotFound, ServerUnavailable, TreeringError
from treering.limits import READ_CHUNK_BYTES, REFERENCE_REPLY_TIMEOUT_S

from .reference_digest import Found, read_parts, spell

__all__ = ["look_at", "read_web_file"]

_SAFE: Final = "/%:;,=&?~+!$'()*@[]|"
_RANGE: Final = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)\Z")


class _SameMethod(HTTPRedirectHandler):
    """Follows redirects as they were asked, and to web servers only."""

    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Request | None:
        if urlsplit(newurl).scheme not in ("http", "https"):
            raise ServerUnavailable(f"{req.full_url} leads to {newurl!r:.200}, which is no web server; not followed.")
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None:
            following.method = req.get_method()
        return following


def look_at(uri: str) -> Found:
    """
    Return what identifies the file at an address: its ETag, else when it was changed, and its bytes.

    Raises:
        InvalidValue: the address is none that a web server can be asked for.
        NotFound: the server has nothing there.
        ServerUnavailable: it does not answer, or refuses.
    """
    with _asking(uri):
        try:
            with closing(_open(uri, "HEAD", {})) as reply:
                return _found(reply)
        except HTTPError as error:
            if error.code not in (403, 405, 501):  # some give the file and not its headers alone
                raise
        with closing(_open(uri, "GET", {})) as reply:
            return _found(reply)


def read_web_file(uri: str, recorded: str | None, begin: int) -> tuple[Found, int, Iterator[bytes], Callable[[], None]]:
    """
    Return what is known of a file, from where on bytes come, these, and what ends it; raises as ``look_at``.

    They come from *begin* on, or from 0 where the server gives no part, or the file is another one by now.
    """
    headers = {}
    if begin:
        headers["Range"] = f"bytes={begin}-"
        etag = read_parts(recorded).get("etag", "")
        if etag.startswith('"'):
            headers["If-Range"] = etag
    with _asking(uri):
        reply = _open(uri, "GET", headers)
        found, start = _found(reply), 0
        if reply.status == 206:
            said = _RANGE.match(reply.headers.get("Content-Range") or "")
            if said is None or int(said[1]) != begin:
                reply.close()
                raise ServerUnavailable(f"{uri} sends another part than it was asked for.")
            start, found = begin, Found(found.digest, None if said[2] == "*" else int(said[2]))

    def pieces() -> Iterator[bytes]:
        with _asking(uri):
            while piece := reply.read(READ_CHUNK_BYTES):
                yield piece

    return found, start, pieces(), reply.close


def _open(uri: str, method: str, headers: dict[str, str]) -> Any:
    headers = {"Accept-Encoding": "identity", **headers}
    request = Request(_sendable(uri), method=method, headers=headers)  # noqa: S310 - http or https, checked before
    return build_opener(ProxyHandler(), _SameMethod()).open(request, timeout=REFERENCE_REPLY_TIMEOUT_S)


def _sendable(uri: str) -> str:
    """Return an address as it goes over the wire: spaces and other scripts encoded, no fragment."""
    parts = urlsplit(uri)
    try:
        host = parts.netloc.encode("idna").decode() if not parts.netloc.isascii() else parts.netloc
    except UnicodeError:
        raise InvalidValue(f"{uri!r:.200} names no host.") from None
    return urlunsplit((parts.scheme, host, quote(parts.path, safe=_SAFE), quote(parts.query, safe=_SAFE), ""))


def _found(reply: Any) -> Found:
    etag, length = (reply.headers.get("ETag") or "").strip(), reply.headers.get("Content-Length") or ""
    if etag and not re.fullmatch(r'(W/)?"[^"]*"', etag):
        etag = quote(etag)  # without the quotation marks that belong around it
    modified = "" if etag else _seconds(reply.headers.get("Last-Modified"))
    size = int(length) if length.isascii() and length.isdigit() and len(length) < 18 else None
    return Found(spell({"etag": etag, "modified": modified}), size)


def _seconds(date: str | None) -> str:
    try:
        return str(int(parsedate_to_datetime(date or "").timestamp()))
    except (TypeError, ValueError, OverflowError):
        return ""


@contextmanager
def _asking(uri: str) -> Iterator[None]:
    """Turn what the standard library raises into errors of ours that name the address."""
    try:
        yield
    except TreeringError:
        raise
    except HTTPError as error:
        error.close()
        if error.code in (404, 410):
            raise NotFound(f"there is nothing at {uri}: the server says {error.code}.") from None
        raise ServerUnavailable(f"{uri} cannot be read: the server says {error.code} {error.reason}.") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ServerUnavailable(f"{uri} cannot be read: {error or type(error).__name__}") from None
