"""The API over a real store of real run logs: every reply against its model, and a point on its way to a reader."""

from __future__ import annotations

import http.client
import json
import time

import pydantic
import pytest

from treering.runlog import records
from treering.server import run_schema, schema, series_schema
from treering.server.settings import Settings
from treering.store import Store

from .conftest import start_server
from .run_logs import SECOND_NS, open_run, write_run
from .test_frames import decode

NAN = float("nan")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    rows = [{"train/loss": 1 / (step + 1), "lr": 0.1, "epoch": step // 10} for step in range(30)]
    keys = [
        write_run(
            folder,
            "good",
            rows,
            config={"lr": 0.1, "model": {"depth": 3}},
            tags=["baseline"],
            notes="*hi*",
            command="x",
        ),
        write_run(
            folder, "odd", [{"train/loss": NAN, "é/\U0001f332": 1}, {"text": "half", "flag": True}], state="failed"
        ),
        write_run(folder, "empty", [], state=None),
    ]
    with Store.open(folder) as store:
        store.start()
        store.ingest_now()
        server = start_server(store, Settings(folder))
        yield server, folder, keys
        server.stop()


CASES = [
    ("GET", "/projects", None, schema.Projects),
    ("GET", "/projects/ada/digits", None, schema.ProjectDetail),
    ("POST", "/runs/query", {"config": "*", "metrics": ["train/loss", "epoch", "none"]}, run_schema.RunPage),
    ("POST", "/runs/query", {"group": ["state", "config.lr"], "metrics": ["train/loss"]}, run_schema.RunPage),
    ("POST", "/runs/query", {"sort": [{"by": "metric:train/loss", "agg": "min"}], "limit": 1}, run_schema.RunPage),
    ("GET", "/runs/{good}", None, run_schema.RunDetail),
    ("GET", "/runs/{odd}", None, run_schema.RunDetail),
    ("GET", "/runs/{empty}", None, run_schema.RunDetail),
    ("PATCH", "/runs/{good}", {"notes": "new", "tags": ["a"], "group": None}, run_schema.RunDetail),
    ("POST", "/series?format=json", {"runs": ["{good}", "{odd}"], "keys": ["train/loss"]}, series_schema.SeriesReply),
    (
        "POST",
        "/series?format=json",
        {"runs": ["{good}"], "keys": ["train/loss"], "buckets": 5},
        series_schema.SeriesReply,
    ),
    (
        "POST",
        "/series?format=json",
        {"runs": ["{good}"], "keys": ["lr"], "x": "metric:epoch"},
        series_schema.SeriesReply,
    ),
    ("POST", "/series?format=json", {"runs": ["{good}"], "keys": ["lr"], "x": "wall"}, series_schema.SeriesReply),
    (
        "POST",
        "/series?format=json",
        {"groups": [{"id": "g", "runs": ["{good}", "{odd}"]}], "keys": ["train/loss"], "individual": True},
        series_schema.SeriesReply,
    ),
    ("GET", "/changes?entity=ada&project=digits", None, series_schema.Changes),
    ("GET", "/runs/{odd}/history", None, series_schema.HistoryReply),
    ("GET", "/runs/{good}/console", None, series_schema.Console),
    ("GET", "/runs/{good}/verify", None, series_schema.Verification),
]


def forbid_more(model: type[pydantic.BaseModel]) -> type[pydantic.BaseModel]:
    """Return the model with unknown fields refused at its top level."""
    return type(model.__name__, (model,), {"model_config": {"extra": "forbid"}, "__module__": model.__module__})


@pytest.mark.parametrize(("method", "path", "body", "model"), CASES)
def test_every_reply_has_the_form_that_the_schema_says(served, method, path, body, model):
    server, _, keys = served
    names = dict(zip(("good", "odd", "empty"), keys, strict=True))
    text = json.dumps(body)
    for name, key in names.items():
        text = text.replace("{" + name + "}", key)
    value = json.loads(text)
    if path == "/runs/query":
        value = {"entity": "ada", "project": "digits", **value}
    reply = server.call(method, path.format(**names), value)

    assert reply.status == 200, reply.body
    forbid_more(model).model_validate(reply.json)


def test_the_default_reply_of_series_is_frames(served):
    server, _, keys = served
    reply = server.call("POST", "/series", {"runs": keys, "keys": ["train/loss"], "buckets": 10})
    header, array = decode(reply.body)
    line = header["series"][0]

    assert [entry["run"] for entry in header["series"]] == keys[:2]
    assert header["missing"] == [{"run": keys[2], "key": "train/loss"}]
    assert line["exact"] is False
    assert line["total"] == 30
    assert array(line["hi"]).max() == 1.0
    assert array(line["lo"]).min() == pytest.approx(1 / 30)


def test_a_filter_that_does_not_parse_says_where(served):
    server, _, _ = served
    reply = server.call("POST", "/runs/query", {"entity": "ada", "project": "digits", "filter": "state = and"})

    assert (reply.status, reply.code) == (400, "invalid_filter")
    assert reply.json["error"]["position"] == 8


def test_an_edit_is_a_record_and_is_there_at_once(served):
    server, folder, keys = served
    before = {path.name for path in (folder / "runs" / keys[2]).iterdir()}
    reply = server.call("PATCH", f"/runs/{keys[2]}", {"name": "<b>new</b>"})

    assert reply.json["name"] == "<b>new</b>"
    assert server.call("GET", f"/runs/{keys[2]}").json["name"] == "<b>new</b>"
    assert len({path.name for path in (folder / "runs" / keys[2]).iterdir()} - before) == 1


def test_a_deleted_run_is_gone_from_lists_and_pages_but_not_from_the_folder(served):
    server, folder, _ = served
    key = write_run(folder, "goner", [{"a": 1.0}], project="short")
    limit = time.monotonic() + 70
    server.store.ingest_now()
    while server.call("GET", f"/runs/{key}").status != 200:
        assert time.monotonic() < limit
    reply = server.call("PATCH", f"/runs/{key}", {"deleted": True})

    assert reply.status == 200
    assert server.call("GET", f"/runs/{key}").status == 404
    assert server.call("POST", "/runs/query", {"entity": "ada", "project": "short"}).json["match"] == 0
    assert (folder / "runs" / key).is_dir()


def test_a_point_is_told_to_a_reader_within_a_second_of_its_writing(served):
    server, folder, _ = served
    log = open_run(folder, "live", project="live")
    log.append(records.ROW, [0, time.time_ns(), {"loss": 1.0}])
    limit = time.monotonic() + 5
    while (known := server.call("GET", "/changes?entity=ada&project=live&since=0")).status != 200:
        assert time.monotonic() < limit
        time.sleep(0.05)
    time.sleep(0.5)
    since = server.call("GET", "/changes?entity=ada&project=live&since=0").json["seq"]
    assert known.status == 200
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request(
        "GET", f"/api/1/live?entity=ada&project=live&since={since}", headers={"Authorization": f"Bearer {server.token}"}
    )
    response = connection.getresponse()
    assert response.readline() == b": open\n"
    response.readline()
    begin = time.perf_counter()
    log.append(records.ROW, [1, time.time_ns() + SECOND_NS, {"loss": 0.5}])
    event, data = response.readline(), response.readline()
    took_s = time.perf_counter() - begin
    rows = server.call("GET", f"/runs/{json.loads(data[6:])['runs'][0]['run_key']}/history").json["rows"]
    connection.close()
    response.close()
    log.close()

    assert event == b"event: change\n"
    assert took_s < 1
    assert rows[-1]["loss"] == 0.5
