"""References: what is kept of an address, and that what it leads to is what was added, or is named."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

import treering as tr
from sdk.servers import followed
from treering.errors import FormatError, InvalidName, InvalidValue, LimitExceeded, NotFound, ServerUnavailable
from treering.limits import ARTIFACT_REFERENCE_MAX_CHARS
from treering.runlog.artifact_manifest import Entry
from treering.sdk.artifacts.buckets import Place, parse_bucket
from treering.sdk.artifacts.reference_digest import is_changed
from treering.sdk.artifacts.reference_download import fetch_references

BODY = os.urandom(300_000)


class Web:
    """A web server whose files each have headers, and habits, of their own."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str, str]] = []  # method, path as it came, Range
        web = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                self.answer(b"")

            def do_GET(self) -> None:
                self.answer(None)

            def answer(self, body: bytes | None) -> None:
                asked = self.headers.get("Range", "")
                web.asked.append((self.command, self.path, asked))
                file = web.files.get(unquote(self.path))
                if file is None or self.command in file.get("refuses", ()):
                    self.send_error(404 if file is None else 405)
                    return
                if "to" in file:
                    self.send_response(file.get("status", 302))
                    self.send_header("Location", file["to"])
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                whole, begin = file["body"], 0
                fresh = self.headers.get("If-Range") in (None, file.get("etag"))
                if asked and file.get("parts", True) and fresh:
                    begin = int(asked.removeprefix("bytes=").rstrip("-"))
                content = whole[begin:] if body is None else body
                self.send_response(206 if begin else 200)
                for name in ("etag", "last-modified"):
                    if name in file:
                        self.send_header(name, file[name])
                if begin:
                    self.send_header("Content-Range", f"bytes {begin}-{len(whole) - 1}/{len(whole)}")
                if file.get("length", True):
                    self.send_header("Content-Length", str(file.get("says", len(whole)) - begin))
                else:
                    self.send_header("Connection", "close")
                    self.close_connection = True
                self.end_headers()
                breaks = file.get("breaks", [])
                if breaks and body is None:
                    self.wfile.write(content[: breaks.pop(0)])
                    self.close_connection = True
                    return
                self.wfile.write(content)
                self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setattr("treering.sdk.artifacts.reference_download._PAUSE_S", 0.001)
    made = Web()
    yield made
    made.close()


@pytest.fixture
def draft(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tr.Artifact:
    monkeypatch.setenv("TREERING_DIR", str(tmp_path / "data"))
    return tr.Artifact("raw", "dataset")


def entry(artifact: tr.Artifact, uri: str, **options: Any) -> Entry:
    (found,) = artifact.add_reference(uri, **options)
    return Entry(found.size, ref=found.ref, digest=found.digest)


def fetch(root: Path, **entries: Entry) -> None:
    fetch_references("raw:v0", entries, root, lambda size: None)


# ── the web ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("file", "digest", "size"),
    [
        ({"etag": '"one"'}, 'etag:"one"', 300_000),
        ({"etag": 'W/"weak one"'}, 'etag:W/"weak one"', 300_000),
        ({"etag": "bare one"}, "etag:bare%20one", 300_000),
        ({"last-modified": "Wed, 21 Oct 2015 07:28:00 GMT"}, "modified:1445412480", 300_000),
        ({"last-modified": "some day"}, None, 300_000),
        ({"length": False}, None, None),
        ({"etag": '"one"', "refuses": ("HEAD",)}, 'etag:"one"', 300_000),
    ],
)
def test_a_web_file_is_known_by_what_its_server_says_of_it(
    web: Web, draft: tr.Artifact, tmp_path: Path, file: dict[str, Any], digest: str | None, size: int | None
) -> None:
    web.files["/x"] = {"body": BODY, **file}

    added = entry(draft, f"{web.url}/x")
    fetch(tmp_path, x=added)

    assert (added.digest, added.bytes) == (digest, size)
    assert (tmp_path / "x").read_bytes() == BODY
    assert not list(tmp_path.rglob(".treering-partial"))


def test_a_name_with_anything_in_it_is_asked_for_as_it_is(web: Web, draft: tr.Artifact, tmp_path: Path) -> None:
    web.files["/a b/ü#?%.txt"] = {"body": b"1", "etag": '"1"'}
    written, raw = f"{web.url}/a b/ü%23%3F%25.txt", f"{web.url}/a%20b/%C3%BC%23%3f%25.txt"

    (found,) = draft.add_reference(written)
    fetch(tmp_path, a=entry(draft, written), b=entry(draft, raw))

    assert found.path == "ü#?%.txt"
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == b"1"
    assert {path for _, path, _ in web.asked} == {"/a%20b/%C3%BC%23%3F%25.txt", "/a%20b/%C3%BC%23%3f%25.txt"}


def test_redirects_are_followed_to_web_servers_only(web: Web, draft: tr.Artifact, tmp_path: Path) -> None:
    web.files["/x"] = {"body": BODY, "etag": '"one"'}
    web.files["/moved"] = {"to": "/x", "status": 301}
    web.files["/away"] = {"to": "file:///etc/passwd"}
    web.files["/round"] = {"to": "/round"}

    added = entry(draft, f"{web.url}/moved")
    assert [method for method, _, _ in web.asked] == ["HEAD", "HEAD"]  # and not the whole file
    fetch(tmp_path, x=added)

    assert (added.digest, added.ref) == ('etag:"one"', f"{web.url}/moved")
    assert (tmp_path / "x").read_bytes() == BODY
    for path in ("/away", "/round"):
        with pytest.raises(ServerUnavailable):
            draft.add_reference(web.url + path)


def test_a_download_goes_on_where_the_server_broke_off(web: Web, draft: tr.Artifact, tmp_path: Path) -> None:
    web.files["/x"] = {"body": BODY, "etag": '"one"', "breaks": [100_000, 50_000]}
    fetch(tmp_path, x=entry(draft, f"{web.url}/x"))
    assert (tmp_path / "x").read_bytes() == BODY
    assert [part for _, _, part in web.asked] == ["", "", "bytes=100000-", "bytes=150000-"]

    web.asked.clear()
    web.files["/x"] = {"body": BODY, "etag": '"one"', "breaks": [7], "parts": False}
    fetch(tmp_path, y=entry(draft, f"{web.url}/x"))
    assert (tmp_path / "y").read_bytes() == BODY


def test_what_an_ended_process_left_is_gone_on_with(web: Web, draft: tr.Artifact, tmp_path: Path) -> None:
    web.files["/x"] = {"body": BODY, "etag": '"one"', "breaks": [100_000] + [0] * 9}
    added = entry(draft, f"{web.url}/x")
    with pytest.raises(ServerUnavailable, match="100,000 of 300,000"):
        fetch(tmp_path, x=added)
    web.files["/x"]["breaks"] = []
    web.asked.clear()
    fetch(tmp_path, x=added)

    assert (tmp_path / "x").read_bytes() == BODY
    assert [part for _, _, part in web.asked] == ["bytes=100000-"]


@pytest.mark.parametrize(
    "now",
    [
        {"body": BODY, "etag": '"two"'},
        {"body": BODY[:-1], "etag": '"one"'},
        {"body": BODY + b"!", "etag": '"one"', "length": False},
        None,
    ],
)
def test_what_is_not_what_was_added_is_named_and_gets_no_name(
    web: Web, draft: tr.Artifact, tmp_path: Path, now: dict[str, Any] | None
) -> None:
    web.files = {"/x": {"body": BODY, "etag": '"one"'}, "/y": {"body": b"y", "etag": '"y"'}}
    x, y = entry(draft, f"{web.url}/x"), entry(draft, f"{web.url}/y")
    web.files.pop("/x")
    if now is not None:
        web.files["/x"] = now

    with pytest.raises(FormatError, match=r"x \(http://.*/x\) (is gone|was changed)"):
        fetch(tmp_path / "out", x=x, y=y)

    assert [path.name for path in (tmp_path / "out").iterdir()] == ["y"]


def test_a_server_that_lies_about_the_length_gives_nothing(web: Web, draft: tr.Artifact, tmp_path: Path) -> None:
    web.files["/x"] = {"body": BODY, "etag": '"one"', "says": len(BODY) + 10}
    with pytest.raises(FormatError, match=r"has 300,000 bytes and not 300,010"):
        fetch(tmp_path / "out", x=entry(draft, f"{web.url}/x"))
    assert not (tmp_path / "out" / "x").exists()

    web.files["/x"]["says"] = len(BODY) - 10  # it says less at the time, and its hash is known
    known = Entry(len(BODY), ref=f"{web.url}/x", digest=f"sha256:{hashlib.sha256(BODY).hexdigest()}")
    with pytest.raises(FormatError, match="was changed: it has 299,990 bytes"):
        fetch(tmp_path / "out", x=known)


def test_a_digest_of_ones_own_is_held_against_the_bytes(web: Web, draft: tr.Artifact, tmp_path: Path) -> None:
    web.files["/x"] = {"body": BODY}
    md5 = hashlib.md5(BODY, usedforsecurity=False).hexdigest()
    fetch(tmp_path, x=entry(draft, f"{web.url}/x", digest=f"md5:{md5}"))
    assert web.asked[0][0] == "GET"  # nothing was looked at before
    with pytest.raises(FormatError, match=r"y .* was changed"):
        fetch(tmp_path, y=entry(draft, f"{web.url}/x", name="y", digest=f"md5:{md5[::-1]}"))
    fetch(tmp_path, z=entry(draft, f"{web.url}/x", name="z", checksum=False))


# ── addresses ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "s3:/x",
        "s3://",
        "s3:///key",
        "gs://a b/key",
        "http://",
        "http://[x/",
        "http://x:port/",
        "https://x/a\nb",
        "file://other/x",
        "file:///a#b",
        "file:///a%00b",
        "file:///dev/zero",
        "ftp://x/y",
        "http://x/" + "y" * ARTIFACT_REFERENCE_MAX_CHARS,
        "https://user:secret@x/y",
        "http://x/\udcff",
        None,
    ],
)
def test_what_is_no_address_is_refused_when_it_is_added(draft: tr.Artifact, uri: Any) -> None:
    with pytest.raises(InvalidValue):
        draft.add_reference(uri)
    assert draft.file_count == 0


def test_arguments_that_cannot_be_right_are_named(draft: tr.Artifact, tmp_path: Path) -> None:
    for most in (0, -1, True, "many", 1.5):
        with pytest.raises(InvalidValue, match="max_objects"):
            draft.add_reference(tmp_path.as_uri(), max_objects=most)  # type: ignore[arg-type]
    for name in ("../x", "/x", "a\\b", "C:/x", "a\0b"):
        with pytest.raises(InvalidName):
            draft.add_reference("s3://bucket/key", name=name, checksum=False)
    for digest in ("", 5, "a\nb", "x" * 5_000):
        with pytest.raises(InvalidValue, match=r"digest|character"):
            draft.add_reference("s3://bucket/key", digest=digest)  # type: ignore[arg-type]
    with pytest.raises(ServerUnavailable, match="cannot be read"):
        draft.add_reference("http://127.0.0.1:9/x")


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("s3://bucket/a/b c#?%20", Place("s3", "bucket", "a/b c#?%20", "")),
        ("s3://bucket/a?versionId=xY.1", Place("s3", "bucket", "a", "xY.1")),
        ("s3://bucket", Place("s3", "bucket", "", "")),
        ("gs://bucket/a#1234567", Place("gs", "bucket", "a", "1234567")),
        ("gs://bucket/a#1", Place("gs", "bucket", "a#1", "")),
    ],
)
def test_a_key_is_taken_as_it_stands(uri: str, place: Place) -> None:
    assert parse_bucket(uri) == place


@pytest.mark.parametrize(
    ("recorded", "found", "changed"),
    [
        ('etag:"a"', 'etag:"a" version:2', False),
        ('etag:"a" version:1', 'etag:"a" version:2', False),  # written over with the same
        ('etag:"a" version:1', 'etag:"b" version:1', True),
        ("generation:1 md5:x crc32c:y", "generation:2 md5:x crc32c:y", False),
        ("generation:1 crc32c:y", "generation:2 crc32c:z", True),
        ("generation:1", "generation:2", True),
        ("my own words", 'etag:"a"', None),
        (None, 'etag:"a"', None),
        ('etag:"a b"', 'etag:"a c"', True),
    ],
)
def test_what_is_made_from_the_content_decides(recorded: str | None, found: str, changed: bool | None) -> None:
    assert is_changed(recorded, found) is changed


# ── files, and the whole way ─────────────────────────────────────────────────────────────────────────────────────


def test_files_are_added_all_or_none_and_followed_when_asked(
    draft: tr.Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "raw"
    for name in ("a", "b", "in/ü#?%"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(name.encode())
    os.mkfifo(source / "fifo")
    with pytest.raises(LimitExceeded, match="more than 2 objects"):
        draft.add_reference(source.as_uri(), max_objects=2)
    assert draft.file_count == 0
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidValue, match="no file below"):
        draft.add_reference((tmp_path / "empty").as_uri())
    draft.add_reference(source.as_uri(), max_objects=3)
    draft.add_reference((source / "a").as_uri(), name="alone", checksum=False)
    draft.add_file(source / "b", name="held")
    monkeypatch.chdir(tmp_path)
    quiet = {"console": "off", "silent": True, "disable_git": True, "disable_code": True}
    with followed(tmp_path / "data"), tr.init(project="references", entity="ada", settings=quiet) as run:
        data = run.log_artifact(draft).wait(30)
        out, left = tmp_path / "out", tmp_path / "left"
        assert [path.name for path in data.download(left).rglob("*")] == ["held"]
        data.verify(left)  # what references lead to need not be there
        data.download(out, references=True)
        data.verify(out)
        assert (out / "raw/in/ü#?%").read_bytes() == "in/ü#?%".encode()
        assert data.get_entry("alone").download(tmp_path / "one").read_bytes() == b"a"
        with pytest.raises(NotFound, match="has nothing at 'raw/c'"):
            data.download(out, path_prefix="raw/c")
        (source / "a").write_bytes(b"A")
        (source / "b").unlink()
        with pytest.raises(FormatError, match=r"raw/a \(file://.*\) was changed; raw/b \(file://.*\) is gone\."):
            data.download(tmp_path / "again", references=True)
        (out / "raw/a").write_bytes(b"A")
        with pytest.raises(FormatError, match=r"raw/a differs"):
            data.verify(out)
    assert (tmp_path / "again/raw/in/ü#?%").exists()
    assert not (tmp_path / "again/raw/a").exists()


def test_an_address_of_a_hostile_server_leads_to_no_write_elsewhere(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"s")
    for path in ("../out", "/abs", "a/../../b"):
        with pytest.raises((InvalidName, FormatError)):
            fetch(tmp_path / "out", **{path: Entry(1, ref=secret.as_uri())})
    with pytest.raises(InvalidValue, match="no address that is followed"):
        fetch(tmp_path / "out", a=Entry(1, ref="ftp://x/y"))
    with pytest.raises(FormatError, match="is gone"):
        fetch(tmp_path / "out", a=Entry(1, ref="file:///dev/zero"))
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file() and path.stat().st_size]
