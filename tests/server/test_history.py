"""Histories on the wire: the three formats say the same."""

from __future__ import annotations

import math
import struct

import msgspec
import pyarrow as pa
import pytest

from treering.server.rows import msgpack_stream

from .memory_store import FIRST


def test_json_rows_leave_out_what_is_missing_and_name_what_is_not_finite(server):
    rows = server.call("GET", f"/runs/{FIRST}/history").json["rows"]

    assert [sorted(row.keys() - {"_step", "_attempt", "_writer", "_timestamp", "_runtime"}) for row in rows] == [
        ["epoch", "loss", "note"],
        ["epoch", "loss", "note"],
        ["loss"],
    ]
    assert [row["loss"] for row in rows] == [0.5, "NaN", "Infinity"]
    assert rows[1]["epoch"] == 2**60


def test_msgpack_batches_end_with_a_zero(server):
    body = server.call("GET", f"/runs/{FIRST}/history?format=msgpack").body
    (length,) = struct.unpack_from("<I", body)
    batch = msgspec.msgpack.decode(body[4 : 4 + length])
    columns = {key: (rows, values) for key, rows, values in batch["columns"]}

    assert body[4 + length :] == b"\0\0\0\0"
    assert batch["step"] == [0, 1, 2]
    assert columns["epoch"] == ([0, 1], [1, 2**60])
    assert columns["loss"][0] is None
    assert math.isnan(columns["loss"][1][1])
    assert list(msgpack_stream([])) == [b"\0\0\0\0"]


def test_arrow_has_a_null_for_missing_and_a_nan_for_nan(server):
    table = pa.ipc.open_stream(server.call("GET", f"/runs/{FIRST}/history?format=arrow").body).read_all()

    assert table.schema.field("epoch").type == pa.int64()
    assert table.column("epoch").to_pylist() == [1, 2**60, None]
    assert table.column("note").to_pylist() == ["a", "b", None]
    assert math.isnan(table.column("loss").to_pylist()[1])
    assert table.column("loss").null_count == 0


@pytest.mark.parametrize("query", ["?format=xml", "?attempts=some", "?keys=" + "k" * 2000])
def test_unknown_choices_are_refused(server, query):
    assert server.call("GET", f"/runs/{FIRST}/history{query}").status in (413, 422)


def test_an_unknown_run_is_a_404_and_not_a_broken_stream(server):
    assert server.call("GET", f"/runs/{'a' * 26}/history").status == 404
