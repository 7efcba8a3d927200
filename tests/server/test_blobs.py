"""The bytes of files over HTTP: what a browser is told they are, ranges, pieces, and who gets them."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest

from treering.limits import BLOB_CHUNK_BYTES
from treering.runlog import records
from treering.server.inflow import BLOB

from .run_logs import declare, open_run
from .team import OURS, Caller, Team, team

PAGE = b"<!doctype html><script>alert(1)</script>"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
FILES = {
    "page named.png": (PAGE, "application/octet-stream"),
    "picture.html": (PNG, "image/png"),
    "drawing.svg": (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "application/octet-stream"),
    "polyglot.gif": (b"GIF89a=1;/*" + PAGE, "image/gif"),
    "sound.wav": (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav"),
    "not a sound": (b"JUNK\x00\x00\x00\x00WAVEfmt ", "application/octet-stream"),
    "empty": (b"", "application/octet-stream"),
    "text.js": (b"alert(1)", "application/octet-stream"),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with team(tmp_path_factory.mktemp("team")) as made:
        yield made


@pytest.fixture(scope="module")
def max_(world: Team) -> Caller:
    return world.key("max")


@pytest.fixture(scope="module")
def shipped(world: Team, max_: Caller, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run that came over the network with its files."""
    folder = tmp_path_factory.mktemp("elsewhere")
    log = open_run(folder, "shipped", entity=OURS[0], project=OURS[1])
    for name, (content, _) in FILES.items():
        declare(log, f"saved/{name}", hashlib.sha256(content).hexdigest(), len(content))
    log.append(records.FILE, [0, "big", hashlib.sha256(big()).hexdigest(), len(big()), {"purpose": "saved"}])
    log.close()
    sent = max_.call("POST", f"/segments/{log.segment_id}?offset=0&prev=0", log.path.read_bytes())
    assert sent.status == 200
    run = log.folder.name
    limit = time.monotonic() + 30
    while (
        max_.call("GET", f"/runs/{run}/files").status != 200 or not max_.call("GET", f"/runs/{run}/files").json["total"]
    ):
        assert time.monotonic() < limit
        time.sleep(0.05)
    for content, _ in FILES.values():
        reply = max_.call("PUT", f"/runs/{run}/blobs/{sha(content)}?offset=0&size={len(content)}", content)
        assert reply.json == {"sha256": sha(content), "length": len(content), "complete": True}
    return run


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def big() -> bytes:
    return b"0123456789" * (BLOB_CHUNK_BYTES // 8)


@pytest.mark.parametrize("name", FILES)
def test_bytes_come_as_they_were_and_as_nothing_that_a_browser_would_run(world: Team, shipped: str, name: str):
    content, kind = FILES[name]
    reply = world.browser("vera").call("GET", f"/runs/{shipped}/blobs/{sha(content)}?name=evil.html")

    assert reply.status == 200
    assert reply.body == content
    assert reply.headers["content-type"] == kind
    assert reply.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cross-origin-resource-policy"] == "same-origin"
    assert reply.headers["content-disposition"].startswith('attachment; filename="evil.html"')
    assert reply.headers["cache-control"] == "private, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("asked", "status", "begin", "end"),
    [
        ("bytes=0-3", 206, 0, 4),
        ("bytes=4-", 206, 4, 108),
        ("bytes=-8", 206, 100, 108),
        ("bytes=100-9999", 206, 100, 108),
        ("bytes=0-0", 206, 0, 1),
        ("bytes=-", 200, 0, 108),
        ("bytes=0-1,3-4", 200, 0, 108),
        ("bytes=" + ",".join("0-1" for _ in range(1_000)), 200, 0, 108),
        ("lines=1-2", 200, 0, 108),
        ("bytes=5-4", 416, 0, 0),
        ("bytes=108-", 416, 0, 0),
    ],
)
def test_one_range_is_answered(max_: Caller, shipped: str, asked: str, status: int, begin: int, end: int):
    reply = max_.call("GET", f"/runs/{shipped}/blobs/{sha(PNG)}", Range=asked)

    assert reply.status == status
    if status == 416:
        assert reply.headers["content-range"] == "bytes */108"
    else:
        assert reply.body == PNG[begin:end]
    if status == 206:
        assert reply.headers["content-range"] == f"bytes {begin}-{end - 1}/108"


def test_what_a_browser_has_already_is_not_sent_again(max_: Caller, shipped: str):
    path = f"/runs/{shipped}/blobs/{sha(PNG)}"
    tag = max_.call("GET", path).headers["etag"]
    reply = max_.call("GET", path, **{"If-None-Match": tag})

    assert (reply.status, reply.body) == (304, b"")


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "a\r\nX-Evil: 1",
        '";x="',
        "ü #?%.png",
        "",
        "...",
        "a" * 5_000,
        "\\\\host\\share\\x",
        "‮gnp.exe",
    ],
)
def test_a_file_name_from_an_address_breaks_no_header(max_: Caller, shipped: str, name: str):
    from urllib.parse import quote

    reply = max_.call("GET", f"/runs/{shipped}/blobs/{sha(PNG)}?name={quote(name, safe='')}")

    assert reply.status == 200
    assert "x-evil" not in reply.headers
    disposition = reply.headers["content-disposition"]
    assert disposition.startswith("attachment")
    assert "/" not in disposition
    assert len(disposition) < 2_000


def test_a_file_comes_in_pieces(max_: Caller, shipped: str):
    content = big()
    path = f"/runs/{shipped}/blobs/{sha(content)}"
    first = max_.call("PUT", f"{path}?offset=0&size={len(content)}", content[:BLOB_CHUNK_BYTES])
    assert first.json == {"sha256": sha(content), "length": BLOB_CHUNK_BYTES, "complete": False}
    assert max_.call("GET", path).status == 404

    again = max_.call("PUT", f"{path}?offset=0&size={len(content)}", content[:BLOB_CHUNK_BYTES])
    assert (again.status, again.code, again.json["length"]) == (409, "blob_gap", BLOB_CHUNK_BYTES)
    asked = max_.call("POST", f"/runs/{shipped}/blobs/query", {"sha256": [sha(content), sha(PNG)]})
    assert asked.json == {"missing": [{"sha256": sha(content), "offset": BLOB_CHUNK_BYTES}]}

    at_the_end = max_.call("PUT", f"{path}?offset={len(content)}&size={len(content)}", b"")
    assert (at_the_end.status, at_the_end.json["length"]) == (409, BLOB_CHUNK_BYTES)

    rest = max_.call("PUT", f"{path}?offset={BLOB_CHUNK_BYTES}&size={len(content)}", content[BLOB_CHUNK_BYTES:])
    assert rest.json["complete"]
    assert max_.call("GET", path).body == content


def test_what_cannot_be_taken_is_refused_by_name(max_: Caller, shipped: str):
    path = f"/runs/{shipped}/blobs/{sha(PNG)}"

    def put(address: str, body: bytes, **headers: str) -> tuple[int, str]:
        reply = max_.call("PUT", address, body, **headers)
        return reply.status, reply.code

    assert put(f"{path}?offset=0&size=7", b"1234567") == (400, "invalid_value")
    assert put(f"{path}?offset=0&size=108", bytes(108)) == (400, "invalid_value")
    assert put(f"{path}?offset=x&size=108", PNG) == (422, "invalid_request")
    assert put(f"{path}?offset=0&size={10**30}", PNG) == (422, "invalid_request")
    assert put(f"{path}?offset=0&size=108", b"") == (422, "invalid_request")
    assert put(f"{path}?offset=0&size=108", PNG, **{"Content-Type": "application/json"}) == (
        415,
        "unsupported_media_type",
    )
    assert put(f"/runs/{shipped}/blobs/{'0' * 64}?offset=0&size=108", PNG) == (404, "not_found")
    assert put(f"/runs/{shipped}/blobs/..%2f..%2fetc?offset=0&size=108", PNG)[0] in (404, 405)  # no such route
    announced = {"Content-Type": BLOB, "Content-Length": str(BLOB_CHUNK_BYTES + 1)}
    assert max_.call("PUT", f"{path}?offset=0&size={BLOB_CHUNK_BYTES + 1}", **announced).code == "too_large"
    assert max_.call("GET", path).body == PNG


def test_a_logged_table_and_media_over_http(world: Team, max_: Caller):
    from .sample_requests import TABLE_SHA256

    asked = {"sha256": TABLE_SHA256, "sort": [{"column": "c0", "desc": True}], "limit": 2}
    page = max_.call("POST", f"/runs/{world.run}/table", asked).json
    assert page["rows"] == [[2.0, [2.0, 1.0]], [1.0, [1.0, 1.0]]]
    vectors = max_.call("POST", f"/runs/{world.run}/table/vectors", {"sha256": TABLE_SHA256, "column": "c1"})
    assert (vectors.headers["x-rows"], vectors.headers["x-dim"], len(vectors.body)) == ("3", "2", 24)
    steps = max_.call("POST", "/media/steps", {"runs": [world.run, world.foreign_run], "keys": ["note"]}).json["series"]
    assert [(s["run"], s["kind"], s["steps"]) for s in steps] == [(world.run, "text", [0])]
    (item,) = max_.call("POST", "/media", {"runs": [world.run, world.foreign_run], "keys": ["note"]}).json["items"]
    assert (item["value"], item["step"]) == ("all is well", 0)


def test_chunks_are_counted_among_the_bodies_under_way(world: Team):
    assert BLOB == "application/x-treering-blob"
    assert world.server.app.api.state.inflow.in_flight_bytes == 0
    assert not list(Path(world.data_dir / "arriving").glob("*"))
