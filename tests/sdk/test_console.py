"""What a process prints: byte for byte on its terminal, line by line in its record."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from treering.runlog import records
from treering.runlog.reader import SegmentReader
from treering.sdk.console import Console

PROGRAM = r"""
import logging, os, sys, threading, time, warnings
{begin}
print("hello", "world")
print("ü\u2603 \udc80".encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
sys.stderr.write("\x1b[31mred\x1b[0m\n")
for i in range(10_000):
    sys.stderr.write(f"\r{i:5d}/10000")
sys.stderr.write("\n")
logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(message)s")
logging.getLogger("x").warning("a warning")
warnings.warn("deprecated", stacklevel=1)
print("to a file", file=open(os.devnull, "w"))
sys.stdout.buffer.write(b"bytes go by\n"); sys.stdout.flush()
print("x" * 200_000)
print("token hf_AbCdEfGhIjKlMnOpQrStUvWx")
threads = [threading.Thread(target=lambda n=n: [sys.stdout.write(f"thread {n} line {i}\n") for i in range(100)]) for n in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
print("no end", end="")
{end}
"""


def run(folder: Path, text: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    path = folder / "train.py"
    path.write_text(text, encoding="utf-8")
    variables = {**os.environ, "TREERING_DIR": str(folder / "data"), "TREERING_SILENT": "1", **environ}
    return subprocess.run([sys.executable, str(path)], env=variables, capture_output=True, timeout=60, check=False)


def recorded(folder: Path) -> dict[str, list[str]]:
    """Return the finished lines of each stream, and the number of states under "states"."""
    found: dict[str, list[str]] = {"stdout": [], "stderr": [], "states": []}
    for path in (folder / "data" / "runs").glob("*/*.trl"):
        for frame in SegmentReader(path).read():
            if frame.kind == records.CONSOLE:
                for line in records.decode(frame):
                    found["states" if line.open else line.stream].append(line.text)
    return found


@pytest.fixture(scope="module")
def printed(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[subprocess.CompletedProcess[bytes], dict[str, list[str]]]:
    folder = tmp_path_factory.mktemp("console")
    begin, end = "import treering as tr; run = tr.init(project='p')", "run.finish()"
    return run(folder, PROGRAM.replace("{begin}", begin).replace("{end}", end)), recorded(folder)


def test_the_terminal_sees_what_it_would_see_without_us(tmp_path: Path, printed):
    plain = run(tmp_path, PROGRAM.replace("{begin}", "").replace("{end}", ""))
    done, _ = printed

    def before_threads(output: bytes) -> bytes:
        return output.partition(b"thread ")[0]

    assert done.returncode == plain.returncode == 0
    assert before_threads(done.stdout) == before_threads(plain.stdout)
    assert sorted(done.stdout) == sorted(plain.stdout), "lines of threads come in any order"
    ours, theirs = (one.stderr.replace(one.args[1].encode(), b"train.py") for one in (done, plain))
    assert ours == theirs


def test_lines_are_recorded_as_they_are_read(printed):
    _, lines = printed
    out, err = lines["stdout"], lines["stderr"]

    assert out[0] == "hello world"
    assert out[1].startswith("ü☃")
    assert "".join(out[2:6]) == "x" * 200_000
    assert "token [redacted]" in out
    assert sorted(line for line in out if line.startswith("thread")) == sorted(
        f"thread {n} line {i}" for n in range(4) for i in range(100)
    )
    assert out[-1] == "no end"
    assert err[0] == "\x1b[31mred\x1b[0m"
    assert err[1] == " 9999/10000"
    assert err[2] == "WARNING a warning"
    assert any("deprecated" in line for line in err)
    assert not any("to a file" in line for line in out + err)


def test_a_traceback_is_among_what_was_printed(tmp_path: Path):
    done = run(tmp_path, "import treering as tr; run = tr.init(project='p'); print('before'); 1 / 0")

    assert done.returncode == 1
    assert b"ZeroDivisionError" in done.stderr
    assert recorded(tmp_path)["stderr"][-1] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize("printed", ["print('\u00fc')", "import os; os.close(1); print('x', flush=True)"])
def test_a_print_that_fails_fails_as_it_would_without_us(tmp_path: Path, printed: str):
    begin = "import treering as tr; run = tr.init(project='p', settings={'silent': True})"
    ours = run(tmp_path, f"{begin}\n{printed}", PYTHONIOENCODING="ascii")
    plain = run(tmp_path, f"run = 1\n{printed}", PYTHONIOENCODING="ascii")

    assert b"Traceback" in plain.stderr
    assert (ours.returncode, ours.stdout, ours.stderr) == (plain.returncode, plain.stdout, plain.stderr)


def test_nothing_is_recorded_if_that_is_not_wanted(tmp_path: Path):
    run(tmp_path, "import treering as tr; run = tr.init(project='p'); print('x')", TREERING_CONSOLE="off")
    assert recorded(tmp_path)["stdout"] == []


def test_what_was_printed_before_a_kill_is_there(tmp_path: Path):
    text = """
        import os, sys, time, treering as tr
        run = tr.init(project="p")
        print("last words")
        sys.stdout.write("\\rhalf a bar")
        time.sleep(1.5)
        os.kill(os.getpid(), 9)
    """
    import textwrap

    assert run(tmp_path, textwrap.dedent(text)).returncode == -signal.SIGKILL
    found = recorded(tmp_path)
    assert found["stdout"] == ["last words"]
    assert found["states"] == ["half a bar"]


# ── the object alone ─────────────────────────────────────────────────────────────────────────────────────────────


class Taken:
    """Collects what a console appends."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.states: list[tuple[str, str]] = []

    def __call__(self, time_ns: int, stream: str, text: str, open: bool) -> None:  # noqa: A002
        (self.states if open else self.lines).append((stream, text))


@pytest.fixture
def taken() -> Taken:
    return Taken()


def listening(taken: Taken, monkeypatch: pytest.MonkeyPatch) -> Console:
    """Return a console that listens to streams of the test's own."""
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    console = Console(taken)
    console.start()
    return console


def test_a_bar_shows_a_state_a_second_and_the_last_one_within_two(taken: Taken, monkeypatch: pytest.MonkeyPatch):
    console = listening(taken, monkeypatch)
    end = time.monotonic() + 2.5
    i = 0
    while time.monotonic() < end:
        sys.stderr.write(f"\r{i}")
        i += 1
        time.sleep(0.001)
    time.sleep(1.6)

    assert 2 <= len(taken.states) <= 5
    assert taken.states[-1] == ("stderr", str(i - 1))
    assert taken.lines == []
    console.stop()


def test_streams_are_as_they_were_afterwards(taken: Taken, monkeypatch: pytest.MonkeyPatch):
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    first, second = Console(taken), Console(taken)
    first.start()
    second.start()
    sys.stdout.write("both\n")
    first.stop()
    sys.stdout.write("second\n")
    second.stop()
    sys.stdout.write("nobody\n")

    assert out.getvalue() == "both\nsecond\nnobody\n"
    assert taken.lines == [("stdout", "both"), ("stdout", "both"), ("stdout", "second")]


def test_printing_while_a_line_is_recorded_comes_behind_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    lines: list[str] = []

    def append(time_ns: int, stream: str, text: str, open: bool) -> None:  # noqa: A002
        lines.append(text)
        if text == "outer":
            sys.stdout.write("inner\n")

    console = Console(append)
    console.start()
    sys.stdout.write("outer\nafter\n")
    console.stop()

    assert lines == ["outer", "after", "inner"]


def test_a_fault_of_ours_is_no_fault_of_a_print(monkeypatch: pytest.MonkeyPatch):
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)

    def append(*_: object) -> None:
        raise OSError("no room")

    console = Console(append)
    console.start()
    assert sys.stdout.write("text\n") == 5
    console._on = False

    assert out.getvalue() == "text\n"


def test_what_is_printed_without_end_stops_being_recorded(taken: Taken, monkeypatch: pytest.MonkeyPatch):
    console = listening(taken, monkeypatch)
    monkeypatch.setattr("treering.sdk.console.CONSOLE_BYTES_MAX", 1_000)
    for i in range(100):
        sys.stdout.write(f"{i:099d}\n")
    console.stop()

    assert len(taken.lines) == 11
    assert taken.lines[-1][1].startswith("[more than 1,000 characters were printed")


def test_threads_that_print_at_once_lose_no_line(taken: Taken, monkeypatch: pytest.MonkeyPatch):
    console = listening(taken, monkeypatch)

    def work(n: int) -> None:
        for i in range(500):
            sys.stdout.write(f"{n} {i}\n")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    console.stop()

    assert sorted(text for _, text in taken.lines) == sorted(f"{n} {i}" for n in range(8) for i in range(500))
