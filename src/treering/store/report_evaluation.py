"""What a report shows now: its run sets as runs, its figures' sets, its formulas' values, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from treering.errors import InvalidValue, LimitExceeded
from treering.limits import REPORT_FIGURES_MAX, REPORT_FORMULAS_MAX, REPORT_MAX_BYTES
from treering.reports.blocks import formula_texts, split_blocks
from treering.reports.run_sets import ALL_RUNS, Figure, RunSet, parse_figure, read_run_sets

from .comparing import Comparing
from .model import KeyInfo
from .report_runs import ReportRuns, ShownRuns
from .report_values import FormulaValue, FormulaValues

__all__ = ["Evaluation", "FigureRuns", "Shown", "check_markdown", "evaluate_report"]

MAIN = ""  # the name of all runs of the project, which no run set can have


class FigureRuns(msgspec.Struct, frozen=True):
    """
    A figure of a report.

    Attributes:
        source: the lines of its block, by which a page finds it again.
        set: the name of its run set in ``Evaluation.sets``.
        problem: why it cannot be shown; empty if all is well.
    """

    source: str
    set: str
    problem: str = ""


class Evaluation(msgspec.Struct, frozen=True):
    """
    What a report shows.

    Attributes:
        sets: the run sets by name: those that the report names, ``""`` for all runs of the project, ``#2`` for that of
            the second figure alone.
        main: the set of figures and formulas that name none: the first that the report names, else ``""``.
        figures: in the order of the text.
        formulas: each once, by their text.
        problems: what is wrong with blocks, each with its line.
    """

    sets: dict[str, ShownRuns]
    main: str
    figures: list[FigureRuns]
    formulas: dict[str, FormulaValue]
    problems: list[str]


class Shown(msgspec.Struct, frozen=True):
    """An evaluation, and the figures of which it speaks, None for those that are wrong."""

    evaluation: Evaluation
    figures: list[Figure | None]


def check_markdown(markdown: str) -> str:
    """Return the Markdown of a report. Raises LimitExceeded, InvalidValue."""
    size = len(markdown.encode("utf-8", "surrogatepass"))
    if size > REPORT_MAX_BYTES:
        raise LimitExceeded(
            f"the report has {size:,} bytes; at most {REPORT_MAX_BYTES:,} are kept. Pictures are apart."
        )
    return markdown


def evaluate_report(
    markdown: str,
    place: tuple[str, str],
    runs: ReportRuns,
    comparing: Comparing,
    keys: Iterable[KeyInfo],
    formulas: Iterable[str] | None = None,
) -> Shown:
    """
    Return what a report shows, and its figures.

    Args:
        place: entity and project of the report.
        keys: the metrics of the project.
        formulas: those that are asked for; by default all of the report.

    Raises:
        LimitExceeded: its size, or more figures or formulas than a report may have.
    """
    blocks = split_blocks(check_markdown(markdown))
    named, problems = read_run_sets(blocks)
    problems = [f"Line {block.line}: {block.error}" for block in blocks if block.kind == "wrong"] + problems
    asked = formula_texts(markdown) if formulas is None else list(dict.fromkeys(formulas))
    figures = [block for block in blocks if block.kind == "figure"]
    for what, found, most in (
        ("figures", len(figures), REPORT_FIGURES_MAX),
        ("formulas", len(asked), REPORT_FORMULAS_MAX),
    ):
        if found > most:
            raise LimitExceeded(f"the report has {found:,} {what}; at most {most:,} are shown.")
    sets = {name: runs.read(one, *place) for name, one in named.items()}
    main = next(iter(sets), MAIN)
    if main == MAIN or any(_needs_all(block.value) for block in figures):
        sets[MAIN] = runs.read(ALL_RUNS, *place)
    shown: list[FigureRuns] = []
    parsed: list[Figure | None] = []
    for number, block in enumerate(figures, 1):
        try:
            figure = parse_figure(block.value)
            name = _set_of(figure, number, main, sets, runs, place)
        except InvalidValue as error:
            shown.append(FigureRuns(block.source, main, f"Line {block.line}: {error}"))
            parsed.append(None)
            continue
        shown.append(FigureRuns(block.source, name, sets[name].problem))
        parsed.append(figure)
    values = FormulaValues(runs, comparing, place, sets, sets[main], {info.key: info for info in keys})
    return Shown(
        Evaluation(sets, main, shown, {text: values.value(text) for text in asked}, problems),
        parsed,
    )


def _needs_all(value: object) -> bool:
    return isinstance(value, dict) and value.get("runs") == MAIN


def _set_of(
    figure: Figure,
    number: int,
    main: str,
    sets: dict[str, ShownRuns],
    runs: ReportRuns,
    place: tuple[str, str],
) -> str:
    if isinstance(figure.runs, RunSet):
        name = f"#{number}"
        sets[name] = runs.read(figure.runs, *place)
        return name
    name = main if figure.runs is None else figure.runs
    if name not in sets:
        known = ", ".join(map(repr, (one for one in sets if one and not one.startswith("#")))) or "none"
        raise InvalidValue(f"the report names no run set {name!r:.80}; it names {known}.")
    return name
