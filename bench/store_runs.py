"""
The runs table: 100,000 runs with 200 config and metric keys each; filter, sort and a page of 50.

    python bench/store_runs.py [--runs 100000] [--keys 200]

Prints one JSON line per query: median and best in ms, warm; ``rival_ms`` is the same question asked of one JSON
document per run in SQLite (json_extract), as trackers without an attribute table do it.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from treering.ids import run_key
from treering.store import RunQuery, Sort, Store
from treering.store import schema as t
from treering.store.index_rows import document_columns, run_columns, text_columns
from treering.store.state import Life, RunState


def fill(store: Store, runs: int, keys: int, rival: sqlite3.Connection) -> None:
    metadata = store.metadata
    project = metadata.make_project("bench", "runs")
    config = list(
        metadata.make_keys(
            project, "config", [f"c{i}" for i in range(keys // 2 - 2)] + ["lr", "model"], "config"
        ).items()
    )
    metric = list(
        metadata.make_keys(project, "metric", [f"m{i}" for i in range(keys // 2 - 1)] + ["acc"], "number").items()
    )
    tags = list(metadata.make_keys(project, "tag", ["baseline", "sweep", "ablation"], "tag").items())
    rng = random.Random(1)
    scope = {"entity_id": project.entity_id, "project_id": project.id}
    rival.execute("create table runs (id integer primary key, doc text)")
    run_rows: list[dict[str, Any]] = []
    document_rows: list[dict[str, Any]] = []
    text_rows: list[dict[str, Any]] = []
    attrs: list[tuple[Any, ...]] = []
    series: list[tuple[Any, ...]] = []
    documents = []
    start = 1_700_000_000_000_000_000
    for number in range(1, runs + 1):
        lr, acc = 10 ** rng.uniform(-5, -1), rng.random()
        values = {name: rng.random() for name, _ in config}
        values |= {"lr": lr, "model": rng.choice(["vit", "cnn", "mlp"])}
        mine = [tag for tag in tags if rng.random() < 0.1]
        run_id = f"r{number}"
        state = RunState(
            id=number, **scope, entity="bench", project="runs", run_id=run_id, run_key=run_key("bench", "runs", run_id),
            number=number, created_ns=start + number * 10**9, activity_ns=start + number * 10**9,
            meta={"name": f"amber-heron-{number}", "tags": [name for name, _ in mine]}, config=values,
            lives={"a": Life("", start, end={"state": "finished"}, end_ns=start)},
            state=rng.choice(["finished", "failed"]),
        )  # fmt: skip
        run_rows.append({**run_columns(state), "seq": 1})
        document_rows.append(document_columns(state))
        text_rows.append(text_columns(state))
        ids = (number, *scope.values())
        for name, key in config:
            value = values[name]
            row = ("str", None, value) if isinstance(value, str) else ("float", value, None)
            attrs.append((key, *ids, *row))
        attrs += [(key, *ids, "bool", 1.0, None) for _, key in mine]
        measured = {name: rng.random() for name, _ in metric}
        measured["acc"] = acc
        series += [
            (key, *ids, 10, 10, v, None, 9, 0, 0, v, None, 0, 0, 0, v, v, 10 * v, False)
            for (_, key), v in zip(metric, measured.values(), strict=True)
        ]
        documents.append(
            (number, json.dumps({"config": values, "metrics": measured, "tags": [name for name, _ in mine]}))
        )
    # In key order, as an index that has grown for long is after VACUUM; row by row it took 20 minutes.
    attrs.sort(key=lambda row: row[:2])
    series.sort(key=lambda row: row[:2])
    with metadata._write() as connection:
        for begin in range(0, runs, 5_000):
            for table, rows in ((t.runs, run_rows), (t.documents, document_rows), (t.texts, text_rows)):
                connection.execute(sa.insert(table), rows[begin : begin + 5_000])
        raw = connection.connection.driver_connection
        raw.executemany(
            "insert into attrs (key_id, run_id, entity_id, project_id, kind, num, text) values (?,?,?,?,?,?,?)", attrs
        )
        raw.executemany(f"insert into series values ({','.join('?' * len(series[0]))})", series)
    rival.executemany("insert into runs values (?, ?)", documents)
    rival.commit()


def measure(case: str, call: Callable[[], Any], rival: Callable[[], Any] | None, repeat: int = 7, **more: Any) -> None:
    def timed(what: Callable[[], Any], times: int) -> list[float]:
        found = []
        for _ in range(times):
            begin = time.perf_counter()
            what()
            found.append((time.perf_counter() - begin) * 1e3)
        return found

    times = timed(call, repeat)
    report = {
        "case": case,
        "median_ms": round(statistics.median(times[1:]), 1),
        "best_ms": round(min(times), 1),
        "first_ms": round(times[0], 1),
        **more,
    }
    if rival is not None:
        report["rival_ms"] = round(statistics.median(timed(rival, 3)), 1)
    print(json.dumps(report), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--keys", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, Store.open(Path(name) / "data") as store:
        rival = sqlite3.connect(Path(name) / "rival.db")
        begin = time.perf_counter()
        fill(store, options.runs, options.keys, rival)
        size = (Path(name) / "data" / "index" / "meta.db").stat().st_size
        print(
            json.dumps({"case": "filled", "s": round(time.perf_counter() - begin, 1), "meta_mb": size >> 20}),
            flush=True,
        )
        base = RunQuery("bench", "runs", limit=50, metrics=["acc", "m1"], config=["lr", "model"])

        def ask(**more: Any) -> Callable[[], Any]:
            query = RunQuery(**{**{f: getattr(base, f) for f in base.__struct_fields__}, **more})
            return lambda: store.query_runs(query)

        def rival_sql(where: str, order: str) -> Callable[[], Any]:
            sql = f"select doc from runs where {where} order by {order} limit 50"
            return lambda: rival.execute(sql).fetchall()

        acc = "json_extract(doc,'$.metrics.acc') desc"
        lr = "json_extract(doc,'$.config.lr') > 0.001"
        by_acc = [Sort("metric:acc", desc=True)]
        tagged = 'config.lr > 0.001 and tags has "baseline"'
        measure("filter lr and tag, sort acc, page 50", ask(filter=tagged, sort=by_acc),
                rival_sql(lr + " and doc like '%baseline%'", acc), target_ms=30)  # fmt: skip
        measure(
            "filter lr, sort acc, page 50",
            ask(filter="config.lr > 0.001", sort=by_acc),
            rival_sql(lr, acc),
            target_ms=30,
        )
        measure("sort acc, page 50", ask(sort=by_acc), rival_sql("1", acc), target_ms=30)
        measure("sort acc, page 1,000 of 2,000", ask(sort=by_acc, offset=50_000), None)
        measure("newest 50", ask(), rival_sql("1", "id desc"), target_ms=30)
        measure(
            "sort config.lr, page 50", ask(sort=[Sort("config.lr")]), rival_sql("1", "json_extract(doc,'$.config.lr')")
        )
        measure("not filter, or", ask(filter='not config.lr > 0.001 or config.model = "vit"', sort=by_acc), None)
        measure("search text", ask(search="heron-777"), None)
        measure("search regex", ask(search="n-777[0-9]$", regex=True), None)
        measure("group by model", ask(group=["config.model"], filter=tagged), None)
        measure("project page", lambda: store.project("bench", "runs"), None, repeat=3)
        measure("project list", lambda: store.projects(), None, repeat=3)


if __name__ == "__main__":
    main()
