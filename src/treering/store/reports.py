"""
Reports: text with figures and formulas over runs, which a team reads together, and which can be frozen.

A report is a document: each version of its text is kept, and who changes it says which version they saw. A frozen one
names a file with the data of all that it shows (``frozen_report``), which no later data changes; what has changed
since is worked out by comparing it with the runs as they now are.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from treering.errors import InvalidValue, NotFound, TreeringError
from treering.reports.blocks import find_formulas, headings, split_blocks

from .blobs import FileBlobs
from .comparing import Comparing
from .documents import Document, Documents
from .frozen_report import FrozenReport, pack_frozen, read_frozen, unpack_frozen
from .line_diff import unified_diff
from .metadata import MetadataStore
from .model import Project
from .report_changes import ReportChange, changes_since
from .report_evaluation import Evaluation, Shown, check_markdown, evaluate_report
from .report_freezing import Freezer, used_keys
from .report_numbers import NumberByHand, numbers_by_hand
from .report_runs import ReportRuns

__all__ = ["Frozen", "Report", "ReportData", "ReportVersion", "Reports"]

_KIND: Final = "report"
_KEPT_NAMES: Final = 256  # frozen data whose names of bytes are remembered
MayRead = Callable[[str, str], bool]


class Frozen(msgspec.Struct, frozen=True):
    """Since when and by whom a report is frozen, for which version of its text, and where its data is."""

    sha256: str
    bytes: int
    at: float
    by: str
    version: int


class Report(msgspec.Struct, frozen=True):
    """
    A report. Times are unix seconds.

    Attributes:
        published: everybody who may see the project sees it; a draft is for those who may change it.
        template: new reports can begin with its text.
        frozen: None while it is live.
        excerpt: its first words.
        markdown: None in lists.
    """

    id: str
    entity: str
    project: str
    title: str
    published: bool
    template: bool
    frozen: Frozen | None
    owner: str
    version: int
    created_at: float
    updated_at: float
    updated_by: str
    excerpt: str = ""
    markdown: str | None = None


class ReportVersion(msgspec.Struct, frozen=True):
    """A version of a report, numbered from 1."""

    version: int
    time: float
    author: str
    title: str
    published: bool
    frozen: bool
    bytes: int


class ReportData(msgspec.Struct, frozen=True):
    """A whole report with the data of all that it shows: frozen, or as it is now."""

    report: Report
    data: FrozenReport


class Reports:
    """
    The reports of a store. All methods may be called from any thread.

    Args:
        project: reads a project, with its corrections.
        runs: reads run sets for somebody who may read what the given function says.

    Raises, where a method takes them: NotFound, ProjectNotFound, InvalidValue, EditConflict, LimitExceeded, OSError.
    """

    def __init__(
        self,
        documents: Documents,
        blobs: FileBlobs,
        metadata: MetadataStore,
        comparing: Comparing,
        project: Callable[[str, str], Project],
        runs: Callable[[MayRead], ReportRuns],
        freezer: Freezer,
        clock_ns: Callable[[], int],
    ) -> None:
        self._documents = documents
        self._blobs = blobs
        # Data of one hash are always the same: what they name is read once, not for every picture of a page.
        self._shown_by = functools.lru_cache(_KEPT_NAMES)(self._read_names)
        self._metadata = metadata
        self._comparing = comparing
        self._project = project
        self._runs = runs
        self._freezer = freezer
        self._clock_ns = clock_ns

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────

    def of_project(self, entity: str, project: str) -> list[Report]:
        """Return the reports of a project, drafts too, the latest changed first."""
        found = self._documents.of_project(_KIND, entity, project)
        return sorted((_report(one, None) for one in found), key=lambda one: (-one.updated_at, one.id))

    def find(self, report_id: str) -> Report:
        """Return a report without its text."""
        return _report(self._document(report_id), None)

    def read(self, report_id: str, version: int | None = None) -> Report:
        """Return a report as it is, or as it was in one of its versions."""
        document = self._document(report_id)
        if version is None or version == document.version:
            return _report(document, self._documents.body(report_id))
        about, body = self._documents.as_of(report_id, version)
        found = next(one for one in self._documents.versions(report_id) if one.number == version)
        then = msgspec.structs.replace(
            document,
            about=about,
            name=str(body.get("title", document.name)),
            version=version,
            updated_ns=found.time_ns,
            author=found.author,
        )
        return _report(then, body)

    def versions(self, report_id: str) -> list[ReportVersion]:
        """Return its latest versions, the newest first."""
        self._document(report_id)
        found = []
        for one in self._documents.versions(report_id):
            about, body = self._documents.as_of(report_id, one.number)
            found.append(
                ReportVersion(
                    one.number,
                    one.time_ns / 1e9,
                    one.author,
                    str(body.get("title", "")),
                    bool(about.get("published")),
                    about.get("frozen") is not None,
                    len(str(body.get("markdown", "")).encode("utf-8", "surrogatepass")),
                )
            )
        return found

    def difference(self, report_id: str, earlier: int, later: int) -> str:
        """Return the unified diff between the texts of two versions; empty if they are equal."""
        texts = [self.read(report_id, version).markdown or "" for version in (earlier, later)]
        a, b = (text.split("\n") for text in texts)
        return unified_diff(a, b, f"version {earlier}", f"version {later}")

    # ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────

    def create(
        self,
        entity: str,
        project: str,
        title: str,
        markdown: str,
        author: str,
        *,
        published: bool = False,
        template: bool = False,
    ) -> Report:
        """Save a new report."""
        document = self._documents.create(
            _KIND,
            entity,
            project,
            title,
            _body(title, markdown),
            author,
            self._clock_ns(),
            published=published,
            template=template,
            frozen=None,
            excerpt=_excerpt(markdown),
        )
        return self.read(document.id)

    def change(
        self,
        report_id: str,
        author: str,
        version: int,
        *,
        title: str | None = None,
        markdown: str | None = None,
        published: bool | None = None,
        template: bool | None = None,
    ) -> Report:
        """Save the next version; what is None stays."""
        old = self.read(report_id)
        self._documents.check_version(report_id, version)
        about: dict[str, Any] = {}
        if published is not None:
            about["published"] = published
        if template is not None:
            about["template"] = template
        text = (old.markdown or "") if markdown is None else markdown
        if markdown is not None:
            about["excerpt"] = _excerpt(markdown)
        self._save(report_id, author, version, title or old.title, text, about)
        return self.read(report_id)

    def restore(self, report_id: str, author: str, version: int, earlier: int) -> Report:
        """Make an earlier version the newest again, with the data that was frozen for it."""
        then = self.read(report_id, earlier)
        about, _ = self._documents.as_of(report_id, earlier)
        kept = {name: about.get(name) for name in ("frozen", "excerpt")}
        self._save(report_id, author, version, then.title, then.markdown or "", kept)
        return self.read(report_id)

    def delete(self, report_id: str, author: str) -> None:
        """Delete a report; its versions stay in the ledger, the data of frozen ones goes with its bytes."""
        self._document(report_id)
        self._documents.delete(report_id, author, self._clock_ns())

    def _save(
        self, report_id: str, author: str, version: int, title: str, markdown: str, about: dict[str, Any]
    ) -> None:
        self._documents.change(
            report_id,
            author,
            self._clock_ns(),
            version=version,
            name=title,
            body=_body(title, markdown),
            about=about,
        )

    # ── what it shows ───────────────────────────────────────────────────────────────────────────────────────────

    def evaluate(self, entity: str, project: str, markdown: str, may_read: MayRead) -> Evaluation:
        """Return what a text shows now: runs of its sets, values of its formulas."""
        return self._evaluate(entity, project, markdown, may_read).evaluation

    def formulas(self, entity: str, project: str, markdown: str, texts: Iterable[str], may_read: MayRead) -> Evaluation:
        """Return the values of some formulas with the run sets of a text."""
        keys = self._project(entity, project).keys
        shown = evaluate_report(markdown, (entity, project), self._runs(may_read), self._comparing, keys, texts)
        return shown.evaluation

    def check_numbers(self, entity: str, project: str, markdown: str, may_read: MayRead) -> list[NumberByHand]:
        """Return the numbers that were typed by hand, with formulas that have the same value."""
        keys = self._project(entity, project).keys
        shown = self._evaluate(entity, project, markdown, may_read)
        used = used_keys(shown, {f"{entity}/{project}": keys})
        return numbers_by_hand(markdown, shown.evaluation, self._comparing, keys, used)

    def _evaluate(self, entity: str, project: str, markdown: str, may_read: MayRead) -> Shown:
        keys = self._project(entity, project).keys
        return evaluate_report(markdown, (entity, project), self._runs(may_read), self._comparing, keys)

    # ── frozen ──────────────────────────────────────────────────────────────────────────────────────────────────

    def freeze(self, report_id: str, author: str, version: int, may_read: MayRead) -> Report:
        """Keep the data of all that a report shows now, as its next version."""
        self._documents.check_version(self._document(report_id).id, version)
        data = self._data(self.read(report_id), author, may_read)
        packed = pack_frozen(data)
        sha256, size = self._blobs.put([packed])
        mark = {"sha256": sha256, "bytes": size, "at": data.frozen_at, "by": author, "version": version}
        self._documents.change(report_id, author, self._clock_ns(), version=version, about={"frozen": mark})
        return self.read(report_id)

    def thaw(self, report_id: str, author: str, version: int) -> Report:
        """Have a report show the runs as they are, as its next version. Earlier versions keep their data."""
        self._document(report_id)
        self._documents.change(report_id, author, self._clock_ns(), version=version, about={"frozen": None})
        return self.read(report_id)

    def frozen_json(self, report_id: str, version: int | None = None) -> bytes:
        """Return the frozen data of a report, or of one of its versions, as JSON. Raises FormatError too."""
        return unpack_frozen(self._packed(self.read(report_id, version)))

    def frozen(self, report_id: str, version: int | None = None) -> FrozenReport:
        """Return the frozen data of a report, or of one of its versions. Raises FormatError too."""
        return read_frozen(self._packed(self.read(report_id, version)))

    def content(self, report_id: str, author: str, may_read: MayRead) -> ReportData:
        """Return a report and the data of all that it shows: what is frozen, else what is there now."""
        report = self.read(report_id)
        if report.frozen:
            return ReportData(report, self.frozen(report_id))
        # As it would be read from a file, so that whoever takes it knows one form.
        return ReportData(report, read_frozen(pack_frozen(self._data(report, author, may_read))))

    def changes(self, report_id: str, may_read: MayRead) -> list[ReportChange]:
        """Return what has changed since a report was frozen. Raises InvalidValue for a live one, FormatError."""
        report = self.read(report_id)
        frozen = self.frozen(report_id)
        then = self.read(report_id, frozen.report_version)
        now = self._evaluate(report.entity, report.project, then.markdown or "", may_read)
        used = list(dict.fromkeys(key for run in frozen.runs.values() for key in run.metrics))
        runs = self._freezer.runs(frozen.evaluation, used)
        alive = {key: run for key, run in runs.items() if not self._is_deleted(key)}
        readable = [place for place in frozen.corrections if may_read(*place.split("/", 1))]
        then_applied = {place: frozen.corrections[place] for place in readable}
        corrections = {place: self._freezer.corrections(*place.split("/", 1)) for place in readable}
        frozen = msgspec.structs.replace(frozen, corrections=then_applied)
        found = changes_since(frozen, now.evaluation, alive, corrections, self._metadata, may_read)
        if then.markdown != report.markdown:
            found.append(ReportChange("text", "The text was edited after it was frozen."))
        return found

    def blob_of(self, report_id: str, sha256: str) -> int:
        """Return the size of bytes that a frozen report shows and that are here. Raises NotFound."""
        mark = self.find(report_id).frozen
        if mark is None or sha256 not in self._shown_by(mark.sha256):
            raise NotFound(f"the report shows no file {sha256[:64]!r}.")
        return self._blobs.size(sha256)

    def kept_blobs(self) -> Iterator[str]:
        """Yield the hashes of all bytes that frozen reports need, whatever becomes of runs."""
        for document in self._documents.of_kind(_KIND):
            for version in self._documents.versions(document.id):
                about, _ = self._documents.as_of(document.id, version.number)
                mark = about.get("frozen")
                if not isinstance(mark, dict):
                    continue
                yield str(mark["sha256"])
                with contextlib.suppress(TreeringError, OSError):  # what cannot be read names nothing
                    yield from self._shown_by(str(mark["sha256"]))

    def _data(self, report: Report, author: str, may_read: MayRead) -> FrozenReport:
        shown = self._evaluate(report.entity, report.project, report.markdown or "", may_read)
        return self._freezer.freeze(
            shown,
            report=report.id,
            version=report.version,
            place=(report.entity, report.project),
            title=report.title,
            at=self._clock_ns() / 1e9,
            by=author,
        )

    def _read_names(self, sha256: str) -> frozenset[str]:
        """Return the hashes of the bytes that frozen data name. Raises FormatError, NotFound, OSError."""
        return frozenset(read_frozen(b"".join(self._blobs.get(sha256))).blobs)

    def _packed(self, report: Report) -> bytes:
        if report.frozen is None:
            raise InvalidValue(f"the report {report.title!r} is live: nothing of it is frozen.")
        return b"".join(self._blobs.get(report.frozen.sha256))

    def _is_deleted(self, run_key: str) -> bool:
        state = self._metadata.run(run_key)
        return state is None or state.deleted

    def _document(self, report_id: str) -> Document:
        try:
            document = self._documents.get(report_id)
        except NotFound:
            raise _no_report(report_id) from None
        if document.kind != _KIND:
            raise _no_report(report_id)
        return document


def _report(document: Document, body: Any) -> Report:
    about = document.about
    mark = about.get("frozen")
    return Report(
        id=document.id,
        entity=document.entity,
        project=document.project,
        title=document.name,
        published=bool(about.get("published")),
        template=bool(about.get("template")),
        frozen=msgspec.convert(mark, Frozen) if isinstance(mark, dict) else None,
        owner=document.owner,
        version=document.version,
        created_at=document.created_ns / 1e9,
        updated_at=document.updated_ns / 1e9,
        updated_by=document.author,
        excerpt=str(about.get("excerpt", "")),
        markdown=None if body is None else str(body.get("markdown", "")),
    )


def _body(title: str, markdown: str) -> dict[str, Any]:
    """Return what a version keeps. The title stands in it too, so that earlier versions have theirs."""
    return {"title": title.strip(), "markdown": check_markdown(markdown)}


_EXCERPT_CHARS: Final = 200


def _excerpt(markdown: str) -> str:
    """Return the first words of a text that are no heading, block or picture, with … for each formula."""
    marks = {text for _, text in headings(markdown)}
    for block in split_blocks(markdown):
        for line in block.source.splitlines() if block.kind == "text" else ():
            plain = line.strip().lstrip(">").strip()
            if plain and plain[0] not in "#|![<-=*" and plain not in marks:
                return _cut(_without_formulas(plain))
    return ""


def _without_formulas(text: str) -> str:
    parts, at = [], 0
    for place in find_formulas(text):
        parts += [text[at : place.begin], "…"]
        at = place.end
    return "".join(parts) + text[at:]


def _cut(text: str) -> str:
    return text if len(text) <= _EXCERPT_CHARS else text[: text.rfind(" ", 0, _EXCERPT_CHARS)].rstrip(" ,.") + " …"


def _no_report(report_id: str) -> NotFound:
    return NotFound(f"there is no report {report_id[:64]!r}.")
