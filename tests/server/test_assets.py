"""The UI's page and files."""

from __future__ import annotations

import gzip
import os
import re

import pytest

PAGE = (
    '<!doctype html><base href="/"><meta name="csp-nonce" content="__NONCE__">'
    '<script type="module" src="assets/a-1.js"></script>'
)


@pytest.fixture
def static_dir(tmp_path):
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "assets" / "a-1.js").write_text("export {}")
    (folder / "assets" / "a-1.js.gz").write_bytes(gzip.compress(b"export {}"))
    (folder / "assets" / "odd.xyz").write_text("?")
    (folder / "theme.js").write_text("theme")
    (folder / "secret").mkdir()
    (tmp_path / "outside.txt").write_text("outside")
    return folder


@pytest.fixture
def server(make_server, static_dir):
    return make_server(static_dir=static_dir)


@pytest.mark.parametrize(
    "path", ["/", "/ada/digits", "/ada/digits/runs/x/charts", "/r/" + "a" * 26, "/ada/my.proj", "/%3Cb%3E/x"]
)
def test_the_page_is_the_same_for_every_address(server, path):
    reply = server.send("GET", path)

    assert reply.status == 200
    assert reply.headers["cache-control"] == "no-cache"
    assert "b>" not in reply.body.decode()


def test_the_page_has_the_nonce_of_its_own_reply(server):
    first, second = server.send("GET", "/"), server.send("GET", "/")
    nonces = [re.search(rb'content="([^"]+)"', reply.body)[1].decode() for reply in (first, second)]

    assert nonces[0] != nonces[1]
    assert f"'nonce-{nonces[0]}'" in first.headers["content-security-policy"]


def test_a_base_path_is_written_into_the_page(make_server, static_dir):
    server = make_server(static_dir=static_dir, base_path="/proxy/6464/")

    assert b'<base href="/proxy/6464/">' in server.send("GET", "/").body


@pytest.mark.parametrize("shown_at", ["", "/proxy/6464"])
def test_a_proxy_may_take_the_base_path_off_or_leave_it(make_server, static_dir, shown_at):
    server = make_server(static_dir=static_dir, base_path="/proxy/6464/")

    assert b"<base href" in server.send("GET", f"{shown_at}/").body
    assert server.send("GET", f"{shown_at}/assets/a-1.js").body == b"export {}"
    assert server.send("GET", f"{shown_at}/theme.js").headers["content-type"].startswith("text/javascript")
    assert server.send("GET", f"{shown_at}/api/1/healthz").json == server.send("GET", "/api/1/healthz").json
    assert server.send("GET", f"{shown_at}/api/1/session").status == 401
    assert server.send("GET", f"{shown_at}/healthz").headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", ["/lab/api/1/segments/query", "/api/1/api/1/segments/query"])
def test_a_client_whose_address_has_a_path_too_many_is_told_where_the_api_is(server, path):
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}

    reply = server.send("POST", path, headers, b"{}")

    assert (reply.status, reply.code) == (404, "not_found")
    assert f"'{path}'" in reply.json["error"]["message"]
    assert "TREERING_BASE_URL" in reply.json["error"]["hint"]


def test_hashed_files_are_kept_for_ever_and_compressed_when_that_is_taken(server):
    plain = server.send("GET", "/assets/a-1.js")
    packed = server.send("GET", "/assets/a-1.js", {"Accept-Encoding": "gzip, br"})

    assert plain.body == b"export {}"
    assert "immutable" in plain.headers["cache-control"]
    assert plain.headers["content-type"] == "text/javascript; charset=utf-8"
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == b"export {}"
    assert "accept-encoding" in packed.headers["vary"]


def test_a_file_that_is_shipped_compressed_alone_is_there_for_everybody(make_server, static_dir):
    (static_dir / "frame-assets").mkdir()
    (static_dir / "frame-assets" / "large.js.gz").write_bytes(gzip.compress(b"export {}" * 1_000))
    server = make_server(static_dir=static_dir)
    plain = server.send("GET", "/frame-assets/large.js")
    packed = server.send("GET", "/frame-assets/large.js", {"Accept-Encoding": "gzip"})

    assert plain.body == gzip.decompress(packed.body) == b"export {}" * 1_000
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-type"] == "text/javascript; charset=utf-8"
    assert plain.headers["etag"] != packed.headers["etag"]


def test_other_files_are_asked_for_again_and_answered_with_304(server):
    first = server.send("GET", "/theme.js")
    second = server.send("GET", "/theme.js", {"If-None-Match": first.headers["etag"]})

    assert first.headers["cache-control"] == "no-cache"
    assert (second.status, second.body) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/assets/none.js", "/none.js", "/favicon.ico", "/assets/odd.xyz", "/assets/", "/assets"]
)
def test_a_missing_file_is_not_the_page(server, path):
    reply = server.send("GET", path)

    assert (reply.status, reply.code) == (404, "not_found")


@pytest.mark.parametrize(
    "path",
    [
        "/../outside.txt",
        "/assets/../../outside.txt",
        "/assets/%2e%2e/%2e%2e/outside.txt",
        "/%2e%2e%2foutside.txt",
        "/..%5coutside.txt",
        "//etc/passwd",
        "/assets/..;/..;/outside.txt",
        "/assets/a-1.js%00.txt",
        "/assets/%252e%252e/outside.txt",
    ],
)
def test_no_path_leads_out_of_the_folder(server, path):
    reply = server.send("GET", path)

    assert b"outside" not in reply.body
    assert b"root:" not in reply.body
    assert reply.status in (200, 404)


def test_a_rebuild_is_seen_without_a_restart(server, static_dir):
    assert server.send("GET", "/assets/b-2.js").status == 404
    (static_dir / "assets" / "b-2.js").write_text("two")
    (static_dir / "index.html").write_text(PAGE.replace("a-1", "b-2"))
    os.utime(static_dir / "index.html", ns=(1, 1))

    assert server.send("GET", "/assets/b-2.js").body == b"two"


def test_ranges_are_not_a_thing(server):
    reply = server.send("GET", "/assets/a-1.js", {"Range": "bytes=" + ",".join(f"{n}-" for n in range(1000))})

    assert (reply.status, reply.body) == (200, b"export {}")


def test_head_has_no_body(server):
    reply = server.send("HEAD", "/")

    assert (reply.status, reply.body) == (200, b"")


def test_without_a_build_the_page_says_how_to_make_one(make_server):
    reply = make_server().send("GET", "/")

    assert reply.status == 200
    assert b"npm run build" in reply.body
