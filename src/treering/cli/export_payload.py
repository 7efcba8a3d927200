"""
What an exported page holds: runs with every point they logged, as packed columns beside one index.

::

    <script type="application/json" id="treering-index">   format, title, runs; each column names its blocks
    <script type="application/json" id="treering-blocks">  ["base64 of deflated little-endian doubles", …]

The page draws from it, and ``treering import html`` makes runs of it again. Columns that several metrics share, as the
steps of one ``log()`` call, stand there once.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from array import array
from collections.abc import Callable
from typing import Any, Final

from treering.errors import LimitExceeded
from treering.limits import EXPORT_MEDIA_MAX_BYTES, EXPORT_PAGE_MAX_POINTS
from treering.sdk.api import Run

__all__ = ["FORMAT", "PagePayload"]

FORMAT: Final = 1
_META: Final = ("command", "python", "os", "cwd", "program", "git", "user", "inputs", "gpu")
_PICTURES: Final = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
_TEXT_MAX_CHARS: Final = 2_000


class PagePayload:
    """
    Collects runs for a page.

    Args:
        note: told what was left out.
    """

    def __init__(self, title: str, kind: str, note: Callable[[str], None]) -> None:
        self._note = note
        self._blocks: list[str] = []
        self._known: dict[bytes, int] = {}
        self._points = 0
        self._media_bytes = 0
        self.runs: list[dict[str, Any]] = []
        self.about: dict[str, Any] = {"format": FORMAT, "kind": kind, "title": title}

    @property
    def index(self) -> dict[str, Any]:
        """What stands before the blocks."""
        return {**self.about, "runs": self.runs}

    @property
    def blocks(self) -> list[str]:
        """Columns and pictures, in base64."""
        return self._blocks

    def add(self, run: Run) -> None:
        """Add a run. Raises LimitExceeded: the page would be too large to open."""
        detail = run.detail
        meta = detail["meta"]
        columns = _Columns()
        for row in run.scan_history():
            if row.get("_writer"):
                continue  # of ranks: their lines are in an export to a folder
            self._points += columns.add(row)
            if self._points > EXPORT_PAGE_MAX_POINTS:
                raise LimitExceeded(
                    f"the page would hold more than {EXPORT_PAGE_MAX_POINTS:,} points. Export fewer runs, or --dir."
                )
        units = {str(info["key"]): info.get("unit") for info in detail["keys"]}
        goals = {str(info["key"]): info.get("goal") for info in detail["keys"]}
        self.runs.append(
            {
                **{name: detail.get(name) for name in ("run_key", "run_id", "name", "number", "state", "created_at")},
                **{name: detail.get(name) for name in ("ended_at", "runtime_s", "entity", "project", "group")},
                **{name: detail.get(name) for name in ("job_type", "folder", "tags", "notes", "config", "summary")},
                "meta": {name: meta[name] for name in _META if meta.get(name)},
                "series": [
                    {
                        "key": key,
                        "n": len(line.steps),
                        "whole": line.whole,
                        "unit": units.get(key),
                        "goal": goals.get(key),
                        "steps": self._column(line.steps),
                        "times": self._column(line.times),
                        "values": self._column(line.values),
                    }
                    for key, line in sorted(columns.numbers.items())
                ],
                "texts": [[key, *entry] for key, some in sorted(columns.texts.items()) for entry in some],
                "media": self._media(run, columns.media),
            }
        )

    def _column(self, values: array[float]) -> int:
        """Keep a column; return the number of its block."""
        raw = values.tobytes()
        return self._block(raw, lambda: base64.b64encode(zlib.compress(raw, 6)).decode("ascii"))

    def _block(self, raw: bytes, text: Callable[[], str]) -> int:
        digest = hashlib.sha256(raw).digest()
        if digest not in self._known:
            self._known[digest] = len(self._blocks)
            self._blocks.append(text())
        return self._known[digest]

    def _media(self, run: Run, found: list[tuple[str, int, dict[str, Any]]]) -> list[dict[str, Any]]:
        """Keep pictures while there is room; of everything else that is no number the page says that it is there."""
        files = {file.sha256: file for file in run.files(purpose="media")} if found else {}
        kept, left = [], 0
        for key, step, value in found:
            entry: dict[str, Any] = {"key": key, "step": step, "type": str(value.get("_type"))}
            caption = value.get("caption")
            entry["caption"] = str(caption)[:_TEXT_MAX_CHARS] if caption else ""
            file = files.get(str(value.get("sha256")))
            if value.get("_type") == "image-file" and file is not None and file.held:
                if self._media_bytes + file.size <= EXPORT_MEDIA_MAX_BYTES:
                    data = file.read()
                    kind = next((kind for magic, kind in _PICTURES.items() if data.startswith(magic)), None)
                    if kind is not None:
                        self._media_bytes += len(data)
                        text = base64.b64encode(data).decode("ascii")
                        entry |= {"picture": self._block(data, lambda text=text: text), "mime": kind}  # type: ignore[misc]
                else:
                    left += 1
            kept.append(entry)
        if left:
            self._note(f"{run.path}: {left:,} pictures are left out; a page holds {EXPORT_MEDIA_MAX_BYTES:,} bytes.")
        return kept


class _Line:
    """The points of one metric."""

    def __init__(self) -> None:
        self.steps, self.times, self.values = array("d"), array("d"), array("d")
        self.whole = True  # all are integers


class _Columns:
    """Rows of a history, by metric."""

    def __init__(self) -> None:
        self.numbers: dict[str, _Line] = {}
        self.texts: dict[str, list[tuple[int, float, str]]] = {}
        self.media: list[tuple[str, int, dict[str, Any]]] = []

    def add(self, row: dict[str, Any]) -> int:
        """Take a row; return how many numbers were in it."""
        step, time_s, count = int(row["_step"]), float(row["_timestamp"]), 0
        for key, value in row.items():
            if key.startswith("_") and key in ("_step", "_attempt", "_writer", "_timestamp", "_runtime"):
                continue
            if isinstance(value, (int, float)):
                line = self.numbers.get(key)
                if line is None:
                    line = self.numbers[key] = _Line()
                line.steps.append(step)
                line.times.append(time_s)
                line.values.append(float(value))
                line.whole = line.whole and isinstance(value, int) and abs(value) < 1 << 53
                count += 1
            elif isinstance(value, str):
                self.texts.setdefault(key, []).append((step, time_s, value[:_TEXT_MAX_CHARS]))
            elif isinstance(value, dict):
                self.media += [(key, step, one) for one in value.get("images", [value]) if isinstance(one, dict)]
        return count
