"""Files of a run on another machine: they follow its records, and the run is not uploaded before they are."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

from sdk.servers import Receiving, receiving

TREERING = [sys.executable, "-m", "treering.cli"]
TRAIN = """
import numpy as np, treering as tr
run = tr.init(project="files", entity="ada", settings={"silent": True})
rng = np.random.default_rng(0)
for step in range(3):
    run.log({"picture": tr.Image(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)), "loss": 1 / (step + 1)})
run.log({"table": tr.Table(columns=["a", "b"], data=[[1, "x"], [2, None]])})
open("weights.bin", "wb").write(bytes(range(256)) * 20_000)
run.save("weights.bin")
run.finish()
print(run.key)
"""


def train(folder: Path, server: Receiving | None, **environ: str) -> str:
    folder.mkdir(exist_ok=True)
    variables = {**os.environ, "TREERING_DIR": str(folder / "data"), "HOME": str(folder), **environ}
    if server is not None:
        variables |= {"TREERING_BASE_URL": server.url, "TREERING_API_KEY": server.key}
    (folder / "train.py").write_text(textwrap.dedent(TRAIN))
    done = subprocess.run(
        [sys.executable, "train.py"], cwd=folder, env=variables, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def blobs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "blobs").glob("??/*")}


def whole(server: Receiving, run: str) -> dict[str, Any]:
    """Return the run's page once the server says that everything is uploaded."""
    limit = time.monotonic() + 30
    while True:
        detail: dict[str, Any] = server.server.call("GET", f"/runs/{run}").json
        if detail.get("guarantee", {}).get("uploaded"):
            return detail
        assert time.monotonic() < limit, detail
        time.sleep(0.1)


def test_files_and_media_arrive_with_the_run(tmp_path: Path):
    with receiving(tmp_path / "server") as server:
        run = train(tmp_path / "here", server)
        detail = whole(server, run)
        files = server.server.call("GET", f"/runs/{run}/files").json["files"]
        items = server.server.call("POST", "/media", {"runs": [run], "keys": ["picture"], "range": [0, 9]}).json[
            "items"
        ]
        weights = next(file for file in files if file["path"] == "weights.bin")
        got = server.server.call("GET", f"/runs/{run}/blobs/{weights['sha256']}")

    ours, theirs = blobs(tmp_path / "here" / "data"), blobs(tmp_path / "server")
    assert ours == theirs
    assert all(hashlib.sha256(data).hexdigest() == name for name, data in theirs.items())
    assert detail["lacks"] == []
    assert all(file["held"] for file in files)
    assert [item["step"] for item in items] == [0, 1, 2]
    assert got.body == bytes(range(256)) * 20_000


def test_an_offline_run_is_synced_with_its_files_and_pruned_when_they_are_there(tmp_path: Path):
    run = train(tmp_path / "here", None)
    data = tmp_path / "here" / "data"
    with receiving(tmp_path / "server") as server:
        environ = {
            **os.environ,
            "TREERING_BASE_URL": server.url,
            "TREERING_API_KEY": server.key,
            "HOME": str(tmp_path / "here"),
        }

        def sync(*more: str) -> dict[str, Any]:
            command = [*TREERING, "sync", str(data), "--json", *more]
            done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, done.stderr
            found: dict[str, Any] = json.loads(done.stdout)["folders"][0]
            return found

        first = sync()
        assert first["sent_bytes"] > 5_000_000
        whole(server, run)
        assert blobs(tmp_path / "server") == blobs(data)
        again = sync()
        assert (again["sent_bytes"], again["left_bytes"], again["unsent"]) == (0, 0, {})
        for path in (data / "runs" / run).glob("*.trl"):
            os.utime(path, (0, 0))
        assert sync("--prune-days", "1")["pruned"] == [run]
    assert blobs(data) == {}


def test_a_file_that_is_lost_here_is_named_and_the_rest_arrives(tmp_path: Path):
    run = train(tmp_path / "here", None)
    data = tmp_path / "here" / "data"
    lost = hashlib.sha256(bytes(range(256)) * 20_000).hexdigest()
    (data / "blobs" / lost[:2] / lost).unlink()
    with receiving(tmp_path / "server") as server:
        environ = {
            **os.environ,
            "TREERING_BASE_URL": server.url,
            "TREERING_API_KEY": server.key,
            "HOME": str(tmp_path / "here"),
        }
        command = [*TREERING, "sync", str(data)]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
        detail = server.server.call("GET", f"/runs/{run}").json

    assert done.returncode == 1
    assert f"the file {lost[:12]}…: its bytes cannot be read here" in done.stderr
    assert [(lack["reason"], lack["records"]) for lack in detail["lacks"]] == [("files", 1)]
    assert not detail["guarantee"]["uploaded"]


def test_a_server_that_comes_back_gets_the_files_too(tmp_path: Path):
    with receiving(tmp_path / "server") as server:
        url, key = server.url, server.key
    environ = {"TREERING_BASE_URL": url, "TREERING_API_KEY": key, "TREERING_FINISH_TIMEOUT_S": "1"}
    run = train(tmp_path / "here", None, **environ)
    with receiving(tmp_path / "server") as server:
        variables = {
            **os.environ,
            "TREERING_BASE_URL": server.url,
            "TREERING_API_KEY": server.key,
            "HOME": str(tmp_path / "here"),
        }
        command = [*TREERING, "sync", str(tmp_path / "here" / "data")]
        subprocess.run(command, env=variables, capture_output=True, timeout=60, check=True)
        whole(server, run)
    assert blobs(tmp_path / "here" / "data") == blobs(tmp_path / "server")
