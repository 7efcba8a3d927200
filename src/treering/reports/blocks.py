"""
The Markdown of a report, in blocks: text, figures, run sets.

It is CommonMark with GFM. A fenced code block at the top level whose info string is ``treering`` holds JSON:

=================================================  =============================================================
``{"runs": {"A": {…}, "B": {…}}}``                 names run sets, for all figures and formulas of the report
``{"panel": {…}, "runs": "A", "caption": "…"}``    a figure
``{"panels": [{…}, {…}], "runs": "A"}``            a figure of several panels side by side
=================================================  =============================================================

``{{ … }}`` outside of code is a formula (``formula``); ``\\{{`` is two braces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

__all__ = ["Block", "FormulaPlace", "find_formulas", "formula_texts", "headings", "split_blocks"]

_OPEN: Final = re.compile(r"(?P<indent> {0,3})(?P<fence>`{3,}|~{3,})(?P<info>.*)")
_HEADING: Final = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_TICKS_OR_END: Final = re.compile(r"`+|\n[ \t]*\n")
_LANGUAGE: Final = "treering"

_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Block:
    """
    A stretch of a report's lines.

    Attributes:
        kind: ``text``, ``code``, ``figure`` or ``runs``; ``wrong`` for one that should be of the last two and is not.
        source: its lines, with their ends; all sources together are the report.
        line: the number of its first line, from 1.
        value: the JSON of a figure or of run sets.
        error: why it is wrong.
    """

    kind: str
    source: str
    line: int
    value: Any = None
    error: str = ""


def split_blocks(markdown: str) -> list[Block]:
    """Return the blocks of a report. Never raises: what is wrong is a block that says so."""
    blocks: list[Block] = []
    text: list[str] = []
    lines = _lines(markdown)
    at = begin = 0
    while at < len(lines):
        opening = _OPEN.fullmatch(lines[at].rstrip("\r\n"))
        if opening is None or (opening["fence"][0] == "`" and "`" in opening["info"]):
            text.append(lines[at])
            at += 1
            continue
        if text:
            blocks.append(Block("text", "".join(text), begin + 1))
            text = []
        end = _closing(lines, at, opening["fence"])
        source = "".join(lines[at:end])
        closed = end - at > 1 and _closes(lines[end - 1], opening["fence"])
        body = "".join(lines[at + 1 : end - 1 if closed else end])
        blocks.append(_fenced(source, body, opening["info"].strip(), at + 1))
        at = begin = end
    if text:
        blocks.append(Block("text", "".join(text), begin + 1))
    return blocks


def _lines(markdown: str) -> list[str]:
    """Return lines as Markdown has them: ``str.splitlines`` also ends them at form feeds and the like."""
    return re.findall(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+\Z", markdown)


def _closing(lines: list[str], opening: int, fence: str) -> int:
    """Return the number of the line behind the block that begins at *opening*; without an end it goes to the last."""
    return next((at + 1 for at in range(opening + 1, len(lines)) if _closes(lines[at], fence)), len(lines))


def _closes(line: str, fence: str) -> bool:
    found = re.fullmatch(r" {0,3}(`{3,}|~{3,})[ \t]*[\r\n]*", line)
    return found is not None and found[1][0] == fence[0] and len(found[1]) >= len(fence)


def _fenced(source: str, body: str, info: str, line: int) -> Block:
    if info.split(maxsplit=1)[:1] != [_LANGUAGE]:
        return Block("code", source, line)
    try:
        value = _decode(body.encode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        return Block("wrong", source, line, error=f"This block is not JSON: {error}.")
    if not isinstance(value, dict):
        return Block("wrong", source, line, error='This block is no JSON object such as {"panel": {"type": "line"}}.')
    if "panel" in value or "panels" in value:
        return Block("figure", source, line, value)
    if isinstance(value.get("runs"), dict):
        return Block("runs", source, line, value)
    return Block("wrong", source, line, error='This block has neither "panel", "panels" nor named "runs".')


def headings(markdown: str) -> list[tuple[int, str]]:
    """Return the headings with ``#`` in the order of the text: level, 1 to 6, and words."""
    found = []
    for block in split_blocks(markdown):
        for line in block.source.splitlines() if block.kind == "text" else ():
            heading = _HEADING.match(line)
            if heading is not None:
                found.append((len(heading[1]), _words(line[heading.end() :])))
    return found


def _words(text: str) -> str:
    """Return the words of a heading, without the marks that may close it. No pattern: a line may be very long."""
    text = text.strip()
    bare = text.rstrip("#")
    return bare.rstrip() if not bare or bare[-1] in " \t" else text


# ── formulas ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class FormulaPlace:
    """A formula in a text: *text* is what stands between the braces, without the spaces around it."""

    text: str
    begin: int
    end: int


def find_formulas(text: str) -> Iterator[FormulaPlace]:
    """Yield the formulas in Markdown that holds no fenced blocks; those within `code` are none."""
    # The next of each are not looked for again before they are passed: a text may be braces alone.
    at, end, newline = 0, text.find("}}"), text.find("\n")
    while at < len(text):
        letter = text[at]
        if letter == "\\":
            at += 2
        elif letter == "`":
            at = _behind_code(text, at)
        elif text.startswith("{{", at):
            if 0 <= end < at + 2:
                end = text.find("}}", at + 2)
            if end < 0:
                return
            if 0 <= newline < at:
                newline = text.find("\n", at)
            if at <= newline < end:
                at += 2
                continue
            yield FormulaPlace(text[at + 2 : end].strip(), at, end + 2)
            at = end + 2
        else:
            at += 1


def _behind_code(text: str, at: int) -> int:
    """Return where a code span ends that may begin at *at*; where the backticks end, if they begin none."""
    ticks = 1
    while text.startswith("`", at + ticks):
        ticks += 1
    for run in _TICKS_OR_END.finditer(text, at + ticks):
        if run[0][0] == "\n":
            break  # a paragraph ends, and what began in it with it
        if len(run[0]) == ticks:
            return run.end()
    return at + ticks


def formula_texts(markdown: str) -> list[str]:
    """Return the formulas of a report, each once, in the order of the text."""
    found: dict[str, None] = {}
    for block in split_blocks(markdown):
        if block.kind == "text":
            for place in find_formulas(block.source):
                found[place.text] = None
        elif block.kind == "figure" and isinstance(block.value.get("caption"), str):
            for place in find_formulas(block.value["caption"]):
                found[place.text] = None
    return list(found)
