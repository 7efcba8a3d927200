"""Online mode: a run on this machine, a real server in front of another folder, and the network between."""

from __future__ import annotations

import getpass
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

import treering as tr
from sdk.conftest import Done, Folder, wait_until
from sdk.servers import Receiving, Wire, receiving, same_bytes, segments_of
from treering.ids import run_key
from treering.runlog import records
from treering.runlog.writer import Writer

Script = Callable[..., Done]


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiving]:
    with receiving(tmp_path / "server") as server:
        monkeypatch.setenv("TREERING_BASE_URL", server.url)
        monkeypatch.setenv("TREERING_API_KEY", server.key)
        yield server


@pytest.fixture
def wire(remote: Receiving, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    wire = Wire(remote.server.port)
    monkeypatch.setenv("TREERING_BASE_URL", wire.url)
    yield wire
    wire.close()


def begin(**options: object) -> tr.Run:
    run = tr.init(project="p", entity="ada", **options)
    assert isinstance(run, tr.Run)
    return run


def training(tmp_path: Path, text: str, **environ: str) -> subprocess.Popen[str]:
    """Start a script that prints one line when it is under way; wait for that line."""
    path = tmp_path / "train.py"
    path.write_text(textwrap.dedent(text))
    process = subprocess.Popen(
        [sys.executable, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environ},
        cwd=tmp_path,
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie"


def test_a_run_arrives_byte_for_byte_and_finish_says_nothing_of_it(
    remote: Receiving, folder: Folder, capfd: pytest.CaptureFixture[str]
) -> None:
    with begin(config={"lr": 0.1}) as run:
        assert not run.offline
        assert run.url == f"{remote.url}/r/{run.key}"
        for step in range(1_000):
            run.log({"loss": 1 / (step + 1)})
    ours = segments_of(folder.path)

    assert len(ours) == 2
    assert same_bytes(ours, remote.segments())
    page = remote.run(run.key)
    assert (page["state"], page["config"], page["summary"]["loss"]) == ("finished", {"lr": 0.1}, 0.001)
    said = capfd.readouterr().err
    assert run.url in said
    assert "not everything" not in said
    assert remote.key not in said


def test_the_beats_say_what_was_shipped_and_where(remote: Receiving, folder: Folder) -> None:
    run = begin(settings={"silent": True})
    run.log({"a": 1})
    (segment,) = run._writer.segments
    path = Path(run.dir) / f"{segment}.trl"
    wait_until(lambda: len(remote.segments().get(segment, b"")) > 0)
    first = len(remote.segments()[segment])
    run.log({"a": 2})
    wait_until(lambda: len(remote.segments()[segment]) > first)  # so the answer to the first was read
    run.finish()

    last = folder.records(records.BEAT, "system")[-1].data
    assert last["server"] == remote.url
    assert 0 < last["shipped"][segment] <= path.stat().st_size


def test_a_forked_child_is_shipped_too(remote: Receiving, script: Script, folder: Folder) -> None:
    done = script("""
        import os, sys, treering as tr
        run = tr.init(project='p', entity='ada')
        run.log({'a': 0})
        pid = os.fork()
        if pid == 0:
            run.log({'child': 1})
            sys.exit(0)
        os.waitpid(pid, 0)
    """)

    assert done.code == 0, done.err
    assert len(segments_of(folder.path)) == 3
    assert same_bytes(segments_of(folder.path), remote.segments())


# ── what is wrong is said once ───────────────────────────────────────────────────────────────────────────────────


def said_at_init(script: Script, **environ: str) -> tuple[Done, float]:
    done = script(
        """
        import time, treering as tr
        began = time.monotonic()
        run = tr.init(project='p', entity='ada', settings={'finish_timeout_s': 1})
        print(time.monotonic() - began)
        for i in range(100): run.log({'a': i})
        """,
        **environ,
    )
    assert done.code == 0, done.err
    return done, float(done.out)


def test_a_wrong_key_is_named(remote: Receiving, script: Script, folder: Folder) -> None:
    done, _ = said_at_init(script, TREERING_API_KEY="trk_wrong")

    assert f"the key was refused by {remote.url}" in done.err
    assert "treering login" in done.err
    assert "trk_wrong" not in done.err
    assert len(folder.rows()) == 100


def test_a_missing_key_is_named(remote: Receiving, script: Script) -> None:
    done, _ = said_at_init(script, TREERING_API_KEY="")

    assert f"wants a key, and there is none: treering login {remote.url}" in done.err


def test_a_wrong_port_a_wrong_name_and_a_wrong_address_are_told_apart(remote: Receiving, script: Script) -> None:
    with __import__("socket").create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert (
        f"nothing listens at 127.0.0.1:{port}"
        in said_at_init(script, TREERING_BASE_URL=f"http://127.0.0.1:{port}")[0].err
    )
    other = said_at_init(script, TREERING_BASE_URL="http://no-such-host.invalid")[0].err
    assert "the name no-such-host.invalid is not known here (DNS)" in other
    assert "is not an address such as" in said_at_init(script, TREERING_BASE_URL="ftp://lab")[0].err
    assert "does not speak TLS" in said_at_init(script, TREERING_BASE_URL=remote.url.replace("http:", "https:"))[0].err


def test_a_dead_server_does_not_hold_up_init_and_nothing_is_lost(
    script: Script, folder: Folder, remote: Receiving
) -> None:
    done, init_s = said_at_init(script, TREERING_BASE_URL="http://127.0.0.1:9")

    assert init_s < 5
    assert done.err.count("nothing listens") <= 3  # at init, while waiting, and at the end
    assert f"treering sync {folder.run_folders()[0]}" in done.err
    assert len(folder.rows()) == 100


def test_a_black_hole_disturbs_neither_init_nor_log(wire: Wire, script: Script, folder: Folder) -> None:
    wire.become("hole")
    done = script("""
        import time, treering as tr
        began = time.monotonic()
        run = tr.init(project='p', entity='ada', settings={'finish_timeout_s': 1})
        took = [time.monotonic() - began]
        for i in range(20_000):
            began = time.perf_counter()
            run.log({'a': i})
            took.append(time.perf_counter() - began)
        took[1:] = sorted(took[1:])
        print(took[0], took[len(took) * 99 // 100])
    """)

    init_s, log_p99_s = map(float, done.out.split())
    assert init_s < 5
    assert log_p99_s < 0.005
    assert "has not answered within 4 s" in done.err
    assert len(folder.rows()) == 20_000


def test_a_proxys_error_page_is_no_message(wire: Wire, script: Script) -> None:
    wire.become("html")
    done, _ = said_at_init(script)

    assert "status 502" in done.err
    assert "<" not in done.err.replace("<its authority", "")


# ── the server comes and goes ────────────────────────────────────────────────────────────────────────────────────


def test_everything_arrives_when_the_server_comes_back(wire: Wire, remote: Receiving, folder: Folder) -> None:
    wire.become("refuse")
    run = begin(settings={"silent": True})
    for step in range(500):
        run.log({"loss": step})
    wire.become("pass")
    for step in range(500):
        run.log({"loss": step})
    run.finish()

    assert same_bytes(segments_of(folder.path), remote.segments())
    assert remote.run(run.key)["state"] == "finished"


def test_a_server_that_is_down_is_asked_at_most_once_a_second(wire: Wire) -> None:
    wire.become("html")
    run = begin(settings={"silent": True, "finish_timeout_s": 0.1})
    before, began = wire.requests, time.monotonic()
    wait_until(lambda: wire.requests >= before + 3, 30)
    asked, took_s = wire.requests - before, time.monotonic() - began
    run.finish()  # which asks once more: somebody waits for it

    assert asked <= took_s + 1


def test_kill_9_of_the_training_ships_the_rest_and_the_verdict(
    tmp_path: Path, remote: Receiving, folder: Folder
) -> None:
    process = training(
        tmp_path,
        """
        import os, signal, treering as tr
        run = tr.init(project='p', entity='ada', id='r1')
        for i in range(5_000): run.log({'a': i})
        print(run._uploader.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
        """,
    )
    process.communicate()
    key = run_key("ada", "p", "r1")
    wait_until(lambda: "crashed" in str(remote.server.call("GET", f"/runs/{key}").body), 40)

    wait_until(lambda: remote.run(key)["summary"].get("a") == 4_999)
    rows = [data["a"] for _, data in folder.rows()]
    assert rows == list(range(5_000))


@pytest.mark.exam  # half a minute of waiting
def test_the_helper_is_gone_soon_after_its_parent_even_if_the_server_is_not_there(tmp_path: Path, wire: Wire) -> None:
    wire.become("refuse")
    path = tmp_path / "train.py"
    path.write_text(
        "import os, signal, treering as tr\nrun = tr.init(project='p')\nprint(run._uploader.pid, flush=True)\n"
        "run.log({'a': 1})\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True)

    wait_until(lambda: is_gone(int(done.stdout)), 40)


# ── stop ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_UNTIL_STOPPED = """
    import time, treering as tr
    run = tr.init(project='p', entity='ada', id='r1', settings={'allow_stop': ALLOW})
    run.log({'a': 1})
    print('up', flush=True)
    for _ in range(600):
        time.sleep(0.05)
        run.log({'a': 2})
"""


def test_stop_reaches_a_run_on_another_machine(tmp_path: Path, remote: Receiving, folder: Folder) -> None:
    process = training(tmp_path, _UNTIL_STOPPED.replace("ALLOW", "True"))
    key = run_key("ada", "p", "r1")
    wait_until(lambda: remote.server.call("GET", f"/runs/{key}").status == 200)
    assert remote.server.call("POST", f"/runs/{key}/stop", {}).status == 200

    _, err = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in err
    assert process.returncode == -signal.SIGINT
    end = folder.end()
    assert end["state"] == "killed"
    assert end["reason"] == f"stopped from the browser by {getpass.getuser()}"
    assert remote.run(key)["state"] == "killed"


def write_stop(run_folder: Path, run: dict[str, str]) -> None:
    """As the server of this machine does it: an edit in a segment of its own."""
    writer = Writer(run_folder, {"run": run, "life_id": "1" * 16, "writer": "server", "process": {}})
    now_ns = time.time_ns()
    writer.append(records.EDIT, [now_ns, "grace", {"stop": {"time_ns": now_ns}}])
    writer.close()


@pytest.mark.parametrize("allowed", [True, False])
def test_stop_reaches_a_run_of_this_folder_if_it_may(tmp_path: Path, folder: Folder, allowed: bool) -> None:
    text = _UNTIL_STOPPED.replace("ALLOW", str(allowed)).replace("600", "600" if allowed else "60")
    process = training(tmp_path, text)
    (run_folder,) = folder.run_folders()
    write_stop(run_folder, folder.lives()[0]["run"])

    process.communicate(timeout=40)
    end = folder.end()
    assert (end["state"], end["reason"]) == (
        ("killed", "stopped from the browser by grace") if allowed else ("finished", "")
    )


# ── another machine ──────────────────────────────────────────────────────────────────────────────────────────────


def test_resume_on_another_machine_goes_on_where_the_run_was(
    tmp_path: Path, remote: Receiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    with begin(id="r1", config={"lr": 0.1}, name="first", settings={"silent": True}) as run:
        for _ in range(7):
            run.log({"loss": 1.0})
    monkeypatch.setenv("TREERING_DIR", str(tmp_path / "elsewhere"))
    with begin(id="r1", resume="must", settings={"silent": True}) as again:
        assert (again.resumed, again.step, again.name) == (True, 7, "first")
        assert again.config["lr"] == 0.1
        again.log({"loss": 0.5})

    page = remote.run(run.key)
    assert page["summary"]["loss"] == 0.5
    assert len({life["created_ns"] for life in Folder(tmp_path / "elsewhere").lives()}) == 2


def test_a_clock_that_is_a_day_behind_does_not_reorder_lives(tmp_path: Path, remote: Receiving, script: Script) -> None:
    with begin(id="r1", settings={"silent": True}) as run:
        run.log({"loss": 1.0})
    done = script(
        """
        import time
        real = time.time_ns
        time.time_ns = lambda: real() - 86_400_000_000_000
        import treering as tr
        with tr.init(project='p', entity='ada', id='r1', resume='must') as run:
            run.log({'loss': 0.25})
        """,
        TREERING_DIR=str(tmp_path / "elsewhere"),
    )

    assert done.code == 0, done.err
    first, second = (Folder(tmp_path / name).lives()[0]["created_ns"] for name in ("data", "elsewhere"))
    assert second > first


def test_ctrl_c_ends_the_waiting_for_the_upload_and_not_the_script(
    tmp_path: Path, remote: Receiving, wire: Wire, folder: Folder
) -> None:
    wire.become("refuse")
    process = training(
        tmp_path,
        """
        import treering as tr
        run = tr.init(project="p", entity="ada", settings={"finish_unreachable_s": 60.0})
        print("up", flush=True)
        run.finish()
        print("went on", flush=True)
        """,
    )
    assert process.stderr is not None
    while "Ctrl-C stops waiting" not in process.stderr.readline():
        assert process.poll() is None

    process.send_signal(signal.SIGINT)
    out, err = process.communicate()

    assert process.returncode == 0
    assert out == "went on\n"
    assert "Ctrl-C ended the waiting" in err
    assert "treering sync" in err


def test_a_key_in_the_text_of_an_error_is_hidden(remote: Receiving, script: Script, folder: Folder) -> None:
    script(
        """
        import os, treering as tr
        run = tr.init(project="p", entity="ada", settings={"finish_timeout_s": 1})
        raise ValueError("401 for " + os.environ["TREERING_API_KEY"])
        """,
        TREERING_API_KEY="trk_abcdefgh_" + "s3cr3t" * 8,
    )

    whole = b"".join(path.read_bytes() for path in folder.path.rglob("*.trl"))
    assert b"401 for [redacted]" in whole
    assert b"s3cr3ts3cr3t" not in whole


def test_a_certificate_may_be_named_from_where_the_script_runs(tmp_path: Path, script: Script) -> None:
    done, _ = said_at_init(script, TREERING_CA_FILE="authority.pem", TREERING_BASE_URL="https://127.0.0.1:9")

    assert f"{tmp_path}/authority.pem" in done.err


def test_a_refused_key_is_not_waited_for_at_the_end(remote: Receiving, script: Script) -> None:
    done = script(
        """
        import time, treering as tr
        run = tr.init(project="p", settings={"finish_timeout_s": 55.0})
        run.log({"loss": 1.0})
        begun = time.monotonic()
        run.finish()
        print(time.monotonic() - begun)
        """,
        TREERING_API_KEY="trk_wrong",
    )

    assert float(done.out) < 30, done.err
    assert "not everything is uploaded yet (the key was refused" in done.err
