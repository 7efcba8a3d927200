"""``treering login``, ``sync`` and ``relay`` as processes of their own, against a real server."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sdk.servers import Receiving, receiving, same_bytes, segments_of
from server.run_logs import open_run, write_run
from treering.ids import run_key
from treering.runlog import records
from treering.sdk.ship_lock import ShipLock

TREERING = [sys.executable, "-m", "treering.cli"]
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Receiving]:
    with receiving(tmp_path / "server") as server:
        yield server


@pytest.fixture
def environ(tmp_path: Path, remote: Receiving) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TREERING_", "WANDB_"))}
    home = tmp_path / "home"
    home.mkdir()
    return {
        **kept,
        "HOME": str(home),
        "TREERING_DIR": str(tmp_path / "data"),
        "TREERING_BASE_URL": remote.url,
        "TREERING_API_KEY": remote.key,
    }


@pytest.fixture
def command(environ: dict[str, str], tmp_path: Path) -> Command:
    def run(*words: str, code: int = 0, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        its = {name: value for name, value in {**environ, **more}.items() if value}
        done = subprocess.run(
            [*TREERING, *words], capture_output=True, text=True, timeout=90, env=its, cwd=tmp_path, input=stdin
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert remote_key_is_not_in(done, environ)
        return done

    return run


def remote_key_is_not_in(done: subprocess.CompletedProcess[str], environ: dict[str, str]) -> bool:
    return environ["TREERING_API_KEY"] not in done.stdout + done.stderr


def rows(count: int) -> list[dict[str, float]]:
    return [{"loss": 1 / (step + 1)} for step in range(count)]


def test_offline_runs_are_sent_and_a_second_sync_finds_them_there(
    tmp_path: Path, remote: Receiving, command: Command
) -> None:
    data = tmp_path / "data"
    keys = [write_run(data, f"r{n}", rows(200)) for n in range(5)]
    first = json.loads(command("sync", "--json").stdout)["folders"][0]
    again = json.loads(command("sync", "--json").stdout)["folders"][0]

    assert (first["runs"], first["unsent"]) == (5, {})
    assert first["sent_bytes"] == first["held_bytes"] == sum(map(len, segments_of(data).values()))
    assert (again["sent_bytes"], again["held_bytes"]) == (0, first["held_bytes"])
    assert same_bytes(segments_of(data), remote.segments())
    assert remote.run(keys[0])["state"] == "finished"


@pytest.mark.exam
def test_a_run_that_still_writes_can_be_sent(tmp_path: Path, remote: Receiving, command: Command) -> None:
    data = tmp_path / "data"
    writer = open_run(data, "r1")
    for step in range(100):
        writer.append(records.ROW, [step, step, {"a": step}])
    command("sync")
    (half,) = remote.segments().values()
    for step in range(100, 200):
        writer.append(records.ROW, [step, step, {"a": step}])
    writer.close()
    command("sync")

    (whole,) = remote.segments().values()
    assert 0 < len(half) < len(whole)
    assert whole.startswith(half)
    assert same_bytes(segments_of(data), remote.segments())


def test_one_run_is_sent_by_its_folder_its_path_or_its_id(tmp_path: Path, remote: Receiving, command: Command) -> None:
    data = tmp_path / "data"
    keys = [write_run(data, f"r{n}", rows(3)) for n in range(4)]
    command("sync", str(data / "runs" / keys[0]))
    command("sync", "ada/digits/r1")
    command("sync", "r2")
    missing = command("sync", "r9", code=3)

    assert {path.parent.name for path in (remote.data_dir / "runs").glob("*/*.trl")} == set(keys[:3])
    assert "no run of" in missing.stderr


@pytest.mark.exam
def test_what_is_behind_damage_is_sent_too(tmp_path: Path, remote: Receiving, command: Command) -> None:
    data = tmp_path / "data"
    key = write_run(data, "r1", rows(2_000))
    (path,) = (data / "runs" / key).glob("*.trl")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 512] = bytes(512)
    path.write_bytes(content)
    said = command("sync").stdout

    assert "1 parts behind damage" in said
    assert len(remote.segments()) == 2
    assert remote.run(key)["state"] == "finished", "its end is behind the damage"
    history = remote.server.call("GET", f"/runs/{key}/history").body
    assert history


def test_a_file_that_was_changed_is_kept_beside_what_was_sent(
    tmp_path: Path, remote: Receiving, command: Command
) -> None:
    data = tmp_path / "data"
    key = write_run(data, "r1", rows(20))
    command("sync")
    (path,) = (data / "runs" / key).glob("*.trl")
    before = path.read_bytes()
    other = tmp_path / "other"
    write_run(other, "r1", [{"loss": 9.0} for _ in range(25)])
    (changed,) = (other / "runs" / key).glob("*.trl")
    path.write_bytes(_as_segment(changed.read_bytes(), path.stem))
    command("sync")

    theirs = remote.segments()
    assert theirs[path.stem] == before
    (fork,) = (content for name, content in theirs.items() if name != path.stem)
    assert b"fork_of" in fork
    command("sync")
    assert remote.segments() == theirs, "the same fork again, not another one"


def _as_segment(content: bytes, segment: str) -> bytes:
    """Return the frames of a segment, chained anew under another id."""
    from treering.runlog.frames import (
        FRAME_HEADER_BYTES,
        HEADER_BYTES,
        decode_header,
        encode_frame,
        encode_header,
        seed,
    )
    from treering.runlog.salvage import frame_at

    header = decode_header(content[:HEADER_BYTES])
    result, at = encode_header(segment, header.created_ns), HEADER_BYTES
    chain = int.from_bytes(result[-4:], "little")
    while found := frame_at(header.segment_id, lambda length, offset: content[offset : offset + length], at):
        payload = content[at + FRAME_HEADER_BYTES : found.end]
        frame = encode_frame(
            found.head.kind,
            result[:HEADER_BYTES] if found.head.kind == records.HEADER else payload,
            first_seq=found.head.first_seq,
            prev=chain,
            crc_seed=seed(segment),
            flags=found.head.flags,
        )
        chain = int.from_bytes(frame[FRAME_HEADER_BYTES - 4 : FRAME_HEADER_BYTES], "little")
        result, at = result + frame, found.end
    return result


def test_a_run_that_its_own_training_ships_is_left_to_it(tmp_path: Path, remote: Receiving, command: Command) -> None:
    data = tmp_path / "data"
    busy, free = write_run(data, "busy", rows(5)), write_run(data, "free", rows(5))
    with ShipLock.share(data / "runs" / busy, remote.url, 0):
        said = command("sync", code=1)
    command("sync")

    assert f"not all of {busy}: its own training is shipping it at present" in said.stderr
    assert free not in said.stderr
    assert len(remote.segments()) == 2
    assert not list((data / "live").glob("*.ship-*")), "no lock is left over"


@pytest.mark.exam
def test_pruning_takes_only_what_is_confirmed_and_old(tmp_path: Path, remote: Receiving, command: Command) -> None:
    data = tmp_path / "data"
    old, young = write_run(data, "old", rows(5)), write_run(data, "young", rows(5))
    unsealed = open_run(data, "unsealed")
    unsealed.append(records.ROW, [0, 0, {"a": 1}])
    unsealed.abandon()
    day_ago = time.time() - 3 * 86_400
    for key in (old, run_key("ada", "digits", "unsealed")):
        for path in (data / "runs" / key).glob("*.trl"):
            os.utime(path, (day_ago, day_ago))
    pruned = json.loads(command("sync", "--prune-days", "2", "--json").stdout)["folders"][0]["pruned"]

    assert pruned == [old]
    assert {path.name for path in (data / "runs").iterdir()} == {young, run_key("ada", "digits", "unsealed")}


def test_a_run_whose_own_training_still_ships_it_is_not_removed(
    tmp_path: Path, remote: Receiving, command: Command
) -> None:
    data = tmp_path / "data"
    key = write_run(data, "busy", rows(3))
    command("sync")

    with ShipLock.share(data / "runs" / key, remote.url, 1.0):
        kept = command("sync", "--prune-days", "0", "--json", code=1).stdout

    assert json.loads(kept)["folders"][0]["pruned"] == []
    assert (data / "runs" / key).is_dir()


def test_a_wrong_key_and_a_missing_server_are_said_with_an_exit_code(
    tmp_path: Path, remote: Receiving, command: Command
) -> None:
    write_run(tmp_path / "data", "r1", rows(3))
    wrong = command("sync", code=1, TREERING_API_KEY="trk_no")
    none = command("sync", code=2, TREERING_BASE_URL="", TREERING_API_KEY="x")

    assert f"the key was refused by {remote.url}" in wrong.stderr
    assert "To which server?" in none.stderr


# ── login ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_login_checks_the_key_and_keeps_it_for_this_user_alone(
    tmp_path: Path, remote: Receiving, environ: dict[str, str], command: Command
) -> None:
    said = command("login", remote.url + "/", stdin=f"{remote.key}\n", TREERING_API_KEY="", TREERING_BASE_URL="")
    path = Path(environ["HOME"]) / ".config" / "treering" / "credentials.json"

    assert f"logged in to {remote.url}" in said.stdout
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert remote.url in path.read_text()
    write_run(tmp_path / "data", "r1", rows(3))
    command("sync", TREERING_API_KEY="", TREERING_BASE_URL="")
    assert len(remote.segments()) == 1
    path.chmod(0o644)
    refused = command("sync", code=1, TREERING_API_KEY="", TREERING_BASE_URL="")
    assert "chmod 600" in refused.stderr


def test_login_refuses_a_wrong_key_and_an_address_without_a_server(remote: Receiving, command: Command) -> None:
    assert "the key was refused" in command("login", remote.url, "--key", "trk_no", code=1).stderr
    assert "nothing listens" in command("login", "http://127.0.0.1:9", "--key", "k", code=1).stderr
    assert "is not an address" in command("login", "lab", "--key", "k", code=2).stderr


# ── relay ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_relay_follows_a_folder_and_notices_new_runs(
    tmp_path: Path, remote: Receiving, environ: dict[str, str], command: Command
) -> None:
    data = tmp_path / "shared"
    write_run(data, "r1", rows(50))
    process = subprocess.Popen(
        [*TREERING, "relay", str(data)], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        _wait_for(lambda: same_bytes(segments_of(data), remote.segments()))
        writer = open_run(data, "r2")
        writer.append(records.ROW, [0, 0, {"a": 1}])
        _wait_for(lambda: len(remote.segments()) == 2)
        writer.append(records.ROW, [1, 0, {"a": 2}])
        writer.close()
        _wait_for(lambda: same_bytes(segments_of(data), remote.segments()))
        assert "Another relay" in command("relay", str(data), code=6).stderr
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)

    assert process.returncode == 0, err
    assert "relaying" in out
    assert "2 runs followed" in err


def _wait_for(condition: Callable[[], bool], timeout_s: float = 30) -> None:
    limit = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.05)


def test_what_a_killed_job_left_in_memory_is_brought_home_without_a_server_too(tmp_path: Path) -> None:
    target = tmp_path / "nfs" / "runs" / ("a" * 26)
    target.mkdir(parents=True)
    left = """
import sys
from pathlib import Path
from treering.runlog.writer import Writer
from treering.sdk.staging import Staging
staging = Staging.create(Path(sys.argv[1]), "fedcba9876543210")
writer = Writer(staging.folder, {"run": None, "life_id": "x", "writer": ""})
writer.append(1, (0, 0, {"loss": 1.0}))
writer.close()
"""
    subprocess.run([sys.executable, "-c", left, str(target)], check=True)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TREERING_")}
    environ |= {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "TREERING_DIR": str(tmp_path / "nfs")}

    done = subprocess.run(
        [sys.executable, "-m", "treering.cli", "sync"], env=environ, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert str(target) in done.stderr
    assert [path.stat().st_size > 0 for path in target.glob("*.trl")] == [True]
