"""The binary form of chart columns, against bytes that the UI's tests read too."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from treering.server import frames
from treering.server.frames import encode_frames
from treering.store.model import Ghost, Nonfinite, SeriesColumns

FIXTURES = Path(__file__).parent / "fixtures"
RUN = "a" * 26
NAN, INF = float("nan"), float("inf")


def columns(**fields) -> SeriesColumns:
    values = {
        "run": RUN,
        "group": None,
        "key": "loss",
        "exact": True,
        "n": 0,
        "total": 0,
        "total_all": 0,
        "x": np.array([], float),
        "y": np.array([], float),
        "lo": None,
        "hi": None,
        "count": None,
        "nonfinite": None,
        "ghost": None,
        "first_x": None,
        "last_x": None,
    }
    return SeriesColumns(**{**values, **fields})


def golden_series() -> list[SeriesColumns]:
    steps = np.array([0.0, 10.0, 20.0])
    return [
        columns(n=3, total=3, total_all=3, x=steps, y=np.array([1.5, 0.75, -2.0]), first_x=0.0, last_x=20.0),
        columns(
            run="b" * 26,
            key="précision/é",
            exact=False,
            n=3,
            total=3000,
            total_all=4000,
            x=steps,
            y=np.array([0.1, NAN, 0.3]),
            lo=np.array([0.1, NAN, -0.5]),
            hi=np.array([1e300, NAN, 0.5]),
            count=np.array([1000, 0, 2000], np.uint32),
            nonfinite=Nonfinite(np.array([10.0, 15.5]), np.array([1, 3], np.uint8)),
            ghost=Ghost(np.array([5.0]), np.array([0.25])),
            first_x=0.0,
            last_x=20.0,
        ),
        columns(run=None, group="lr=0.1", exact=False, band="std", key="loss"),
    ]


def golden_bytes() -> bytes:
    missing = [{"run": "c" * 26, "key": "loss"}]
    return encode_frames(golden_series(), x="step", x_range=(0.0, 20.5), seq=7, missing=missing)


def decode(content: bytes):
    """A reader written from the description, not from the writer."""
    assert content[:4] == b"TRC1"
    (length,) = struct.unpack_from("<I", content, 4)
    header = json.loads(content[8 : 8 + length])
    begin = 8 + length
    assert begin % 8 == 0

    def array(place):
        assert place["off"] % 8 == 0
        kind = {"f8": "<f8", "f4": "<f4", "u4": "<u4", "u1": "u1"}[place["dtype"]]
        return np.frombuffer(content, kind, place["n"], begin + place["off"]).astype(float)

    return header, array


def test_the_bytes_are_those_of_the_fixture():
    assert golden_bytes() == (FIXTURES / "frames.bin").read_bytes()


def test_the_fixture_reads_as_its_description_says():
    header, array = decode((FIXTURES / "frames.bin").read_bytes())
    described = json.loads((FIXTURES / "frames.json").read_text())

    assert header["missing"] == [{"run": "c" * 26, "key": "loss"}]
    assert [entry["key"] for entry in header["series"]] == [entry["key"] for entry in described["series"]]
    for entry, expected in zip(header["series"], described["series"], strict=True):
        for name in ("x", "y", "lo", "hi", "count"):
            if expected[name] is None:
                assert entry[name] is None
            else:
                wanted = [NAN if value == "NaN" else value for value in expected[name]]
                np.testing.assert_array_equal(array(entry[name]), wanted)


def test_equal_x_is_stored_once():
    x = np.arange(1000.0)
    one = encode_frames([columns(x=x, y=x * 0.5)], x="step", x_range=None, seq=1, missing=[])
    header, _ = decode(
        encode_frames(
            [columns(x=x.copy(), y=x * factor) for factor in (0.5, 0.25)], x="step", x_range=None, seq=1, missing=[]
        )
    )

    assert header["series"][0]["x"] == header["series"][1]["x"]
    assert header["series"][0]["y"]["off"] != header["series"][1]["y"]["off"]
    assert len(one) < 1000 * 12


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([0, 1, 2**32 - 1], "u4"),
        ([0, 1, 2**32], "f4"),
        ([0, -1], "f4"),
        ([0.5, NAN, INF], "f4"),
        ([0.1], "f8"),
        ([2**24 + 1.0, -1.0], "f8"),
        ([1e300], "f8"),
        ([0, NAN], "f4"),
        ([-0.0, 1.0], "f4"),
        ([], "f4"),
    ],
)
def test_an_array_is_as_narrow_as_loses_nothing(values, dtype):
    header, _ = decode(encode_frames([columns(x=np.array(values, float))], x="step", x_range=None, seq=1, missing=[]))

    assert header["series"][0]["x"]["dtype"] == dtype


@given(arrays(np.float64, st.integers(0, 20), elements=st.floats(allow_nan=True, allow_infinity=True, width=64)))
def test_whatever_goes_in_comes_out(values):
    header, array = decode(encode_frames([columns(x=values, y=values)], x="step", x_range=None, seq=1, missing=[]))

    np.testing.assert_array_equal(array(header["series"][0]["y"]), values)
    signs = np.signbit(array(header["series"][0]["y"]))
    finite = np.isfinite(values)
    np.testing.assert_array_equal(signs[finite], np.signbit(values)[finite])


def test_the_server_answers_with_frames_json_and_arrow(server):
    from .memory_store import FIRST

    query = {"runs": [FIRST], "keys": ["loss", "none"]}
    frames = server.call("POST", "/series", query)
    header, array = decode(frames.body)
    as_json = server.call("POST", "/series?format=json", query).json
    arrow = server.call("POST", "/series?format=arrow", query)

    assert frames.headers["content-type"] == "application/x-treering-frames"
    assert header["missing"] == as_json["missing"] == [{"run": FIRST, "key": "none"}]
    np.testing.assert_array_equal(array(header["series"][0]["y"]), [0.5, 0.25, NAN, 0.1])
    assert as_json["series"][0]["y"] == [0.5, 0.25, "NaN", 0.1]
    import pyarrow as pa

    table = pa.ipc.open_stream(arrow.body).read_all()
    assert table.column_names == ["run", "group", "key", "x", "y", "lo", "hi", "count"]
    assert table.column("x").to_pylist() == [0, 1, 2, 3]


def test_every_array_keeps_its_dtype_and_bytes_however_many_are_looked_at_together(monkeypatch):
    arrays = [
        np.array([0.0, 1, 2]),
        np.array([]),
        np.array([0.5, np.nan, np.inf]),
        np.array([0.1]),
        np.array([-0.0, 1]),
        np.arange(7.0),
    ]
    wanted = [("u4", "<u4"), ("f4", "<f4"), ("f4", "<f4"), ("f8", "<f8"), ("f4", "<f4"), ("u4", "<u4")]
    for together in (1, 3, 4, 262_144):
        monkeypatch.setattr("treering.server.frames._TOGETHER", together)

        found = list(frames._narrowed(arrays))

        assert found == [(name, a.astype(kind).tobytes()) for a, (name, kind) in zip(arrays, wanted, strict=True)]
