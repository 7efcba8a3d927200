"""Reading back: complete, exact and lazy; and a server that means harm gets nowhere."""

from __future__ import annotations

import json
import math
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import numpy as np
import pytest

from server.run_logs import write_run
from treering.errors import (
    AmbiguousName,
    FilterError,
    FormatError,
    InvalidValue,
    NotFound,
    ProjectNotFound,
    RemoteError,
    RunNotFound,
    ServerUnavailable,
)
from treering.sdk.api import Api

NAN, INF = math.nan, math.inf


def stop_owner(folder: Path) -> None:
    try:
        owner = json.loads((folder / "server.json").read_text())
        os.kill(owner["pid"], signal.SIGTERM)
    except (FileNotFoundError, ProcessLookupError):
        return
    limit = time.monotonic() + 15
    while (folder / "server.json").exists():
        assert time.monotonic() < limit
        time.sleep(0.02)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("data")
    rows = [
        {"loss": 1.0, "epoch": 0},
        {"loss": NAN},
        {"epoch": 2**53 + 1, "note": "half"},
        {"loss": INF},
        {"loss": -INF},
    ]
    write_run(
        path, "exact", rows, config={"lr": 0.1, "model": {"depth": 3, "name": "nan"}, "bad": NAN}, tags=["baseline"]
    )
    for number in range(5):
        write_run(
            path, f"r{number}", [{"loss": float(number)}], config={"lr": number / 10}, began_s=1_700_000_100.0 + number
        )
    write_run(path, "r1", [{"loss": 1.0}], project="letters")
    yield path
    stop_owner(path)


@pytest.fixture
def api(folder) -> Iterator[Api]:
    with Api(folder) as made:
        yield made


def test_projects_are_listed(api):
    assert {(row.entity, row.project, row.runs) for row in api.projects()} == {
        ("ada", "digits", 6),
        ("ada", "letters", 1),
    }


def test_runs_are_a_lazy_list(api, monkeypatch):
    monkeypatch.setattr("treering.sdk.recorded_runs._PAGE_ROWS", 2)
    assert [run.name for run in api.runs("digits", order="metric.loss.min")] == [
        run.name for run in api.runs("digits", order="metric:loss", agg="min")
    ]
    runs = api.runs("digits", order="created_at")

    assert len(runs) == 6
    assert len(runs._rows) == 2
    assert [run.id for run in runs] == ["exact", "r0", "r1", "r2", "r3", "r4"]
    assert runs[-1].id == "r4"
    assert [run.id for run in runs[1:3]] == ["r0", "r1"]
    with pytest.raises(IndexError):
        runs[6]


def test_runs_are_filtered_by_text_and_by_mapping_and_sorted(api):
    assert [run.id for run in api.runs("digits", "config.lr > 0.2", "config.lr")] == ["r3", "r4"]
    assert [run.id for run in api.runs("ada/digits", {"config.lr": 0.2, "state": "finished"})] == ["r2"]
    assert [run.id for run in api.runs("digits", 'name ~ "^name-r"', "-metric:loss")][:2] == ["r4", "r3"]
    with pytest.raises(FilterError) as caught:
        len(api.runs("digits", "state = "))
    assert caught.value.position >= 7


def test_a_project_is_named_alone_or_with_its_entity(api):
    assert len(api.runs("ada/letters")) == 1
    with pytest.raises(ProjectNotFound, match="no project 'nothing'"):
        api.runs("nothing")


def test_a_run_is_found_by_key_id_name_and_path(api):
    key = api.run("digits/r1").key

    assert api.run(key).id == api.run("ada/digits/r1").id == "r1"
    assert api.run("name-r3").id == "r3"
    with pytest.raises(AmbiguousName, match="ada/letters/r1"):
        api.run("r1")
    for reference in ("nothing", "a" * 26, "digits/none"):
        with pytest.raises(RunNotFound):
            api.run(reference)


def test_config_and_summary_come_back_as_they_went_in(api):
    run = api.run("exact")

    assert run.config["model"] == {"depth": 3, "name": "nan"}
    assert math.isnan(run.config["bad"])
    assert run.summary["note"] == "half"
    assert run.summary["loss"] == -INF
    assert run.state == "finished"
    assert run.tags == ["baseline"]
    assert {"loss", "epoch", "note"} <= set(run.keys)


def test_history_is_every_row_and_keeps_what_things_are(api):
    rows = api.run("exact").history()

    assert [row["_step"] for row in rows] == [0, 1, 2, 3, 4]
    assert [sorted(key for key in row if key[0] != "_") for row in rows] == [
        ["epoch", "loss"],
        ["loss"],
        ["epoch", "note"],
        ["loss"],
        ["loss"],
    ]
    assert math.isnan(rows[1]["loss"])
    assert (rows[3]["loss"], rows[4]["loss"]) == (INF, -INF)
    assert rows[2]["epoch"] == 2**53 + 1
    assert type(rows[0]["epoch"]) is int
    assert rows[2]["note"] == "half"
    assert [row["_timestamp"] for row in rows] == [1_700_000_000.0 + n for n in range(5)]
    assert {(row["_attempt"], row["_writer"]) for row in rows} == {(0, "")}


def test_history_of_some_keys(api):
    rows = api.run("exact").history(keys=["note"])

    assert [(row["_step"], row["note"]) for row in rows if "note" in row] == [(2, "half")]
    assert all("loss" not in row for row in rows)


def test_history_as_a_data_frame_tells_missing_from_nan(api):
    import pandas as pd

    frame = api.run("exact").history(pandas=True)

    assert list(frame["_step"]) == [0, 1, 2, 3, 4]
    assert str(frame["epoch"].dtype) == "Int64"
    assert frame["epoch"].isna().tolist() == [False, True, False, True, True]
    assert frame["loss"].array[2] is pd.NA
    assert np.isnan(frame["loss"].array[1])
    assert int(frame["epoch"].iloc[2]) == 2**53 + 1


def test_history_as_an_arrow_table(api):
    table = api.run("exact").history(arrow=True)

    assert table.column("epoch").to_pylist() == [0, None, 2**53 + 1, None, None]
    assert math.isnan(table.column("loss").to_pylist()[1])


def test_two_exports_are_equal(api):
    assert repr(api.run("exact").history()) == repr(api.run("exact").history())


def test_what_is_set_is_sent_by_update_and_by_nothing_else(folder, api):
    run = api.run("r4")
    run.update()
    run.name, run.tags, run.notes = "new name", ["a", "b"], "see *here*"

    assert api.run("digits/r4").name == "name-r4"
    run.update()
    again = api.run("digits/r4")
    assert (again.name, again.tags, again.notes) == ("new name", ["a", "b"], "see *here*")


def test_reading_while_a_training_writes(folder, api):
    from server.run_logs import open_run
    from treering.runlog import records

    log = open_run(folder, "live")
    for step in range(50):
        log.append(records.ROW, [step, time.time_ns(), {"loss": float(step)}])
    limit = time.monotonic() + 10
    while True:
        try:
            if len(api.run("digits/live").history()) == 50:
                break
        except RunNotFound:
            pass
        assert time.monotonic() < limit
        time.sleep(0.05)
    log.close()


@pytest.mark.parametrize("number", [pytest.param(signal.SIGTERM, marks=pytest.mark.exam), signal.SIGKILL])
def test_an_api_outlives_the_server_that_it_found(tmp_path, number):
    write_run(tmp_path, "r", [{"loss": 1.0}])
    with Api(tmp_path) as api:
        run = api.run("r")
        for read in (lambda: len(run.history()), lambda: len(api.projects())):
            os.kill(json.loads((tmp_path / "server.json").read_text())["pid"], number)
            time.sleep(0.3)
            assert read() == 1
    stop_owner(tmp_path)


def test_a_folder_that_cannot_be_served_says_why(tmp_path):
    (tmp_path / "sessions.json").write_text("{}")
    (tmp_path / "sessions.json").chmod(0o644)
    with pytest.raises(ServerUnavailable, match="chmod 600"):
        Api(tmp_path)


def test_threads_share_an_api(api):
    found = []
    threads = [threading.Thread(target=lambda: found.append(len(api.run("exact").history()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [5] * 8


def test_reading_imports_no_server_and_no_numpy(folder):
    script = (
        "import sys; from treering.sdk.api import Api\n"
        f"rows = Api({str(folder)!r}).run('exact').history()\n"
        "heavy = [n for n in ('fastapi', 'uvicorn', 'duckdb', 'sqlalchemy', 'numpy', 'pandas', 'pyarrow') if n in sys.modules]\n"
        "print(len(rows), heavy)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "5 []\n"


def test_a_folder_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(NotFound, match="no data folder"):
        Api(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_folder_or_a_server_but_not_both(tmp_path):
    with pytest.raises(InvalidValue):
        Api(tmp_path, "http://localhost:1")


@pytest.mark.parametrize(
    "url", ["localhost:80", "ftp://x", "http://", "http://user:password@x", "http://x/?a", "http://x:99999"]
)
def test_a_wrong_address_is_refused(url):
    with pytest.raises(InvalidValue, match="is not an address"):
        Api(base_url=url)


def test_nobody_there_is_said_plainly():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(ServerUnavailable, match=f"Cannot reach http://127.0.0.1:{port}"):
        Api(base_url=f"http://127.0.0.1:{port}").projects()


# ── a server that means harm ─────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def hostile(status: int, headers: dict[str, str], body: bytes | Iterator[bytes]) -> Iterator[tuple[Api, list[str]]]:
    """Answer every request in the same way; yield an API and the authorizations that were sent."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            seen.append(self.headers.get("Authorization", ""))
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for chunk in [body] if isinstance(body, bytes) else body:
                    self.wfile.write(chunk)
            except OSError:
                pass

        do_GET = do_POST = do_PATCH = answer  # noqa: N815

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        with Api(base_url=f"http://127.0.0.1:{server.server_port}", token="secret") as api:
            yield api, seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\x90",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\x91" * 100_000,
        b"\xc1",
        msgspec.msgpack.encode({"projects": [{"entity": 1}]}),
        msgspec.msgpack.encode({"projects": "many"}),
        msgspec.msgpack.encode(["projects"]),
    ],
)
def test_an_answer_that_makes_no_sense_is_a_format_error(body):
    with hostile(200, {}, body) as (api, _), pytest.raises(FormatError):
        api.projects()


def test_a_redirect_is_not_followed_and_the_token_goes_nowhere_else():
    with hostile(200, {}, b"") as (other, elsewhere_saw):
        target = {"Location": f"{other._connection.name}/api/1/projects"}
        with hostile(307, target, b"") as (api, seen):
            with pytest.raises(RemoteError, match="307"):
                api.projects()

            assert seen == ["Bearer secret"]
        assert elsewhere_saw == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": {"code": "os.system", "message": "rm -rf /", "hint": ""}}',
        b'{"error": {"code": "builtins.SystemExit", "message": "x"}}',
        b'{"error": "x"}',
        b"<html>bad gateway</html>",
        b"[" * 100_000,
        b"",
    ],
)
def test_an_error_is_only_ever_one_of_ours(body):
    with hostile(500, {}, body) as (api, _), pytest.raises(RemoteError):
        api.projects()


def test_an_endless_error_is_cut():
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 65536

    with hostile(500, {}, endless()) as (api, _), pytest.raises(RemoteError):
        api.projects()


def test_an_endless_answer_is_given_up(monkeypatch):
    monkeypatch.setattr("treering.sdk.connection._REPLY_MAX_BYTES", 1 << 20)

    def endless() -> Iterator[bytes]:
        while True:
            yield b"\x90" * 65536

    with hostile(200, {}, endless()) as (api, _), pytest.raises(FormatError, match="more than"):
        api.projects()


@pytest.mark.parametrize("key", ["../../etc", "x", "A" * 26, 7, None])
def test_a_run_key_that_is_not_one_is_refused(key):
    row = {"run_key": key, "run_id": "x", "config": {}, "summary": {}, "keys": []}
    with hostile(200, {}, msgspec.msgpack.encode(row)) as (api, _), pytest.raises(FormatError):
        api.run("a" * 26)


def _stream(*chunks: bytes, end: bytes = b"\0\0\0\0") -> bytes:
    return b"".join(struct.pack("<I", len(chunk)) + chunk for chunk in chunks) + end


def _batch(**fields: object) -> bytes:
    one = {"step": [1], "attempt": [0], "writer": [""], "timestamp": [1.0], "runtime": [0.0], "columns": []}
    return msgspec.msgpack.encode({**one, **fields})


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (_stream(_batch(), end=b""), ServerUnavailable),
        (_stream(_batch())[:-6], ServerUnavailable),
        (struct.pack("<I", 2**32 - 1), FormatError),
        (_stream(b"\xc1"), FormatError),
        (_stream(_batch(step=[1, 2])), FormatError),
        (_stream(_batch(columns=[["k", [5], [1.0]]])), FormatError),
        (_stream(_batch(columns=[["k", [-1], [1.0]]])), FormatError),
        (_stream(_batch(columns=[["k", None, []]])), FormatError),
        (_stream(_batch(step=["a"])), FormatError),
    ],
)
def test_a_history_that_is_cut_or_crooked_is_never_taken_for_a_whole_one(folder, body, error):
    with Api(folder) as good:
        run = good.run("exact")
    with hostile(200, {}, body) as (api, _):
        run._connection = api._connection
        with pytest.raises(error):
            run.history()
