"""
References into buckets, against a real server that speaks S3 and one that speaks the JSON API of Google Cloud Storage.

The libraries of the object stores live in an environment that this test makes for itself, from requirements/buckets.txt.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from sdk.servers import receiving

pytestmark = pytest.mark.exam

ROOT = Path(__file__).parents[2]
MANY = 1_234  # more than one page of a listing

SCRIPT = """
import json, os, sys
from pathlib import Path
sys.path.insert(0, {source!r})
import treering as tr
from treering.errors import TreeringError

asked = json.load(sys.stdin)
quiet = {{"console": "off", "silent": True, "disable_git": True, "disable_code": True}}
said = {{}}
if "add" in asked:
    with tr.init(project="buckets", entity="ada", settings=quiet) as run:
        data = tr.Artifact(asked["name"], "dataset")
        for uri, options in asked["add"]:
            try:
                data.add_reference(uri, **options)
            except TreeringError as error:
                said[uri] = type(error).__name__ + ": " + str(error)
        run.log_artifact(data).wait(60)
with tr.Api() as api:
    found = api.artifact("ada/buckets/" + asked["name"])
    said["entries"] = {{path: [one.ref, one.digest, one.size] for path, one in found.manifest.entries.items()}}
    if "into" in asked:
        try:
            found.download(asked["into"], references=True)
        except TreeringError as error:
            said["error"] = type(error).__name__ + ": " + str(error)
        files = [path for path in Path(asked["into"]).rglob("*") if path.is_file()]
        said["files"] = {{str(path.relative_to(asked["into"])): path.stat().st_size for path in files}}
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has the libraries, and moto."""
    place = tmp_path_factory.mktemp("buckets") / "venv"
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    quiet = ["--quiet", "--disable-pip-version-check", "--require-hashes"]
    install = [place / "bin/python", "-m", "pip", "install", *quiet, "-r", ROOT / "requirements/buckets.txt"]
    subprocess.run(install, check=True)
    return place / "bin/python"


class Client:
    """Runs a training that adds references, and a reader that follows them, in that environment."""

    def __init__(self, python: Path, url: str, key: str, folder: Path, **environ: str) -> None:
        self._python = python
        self._folder = folder
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("TREERING_", "PYTHON"))},
            "TREERING_BASE_URL": url,
            "TREERING_API_KEY": key,
            "TREERING_DIR": str(folder / "data"),
            "HOME": str(folder),
            **environ,
        }

    def __call__(self, **asked: Any) -> dict[str, Any]:
        code = SCRIPT.format(source=str(ROOT / "src"))
        command = [str(self._python), "-W", "error::ResourceWarning", "-c", code]
        ended = subprocess.run(
            command, input=json.dumps(asked), capture_output=True, text=True, env=self._environ, cwd=self._folder
        )
        assert ended.returncode == 0, ended.stderr
        found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
        return found

    def run(self, code: str) -> str:
        """Run a few lines with the libraries, as somebody else who uses the bucket."""
        return subprocess.run(
            [str(self._python), "-c", code], env=self._environ, check=True, capture_output=True, text=True
        ).stdout


# ── S3 ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def s3(python: Path, tmp_path: Path) -> Iterator[Client]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [str(python), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (
        open(tmp_path / "moto.log", "wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as moto,
        receiving(tmp_path / "server") as there,
    ):
        try:
            until = time.monotonic() + 60
            while time.monotonic() < until:
                with socket.socket() as one:
                    if one.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            (tmp_path / "client").mkdir()
            yield Client(
                python,
                there.url,
                there.key,
                tmp_path / "client",
                AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
                AWS_ACCESS_KEY_ID="a",
                AWS_SECRET_ACCESS_KEY="b",
                AWS_DEFAULT_REGION="us-east-1",
            )
        finally:
            moto.terminate()


S3_BEGIN = f"""
import boto3
from concurrent.futures import ThreadPoolExecutor
s3 = boto3.client("s3")
s3.create_bucket(Bucket="plain")
s3.create_bucket(Bucket="kept")
s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={{"Status": "Enabled"}})
for bucket in ("plain", "kept"):
    s3.put_object(Bucket=bucket, Key="raw/", Body=b"")
    s3.put_object(Bucket=bucket, Key="raw/a #?%ü.bin", Body=b"a" * 100)
    s3.put_object(Bucket=bucket, Key="raw/in/b.bin", Body=b"b" * 200_000)
    s3.put_object(Bucket=bucket, Key="rawness", Body=b"no")
    s3.put_object(Bucket=bucket, Key="alone", Body=b"1")
with ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda n: s3.put_object(Bucket="plain", Key=f"many/{{n:05}}", Body=b"%d" % n), range({MANY})))
"""


def test_objects_of_s3_are_known_by_etag_and_version_and_a_change_is_named(s3: Client, tmp_path: Path) -> None:
    s3.run(S3_BEGIN)
    said = s3(
        name="raw",
        add=[
            ["s3://plain/raw", {}],
            ["s3://kept/raw/", {"name": "kept"}],
            ["s3://kept/alone", {}],
            ["s3://plain/anything", {"checksum": False, "name": "unchecked"}],
            ["s3://plain/nothing", {}],
            ["s3://none/x", {}],
            ["s3://plain/many", {"max_objects": 1_000}],
        ],
        into=str(tmp_path / "first"),
    )
    a, b = hashlib.md5(b"a" * 100).hexdigest(), hashlib.md5(b"b" * 200_000).hexdigest()
    entries = said["entries"]

    assert sorted(entries) == [
        "alone",
        "kept/a #?%ü.bin",
        "kept/in/b.bin",
        "raw/a #?%ü.bin",
        "raw/in/b.bin",
        "unchecked",
    ]
    assert entries["raw/a #?%ü.bin"] == ["s3://plain/raw/a #?%ü.bin", f'etag:"{a}"', 100]
    assert entries["kept/in/b.bin"][1].startswith(f'etag:"{b}" version:')
    assert entries["alone"][1].startswith(f'etag:"{hashlib.md5(b"1").hexdigest()}" version:')
    assert entries["unchecked"] == ["s3://plain/anything", None, None]
    assert said["s3://plain/nothing"] == "InvalidValue: add_reference(): there is nothing at s3://plain/nothing."
    assert said["s3://none/x"].startswith("NotFound: there is nothing at s3://none")
    assert "more than 1,000 objects" in said["s3://plain/many"]
    assert said["error"].endswith("unchecked (s3://plain/anything) is gone.")
    assert len(said["files"]) == 5

    s3.run(
        'import boto3; s3 = boto3.client("s3")\n'
        'for bucket in ("plain", "kept"): s3.put_object(Bucket=bucket, Key="raw/in/b.bin", Body=b"B" * 200_000)\n'
        's3.delete_object(Bucket="plain", Key="raw/a #?%ü.bin")\n'
        's3.put_object(Bucket="plain", Key="anything", Body=b"now")\n'
        's3.delete_object(Bucket="kept", Key="alone")'
    )
    said = s3(name="raw", into=str(tmp_path / "second"))

    assert "raw/a #?%ü.bin (s3://plain/raw/a #?%ü.bin) is gone" in said["error"]
    assert "raw/in/b.bin (s3://plain/raw/in/b.bin) was changed" in said["error"]
    assert "kept" not in said["error"]  # what keeps versions gives the one that was added, a deleted one too
    assert (tmp_path / "second/kept/in/b.bin").read_bytes() == b"b" * 200_000
    assert (tmp_path / "second/alone").read_bytes() == b"1"
    assert (tmp_path / "second/unchecked").read_bytes() == b"now"
    assert sorted(said["files"]) == ["alone", "kept/a #?%ü.bin", "kept/in/b.bin", "unchecked"]


def test_a_prefix_of_many_pages_is_listed_to_its_end(s3: Client, tmp_path: Path) -> None:
    s3.run(S3_BEGIN)
    said = s3(name="many", add=[["s3://plain/many", {}]], into=str(tmp_path / "many"))

    assert len(said["entries"]) == MANY
    assert said["files"] == {f"many/{n:05}": len(str(n)) for n in range(MANY)}
    assert (tmp_path / "many/many/01233").read_bytes() == b"1233"


def test_a_store_that_is_not_there_or_lets_nobody_in_is_named(s3: Client) -> None:
    s3._environ["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
    assert s3(name="none", add=[["s3://plain/x", {}]])["s3://plain/x"].startswith(
        "ServerUnavailable: s3://plain/x cannot be read: EndpointConnectionError"
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        s3._environ.pop(name)
    s3._environ["AWS_EC2_METADATA_DISABLED"] = "true"
    said = s3(name="none", add=[["s3://plain/x", {}]])["s3://plain/x"]
    assert said.startswith("ServerUnavailable: s3://plain/x cannot be read: NoCredentialsError")


# ── Google Cloud Storage ─────────────────────────────────────────────────────────────────────────────────────────


class Cloud:
    """The part of the JSON API that reading needs: objects with generations, listings in pages, downloads by range."""

    def __init__(self) -> None:
        self.objects: dict[str, list[tuple[int, bytes]]] = {}  # key → its generations, the newest last
        self.pages = 0
        self._generation = 1_700_000_000_000_000
        cloud = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
                place = parts.path.removeprefix("/download").removeprefix("/storage/v1/b/bucket/o")
                if not parts.path.endswith(place) or "/b/bucket/" not in parts.path:
                    self.reply(404, {"error": {"code": 404, "message": "no bucket"}})
                elif place.strip("/"):
                    self.object(unquote(place.lstrip("/")), asked)
                else:
                    self.listing(asked)

            def object(self, key: str, asked: dict[str, str]) -> None:
                wanted = asked.get("generation")
                held = [one for one in cloud.objects.get(key, []) if wanted in (None, str(one[0]))]
                if not held:
                    self.reply(404, {"error": {"code": 404, "message": "no such object"}})
                elif asked.get("alt") != "media":
                    self.reply(200, cloud.about(key, *held[-1]))
                elif asked.get("ifGenerationMatch") not in (None, str(held[-1][0])):
                    self.reply(412, {"error": {"code": 412, "message": "another generation"}})
                else:
                    content = held[-1][1]
                    first, last = self.headers["Range"].removeprefix("bytes=").split("-")
                    piece = content[int(first) : int(last) + 1]
                    self.send_response(206)
                    self.send_header("Content-Range", f"bytes {first}-{int(first) + len(piece) - 1}/{len(content)}")
                    self.send_header("Content-Length", str(len(piece)))
                    self.end_headers()
                    self.wfile.write(piece)

            def listing(self, asked: dict[str, str]) -> None:
                cloud.pages += 1
                keys = sorted(key for key in cloud.objects if key.startswith(asked.get("prefix", "")))
                begin = int(asked.get("pageToken", 0))
                rows = [cloud.about(key, *cloud.objects[key][-1]) for key in keys[begin : begin + 1_000]]
                more = {"nextPageToken": str(begin + 1_000)} if begin + 1_000 < len(keys) else {}
                self.reply(200, {"kind": "storage#objects", "items": rows, **more})

            def reply(self, status: int, body: Any) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def put(self, key: str, content: bytes, keep: bool = False) -> int:
        self._generation += 1
        self.objects[key] = [*(self.objects.get(key, []) if keep else []), (self._generation, content)]
        return self._generation

    def about(self, key: str, generation: int, content: bytes) -> dict[str, str]:
        md5 = base64.b64encode(hashlib.md5(content).digest()).decode()
        return {
            "kind": "storage#object",
            "name": key,
            "bucket": "bucket",
            "generation": str(generation),
            "size": str(len(content)),
            "md5Hash": md5,
            "etag": f"{generation}/1",
        }

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def test_objects_of_google_are_known_by_generation_and_hash_and_a_change_is_named(python: Path, tmp_path: Path) -> None:
    cloud = Cloud()
    generations = {
        key: cloud.put(key, content)
        for key, content in (
            ("raw/", b""),
            ("raw/a #?%ü.bin", b"a" * 100),
            ("raw/b", b"b" * 20_000_000),
            ("raw/kept", b"k"),
            ("raw/same", b"s"),
            ("rawness", b"no"),
        )
    }
    for number in range(MANY):
        cloud.put(f"many/{number:05}", b"%d" % number)
    client_folder = tmp_path / "client"
    client_folder.mkdir()
    with receiving(tmp_path / "server") as there:
        client = Client(python, there.url, there.key, client_folder, STORAGE_EMULATOR_HOST=cloud.url)
        said = client(
            name="raw",
            add=[
                ["gs://bucket/raw", {}],
                ["gs://bucket/raw/kept", {"name": "alone"}],
                ["gs://bucket/many", {}],
                ["gs://bucket/many/", {"max_objects": 1_233, "name": "x"}],
                ["gs://bucket/nothing", {}],
                [f"gs://bucket/raw/b#{generations['raw/b']}", {"name": "pinned"}],
                ["gs://bucket/raw/b#1234567", {}],
                ["gs://bucket/unseen", {"checksum": False}],
            ],
            into=str(tmp_path / "first"),
        )
        entries = said["entries"]
        md5 = base64.b64encode(hashlib.md5(b"a" * 100).digest()).decode()
        assert entries["raw/a #?%ü.bin"] == [
            "gs://bucket/raw/a #?%ü.bin",
            f"generation:{generations['raw/a #?%ü.bin']} md5:{md5}",
            100,
        ]
        assert len(entries) == 4 + 1 + MANY + 1 + 1
        assert cloud.pages >= 3
        assert "more than 1,233 objects" in said["gs://bucket/many/"]
        assert said["gs://bucket/nothing"] == "InvalidValue: add_reference(): there is nothing at gs://bucket/nothing."
        assert said["gs://bucket/raw/b#1234567"].startswith("NotFound: gs://bucket/raw/b has no generation 1234567")
        assert said["error"].endswith("that are not what was added: unseen (gs://bucket/unseen) is gone.")
        assert len(said["files"]) == len(entries) - 1
        assert (tmp_path / "first/raw/b").read_bytes() == b"b" * 20_000_000

        cloud.put("raw/a #?%ü.bin", b"A" * 100)
        cloud.put("raw/kept", b"K", keep=True)
        cloud.put("raw/same", b"s")  # written over with the same
        del cloud.objects["raw/b"]
        said = client(name="raw", into=str(tmp_path / "second"))
    cloud.close()

    assert "raw/a #?%ü.bin (gs://bucket/raw/a #?%ü.bin) was changed" in said["error"]
    assert "raw/b (gs://bucket/raw/b) is gone" in said["error"]
    assert f"pinned (gs://bucket/raw/b#{generations['raw/b']}) is gone" in said["error"]
    assert (tmp_path / "second/raw/kept").read_bytes() == (tmp_path / "second/alone").read_bytes() == b"k"
    assert (tmp_path / "second/raw/same").read_bytes() == b"s"
    assert "raw/a #?%ü.bin" not in said["files"]
