"""
The path under which a proxy shows the server, where the proxy does not take it off.

Most do; one that passes it on, and whoever opens the server's own port at the address that it printed, would find a
page whose files are not there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["BasePath"]

# Not the pages: each address of those gets the same page, and an entity may be called like the base path.
_BELOW: Final = ("api/", "assets/", "frame/", "frame-assets/")
_PROBES: Final = ("healthz", "readyz", "metrics")


class BasePath:
    """ASGI layer that takes the base path off requests to the API and for the UI's files."""

    def __init__(self, app: ASGIApp, base_path: str, static_dir: Path) -> None:
        self.app = app
        self._prefixes = tuple(base_path + below for below in _BELOW) if base_path != "/" else ()
        self._paths = frozenset(base_path + name for name in (*_PROBES, *_names_in(static_dir)))
        self._length = len(base_path) - 1  # the slash at its end stays

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._prefixes and scope["type"] == "http" and self._is_below(scope["path"]):
            scope = dict(scope)
            scope["path"] = scope["path"][self._length :]
            scope["raw_path"] = scope["path"].encode()
        await self.app(scope, receive, send)

    def _is_below(self, path: str) -> bool:
        return path.startswith(self._prefixes) or path in self._paths


def _names_in(static_dir: Path) -> list[str]:
    try:
        return [path.name for path in static_dir.iterdir() if path.is_file()]
    except OSError:
        return []  # not built: there is no page either
