"""
EXAM 26 for artifacts: whoever is killed while a version goes up or comes down leaves nothing half made, and whoever goes
on sends and fetches nothing twice.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sdk.servers import Receiving, receiving
from treering.store import Store

FILES = 24
UPLOAD = """
import sys, treering as tr
run = tr.init(project="kills", entity="ada", settings={"silent": True, "console": "off", "disable_git": True,
                                                       "disable_code": True, "sample_s": 0.0})
data = tr.Artifact("data", "dataset")
data.add_dir(sys.argv[1])
print("ready", flush=True)
run.log_artifact(data).wait(120)
run.finish()
print("done", flush=True)
"""
DOWNLOAD = """
import sys, treering as tr
data = tr.Api().artifact("ada/kills/data")
print("ready", flush=True)
data.download(sys.argv[1])
print("done", flush=True)
"""


def write_source(folder: Path, size: int) -> dict[str, bytes]:
    """Write files of very different sizes, one of them empty."""
    chance = random.Random(1)
    files = {f"f{number:02}": chance.randbytes(number * number * size) for number in range(FILES)}
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return files


def start(script: str, argument: Path, environ: dict[str, str]) -> subprocess.Popen[str]:
    """Start a script in a group of its own; return once it is about to begin what it is for."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(argument)],
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def kill_after(process: subprocess.Popen[str], seconds: float) -> None:
    """Kill a process with all that it started."""
    time.sleep(seconds)
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.communicate()


def full(script: str, argument: Path, environ: dict[str, str]) -> float:
    """Let a script end by itself; return how long it took."""
    process = start(script, argument, environ)
    began = time.monotonic()
    assert "done" in process.communicate(timeout=180)[0]
    return time.monotonic() - began


def whole_blobs(folder: Path) -> set[str]:
    """Return what is stored; each blob is what its name says."""
    found = set()
    for path in (folder / "blobs").glob("??/*"):
        if not path.name.startswith("."):
            assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
            found.add(path.name)
    return found


def versions(store: Store) -> list[int]:
    collection = store.artifacts.book.find(("ada", "kills", "data"))
    if collection is None:
        return []
    for version in collection.versions.values():
        names = store.artifacts.manifest(version).blobs()
        assert all(store.blobs.size(name) == size for name, size in names.items()), "a version without its bytes"
    return sorted(collection.versions)


def count_pieces(there: Receiving, monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[str, int]]:
    """Count how often each byte of each file was taken by the server."""
    taken: Counter[tuple[str, int]] = Counter()
    take = there.store.receive_blob

    def counted(key: str, sha256: str, offset: int, total: int, chunk: bytes) -> Any:
        answer = take(key, sha256, offset, total, chunk)
        taken[sha256, offset] += len(chunk)
        return answer

    monkeypatch.setattr(there.store, "receive_blob", counted)
    return taken


@pytest.mark.exam
@pytest.mark.parametrize("kills", [200])
def test_an_upload_that_is_killed_again_and_again_sends_each_byte_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kills: int
) -> None:
    """All tries are one run, resumed: what an earlier one sent is there."""
    files = write_source(tmp_path / "source", 1_500)
    random.seed(26)
    with receiving(tmp_path / "server") as there:
        taken = count_pieces(there, monkeypatch)
        environ = {
            "TREERING_BASE_URL": there.url,
            "TREERING_API_KEY": there.key,
            "TREERING_DIR": str(tmp_path / "local"),
            "TREERING_RUN_ID": "killed",
            "TREERING_RESUME": "allow",
        }
        for _ in range(kills):
            kill_after(start(UPLOAD, tmp_path / "source", environ), random.uniform(0.0, 1.5))
            assert versions(there.store) in ([], [0]), "equal content became two versions"
        full(UPLOAD, tmp_path / "source", environ)

        assert versions(there.store) == [0]
        stored = whole_blobs(there.data_dir)
        manifest = there.store.artifacts.manifest(there.store.artifacts.book.all()[0].versions[0])
        assert {path: entry.sha256 for path, entry in manifest} == {
            path: hashlib.sha256(content).hexdigest() for path, content in files.items()
        }
        assert set(manifest.blobs()) <= stored
        sent: Counter[str] = Counter()
        for (sha256, _), size in taken.items():
            sent[sha256] += size
        for content in files.values():
            assert sent[hashlib.sha256(content).hexdigest()] == len(content), "a byte was taken twice, or never"
        assert not list((there.data_dir / "arriving").glob("*"))


@pytest.mark.exam
@pytest.mark.parametrize("kills", [100])
def test_a_version_in_a_local_folder_is_whole_or_not_there(tmp_path: Path, kills: int) -> None:
    write_source(tmp_path / "source", 4_000)
    folder = tmp_path / "data"
    environ = {"TREERING_DIR": str(folder), "TREERING_RUN_ID": "killed", "TREERING_RESUME": "allow"}
    script = UPLOAD.replace(".wait(120)", "")
    random.seed(27)
    took_s = full(script, tmp_path / "source", {**environ, "TREERING_DIR": str(tmp_path / "first")})
    for number in range(kills):
        kill_after(start(script, tmp_path / "source", environ), random.uniform(0.0, took_s))
        if number % 20 == 19:
            with Store.open(folder) as store:
                store.ingest_now()
                assert versions(store) in ([], [0])
    full(script, tmp_path / "source", environ)
    with Store.open(folder) as store:
        store.ingest_now()
        assert versions(store) == [0]
    whole_blobs(folder)
    assert not [path for path in (folder / "blobs").glob(".*.added") if path.stat().st_mtime < time.time() - 60]


@pytest.mark.exam
@pytest.mark.parametrize("kills", [200])
def test_a_download_that_is_killed_again_and_again_ends_in_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kills: int
) -> None:
    files = write_source(tmp_path / "source", 20_000)
    random.seed(28)
    with receiving(tmp_path / "server") as there:
        environ = {"TREERING_BASE_URL": there.url, "TREERING_API_KEY": there.key}
        full(UPLOAD, tmp_path / "source", {**environ, "TREERING_DIR": str(tmp_path / "local")})
        took_s = full(DOWNLOAD, tmp_path / "first", environ)
        out = tmp_path / "out"
        for _ in range(kills):
            kill_after(start(DOWNLOAD, out, environ), random.uniform(0.0, took_s / 2))
            for path in out.rglob("*"):  # what has its name is whole
                if path.is_file() and ".treering-partial" not in path.parts:
                    assert path.read_bytes() == files[path.name]
            if sum(path.is_file() for path in out.glob("*")) == FILES:
                for path in random.sample(sorted(out.glob("f*")), FILES // 2):
                    path.unlink()
        full(DOWNLOAD, out, environ)

    assert {path.name: path.read_bytes() for path in out.iterdir()} == files


@pytest.mark.exam
def test_a_download_goes_on_where_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one large file the server is asked for no byte that is on the disk already."""
    asked: list[str] = []
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "big").write_bytes(os.urandom(200 << 20))
    with receiving(tmp_path / "server") as there:
        environ = {"TREERING_BASE_URL": there.url, "TREERING_API_KEY": there.key}
        full(UPLOAD, tmp_path / "source", {**environ, "TREERING_DIR": str(tmp_path / "local")})
        import treering.server.routes.artifact_blobs as routes

        reply = routes.blob_reply
        monkeypatch.setattr(
            routes,
            "blob_reply",
            lambda request, *rest: asked.append(request.headers.get("range", "all")) or reply(request, *rest),
        )
        process = start(DOWNLOAD, tmp_path / "out", environ)
        partial = tmp_path / "out" / ".treering-partial"
        limit = time.monotonic() + 30
        while not any(path.stat().st_size > 5 << 20 for path in partial.glob("*")) and time.monotonic() < limit:
            time.sleep(0.002)
        kill_after(process, 0.0)
        there_already = max(path.stat().st_size for path in partial.glob("*"))
        full(DOWNLOAD, tmp_path / "out", environ)

    assert 0 < there_already < 200 << 20
    assert f"bytes={there_already}-" in asked
    assert (tmp_path / "out" / "big").read_bytes() == (tmp_path / "source" / "big").read_bytes()
