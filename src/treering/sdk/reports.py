"""
Reports written by code: text, figures and run sets, saved as the Markdown that people edit in the browser.

::

    report = tr.Report(
        "digits",
        "Depth pays",
        [
            tr.Report.run_sets(deep={"filter": "config.depth > 18"}, flat={"filter": "config.depth <= 18"}),
            'Deep nets reach {{ mean(val/acc, runs="deep") ± ci }}, flat ones {{ mean(val/acc, runs="flat") ± ci }}.',
            tr.Report.figure(tr.views.panel("line", keys=["val/acc"]), runs="deep", caption="Only the deep ones"),
        ],
    )
    saved = report.save(published=True)
    saved.freeze()
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from treering.errors import InvalidValue
from treering.reports.blocks import split_blocks
from treering.reports.run_sets import parse_figure, parse_run_set

from .api import Api
from .saved_reports import SavedReport

__all__ = ["Report"]


class Report:
    """
    A report to be saved.

    Args:
        project: ``project`` or ``entity/project``.
        title: a report of this title that one may change is saved over.
        blocks: texts in Markdown, and what ``figure`` and ``run_sets`` return; ``append`` adds more.
        api: where to save it; by default where ``Api()`` reads.

    Raises:
        InvalidValue: a block is none.
    """

    def __init__(
        self,
        project: str,
        title: str,
        blocks: Iterable[str | Mapping[str, Any]] = (),
        *,
        api: Api | None = None,
    ) -> None:
        self.project = project
        self.title = title
        self._api = api
        self._parts: list[str] = []
        for block in blocks:
            self.append(block)

    def __repr__(self) -> str:
        return f"<Report {self.title!r} of {self.project}, {len(self._parts)} blocks>"

    @property
    def markdown(self) -> str:
        """The whole text."""
        return "\n\n".join(part.strip("\n") for part in self._parts) + "\n" if self._parts else ""

    def append(self, block: str | Mapping[str, Any]) -> None:
        """Add a text in Markdown, a figure or run sets at the end. Raises InvalidValue."""
        self._parts.append(block if isinstance(block, str) else _fenced(block))

    @staticmethod
    def figure(
        *panels: Mapping[str, Any], runs: str | Mapping[str, Any] | None = None, caption: str = ""
    ) -> dict[str, Any]:
        """
        Return a figure: one panel, or several side by side.

        Args:
            panels: what ``treering.views.panel`` returns.
            runs: the name of a run set of the report, or one of the figure's own, such as
                ``{"filter": "config.lr > 0.1"}``; by default the first that the report names, else all runs of the
                project.
            caption: Markdown in one line; it may hold formulas.

        Raises:
            InvalidValue: no panel, or no run set.
        """
        shown = [{name: value for name, value in panel.items() if name != "id"} for panel in panels]
        block: dict[str, Any] = {"panel": shown[0]} if len(shown) == 1 else {"panels": shown}
        if runs is not None:
            block["runs"] = runs
        if caption:
            block["caption"] = caption
        parse_figure(block)
        return block

    @staticmethod
    def run_sets(**sets: Mapping[str, Any]) -> dict[str, Any]:
        """
        Return run sets by name, with any of ``filter``, ``search``, ``regex``, ``runs``, ``group``, ``pinned``,
        ``baseline``, ``order``, ``limit`` and ``project``.

        Raises:
            InvalidValue: a field that is none.
        """
        for value in sets.values():
            parse_run_set(value)
        return {"runs": dict(sets)}

    def save(self, *, published: bool | None = None, template: bool = False) -> SavedReport:
        """
        Save it: the next version of the report of this title, if there is one and its text is another.

        Args:
            published: show it to everybody who may see the project; None leaves what is, a new one is a draft.

        Raises:
            ProjectNotFound: there is no such project.
            RemoteError: it may not be saved.
        """
        api = self._api if self._api is not None else Api()
        try:
            known = next((one for one in api.reports(self.project) if one.title == self.title), None)
            if known is None:
                return api.create_report(
                    self.project, self.title, self.markdown, published=bool(published), template=template
                )
            known.refresh()
            wanted = known.published if published is None else published
            if (known.markdown, known.published) != (self.markdown, wanted):
                known.markdown, known.published = self.markdown, wanted
                known.save()
            return known
        finally:
            if self._api is None:
                api.close()


def _fenced(block: Mapping[str, Any]) -> str:
    """Return a figure or run sets as a fenced block. JSON in lines of its own never begins one with a fence."""
    text = f"```treering\n{json.dumps(dict(block), ensure_ascii=False, indent=2)}\n```\n"
    found = split_blocks(text)
    if len(found) != 1 or found[0].kind not in ("figure", "runs"):
        raise InvalidValue(f"a block is a text, a figure or run sets, got {dict(block)!r:.120}.")
    return text
