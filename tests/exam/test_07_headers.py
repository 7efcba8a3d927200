"""
EXAM 7: page, file, API, 404 and 500 all carry the headers. (The tour in a real Chromium is part of the UI's own
tests.)
"""

from __future__ import annotations

import pytest

from treering.server.settings import STATIC_DIR

EXACT = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


def check(reply) -> None:
    policy = dict(part.split(" ", 1) for part in reply.headers["content-security-policy"].split("; "))

    assert EXACT.items() <= reply.headers.items()
    assert policy["frame-ancestors"] == "'none'"
    assert policy["object-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in reply.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/ada/digits", 200),
        ("/healthz", 200),
        ("/nothing.js", 404),
        ("/api/1/projects", 200),
        ("/api/1/none", 404),
    ],
)
def test_every_kind_of_reply_has_the_headers(world, path, status):
    reply = world.server.send("GET", path, {"Authorization": f"Bearer {world.server.token}"})

    assert reply.status == status
    check(reply)


def test_a_file_of_the_ui_has_the_headers(world):
    built = sorted(path.name for path in (STATIC_DIR / "assets").glob("*.js"))
    if not built:
        pytest.skip("the UI is not built here")
    reply = world.server.send("GET", f"/assets/{built[0]}")

    assert reply.status == 200
    check(reply)


def test_a_failure_has_the_headers(world, monkeypatch):
    def fail(*_):
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(type(world.store), "projects", fail)
    reply = world.server.call("GET", "/projects")

    assert reply.status == 500
    check(reply)
