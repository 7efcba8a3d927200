"""
The built UI: its page and its files.

The files are listed once and a request is looked up in that list, so a path from the network never becomes a path on
disk. Types come from our own table, not from the system's. There are no Range requests: the files are small.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.responses import Response

__all__ = ["Assets"]

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}

# Vite puts what it names by content hash here.
_HASHED = "assets/"

# Scripts of the frames (``routes/frame.py``): those are of an origin of their own, so to a browser another site loads
# these. They are the same for everybody.
_OF_FRAMES = "frame-assets/"

_NOT_BUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>treering</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style nonce="__NONCE__">body{font:16px/1.6 system-ui,sans-serif;max-width:40rem;margin:15vh auto;padding:0 1rem;
color-scheme:light dark}code{font-family:ui-monospace,monospace}</style></head>
<body><h1>The UI is not built</h1>
<p>This is a source checkout without its web pages. The API answers; to build the pages, run in the checkout:</p>
<p><code>cd web &amp;&amp; npm ci &amp;&amp; npm run build</code></p>
<p>and load this page again. An installed package has them.</p></body></html>
"""


@dataclass(frozen=True, slots=True)
class _File:
    path: Path | None  # None: only the compressed one is shipped
    media_type: str
    immutable: bool
    compressed: Path | None

    def read(self) -> bytes:
        """Return the content as it is."""
        if self.path is not None:
            return self.path.read_bytes()
        assert self.compressed is not None
        return gzip.decompress(self.compressed.read_bytes())


class Assets:
    """The UI in one folder. A rebuild while the server runs is noticed by the page's own change of time."""

    def __init__(self, static_dir: Path) -> None:
        self._dir = static_dir
        self._index_mtime_ns = -1
        self._index: str | None = None
        self._files: Mapping[str, _File] = {}

    @property
    def built(self) -> bool:
        """Whether there is a page to serve."""
        self._refresh()
        return self._index is not None

    def page(self, nonce: str, base_path: str) -> Response:
        """Return the UI's page, which is the same for every address and holds no data."""
        self._refresh()
        text = self._index or _NOT_BUILT
        text = text.replace("__NONCE__", nonce).replace('<base href="/">', f'<base href="{base_path}">')
        return Response(text, headers={"cache-control": "no-cache"}, media_type="text/html")

    def file(self, name: str, accept_encoding: str, if_none_match: str) -> Response | None:
        """Return the reply for a file of the UI, or None if there is none of this name."""
        self._refresh()
        file = self._files.get(name)
        if file is None:
            return None
        headers = {"vary": "accept-encoding"}
        if name.startswith(_OF_FRAMES):
            headers["cross-origin-resource-policy"] = "cross-origin"
        if file.compressed is not None and "gzip" in accept_encoding:
            content = file.compressed.read_bytes()
            headers["content-encoding"] = "gzip"
        else:
            content = file.read()
        if file.immutable:
            headers["cache-control"] = "public, max-age=31536000, immutable"
        else:
            headers["cache-control"] = "no-cache"
            headers["etag"] = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            if headers["etag"] in if_none_match:
                return Response(status_code=304, headers=headers)
        headers["content-type"] = file.media_type
        return Response(content, headers=headers)

    def _refresh(self) -> None:
        index = self._dir / "index.html"
        try:
            mtime_ns = index.stat().st_mtime_ns
        except FileNotFoundError:
            mtime_ns = -1
        if mtime_ns == self._index_mtime_ns:
            return
        self._index = index.read_text("utf-8") if mtime_ns != -1 else None
        self._files = _list_files(self._dir) if self._index is not None else {}
        self._index_mtime_ns = mtime_ns


def _list_files(folder: Path) -> dict[str, _File]:
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    files = {}
    for name in sorted({name.removesuffix(".gz") for name in names} - {"index.html"}):
        media_type = _TYPES.get(Path(name).suffix)
        if media_type is not None:
            path, compressed = (folder / one if one in names else None for one in (name, f"{name}.gz"))
            files[name] = _File(path, media_type, name.startswith(_HASHED), compressed)
    return files
