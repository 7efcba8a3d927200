"""The shells for what others wrote are strangers to us, and only their scripts may be loaded by strangers."""

from __future__ import annotations

import pytest

from treering.server.routes.frame import router

SHELLS = [route.path for route in router.routes]


@pytest.fixture
def static_dir(tmp_path):
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "frame-assets").mkdir()
    (folder / "index.html").write_text("<!doctype html>")
    (folder / "assets" / "a-1.js").write_text("export {}")
    (folder / "frame-assets" / "vega.js").write_text("draw()")
    return folder


def policy_of(reply) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in reply.headers["content-security-policy"].split(";"))
    return {name: value for name, _, value in parts}


@pytest.mark.parametrize("path", SHELLS)
def test_a_shell_is_sandboxed_has_no_network_and_is_framed_by_us_alone(server, path):
    reply = server.send("GET", path)
    policy = policy_of(reply)

    assert reply.status == 200
    assert policy["sandbox"] == "allow-scripts"
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'self'"
    assert "connect-src" not in policy
    assert not any("http" in sources for sources in policy.values())
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cross-origin-resource-policy"] == "same-origin"


def test_only_the_html_shell_takes_scripts_that_stand_in_it(server):
    inline = [path for path in SHELLS if "'unsafe-inline'" in policy_of(server.send("GET", path))["script-src"]]

    assert inline == ["/frame/html"]


@pytest.mark.parametrize("path", SHELLS)
def test_no_shell_makes_code_from_text(server, path):
    assert "unsafe-eval" not in policy_of(server.send("GET", path))["script-src"]


def test_another_site_may_not_frame_a_shell(server):
    reply = server.send("GET", "/frame/html", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "iframe"})

    assert reply.status == 403


STRANGER = {"Origin": "null", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}


def test_a_sandboxed_frame_may_load_its_script_and_nothing_else(make_server, static_dir):
    server = make_server(static_dir=static_dir)
    script = server.send("GET", "/frame-assets/vega.js", STRANGER)

    assert (script.status, script.body) == (200, b"draw()")
    assert script.headers["cross-origin-resource-policy"] == "cross-origin"
    assert server.send("GET", "/assets/a-1.js", STRANGER).status == 403
    assert server.send("GET", "/api/1/projects", STRANGER).status == 403
    assert server.send("POST", "/frame-assets/vega.js", STRANGER).status == 403
    assert server.send("GET", "/frame-assets/none.js", STRANGER).status == 404
    assert server.send("GET", "/frame-assets/../assets/a-1.js", STRANGER).status in (403, 404)


def test_shells_and_their_scripts_stand_below_the_base_path(make_server, static_dir):
    server = make_server(static_dir=static_dir, base_path="/proxy/")

    assert server.send("GET", "/proxy/frame/vega").status == 200
    assert server.send("GET", "/proxy/frame-assets/vega.js").body == b"draw()"
