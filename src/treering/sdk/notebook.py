"""
A run in a notebook: a card that stays up to date below the cell, and the cells that were run, kept with the run.

The card is HTML with inline SVG and no script, so that it needs no extension and is still there when the notebook is
opened again, or printed.
"""

from __future__ import annotations

import html
import json
import math
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from treering.limits import CARD_EVERY_S, NOTEBOOK_MAX_BYTES

from .redact import redact_source
from .resume import sample_rows
from .terminal import duration, number

__all__ = ["Card", "card_html", "find_shell", "session_cells", "session_notebook"]

_KEYS_SHOWN: Final = 12
_WIDTH, _HEIGHT = 160, 28
_STATES: Final = {"running": "#0f9466", "finished": "#505862", "failed": "#c8321f", "killed": "#a65b00"}


def find_shell() -> Any | None:
    """Return IPython's shell if this process is a notebook's kernel; None elsewhere, also in a terminal's IPython."""
    if "ipykernel" not in sys.modules or "IPython" not in sys.modules:
        return None
    shell = sys.modules["IPython"].get_ipython()
    return shell if shell is not None and getattr(shell, "kernel", None) is not None else None


# ── the card ─────────────────────────────────────────────────────────────────────────────────────────────────────


def sparkline_svg(values: Sequence[float]) -> str:
    """Return *values* as a small line; a gap where they are not finite."""
    finite = [value for value in values if math.isfinite(value)]
    if len(finite) < 2:
        return ""
    low, high = min(finite), max(finite)
    span = (high / 2 - low / 2) or 1.0  # halves: the difference of two floats may be none
    step = (_WIDTH - 4) / (len(values) - 1)
    path, pen = [], "M"
    for place, value in enumerate(values):
        if not math.isfinite(value):
            pen = "M"
            continue
        y = _HEIGHT - 3 - (value / 2 - low / 2) / span * (_HEIGHT - 6)
        path.append(f"{pen}{2 + place * step:.1f} {y:.1f}")
        pen = "L"
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="from {html.escape(number(finite[0]))} to {html.escape(number(finite[-1]))}">'
        f'<path d="{"".join(path)}" fill="none" stroke="#407bc5" stroke-width="1.5"/></svg>'
    )


def card_html(
    name: str,
    project: str,
    state: str,
    runtime_s: float,
    where: str,
    link: str | None,
    summary: Mapping[str, Any],
    lines: Mapping[str, Sequence[float]],
) -> str:
    """Return the card of a run. Every text in it is the user's and is escaped."""
    colour = _STATES.get(state, "#505862")
    keys = [key for key in summary if not key.startswith("system/")]
    rows = "".join(
        f'<tr><td style="text-align:left;padding:1px 12px 1px 0">{html.escape(str(key))}</td>'
        f'<td style="padding:1px 12px 1px 0">{sparkline_svg(_thin(lines.get(key, ())))}</td>'
        f'<td style="text-align:right;font-variant-numeric:tabular-nums">{html.escape(_shown(summary[key]))}</td></tr>'
        for key in keys[:_KEYS_SHOWN]
    )
    more = f"<div>and {len(keys) - _KEYS_SHOWN} more</div>" if len(keys) > _KEYS_SHOWN else ""
    open_it = (
        f'<a href="{html.escape(link, quote=True)}" target="_blank" rel="noopener">open</a>'
        if link is not None and link.startswith(("http://", "https://"))
        else f"view: <code>{html.escape(where)}</code>"
    )
    return (
        '<div style="font:13px/1.4 system-ui,sans-serif;border:1px solid rgba(128,128,128,.35);border-radius:8px;'
        'padding:10px 14px;max-width:560px">'
        f'<div><span style="color:{colour}">●</span> <b>{html.escape(name)}</b> · {html.escape(project)} · '
        f"{html.escape(state)} · {html.escape(duration(runtime_s))} · {open_it}</div>"
        f'<table style="border-collapse:collapse;margin-top:6px">{rows}</table>{more}</div>'
    )


def _thin(values: Sequence[float]) -> Sequence[float]:
    if len(values) <= _WIDTH:
        return values
    # Of each share the value that is furthest from its middle, so that no spike is lost.
    thinned = []
    for place in range(_WIDTH):
        share = values[place * len(values) // _WIDTH : (place + 1) * len(values) // _WIDTH]
        finite = sorted(value for value in share if math.isfinite(value))
        middle = finite[len(finite) // 2] if finite else math.nan
        thinned.append(max(share, key=lambda value: abs(value - middle) if math.isfinite(value) else -1.0))
    return thinned


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("_type", "…"))
    return number(value)


def lines_of(folder: Path, segments: Sequence[str]) -> dict[str, list[float]]:
    """Return the numbers of each key in a run's log, all over it."""
    lines: dict[str, list[float]] = {}
    for row in sample_rows([folder / f"{segment}.trl" for segment in segments]):
        for key, value in row.items():
            if isinstance(value, (int, float)):
                lines.setdefault(key, []).append(float(value))
    return lines


class Card(threading.Thread):
    """
    Shows the card below the cell that called ``init`` and brings it up to date until ``close``.

    Args:
        render: returns the card as it now is.
        display: IPython's ``display`` module.
    """

    def __init__(self, render: Callable[[], str], display: Any) -> None:
        super().__init__(name="treering-card", daemon=True)
        self._render = render
        self._display = display
        self._over = threading.Event()
        self._shown_as: Any = None
        self._shown = ""

    def show(self) -> None:
        """Show it, and go on in a thread."""
        self._shown = self._render()
        self._shown_as = self._display.display(self._display.HTML(self._shown), display_id=True)
        if self._shown_as is not None:
            self.start()

    def run(self) -> None:
        """Bring the card up to date now and then."""
        while not self._over.wait(CARD_EVERY_S):
            self.update()

    def update(self) -> None:
        """Bring it up to date. Never raises: a notebook that was closed is no fault of the training."""
        try:
            now = self._render()
            if now != self._shown and self._shown_as is not None:
                self._shown_as.update(self._display.HTML(now))
                self._shown = now
        except Exception:  # noqa: S110 - see above
            pass

    def close(self) -> None:
        """Show the end."""
        self._over.set()
        self.update()


# ── the cells ────────────────────────────────────────────────────────────────────────────────────────────────────


def session_cells(shell: Any) -> list[str]:
    """Return the source of every cell that was run in this session, in order."""
    try:
        return [str(source) for _, _, source in shell.history_manager.get_range(raw=True, output=False)]
    except Exception:  # another version, or a history that is switched off
        return [str(source) for source in shell.user_ns.get("In", [])[1:] if source]


def session_notebook(cells: Sequence[str]) -> tuple[bytes, int]:
    """
    Return the cells as a notebook of format 4.5, secrets hidden, and how many secrets that were.

    The oldest cells are left out where it would be too large.
    """
    count = 0
    kept: list[dict[str, Any]] = []
    size = 0
    for place, source in reversed(list(enumerate(cells, 1))):
        text, hidden = redact_source(source)
        size += len(text) + 200
        if size > NOTEBOOK_MAX_BYTES:
            break
        count += hidden
        kept.append(
            {
                "cell_type": "code",
                "id": f"cell-{place}",
                "execution_count": place,
                "metadata": {},
                "outputs": [],
                "source": text.splitlines(keepends=True),
            }
        )
    version = ".".join(map(str, sys.version_info[:3]))
    about = {"language_info": {"name": "python", "version": version}}
    book = {"cells": kept[::-1], "metadata": about, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, ensure_ascii=False, indent=1).encode("utf-8", "replace"), count


def notebook_name(shell: Any, environ: Mapping[str, str] = os.environ) -> str:
    """Return the notebook's file name, as far as its front end says it; empty otherwise."""
    name = environ.get("JPY_SESSION_NAME") or shell.user_ns.get("__vsc_ipynb_file__") or ""
    return Path(str(name)).name
