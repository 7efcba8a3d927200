"""
The shells in which the UI shows what somebody else wrote: HTML, and figures that need a library of their own.

::

    our page ──postMessage(data)──▶ <iframe src="frame/html"> under ``sandbox allow-scripts``: an origin of its own

A shell holds no data. Its policy makes it a stranger to us: it has no token, no storage and no network, and nobody but
our own page may frame it. What is in it may run scripts, draw, and answer by ``postMessage``, which our page takes only
from the very frame that it made.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from treering.server.context import new_router
from treering.server.permissions import Action, permission

router = new_router("frames", prefix="")

_POLICY: Final = (
    "sandbox allow-scripts; default-src 'none'; {scripts}; style-src 'unsafe-inline'; img-src data: blob:; "
    "font-src data:; media-src data: blob:; frame-ancestors 'self'"
)

# The page that is written in replaces this one and stays under its policy.
_HTML: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>HTML</title></head><body><script>
addEventListener("message", ({ source, origin, data }) => {
  if (source !== parent || origin !== location.origin || typeof data !== "object" || data === null) return;
  document.open();
  document.write(String(data.html));
  document.close();
});
if (parent !== self) parent.postMessage({ type: "ready" }, "*");
</script></body></html>
"""

_FIGURE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Figure</title>
<style>html,body,#figure{{height:100%;margin:0;overflow:hidden;font:13px system-ui,sans-serif}}</style></head>
<body><div id="figure"></div><script src="../frame-assets/{name}.js"></script></body></html>
"""


@router.get("/frame/html", include_in_schema=False)
@permission(Action.OPEN)
async def read_html_frame() -> Response:
    """Return the shell for HTML and SVG, whose own scripts may run: there they reach nothing."""
    return _shell(_HTML, "script-src 'unsafe-inline'")


@router.get("/frame/plotly", include_in_schema=False)
@permission(Action.OPEN)
async def read_plotly_frame() -> Response:
    """Return the shell for Plotly figures."""
    return _shell(_FIGURE.format(name="plotly"), "script-src 'self'")


@router.get("/frame/vega", include_in_schema=False)
@permission(Action.OPEN)
async def read_vega_frame() -> Response:
    """Return the shell for Vega-Lite charts, whose expressions are interpreted and never compiled."""
    return _shell(_FIGURE.format(name="vega"), "script-src 'self'")


def _shell(html: str, scripts: str) -> Response:
    headers = {"content-security-policy": _POLICY.format(scripts=scripts), "cache-control": "no-cache"}
    return Response(html, headers=headers, media_type="text/html")
