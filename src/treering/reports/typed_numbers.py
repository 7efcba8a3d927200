"""
Numbers that somebody typed into a report's text: they stay as they are when the runs say something else.

Left out are numbers that are no results: in code, formulas, links, headings' numbering, dates, times, versions and
hashes, and whole numbers below 1,000, which mostly count things.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from treering.limits import REPORT_NUMBERS_MAX

from .blocks import find_formulas, split_blocks

__all__ = ["TypedNumber", "find_typed_numbers"]

_NUMBER: Final = re.compile(
    r"""
    (?<![\w.,:/#@^_$\\-]) [-−+]? (?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)
    (?P<power>[eE][-+]?\d{1,3})? (?P<percent>\s?%)? (?![\w]|[.,:/-]\d|/)
    """,
    re.VERBOSE,
)
# What is passed over as a whole: code, links and their targets, addresses, formulas of mathematics, HTML. Each part has
# a length, so that a text of brackets alone does not have all of it looked through from each of them.
_PASSED: Final = re.compile(
    r"""
    `+[^`]*`+ | !?\[[^\]]{0,1000}\]\([^)]{0,2000}\) | <[^>\n]{0,1000}> | (?<!\w)\w{1,32}://\S+
  | \$\$.{0,4000}?\$\$ | \$[^$\n]{1,4000}\$ | (?<!\d)\d{4}-\d{2}-\d{2}\S*
    """,
    re.VERBOSE | re.DOTALL,
)
_NUMBERING: Final = re.compile(r"^[ \t>]*(?:#{1,6}[ \t]+)?(?:\d+[.)](?=[ \t]))", re.MULTILINE)
_COUNT_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class TypedNumber:
    """
    A number in the text.

    Attributes:
        line, column: where it stands, from 1.
        text: as it was typed, with a per cent sign.
        value: what it says; of ``91.2 %`` it is 91.2.
        digits: significant ones; ``unit``: half of what its last digit stands for.
        percent: it has a per cent sign.
    """

    line: int
    column: int
    text: str
    value: float
    digits: int
    unit: float
    percent: bool


def find_typed_numbers(markdown: str) -> list[TypedNumber]:
    """Return the numbers typed into a report, the first ``REPORT_NUMBERS_MAX``."""
    found: list[TypedNumber] = []
    for block in split_blocks(markdown):
        if block.kind != "text":
            continue
        for number in _in_text(block.source, block.line):
            if len(found) >= REPORT_NUMBERS_MAX:
                return found
            found.append(number)
    return found


def _in_text(source: str, first_line: int) -> Iterator[TypedNumber]:
    blank = list(source)
    for place in find_formulas(source):
        blank[place.begin : place.end] = "x" * (place.end - place.begin)
    text = "".join(blank)
    for pattern in (_PASSED, _NUMBERING):
        text = pattern.sub(lambda hit: re.sub(r"[^\n]", "x", hit[0][:-1]) + hit[0][-1:].replace(")", "x"), text)
    for hit in _NUMBER.finditer(text):
        number = _number(hit, source, first_line)
        if number is not None:
            yield number


def _number(hit: re.Match[str], source: str, first_line: int) -> TypedNumber | None:
    digits = hit["digits"]
    if "." not in digits and not hit["power"] and not hit["percent"] and float(digits.replace(",", "")) < _COUNT_MAX:
        return None
    before = source[: hit.start()]
    line = before.count("\n")
    written = hit[0].strip()
    plain = digits.replace(",", "") + (hit["power"] or "")
    value = math.copysign(float(plain), -1.0 if written[0] in "-−" else 1.0)
    decimals = len(digits.partition(".")[2])
    power = int(hit["power"][1:]) if hit["power"] else 0
    significant = len(digits.replace(",", "").replace(".", "").lstrip("0")) or 1
    return TypedNumber(
        line=first_line + line,
        column=hit.start() - (before.rfind("\n") + 1) + 1,
        text=written,
        value=value,
        digits=significant,
        unit=0.5 * 10.0 ** (power - decimals),
        percent=hit["percent"] is not None,
    )
