"""Everything a store says, as plain data: two stores of the same run log have to say the same."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from treering.store import RunQuery, SeriesRequest, Sort, Store
from treering.store.console import ConsoleQuery


def plain(value: Any) -> Any:
    """Structs and arrays as lists and dicts; NaN as text, so that it is equal to itself."""
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value.tolist()]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and value != value:
        return "NaN"
    return value


def answers(store: Store, entity: str = "ada", project: str = "digits") -> dict[str, Any]:
    """Ask for everything but sequence numbers, which are meant to differ."""
    query = RunQuery(entity, project, limit=1000, config="*", sort=[Sort("created_at")])
    page = store.query_runs(query)
    keys = [row.run_key for row in page.runs]
    info = store.project(entity, project)
    names = [key.key for key in info.keys]
    found: dict[str, Any] = {
        "project": plain(info),
        "runs": plain(page.runs),
        "pages": [plain(store.run(key)) for key in keys],
        "console": [plain(store.console(key, ConsoleQuery(0, 10_000))) for key in keys],
        "filter": [
            row.run_key for row in store.query_runs(msgspec.structs.replace(query, filter="config.lr > 0.15")).runs
        ],
    }
    for axis in ("step", "relative"):
        for buckets in (7, 200, 4_000):
            request = SeriesRequest(keys=names, runs=keys, x=axis, buckets=buckets)
            found[f"series {axis} {buckets}"] = plain(store.series(request))
    for attempts in ("all", "latest"):
        found[f"history {attempts}"] = [history(store, key, attempts) for key in keys]
    return found


def history(store: Store, run_key: str, attempts: str) -> list[Any]:
    """Rows without regard to how they were cut into batches."""
    rows = []
    for batch in store.history(run_key, attempts=attempts):
        for i in range(len(batch.step)):
            row = {"_step": int(batch.step[i]), "_attempt": int(batch.attempt[i]), "_writer": batch.writer[i]}
            row["_timestamp"] = float(batch.timestamp[i])
            for column in batch.columns:
                if column.present[i]:
                    row[column.key] = plain(column.values[i : i + 1])[0]
            rows.append(row)
    return rows
