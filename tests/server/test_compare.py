"""The routes that compare runs, over a real store: every reply against its model, and what is refused."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from treering.server import compare_schema, run_schema, series_schema
from treering.server.settings import Settings
from treering.store import Store

from .conftest import start_server
from .run_logs import write_run
from .test_real_store import forbid_more

PROJECT = {"entity": "ada", "project": "digits"}
NAN = float("nan")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared")
    keys = [
        write_run(
            folder,
            f"r{number}",
            [{"acc": number / 10 + step / 100, "loss": NAN if number == 5 else 1.0 / (step + 1)} for step in range(20)],
            config={"lr": [0.1, 0.01][number % 2], "seed": number, "model": {"name": "vit"}},
            program="train.py",
            files={"code/train.py": f"print({number})\n".encode()},
        )
        for number in range(6)
    ]
    with Store.open(folder) as store:
        store.start(wait_s=30)
        server = start_server(store, Settings(folder))
        yield server, keys
        server.stop()


COLUMNS = [{"by": "config.lr"}, {"by": "metric:acc", "agg": "at", "step": 3}, {"by": "metric:loss"}]
CASES: list[tuple[str, dict[str, Any], Any]] = [
    ("/runs/matrix", {**PROJECT, "columns": COLUMNS}, compare_schema.Matrix),
    ("/runs/matrix", {**PROJECT, "columns": [], "limit": 1, "filter": "number > 2"}, compare_schema.Matrix),
    ("/runs/columns", PROJECT, compare_schema.ColumnsReply),
    (
        "/runs/query",
        {**PROJECT, "columns": COLUMNS, "group": ["config.lr", 'except:["seed"]'], "nested": True},
        run_schema.RunPage,
    ),
    ("/runs/query", {**PROJECT, "sort": [{**COLUMNS[1], "desc": True}]}, run_schema.RunPage),
    (
        "/runs/pivot",
        {**PROJECT, "rows": ["config.lr"], "columns": ["state"], "value": COLUMNS[1], "goal": "max"},
        compare_schema.Pivot,
    ),
    ("/runs/export?format=json", {**PROJECT, "columns": COLUMNS}, compare_schema.TableJson),
    ("/runs/compare", {"runs": ["{0}", "{1}", "{5}"]}, compare_schema.Comparison),
    ("/runs/compare", {"runs": ["{0}", "{1}"], "sections": ["config", "code"]}, compare_schema.Comparison),
    ("/runs/compare/code", {"a": "{0}", "b": "{1}"}, compare_schema.CodeComparison),
    ("/runs/compare/console", {"a": "{0}", "b": "{1}"}, compare_schema.ConsoleComparison),
    ("/runs/changed", {"run": "{5}"}, compare_schema.Changed),
    ("/runs/changed", {"run": "{5}", "earlier": "{0}"}, compare_schema.Changed),
    ("/runs/changed", {"run": "{0}"}, compare_schema.Changed),
    ("/statistics/seeds", {**PROJECT, "metric": "acc", "goal": "max"}, compare_schema.Seeds),
    ("/statistics/seeds", {**PROJECT, "metric": "loss", "ignore": []}, compare_schema.Seeds),
    (
        "/statistics/compare",
        {"metric": "acc", "a": ["{0}", "{2}", "{4}"], "b": ["{1}", "{3}", "{5}"]},
        compare_schema.Statistics,
    ),
    (
        "/statistics/compare",
        {"metric": "loss", "a": ["{5}"], "b": ["{1}"], "pair_by": "config.seed"},
        compare_schema.Statistics,
    ),
    ("/statistics/importance", {**PROJECT, "metric": "acc"}, compare_schema.Importance),
    (
        "/series?format=json",
        {"groups": [{"id": "g", "runs": ["{0}", "{1}"]}], "keys": ["=1 - acc", "acc"], "band": "ci"},
        series_schema.SeriesReply,
    ),
]


@pytest.mark.parametrize(("path", "body", "model"), CASES)
def test_every_reply_has_the_form_that_the_schema_says(served, path, body, model):
    server, keys = served
    text = json.dumps(body)
    for number, key in enumerate(keys):
        text = text.replace("{" + str(number) + "}", key)
    reply = server.call("POST", path, json.loads(text))

    assert reply.status == 200, reply.body
    forbid_more(model).model_validate(reply.json)


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/runs/matrix", {**PROJECT, "columns": [{"by": "nothing"}]}, "invalid_value"),
        ("/runs/matrix", {**PROJECT, "columns": [{"by": "metric:acc", "agg": "at"}]}, "invalid_value"),
        ("/runs/matrix", {**PROJECT, "columns": [], "filter": "state ="}, "invalid_filter"),
        ("/runs/matrix", {**PROJECT, "columns": [{"by": "name"}] * 201}, "invalid_request"),
        ("/runs/matrix", {**PROJECT, "columns": [], "limit": 100_001}, "invalid_request"),
        ("/runs/columns", {**PROJECT, "search": "(", "regex": True}, "invalid_filter"),
        ("/runs/query", {**PROJECT, "group": ["except:seed"]}, "invalid_value"),
        (
            "/runs/pivot",
            {**PROJECT, "rows": ["nothing"], "columns": [], "value": {"by": "metric:acc"}},
            "invalid_value",
        ),
        ("/runs/pivot", {**PROJECT, "rows": ["state"], "columns": ["state"], "value": {"by": "name"}}, "invalid_value"),
        ("/runs/export", {**PROJECT, "columns": [{"by": "nothing"}]}, "invalid_value"),
        ("/runs/export?format=xlsx", PROJECT, "invalid_request"),
        ("/runs/compare", {"runs": ["{0}"]}, "invalid_request"),
        ("/runs/compare", {"runs": ["{0}", "{1}"], "sections": ["secrets"]}, "invalid_request"),
        ("/statistics/compare", {"metric": "acc", "a": ["{0}"], "b": ["{1}"], "pair_by": "nothing"}, "invalid_value"),
        ("/statistics/compare", {"metric": "acc", "a": ["{0}"], "b": ["{1}"], "confidence": 1}, "invalid_request"),
        ("/statistics/importance", {**PROJECT, "metric": "acc", "method": "guess"}, "invalid_request"),
        ("/series", {"runs": ["{0}"], "keys": ["=1 +"]}, "invalid_expression"),
        ("/series", {"runs": ["{0}"], "keys": ["acc"], "band": "sd"}, "invalid_request"),
    ],
)
def test_what_cannot_be_is_refused_with_a_code(served, path, body, code):
    server, keys = served
    text = json.dumps(body).replace("{0}", keys[0]).replace("{1}", keys[1])
    reply = server.call("POST", path, json.loads(text))

    assert (reply.status // 100, reply.code) == (4, code), reply.body
    assert len(reply.json["error"]["message"]) > 15


def test_an_expression_that_does_not_parse_says_where(served):
    server, keys = served
    reply = server.call("POST", "/series", {"runs": [keys[0]], "keys": ["acc", "=1 - (acc"]})

    assert reply.json["error"]["position"] == 9
    assert "expected “)”, found the end" in reply.json["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/runs/matrix", {"entity": "ada", "project": "nothing", "columns": []}),
        ("/runs/columns", {"entity": "ada", "project": "nothing"}),
        (
            "/runs/pivot",
            {"entity": "ada", "project": "nothing", "rows": ["state"], "columns": [], "value": {"by": "name"}},
        ),
        ("/runs/export", {"entity": "ada", "project": "nothing"}),
        ("/statistics/seeds", {"entity": "ada", "project": "nothing", "metric": "acc"}),
        ("/statistics/importance", {"entity": "ada", "project": "nothing", "metric": "acc"}),
        ("/runs/compare", {"runs": ["{0}", "a" * 26]}),
        ("/runs/compare/code", {"a": "a" * 26, "b": "{0}"}),
        ("/runs/compare/console", {"a": "{0}", "b": "a" * 26}),
        ("/runs/changed", {"run": "{0}", "earlier": "a" * 26}),
        ("/runs/changed", {"run": "a" * 26}),
    ],
)
def test_what_does_not_exist_is_not_found(served, path, body):
    server, keys = served
    reply = server.call("POST", path, json.loads(json.dumps(body).replace("{0}", keys[0])))

    assert reply.status == 404, reply.body
    assert reply.code in ("project_not_found", "run_not_found")


def test_numbers_that_are_not_finite_are_strings_and_missing_ones_null(served):
    server, _ = served
    reply = server.call("POST", "/runs/matrix", {**PROJECT, "columns": [{"by": "metric:loss"}, {"by": "metric:none"}]})

    by_run = dict(zip(reply.json["names"], reply.json["columns"][0]["values"], strict=True))
    assert (by_run["name-r5"], by_run["name-r0"]) == ("NaN", 1 / 20)
    assert reply.json["columns"][1]["values"] == [None] * 6


def test_an_export_is_a_file_of_all_runs_in_order(served):
    server, keys = served
    body = {**PROJECT, "columns": COLUMNS, "sort": [{"by": "name"}], "limit": 2}
    reply = server.call("POST", "/runs/export?format=csv", body)
    rows = list(csv.reader(io.StringIO(reply.body.decode())))

    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    assert reply.headers["content-disposition"] == 'attachment; filename="runs.csv"'
    assert rows[0] == ["run_key", "name", "config.lr", "acc @ 3", "loss"]
    assert [row[0] for row in rows[1:]] == keys
    assert [float(row[3]) for row in rows[1:]] == [number / 10 + 3 / 100 for number in range(6)]
    assert rows[6][4] == "NaN"


def test_a_pivot_is_a_table_for_a_paper_too(served):
    server, _ = served
    body = {**PROJECT, "rows": ["config.lr"], "columns": ["state"], "value": {"by": "metric:acc"}, "goal": "max"}
    reply = server.call("POST", "/runs/pivot?format=latex", body)

    assert reply.headers["content-type"].startswith("application/x-tex")
    assert "\\toprule" in reply.body.decode()
    assert "\\textbf{0.39 $\\pm$ 0.20 (3)}" in reply.body.decode()
