"""How long the end of a training takes when something is wrong, and what is said of it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sdk.conftest import Done, Folder, wait_until
from sdk.servers import Receiving, Wire, receiving, same_bytes, segments_of
from treering.ids import run_key
from treering.limits import FINISH_FULL_DISK_S

Script = Callable[..., Done]

_TIMED = """
    import time, treering as tr
    run = tr.init(project="p", entity="ada", id="r1")
    for i in range(200): run.log({"loss": i})
    began = time.monotonic()
    run.finish()
    print(time.monotonic() - began)
"""


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiving]:
    with receiving(tmp_path / "server") as server:
        monkeypatch.setenv("TREERING_API_KEY", server.key)
        yield server


@pytest.fixture
def wire(remote: Receiving, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    wire = Wire(remote.server.port)
    monkeypatch.setenv("TREERING_BASE_URL", wire.url)
    yield wire
    wire.close()


@pytest.mark.parametrize("mode", ["refuse", "hole"])
def test_a_dead_server_is_not_waited_for_and_the_uploader_goes_on(
    script: Script, wire: Wire, remote: Receiving, folder: Folder, mode: str
) -> None:
    wire.become(mode)
    done: Done = script(_TIMED)

    assert float(done.out) < 3.0, "1.5 s, and what a busy machine adds"
    assert len(folder.rows()) == 200
    assert folder.end()["state"] == "finished"
    assert "not everything is uploaded yet" in done.err
    assert "the uploader goes on for a while" in done.err
    if mode == "hole":
        return
    wire.become("pass")
    key = run_key("ada", "p", "r1")
    wait_until(lambda: b'"finished"' in remote.server.call("GET", f"/runs/{key}").body, 25)
    wait_until(lambda: same_bytes(segments_of(folder.path), remote.segments()), 25)


def test_everything_is_there_when_a_healthy_servers_run_has_finished(
    script: Script, wire: Wire, remote: Receiving, folder: Folder
) -> None:
    done: Done = script(_TIMED)

    assert "uploaded" not in done.err
    assert remote.run(run_key("ada", "p", "r1"))["state"] == "finished"
    assert same_bytes(segments_of(folder.path), remote.segments())


def test_a_full_disk_holds_up_the_end_for_seconds_and_the_loss_is_counted(script: Script, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("this user may not mount a small file system")
    try:
        began = time.monotonic()
        done: Done = script(
            """
            import time, numpy as np, treering as tr
            run = tr.init(project="p")
            noise = np.random.default_rng(0)
            for i in range(20):
                image = tr.Image(noise.integers(0, 255, (160, 160, 3), dtype=np.uint8))
                run.log({"image": image, "loss": i})
            began = time.monotonic()
            run.finish()
            print(time.monotonic() - began)
            """,
            TREERING_DIR=str(small),
            TREERING_MODE="offline",
        )
        assert float(done.out) < FINISH_FULL_DISK_S + 4
        assert time.monotonic() - began < 20
        assert "media were lost because the disk refused them" in done.err
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
