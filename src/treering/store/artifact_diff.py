"""What differs between two versions of an artifact: files, metadata, and the rows and columns of tables."""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

import msgspec

from treering.errors import TreeringError
from treering.limits import (
    ARTIFACT_DIFF_ENTRIES_MAX,
    ARTIFACT_DIFF_TABLE_MAX_ROWS,
    ARTIFACT_DIFF_TABLES_MAX,
    FILE_ABOUT_MAX_BYTES,
)
from treering.runlog.artifact_manifest import Entry, Manifest

from .attrs import flatten
from .blobs import FileBlobs
from .model import TableColumn
from .tables import LoggedTable

__all__ = ["ChangedEntry", "ChangedMetadata", "ChangedTable", "Difference", "compare", "compare_metadata"]

TABLE_ENDING: Final = ".table.json"


class ChangedEntry(NamedTuple):
    """A file that is not the same in both."""

    path: str
    change: Literal["added", "removed", "changed"]
    a: Entry | None
    b: Entry | None


class ChangedMetadata(NamedTuple):
    """A value of the metadata that is not the same in both, by its dotted key."""

    key: str
    a: Any
    b: Any
    in_a: bool
    in_b: bool


class ChangedTable(msgspec.Struct):
    """A table that is not the same in both. ``problem`` says why it could not be compared."""

    path: str
    a_rows: int | None = None
    b_rows: int | None = None
    added_columns: list[str] = []
    removed_columns: list[str] = []
    changed_columns: list[str] = []
    problem: str = ""


class Difference(NamedTuple):
    """What is different in *b*. ``entries`` are at most ``ARTIFACT_DIFF_ENTRIES_MAX``, by path."""

    same_files: int
    added: int
    removed: int
    changed: int
    entries: list[ChangedEntry]
    more_entries: int
    tables: list[ChangedTable]


def compare(a: Manifest, b: Manifest, blobs: FileBlobs) -> Difference:
    """Return what is different in *b*."""
    counts = {"added": 0, "removed": 0, "changed": 0}
    changed: list[ChangedEntry] = []
    same = 0
    for path in sorted(a.entries.keys() | b.entries.keys()):
        left, right = a.entries.get(path), b.entries.get(path)
        if left == right:
            same += 1
            continue
        change: Literal["added", "removed", "changed"] = (
            "added" if left is None else "removed" if right is None else "changed"
        )
        counts[change] += 1
        changed.append(ChangedEntry(path, change, left, right))
    tables = [one for one in changed if one.path.endswith(TABLE_ENDING)][:ARTIFACT_DIFF_TABLES_MAX]
    shown = changed[:ARTIFACT_DIFF_ENTRIES_MAX]
    found = [_compare_tables(one, blobs) for one in tables]
    return Difference(same, **counts, entries=shown, more_entries=len(changed) - len(shown), tables=found)


def compare_metadata(a: dict[str, Any], b: dict[str, Any]) -> list[ChangedMetadata]:
    """Return the values that differ, by dotted keys; 1, 1.0 and true are three different ones."""
    left, right = flatten(a), flatten(b)
    return [
        ChangedMetadata(key, left.get(key), right.get(key), key in left, key in right)
        for key in sorted(left.keys() | right.keys())
        if (key in left) != (key in right) or not _is_equal(left[key], right[key])
    ]


def _is_equal(a: Any, b: Any) -> bool:
    return type(a) is type(b) and bool(a == b)


class _Table(msgspec.Struct):
    """What an entry that describes a table says."""

    sha256: str
    columns: list[str]
    types: list[str]
    nrows: int = 0


def _compare_tables(entry: ChangedEntry, blobs: FileBlobs) -> ChangedTable:
    found = ChangedTable(entry.path)
    try:
        a, b = _fingerprint(entry.a, blobs), _fingerprint(entry.b, blobs)
    except (TreeringError, msgspec.DecodeError, OSError) as error:
        found.problem = str(error)
        return found
    found.a_rows, found.b_rows = a and a[0], b and b[0]
    if a is not None and b is not None:
        left, right = a[1], b[1]
        found.added_columns = [name for name in right if name not in left]
        found.removed_columns = [name for name in left if name not in right]
        found.changed_columns = [name for name in right if name in left and left[name] != right[name]]
    return found


def _fingerprint(entry: Entry | None, blobs: FileBlobs) -> tuple[int, dict[str, tuple[str, int]]] | None:
    if entry is None or entry.sha256 is None:
        return None
    text = blobs.range(entry.sha256, 0, FILE_ABOUT_MAX_BYTES * 16)
    table = msgspec.json.decode(text, type=_Table)
    columns = [TableColumn(name, kind) for name, kind in zip(table.columns, table.types, strict=False)]
    return LoggedTable(blobs.path(table.sha256), columns).fingerprint(ARTIFACT_DIFF_TABLE_MAX_ROWS)
