"""A frozen report as a page: its text, what it keeps, and the bytes of the media and pictures that it shows."""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from treering._version import __version__
from treering.errors import InvalidValue, NotFound, RunNotFound, TreeringError
from treering.limits import EXPORT_MEDIA_MAX_BYTES, EXPORT_PAGE_MAX_RUNS
from treering.reports.blocks import split_blocks
from treering.sdk.api import Api
from treering.sdk.saved_reports import SavedReport

from .export_payload import FORMAT, PagePayload

__all__ = ["report_page"]

_PICTURE: Final = re.compile(r"picture:([0-9a-f]{64})")
_KINDS: Final = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1a\x45\xdf\xa3", "video/webm"),
)


def report_page(
    api: Api,
    reference: str,
    with_runs: bool,
    at: float,
    library: Callable[[str], str],
    note: Callable[[str], None],
) -> tuple[SavedReport, dict[str, Any], list[str]]:
    """
    Return a report, and the index and blocks of its page.

    Args:
        reference: its id, or the address of its page.
        with_runs: every point of its runs is in the page too, so that they can be made again of it.
        library: returns the script of the frames for figures of a kind, "plotly" or "vega".
        note: told what was left out.

    Raises:
        NotFound: there is no such report.
        InvalidValue: it is live.
    """
    report = api.report(reference.rstrip("/").rpartition("/")[2].partition("?")[0])
    try:
        frozen = api.frozen_report(report.id)
    except InvalidValue:
        raise InvalidValue(
            f"the report {report.title!r} is live, not frozen. Freeze it first (its menu, or SavedReport.freeze()), so "
            "that what you send is what you read."
        ) from None
    markdown = report.markdown or ""
    later = _later(markdown, frozen)
    if later:
        note(f"{later:,} of its figures {'was' if later == 1 else 'were'} added or changed after it was frozen")
    payload = PagePayload(report.title, "report", note)
    if with_runs:
        _add_runs(api, frozen, payload, note)
    blocks = payload.blocks
    held: dict[str, tuple[int, str]] = {}
    left, room = 0, EXPORT_MEDIA_MAX_BYTES
    for sha256, path, kind in _wanted(report, markdown, frozen):
        try:
            data = api.fetch(path)
        except TreeringError as error:
            note(f"{sha256[:12]}…: {error}")
            continue
        if len(data) > room:
            left += 1
            continue
        room -= len(data)
        held[sha256] = len(blocks), kind or _type_of(data)
        blocks.append(base64.b64encode(data).decode("ascii"))
    if left:
        note(f"{left:,} media are left out; a page holds {EXPORT_MEDIA_MAX_BYTES:,} bytes of them")
    libraries = {}
    for name in sorted({kind.removesuffix("-file") for kind in _kinds(frozen)} & {"plotly", "vega"}):
        libraries[name] = len(blocks)
        blocks.append(base64.b64encode(gzip.compress(library(name).encode(), 9, mtime=0)).decode("ascii"))
    about = {
        "format": FORMAT,
        "kind": "report",
        "title": report.title,
        "version": __version__,
        "exported_at": at,
        "runs": payload.runs,
        "report": {
            "markdown": markdown,
            "entity": report.entity,
            "project": report.project,
            "frozen": frozen,
            "bytes": held,
            "libraries": libraries,
        },
    }
    return report, about, blocks


def _later(markdown: str, frozen: Mapping[str, Any]) -> int:
    """Return how many figures of the text are not among those that are frozen."""
    known = {str(figure["source"]).strip() for figure in frozen["evaluation"]["figures"]}
    return sum(block.kind == "figure" and block.source.strip() not in known for block in split_blocks(markdown))


def _add_runs(api: Api, frozen: Mapping[str, Any], payload: PagePayload, note: Callable[[str], None]) -> None:
    for place, (key, run) in enumerate(frozen["runs"].items()):
        if place >= EXPORT_PAGE_MAX_RUNS:
            note(f"only {EXPORT_PAGE_MAX_RUNS:,} of its runs are in the page")
            return
        try:
            payload.add(api.run(key))
        except (RunNotFound, NotFound):
            note(f"the run {run['name']!r} is gone: the page has what the report keeps of it")


def _wanted(report: SavedReport, markdown: str, frozen: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the bytes that a report shows, the pictures of its text first: hash, route, and type if it is told."""
    place = f"/projects/{quote(report.entity, safe='')}/{quote(report.project, safe='')}"
    for sha256 in dict.fromkeys(_PICTURE.findall(markdown)):
        yield sha256, f"{place}/pictures/{sha256}", ""
    drawings = {str(value.get("sha256")) for value in _shown(frozen) if value.get("format") == "svg"}
    for sha256 in frozen["blobs"]:
        kind = "image/svg+xml" if sha256 in drawings else ""
        yield sha256, f"/reports/{quote(report.id, safe='')}/blobs/{sha256}", kind


def _kinds(frozen: Mapping[str, Any]) -> set[str]:
    return {str(value.get("_type")) for value in _shown(frozen)}


def _shown(frozen: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the media values that the figures show."""
    for figure in frozen["figures"]:
        for panel in figure["panels"]:
            for item in (panel.get("media") or {}).get("items", ()):
                yield from _values(item.get("value"))


def _values(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects in a logged value."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _type_of(data: bytes) -> str:
    """Return a type that a browser plays or draws, by the first bytes."""
    for place, mark, kind in _KINDS:
        if data[place : place + len(mark)] == mark and (place != 8 or data[:4] == b"RIFF"):
            return kind
    return ""
