"""Values on the wire: strict JSON, exact msgpack, headers on everything, errors in one shape."""

from __future__ import annotations

import json
import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treering import errors
from treering.server.errors import _CODE_OF, CODES
from treering.server.replies import encode_json, encode_msgpack, plain

from .memory_store import FIRST

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Point(msgspec.Struct):
    """A struct as the store has many."""

    x: float
    name: str | None = None


def test_non_finite_numbers_are_words_and_missing_is_null():
    value = {
        "a": [float("nan"), math.inf, -math.inf, 1.5],
        "p": Point(float("nan")),
        "n": np.float64(2),
        "i": np.int64(3),
    }

    assert json.loads(encode_json(value)) == {
        "a": ["NaN", "Infinity", "-Infinity", 1.5],
        "p": {"x": "NaN", "name": None},
        "n": 2.0,
        "i": 3,
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=12,
    )
)
def test_the_fast_way_and_the_plain_way_say_the_same(value):
    assert json.loads(encode_json(value)) == json.loads(json.dumps(plain(value)))


def test_large_ints_and_half_surrogates_get_through():
    assert encode_json({"n": 2**70, "t": "a\ud800b"}) == b'{"n":1180591620717411303424,"t":"a?b"}'


@pytest.mark.parametrize(("key", "name"), [(True, "True"), (None, "None"), (3, "3"), ((1, 2), "(1, 2)")])
def test_a_key_that_is_no_text_gets_through(key, name):
    assert json.loads(encode_json({"config": [{key: 1}]})) == {"config": [{name: 1}]}


def test_msgpack_keeps_nan_and_ints():
    value = msgspec.msgpack.decode(encode_msgpack({"a": math.nan, "b": 2**63, "p": Point(1.0), "n": np.arange(2)}))

    assert math.isnan(value.pop("a"))
    assert value == {"b": 2**63, "p": {"x": 1.0, "name": None}, "n": [0, 1]}


def test_a_caller_may_ask_for_msgpack(server):
    reply = server.call("GET", f"/runs/{FIRST}", Accept="application/msgpack")

    assert reply.headers["content-type"] == "application/msgpack"
    assert math.isnan(msgspec.msgpack.decode(reply.body)["summary"]["loss"])
    assert server.call("GET", f"/runs/{FIRST}").json["summary"]["loss"] == "NaN"


@pytest.mark.parametrize(
    "path", ["/", "/ada/digits", "/nothing.js", "/api/1/projects", "/api/1/runs/zzz", "/api/1/x", "/healthz"]
)
@pytest.mark.parametrize("with_token", [True, False])
def test_every_reply_has_the_security_headers(server, path, with_token):
    reply = server.send("GET", path, {"Authorization": f"Bearer {server.token}"} if with_token else {})
    policy = reply.headers["content-security-policy"]

    assert HEADERS.items() <= reply.headers.items()
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert not [name for name in reply.headers if name.startswith("access-control")]
    if path.startswith("/api/"):
        assert reply.headers["cache-control"] == "no-store"


def test_a_failure_says_nothing_but_an_id_that_the_log_has(make_server, caplog):
    server = make_server()
    server.store.fail_with = RuntimeError("password=hunter2")
    with caplog.at_level("INFO", "treering.server"):
        reply = server.call("GET", "/projects")
        server.stop()  # the log is written after the reply is sent

    assert (reply.status, reply.code) == (500, "internal")
    assert b"hunter2" not in reply.body
    assert HEADERS.items() <= reply.headers.items()
    failures = [record for record in caplog.records if record.exc_info]
    assert [record.request for record in failures] == [reply.json["error"]["request"]]


def test_every_error_of_the_package_has_a_code_or_is_internal():
    for name in errors.__all__:
        kind = getattr(errors, name)
        code = next(_CODE_OF[base] for base in kind.__mro__ if base in _CODE_OF)
        assert code in CODES


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.RunNotFound("x"), 404, "run_not_found"),
        (errors.InvalidValue("x"), 400, "invalid_value"),
        (errors.LimitExceeded("x"), 413, "too_large"),
        (errors.StorageError("x"), 507, "storage"),
        (errors.FolderInUse("x"), 503, "folder_in_use"),
        (errors.MissingExtra("x"), 501, "missing_extra"),
        (errors.NotASegment("secret path"), 500, "internal"),
    ],
)
def test_errors_of_the_store_keep_their_code(make_server, error, status, code):
    server = make_server()
    server.store.fail_with = error
    reply = server.call("GET", "/projects")

    assert (reply.status, reply.code) == (status, code)
    assert b"secret" not in reply.body


def test_a_filter_error_has_its_position(make_server):
    server = make_server()
    server.store.fail_with = errors.FilterError("expected a value", 17)

    assert server.call("POST", "/runs/query", {"entity": "ada", "project": "digits"}).json["error"]["position"] == 17


def test_an_error_never_holds_markup(server):
    for path in ("/runs/%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/projects/%3Cimg%20src=x%3E/b", "/console?x=%3Cb%3E"):
        reply = server.call("GET", path)
        assert reply.status == 404
        assert reply.headers["content-type"] == "application/json"
        assert b"<" not in reply.body
    reply = server.send("GET", "/api/1/projects", {"Host": "<b>.example"})
    assert b"<" not in reply.body
