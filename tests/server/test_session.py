"""From a printed link to a session and out again, over HTTP."""

from __future__ import annotations


def exchange(server, code):
    return server.send(
        "POST", "/api/1/session", {"Content-Type": "application/json"}, b'{"one_time": "%s"}' % code.encode()
    )


def test_a_one_time_code_becomes_a_session_that_can_be_ended(server):
    code = server.call("POST", "/session/links", {}).json["path"].removeprefix("#t=")
    token = exchange(server, code).json["token"]
    ours = {"Authorization": f"Bearer {token}"}

    assert server.send("GET", "/api/1/projects", ours).status == 200
    assert (exchange(server, code).status, exchange(server, code).code) == (401, "unauthorized")
    assert server.send("DELETE", "/api/1/session", ours).json == {"ended": 1}
    assert server.send("GET", "/api/1/projects", ours).status == 401


def test_a_session_can_end_all_sessions(server):
    tokens = [server.app.tokens.exchange(server.app.tokens.new_code())[0] for _ in range(3)]
    ended = server.send("DELETE", "/api/1/session?everywhere=true", {"Authorization": f"Bearer {tokens[0]}"})

    assert ended.json["ended"] >= 3
    assert {server.send("GET", "/api/1/projects", {"Authorization": f"Bearer {t}"}).status for t in tokens} == {401}


def test_a_session_cannot_make_links_or_ask_for_the_folder(server):
    token, _ = server.app.tokens.exchange(server.app.tokens.new_code())
    ours = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    assert server.send("POST", "/api/1/session/links", ours, b"{}").status == 403
    assert server.send("POST", "/api/1/handover", ours, b"{}").status == 403


def test_only_an_idle_server_hands_the_folder_over(server, make_server):
    idle = make_server(idle=True)

    assert (server.call("POST", "/handover", {}).status, server.call("POST", "/handover", {}).code) == (409, "conflict")
    assert idle.call("POST", "/handover", {}).status == 200


def test_the_exchange_takes_a_code_and_nothing_else(server):
    for body in (
        b"",
        b"{}",
        b"[]",
        b'{"one_time": 1}',
        b'{"one_time": "x", "more": 1}',
        b'{"one_time": "%s"}' % (b"x" * 300),
    ):
        reply = server.send("POST", "/api/1/session", {"Content-Type": "application/json"}, body)
        assert reply.status == 422, body
