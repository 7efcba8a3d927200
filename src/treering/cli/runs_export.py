"""``treering runs export``: every row of a run, unsampled."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any

from treering.errors import UsageError
from treering.sdk.api import Run

from .output import print_json, strict
from .reading import find_run, open_api

__all__ = ["run"]

_FORMATS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".arrow": "arrow", ".arrows": "arrow"}
_FIRST = ("_step", "_attempt", "_writer", "_timestamp", "_runtime")


def run(arguments: argparse.Namespace) -> int:
    """Write the history as JSON lines, CSV or an Arrow stream."""
    wanted = arguments.format or _format_of(arguments.output)
    if wanted == "arrow" and arguments.output is None and sys.stdout.isatty():
        raise UsageError("Arrow is binary: name a file with --output, or send it through a pipe.")
    with open_api(arguments) as api:
        source = find_run(api, arguments.run)
        if wanted == "arrow":
            with _open(arguments.output, binary=True) as file:
                rows = _write_arrow(file, source, arguments)
        else:
            with _open(arguments.output, binary=False) as file:
                found = source.scan_history(arguments.key or None, arguments.attempts)
                rows = _write_csv(file, source, arguments.key, found) if wanted == "csv" else _write_jsonl(file, found)
    if arguments.output is not None:
        if arguments.json:
            print_json({"run_key": source.key, "rows": rows, "format": wanted, "output": arguments.output})
        else:
            print(f"{rows:,} rows of {source.path} in {arguments.output}")
    return 0


def _format_of(output: str | None) -> str:
    if output is None:
        return "jsonl"
    suffix = Path(output).suffix
    if suffix not in _FORMATS:
        raise UsageError(f"The format of {output!r} is not clear from its ending. Name it with --format.")
    return _FORMATS[suffix]


def _open(output: str | None, binary: bool) -> AbstractContextManager[Any]:
    if output is None:
        return nullcontext(sys.stdout.buffer if binary else sys.stdout)
    try:
        return open(output, "wb") if binary else open(output, "w", encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"Cannot write {output!r}: {error.strerror}.") from None


def _write_jsonl(file: IO[str], rows: Iterable[dict[str, Any]]) -> int:
    count = 0
    for row in rows:
        file.write(json.dumps(strict(row), ensure_ascii=False, allow_nan=False) + "\n")
        count += 1
    return count


def _write_csv(file: IO[str], source: Run, keys: list[str], rows: Iterable[dict[str, Any]]) -> int:
    columns = [*_FIRST, *(keys or source.keys)]
    writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
    writer.writerow({column: _cell(column) for column in columns})
    count = 0
    for row in rows:
        writer.writerow({key: _cell(value) for key, value in row.items()})
        count += 1
    return count


def _cell(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula; numbers stay as they are."""
    if isinstance(value, (dict, list)):
        value = json.dumps(strict(value), ensure_ascii=False)
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value


def _write_arrow(file: IO[bytes], source: Run, arguments: argparse.Namespace) -> int:
    table = source.history(arguments.key or None, arrow=True, attempts=arguments.attempts)
    import pyarrow as pa

    with pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    return int(table.num_rows)
