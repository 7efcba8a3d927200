"""The server's log: one JSON object a line, no secret, whatever is thrown at it."""

from __future__ import annotations

import json
import logging
import stat
import sys

import pytest

from treering.server.log import JsonLines, log_to, scrub


def lines_of(path):
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]


def test_a_line_is_one_json_object_even_with_controls_in_it():
    record = logging.LogRecord("x", 20, "", 0, "a\nb\x1b[31m\r\u2028é", (), None)
    line = JsonLines().format(record)

    assert "\n" not in line
    assert "\x1b" not in line
    assert line.isascii()
    assert json.loads(line)["message"] == "a\nb\x1b[31m\r\u2028é"


def test_tokens_are_cut_wherever_they_are():
    text = "Authorization: Bearer abcdefghijklmnop, trs_ABCDEFGHIJKLMNOP-_x, trl_0123456789abcdef, Basic dXNlcjpwYXNz"

    assert scrub(text) == "Authorization: Bearer …, trs_…, trl_…, Basic …"


@pytest.mark.parametrize("prefix", ["trk_", "trl_", "tro_", "trs_", "trv_"])
def test_every_kind_of_secret_that_we_make_is_known(prefix):
    assert scrub(f"/setup#{prefix}0123456789abcdef_-X/x") == f"/setup#{prefix}…/x"


def test_a_traceback_is_scrubbed_too():
    try:
        raise ValueError("token trs_ABCDEFGHIJKLMNOPQRSTUV")
    except ValueError:
        record = logging.LogRecord("x", 40, "", 0, "failed", (), sys.exc_info())

    assert "ABCDEFGH" not in JsonLines().format(record)


def test_the_log_file_is_private_and_has_no_header_and_no_query(make_server, tmp_path):
    path = tmp_path / "server.log"
    with log_to(path):
        server = make_server()
        server.send(
            "GET", "/api/1/projects?filter=hunter2", {"Authorization": f"Bearer {server.token}", "X-Evil": "\x1b[0m"}
        )
        server.send(
            "GET", "/a%0d%0aSet-Cookie:%20x=1/%1b[31m%3Cb%3E", {"Cookie": "secret-cookie", "Content-Type": "a/b<b>"}
        )
        server.store.fail_with = RuntimeError(f"boom {server.token}")
        server.call("GET", "/projects")
        server.stop()  # a line is written after its reply is sent
    text = path.read_text()
    entries = lines_of(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry["status"] for entry in entries if entry["message"] == "request"] == [200, 404, 500]
    assert any("traceback" in entry for entry in entries)
    for secret in (server.token, server.token[4:], "hunter2", "secret-cookie"):
        assert secret not in text


def test_what_the_store_has_to_say_stands_there_too(tmp_path):
    with log_to(tmp_path / "server.log"):
        logging.getLogger("treering.store").error("segment %s: the disk refused trs_ABCDEFGHIJKLMNOP", "abc")

    (line,) = lines_of(tmp_path / "server.log")
    assert line["logger"] == "treering.store"
    assert line["message"] == "segment abc: the disk refused trs_…"
