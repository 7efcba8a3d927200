"""
EXAM 14: four hundred strings that have led out of somebody's folder, in every place of the API that takes a name.

An audit hook sees each file that the process opens; what it sees beyond the data folder, Python's own files and /proc
is a failure.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest

from server.run_logs import write_run
from treering.errors import InvalidName
from treering.ids import check_name

CLIMBS = [
    "../",
    "..\\",
    "..;/",
    "%2e%2e%2f",
    "%2e%2e/",
    "..%2f",
    "%252e%252e%252f",
    "..%c0%af",
    "..%255c",
    ".../",
    "..//",
    "./../",
]
TARGETS = ["etc/passwd", "etc/passwd%00.png", "proc/self/environ", "windows/win.ini", "root/.ssh/id_rsa", ""]
LITERALS = [
    "/etc/passwd",
    "//etc/passwd",
    "//proc/self/environ",
    "file:///etc/passwd",
    "\\\\server\\share\\x",
    "//server/share",
    "C:\\Windows\\win.ini",
    "C:/Windows/win.ini",
    "c:",
    "\\\\?\\C:\\x",
    "~/.ssh/id_rsa",
    "~root",
    "$HOME/.ssh",
    "${HOME}",
    "`id`",
    "$(id)",
    "a\0b",
    "a%00b",
    "a\nb",
    "a\r\nSet-Cookie: x=1",
    "a\x1b[31mb",
    "a\x7f",
    "\u202egnp.exe",
    "a\u200fb",
    "e\u0301",
    "\u00e9",
    "\ufb01le",
    "\uff0e\uff0e\uff0fetc\uff0fpasswd",
    "\u2025\u2215etc",
    "..",
    ".",
    "...",
    " ",
    "a ",
    " a",
    "a.",
    "a/",
    "a//b",
    "a/./b",
    "a/../b",
    "a#b",
    "a?b",
    "a%b",
    "a;b",
    "a:b",
    "CON",
    "NUL.txt",
    "COM1",
    "aux",
    ".htaccess",
    ".git/config",
    "<script>alert(1)</script>",
    "'; drop table runs; --",
    '" or 1=1 --',
    "x" * 129,
    "x" * 1_000,
    "x" * 4_000,
    "é" * 128,
    "\U0001f332" * 64,
    "api",
    "r",
    "healthz",
    "\ufffd",
    "\ufeff",
    "a" * 26,
    "A" * 26,
    "a" * 25 + "1",
    "a" * 26 + "/..",
    "0" * 32,
    "z" * 32,
]
STRINGS = [
    *LITERALS,
    *(climb * depth + target for climb in CLIMBS for depth in (1, 3, 8) for target in TARGETS),
    *(
        prefix + climb * 4 + "etc/passwd"
        for prefix in ("/", "runs/", "static/", "assets/", "a" * 26 + "/")
        for climb in CLIMBS
    ),
    *(
        climb * 4 + "etc/passwd" + suffix
        for climb in CLIMBS
        for suffix in ("#", "?", ";x", ".", " ", "/", "/.", "%20", "%2500")
    ),
]

_seen: list[str] = []
_watching = threading.Event()


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and _watching.is_set() and isinstance(arguments[0], (str, bytes)):
        _seen.append(os.fsdecode(arguments[0]))


@pytest.fixture(scope="module", autouse=True)
def _hook() -> None:
    sys.addaudithook(
        _audit
    )  # for the life of the process: hooks cannot be taken away, so it looks only while it is told to


@contextmanager
def only_opens_below(folder) -> Iterator[None]:
    _seen.clear()
    _watching.set()
    try:
        yield
    finally:
        _watching.clear()
    allowed = (str(folder), sys.prefix, sys.base_prefix, "/usr/lib/python", "/proc/")
    # A library may load its own code late; that is no data.
    foreign = [
        path for path in _seen if path.startswith("/") and not path.startswith(allowed) and not path.endswith(".py")
    ]
    assert not [path for path in foreign if "/src/treering/" not in path], foreign
    assert not [path for path in _seen if ".." in path]


def test_there_are_four_hundred_strings():
    assert len(set(STRINGS)) >= 400


def paths(text: str) -> list[str]:
    once, raw = quote(text, safe=""), quote(text, safe="/%.;\\~:'()*!$&+,=@")
    places = (
        "/projects/{}/x",
        "/projects/ada/{}",
        "/runs/{}",
        "/runs/{}/history",
        "/runs/{}/console",
        "/runs/{}/verify",
        "/{}",
    )
    return [place.format(spelled) for place in places for spelled in (once, raw)]


def test_in_a_path_none_opens_a_file_or_breaks_the_server(world):
    with only_opens_below(world.data_dir):
        for number, text in enumerate(STRINGS):
            for path in paths(text)[
                number % 2 :: 2
            ]:  # encoded for one string, as raw as a request line allows for the next
                if len(path) < 8_000:
                    reply = world.server.send("GET", f"/api/1{path}", {"Authorization": f"Bearer {world.server.token}"})
                    assert reply.status < 500, path
                    assert b"root:" not in reply.body


def test_outside_the_api_none_gives_more_than_the_page(world):
    with only_opens_below(world.data_dir):
        for text in STRINGS:
            for path in (
                f"/{quote(text, safe='')}",
                f"/assets/{quote(text, safe='/%.;')}",
                f"/r/{quote(text, safe='')}",
            ):
                reply = world.server.send("GET", path)
                assert reply.status in (200, 400, 401, 404), path  # 401: it is a path of the API
                assert b"root:" not in reply.body


def test_in_a_query_and_in_a_body_none_opens_a_file_or_breaks_the_server(world):
    key = world.keys[0]
    with only_opens_below(world.data_dir):
        for number, text in enumerate(STRINGS):
            text = text[:1000]
            query = quote(text, safe="")
            queries = (
                f"/changes?entity={query}&project={query}",
                f"/runs/{key}/history?keys={query}",
                f"/runs/{key}/history?key={query}",
            )
            for path in queries[number % 3 :: 3]:
                assert world.server.call("GET", path).status < 500, path
            bodies = [
                ("/runs/query", {"entity": text, "project": text}),
                ("/runs/query", {"entity": "ada", "project": "digits", "filter": text, "search": text}),
                ("/runs/query", {"entity": "ada", "project": "digits", "search": text, "regex": True}),
                (
                    "/runs/query",
                    {"entity": "ada", "project": "digits", "metrics": [text], "config": [text], "group": [text]},
                ),
                (
                    "/runs/query",
                    {"entity": "ada", "project": "digits", "sort": [{"by": text}, {"by": f"metric:{text}"}]},
                ),
                ("/series", {"runs": [key], "keys": [text]}),
                ("/series", {"runs": [text], "keys": ["loss"]}),
                ("/series", {"runs": [key], "keys": ["loss"], "x": f"metric:{text}"}),
                ("/runs/compare", {"runs": [key, text]}),
            ]
            for path, body in bodies[number % 5 :: 5]:  # each string in two of the places: 3 s instead of 12
                reply = world.server.call("POST", path, body)
                assert reply.status < 500, (path, body)


def test_as_names_and_tags_they_are_stored_and_shown_as_they_are(world):
    key = world.keys[1]
    with only_opens_below(world.data_dir):
        for text in STRINGS[::7]:
            sound = "\0" not in text and 0 < len(text) <= 64
            reply = world.server.call("PATCH", f"/runs/{key}", {"name": text[:200], "tags": [text[:64]], "notes": text})
            assert reply.status == 200 if sound else reply.status < 500, text
            if reply.status == 200:
                assert reply.json["notes"] == text


def test_names_that_the_log_allows_are_found_again_and_others_are_never_folders(tmp_path):
    for text in STRINGS:
        try:
            name = check_name(text, "run id")
        except InvalidName:
            continue
        key = write_run(tmp_path, name, [{"loss": 1.0}])
        assert (tmp_path / "runs" / key).is_dir()
    assert {path.name for path in tmp_path.iterdir()} <= {"runs", "live"}
    assert all(len(path.name) == 26 for path in (tmp_path / "runs").iterdir())
