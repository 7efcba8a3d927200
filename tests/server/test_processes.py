"""The routes of distributed training, over a real store: replies against their models, frames, and what is refused."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest

from treering.server import process_schema, series_schema
from treering.server.settings import Settings
from treering.store import Store

from .conftest import start_server
from .run_logs import write_run
from .test_real_store import forbid_more

GROUP = {"entity": "ada", "project": "digits", "group": "job-7"}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranks")
    rows = [{"loss": 1.0 / (step + 1), "step_time": 0.4} for step in range(60)]
    for rank in range(3):
        slow = [{**row, "step_time": 0.9} for row in rows] if rank == 2 else rows
        key = write_run(folder, "joined", slow, writer=f"rank{rank}" if rank else "", began_s=1_700_000_000.0)
    for number in range(2):
        write_run(folder, f"own-{number}", rows, group="job-7", job_type="worker")
    with Store.open(folder) as store:
        store.start(wait_s=30)
        server = start_server(store, Settings(folder))
        yield server, key
        server.stop()


CASES: list[tuple[str, dict[str, Any], Any]] = [
    ("/processes", {"run": "{0}"}, process_schema.ProcessesReply),
    ("/processes", GROUP, process_schema.ProcessesReply),
    ("/processes", {**GROUP, "job_type": "nothing"}, process_schema.ProcessesReply),
    ("/processes/series?format=json", {"run": "{0}", "keys": ["loss", "=1 - loss"]}, series_schema.SeriesReply),
    ("/processes/series?format=json", {**GROUP, "keys": ["loss"], "form": "each"}, series_schema.SeriesReply),
    ("/processes/heatmap?format=json", {"run": "{0}", "key": "loss", "columns": 7}, process_schema.HeatmapReply),
    ("/processes/heatmap?format=json", {**GROUP, "key": "none", "x": "wall"}, process_schema.HeatmapReply),
    ("/processes/console", {"run": "{0}", "search": "a"}, process_schema.ProcessConsole),
    ("/processes/console", {**GROUP, "before": 3}, process_schema.ProcessConsole),
    ("/series?format=json", {"runs": ["{0}"], "keys": ["loss"], "ranks": "each"}, series_schema.SeriesReply),
]


@pytest.mark.parametrize(("path", "body", "model"), CASES)
def test_every_reply_has_the_form_that_the_schema_says(served, path, body, model):
    server, key = served
    reply = server.call("POST", path, json.loads(json.dumps(body).replace("{0}", key)))

    assert reply.status == 200, reply.body
    forbid_more(model).model_validate(reply.json)


def test_the_slow_rank_of_a_run_is_named(served):
    server, key = served
    reply = server.call("POST", "/processes", {"run": key}).json

    assert [process["rank"] for process in reply["processes"]] == [0, 1, 2]
    assert [(f["kind"], f["process"], f["key"]) for f in reply["findings"]] == [
        ("straggler", f"{key}/rank2", "step_time")
    ]


def test_frames_say_whose_line_each_is(served):
    server, key = served
    body = server.call("POST", "/processes/series", {"run": key, "keys": ["loss"], "form": "each"}).body
    header, _ = _parts(body)

    assert [(line["process"], line["rank"], line["run"]) for line in header["series"]] == [
        (key, 0, key),
        (f"{key}/rank1", 1, key),
        (f"{key}/rank2", 2, key),
    ]


def test_a_heatmap_as_frames_is_the_same_as_in_json(served):
    server, key = served
    asked = {"run": key, "key": "step_time", "columns": 6}
    plain = server.call("POST", "/processes/heatmap?format=json", asked).json
    header, arrays = _parts(server.call("POST", "/processes/heatmap", asked).body)

    assert {name: header[name] for name in ("key", "x", "value", "processes", "ranks", "lo", "hi")} == {
        name: plain[name] for name in ("key", "x", "value", "processes", "ranks", "lo", "hi")
    }
    assert _array(header["x_edges"], arrays).tolist() == plain["x_edges"]
    assert _array(header["values"], arrays).reshape(3, 6) == pytest.approx(np.array(plain["values"]))
    assert _array(header["counts"], arrays).reshape(3, 6).tolist() == plain["counts"]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/processes", {}, 400, "invalid_value"),
        ("/processes", {"run": "{0}", "group": "x"}, 400, "invalid_value"),
        ("/processes", {"entity": "ada", "project": "digits"}, 400, "invalid_value"),
        ("/processes", {"run": "a" * 26}, 404, "run_not_found"),
        ("/processes", {"entity": "ada", "project": "nothing", "group": "g"}, 404, "project_not_found"),
        ("/processes", {"run": "{0}", "ranks": [1]}, 422, "invalid_request"),
        ("/processes/series", {"run": "{0}", "keys": []}, 422, "invalid_request"),
        ("/processes/series", {"run": "{0}", "keys": ["=1 +"]}, 400, "invalid_expression"),
        ("/processes/series", {"run": "{0}", "keys": ["loss"], "range": [2, 1]}, 400, "invalid_value"),
        ("/processes/series", {"run": "{0}", "keys": ["loss"], "x": "metric:loss"}, 422, "invalid_request"),
        ("/processes/heatmap", {"run": "{0}", "key": "loss", "columns": 0}, 422, "invalid_request"),
        ("/processes/heatmap", {"run": "{0}", "key": "loss", "range": [2, 1]}, 400, "invalid_value"),
        ("/processes/console", {"run": "{0}", "limit": 0}, 422, "invalid_request"),
        ("/series", {"runs": ["{0}"], "keys": ["loss"], "ranks": "all"}, 422, "invalid_request"),
        ("/series", {"runs": ["{0}"], "keys": ["loss"], "ranks": "band", "x": "metric:loss"}, 400, "invalid_value"),
    ],
)
def test_what_cannot_be_is_refused_with_a_code(served, path, body, status, code):
    server, key = served
    reply = server.call("POST", path, json.loads(json.dumps(body).replace("{0}", key)))

    assert (reply.status, reply.code) == (status, code), reply.body


def _parts(body: bytes) -> tuple[dict[str, Any], bytes]:
    assert body[:4] == b"TRC1"
    (length,) = struct.unpack("<I", body[4:8])
    return json.loads(body[8 : 8 + length]), body[8 + length :]


def _array(place: dict[str, Any], arrays: bytes) -> np.ndarray:
    dtype = {"f8": "<f8", "f4": "<f4", "u4": "<u4", "u1": "u1"}[place["dtype"]]
    return np.frombuffer(arrays, dtype, place["n"], place["off"])
