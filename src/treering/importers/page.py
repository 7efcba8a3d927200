"""
Runs from a page that ``treering export --html`` wrote.

The page is read as text and nothing of it is run: the two elements that hold data are found by their beginnings, and
everything in them is bounded and checked before it is used.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from array import array
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from treering.errors import FormatError, InvalidName, InvalidValue, NewerFormat, TreeringError
from treering.ids import check_name
from treering.limits import EXPORT_PAGE_MAX_POINTS, EXPORT_PAGE_MAX_RUNS, IMPORT_PAGE_MAX_BYTES

from .imported_run import ImportedRun

__all__ = ["ImportedPageRun", "PageReport", "import_page", "read_report"]

_FORMAT: Final = 1
_BEGIN: Final = '<script type="application/json" id="treering-{}">'
_END: Final = "</script>"
_TOLD: Final = ("name", "group", "job_type", "folder", "notes")
_NONFINITE: Final = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


class ImportedPageRun(NamedTuple):
    """A run of a page. ``why``: it was left out, and why."""

    run_id: str
    name: str
    rows: int
    why: str = ""


class PageReport(NamedTuple):
    """The report of a page: what it is called, its Markdown, and where it was written."""

    title: str
    markdown: str
    project: str


def read_report(file: Path) -> PageReport | None:
    """Return the report of a page; None if it holds runs alone. Raises like ``import_page``."""
    index, _ = _read(file)
    report = index.get("report")
    if report is None:
        return None
    if not isinstance(report, dict) or not isinstance(report.get("markdown"), str):
        raise FormatError(f"{file}: its report is damaged.")
    project = check_name(str(report.get("project")), "project")
    return PageReport(str(index.get("title") or "Untitled"), report["markdown"], project)


def import_page(
    file: Path, data: Path, entity: str, project: str | None, note: Callable[[str, str], None]
) -> list[ImportedPageRun]:
    """
    Make runs of what a page holds; those that are there already are left as they are.

    Args:
        project: the project of the runs; what the page says by default.
        note: told what was left out: (subject, text).

    Raises:
        FormatError: it is no such page, or it is damaged.
        NewerFormat: a newer treering wrote it.
        OSError: it cannot be read.
    """
    index, blocks = _read(file)
    runs = index.get("runs")
    if not isinstance(runs, list) or len(runs) > EXPORT_PAGE_MAX_RUNS:
        raise FormatError(f"{file}: it does not hold a list of at most {EXPORT_PAGE_MAX_RUNS:,} runs.")
    columns = _Columns(blocks)
    found = []
    for run in runs:
        if not isinstance(run, dict):
            raise FormatError(f"{file}: a run in it is no object.")
        found.append(_import_run(run, columns, data, entity, project, note))
    return found


def _read(file: Path) -> tuple[dict[str, Any], list[str]]:
    if file.stat().st_size > IMPORT_PAGE_MAX_BYTES:
        raise InvalidValue(f"{file} is larger than {IMPORT_PAGE_MAX_BYTES:,} bytes.")
    text = file.read_text(encoding="utf-8", errors="replace")
    index = _element(file, text, "index")
    if not isinstance(index, dict) or not isinstance(index.get("format"), int):
        raise FormatError(f"{file}: it holds no runs.")
    if index["format"] > _FORMAT:
        raise NewerFormat(f"{file} was written by a newer treering (format {index['format']}).")
    blocks = _element(file, text, "blocks")
    if not isinstance(blocks, list) or not all(isinstance(block, str) for block in blocks):
        raise FormatError(f"{file}: its data are damaged.")
    return index, blocks


def _element(file: Path, text: str, name: str) -> Any:
    begin = text.find(_BEGIN.format(name))
    if begin < 0:
        raise FormatError(f"{file} is no page that `treering export --html` wrote.")
    begin += len(_BEGIN.format(name))
    end = text.find(_END, begin)
    try:
        return msgspec.json.decode(text[begin:end].encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        raise FormatError(f"{file}: what it holds is damaged.") from None


class _Columns:
    """The packed columns of a page, each unpacked once, and never to more than a page may hold."""

    def __init__(self, blocks: list[str]) -> None:
        self._blocks = blocks
        self._known: dict[int, array[float]] = {}
        self._left = EXPORT_PAGE_MAX_POINTS * 3

    def get(self, number: Any, length: Any) -> array[float]:
        """Return a column. Raises FormatError."""
        if not isinstance(number, int) or not 0 <= number < len(self._blocks):
            raise FormatError("a column that is not in the page.")
        column = self._known.get(number)
        if column is None:
            column = self._known[number] = self._unpack(self._blocks[number])
        if len(column) != length:
            raise FormatError("columns of different lengths.")
        return column

    def _unpack(self, text: str) -> array[float]:
        try:
            packed = base64.b64decode(text, validate=True)
            engine = zlib.decompressobj()
            raw = engine.decompress(packed, self._left * 8 + 1)
        except (binascii.Error, zlib.error, ValueError):
            raise FormatError("a column that cannot be unpacked.") from None
        if len(raw) > self._left * 8 or len(raw) % 8 or not engine.eof:
            raise FormatError("a column that is too large, or not whole.")
        self._left -= len(raw) // 8
        column = array("d")
        column.frombytes(raw)
        return column


def _import_run(
    run: Mapping[str, Any],
    columns: _Columns,
    data: Path,
    entity: str,
    project: str | None,
    note: Callable[[str, str], None],
) -> ImportedPageRun:
    run_id, name = str(run.get("run_id")), str(run.get("name") or run.get("run_id"))
    try:
        run_id = check_name(run_id, "run id")
        project = check_name(project or str(run.get("project")), "project")
        rows = list(_rows(run, columns))
        writer = ImportedRun(data, entity, project, run_id, note)
    except (InvalidName, FormatError) as error:
        return ImportedPageRun(run_id, name, 0, str(error))
    if writer.existed:
        writer.abandon()
        return ImportedPageRun(run_id, name, 0, "it is there already")
    try:
        created_ns = _time_ns(run.get("created_at"))
        meta = {key: str(run[key]) for key in _TOLD if isinstance(run.get(key), str)}
        tags = [str(tag) for tag in run.get("tags") or [] if isinstance(tag, str)]
        told = run.get("meta")
        writer.begin_life(created_ns, {**(told if isinstance(told, dict) else {}), **meta, "name": name, "tags": tags})
        config = run.get("config")
        if isinstance(config, dict) and config:
            writer.set_config(created_ns, _numbers(config))
        for step, time_ns, values in rows:
            writer.log(step, time_ns, values)
            writer.beat()
        writer.close({"from": "page", "run_key": str(run.get("run_key")), "state": str(run.get("state"))})
    except (TreeringError, OSError):
        writer.abandon()
        raise
    return ImportedPageRun(run_id, name, writer.rows)


def _rows(run: Mapping[str, Any], columns: _Columns) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Yield the rows of a run as they were logged: what has one step and one time was one call."""
    found: dict[tuple[float, float], dict[str, Any]] = {}
    for series in run.get("series") or []:
        if not isinstance(series, dict):
            raise FormatError("a metric that is no object.")
        n, key, whole = series.get("n"), str(series.get("key")), series.get("whole") is True
        steps, times, values = (columns.get(series.get(name), n) for name in ("steps", "times", "values"))
        for step, time_s, value in zip(steps, times, values, strict=True):
            found.setdefault((time_s, step), {})[key] = int(value) if whole else value
    for text in run.get("texts") or []:
        if isinstance(text, list) and len(text) == 4 and all(isinstance(part, (int, float)) for part in text[1:3]):
            found.setdefault((float(text[2]), float(text[1])), {})[str(text[0])] = str(text[3])
    for (time_s, step), row in sorted(found.items(), key=lambda pair: pair[0]):
        if not 0 <= step < 1 << 53:
            raise FormatError(f"a step of {step}.")
        yield int(step), _time_ns(time_s), row


def _time_ns(value: Any) -> int:
    if not isinstance(value, (int, float)) or not 0 <= value < 4e9:
        raise FormatError("a time that is none.")
    return round(value * 1e6) * 1_000


def _numbers(value: Any) -> Any:
    """Return a value with NaN and the infinities as numbers again: JSON has them as texts."""
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return _NONFINITE.get(value, value) if isinstance(value, str) else value
