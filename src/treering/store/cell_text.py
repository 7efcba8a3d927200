"""Table cells as text: exact numbers, mean ± std, and texts that nothing takes for a formula or for markup."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

__all__ = ["TEXT_TABLES", "TextTable", "csv_line", "latex_text", "markdown_text", "mean_std_text", "number_text"]

# A spreadsheet takes a text that begins so for a formula, or for the first of one's arguments.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_LATEX: Final = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "\n": " ", "\r": " ", "\t": " ",
    # In braces, since \\ and \midrule take what follows them in brackets, and a star, for their own argument.
    "[": "{[}", "]": "{]}", "*": "{*}",
}  # fmt: skip
_MARKDOWN: Final = "\\`*_[]<>|~"


def number_text(value: float | int) -> str:
    """Return a number from which it can be read back exactly; NaN, inf and -inf as such."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return repr(value)


def mean_std_text(mean: float, std: float, n: int, plus_minus: str = "±") -> str:
    """Return ``0.912 ± 0.011 (3)``: the std to two digits, the mean to the same place, then n; one number as it is."""
    if n < 2 or not math.isfinite(mean) or not math.isfinite(std):
        return f"{number_text(mean)} ({n})"
    if std == 0:
        return f"{number_text(mean)} {plus_minus} 0 ({n})"
    place = 1 - math.floor(math.log10(std))
    if not -15 <= place <= 15:
        return f"{mean:.4g} {plus_minus} {std:.2g} ({n})"
    digits = max(place, 0)
    return f"{round(mean, place):.{digits}f} {plus_minus} {round(std, place):.{digits}f} ({n})"


def plain_text(value: Any) -> str:
    """Return a cell as text: empty where it is missing, lists and maps as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number_text(value)
    return value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()


def csv_line(cells: Iterable[Any], delimiter: str = ",") -> str:
    """Return a line of CSV, or of TSV for a tab. Numbers are exact; a text that looks like a formula begins with '."""
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="\r\n").writerow([_csv_cell(cell) for cell in cells])
    return line.getvalue()


def _csv_cell(value: Any) -> str:
    text = plain_text(value)
    is_text = not isinstance(value, (int, float)) or isinstance(value, bool)
    return f"'{text}" if is_text and text.startswith(_FORMULA) else text


def latex_text(value: Any) -> str:
    """Return a cell for a LaTeX table, with everything escaped that TeX would act upon."""
    text = "".join(_LATEX.get(character, character) for character in plain_text(value))
    text = text.replace("--", "-{}-").replace("--", "-{}-")  # two hyphens would be a dash
    return text.replace("±", r"$\pm$")


def markdown_text(value: Any) -> str:
    """Return a cell for a Markdown table, with everything escaped that would be markup or HTML."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return plain_text(value)
    text = " ".join(plain_text(value).split())
    return "".join("\\" + character if character in _MARKDOWN else character for character in text).replace(
        "&", "&amp;"
    )


class TextTable(msgspec.Struct, frozen=True):
    """
    How a kind of text table begins, goes on and ends; ``bold`` marks a cell that is written already, ``comment`` is a
    line that only whoever reads the source sees.
    """

    begin: Callable[[Sequence[Any], int], str]
    row: Callable[[Sequence[str]], str]
    end: str
    cell: Callable[[Any], str]
    bold: Callable[[str], str]
    comment: Callable[[str], str]


def _latex_begin(head: Sequence[Any], texts: int) -> str:
    columns = "l" * texts + "r" * (len(head) - texts)
    names = " & ".join(latex_text(name) for name in head)
    return f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{names} \\\\\n\\midrule\n"


def _markdown_begin(head: Sequence[Any], texts: int) -> str:
    rules = ["---"] * texts + ["---:"] * (len(head) - texts)
    return f"| {' | '.join(markdown_text(name) for name in head)} |\n| {' | '.join(rules)} |\n"


def _one_line(text: str) -> str:
    return " ".join(text.split())


TEXT_TABLES: Final[dict[str, TextTable]] = {
    "latex": TextTable(
        _latex_begin,
        lambda cells: " & ".join(cells) + " \\\\\n",
        "\\bottomrule\n\\end{tabular}\n",
        latex_text,
        lambda text: f"\\textbf{{{text}}}",
        lambda text: f"% {_one_line(text)}\n",
    ),
    "markdown": TextTable(
        _markdown_begin,
        lambda cells: f"| {' | '.join(cells)} |\n",
        "",
        markdown_text,
        lambda text: f"**{text}**",
        lambda text: f"<!-- {_one_line(text).replace('-', '‐')} -->\n",  # two hyphens could end it
    ),
}
