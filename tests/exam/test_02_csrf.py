"""EXAM 2: what a form on another site can send changes nothing, with a valid session and with a cookie."""

from __future__ import annotations

import json

import pytest

from server.sample_requests import every_route, sample
from server.team import team

from .worlds import log_hash

TYPES = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    None,
    "text/plain;application/json",
]


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    with team(tmp_path_factory.mktemp("team")) as made:
        yield made


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize("origin", ["https://evil.example", None])
@pytest.mark.parametrize("credentials", ["session", "cookie"])
def test_a_simple_request_runs_no_handler(world, content_type, origin, credentials):
    world.calls.clear()
    before = world.log_hash()
    token, _ = world.server.app.tokens.exchange(world.server.app.tokens.new_code())
    headers = {"Authorization": f"Bearer {token}"} if credentials == "session" else {"Cookie": f"session={token}"}
    if origin is not None:
        headers["Origin"] = origin
    if content_type is not None:
        headers["Content-Type"] = content_type
    for method, path, body in world.requests():
        if method != "GET":
            for verb in (method, "POST"):
                reply = world.server.send(verb, f"/api/1{path}", headers, json.dumps(body).encode())
                assert reply.status in (403, 415)

    assert world.calls == []
    assert world.log_hash() == before


@pytest.mark.parametrize("content_type", [*TYPES, "application/json"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1", None])
def test_with_accounts_another_sites_request_with_a_valid_cookie_changes_nothing(people, content_type, origin):
    rob = people.browser("rob")  # who may do everything
    headers = {"Cookie": rob.cookie}
    if origin is not None:
        headers["Origin"] = origin
    if content_type is not None:
        headers["Content-Type"] = content_type
    names = {"entity": "ada", "project": "digits", "run_key": people.run, "run": people.run, "segment": "0" * 32}
    names["sha256"] = "0" * 64
    names |= {
        "user": "vera",
        "new": "eve",
        "key_id": "0" * 8,
        "session_id": "0" * 12,
        "share_id": "0" * 12,
        "view_id": "0" * 16,
        "correction_id": "0" * 16,
        "rule_id": "0" * 16,
        "channel_id": "0" * 16,
        "alert_id": "0" * 16,
        "report_id": "0" * 16,
        "comment_id": "0" * 16,
        "name": "data",
        "version": "v0",
        "record": "0" * 16,
        "model_id": "0" * 16,
        "number": "1",
    }
    before = (people.accounts.trail.page(None, 1_000), log_hash(people.data_dir))
    asked = 0
    for route in every_route(people.server.app.api):
        method, address, body = sample(route, **names)
        opens = route.startswith("POST /api/1/") and address.split("/")[-1] in ("session", "sign-in", "setup", "accept")
        # Without an Origin it is no browser; then routes that take no cookie answer as they would to anybody.
        if method != "GET" and not (opens and origin is None):
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            assert people.server.send(method, address, headers, content).status in (403, 415), route
            asked += 1

    assert asked > 15
    assert (people.accounts.trail.page(None, 1_000), log_hash(people.data_dir)) == before
    assert rob.call("GET", "/session").status == 200
