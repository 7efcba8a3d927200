"""The thread that encodes: it never blocks the training, loses nothing silently, and ends with the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import treering as tr
from treering.runlog import records
from treering.sdk.blobs import Blobs
from treering.sdk.encoder import Encoder
from treering.sdk.media.media import Media, Shelf
from treering.sdk.media.payload import Payload, Spool
from treering.store import Store

from .conftest import Done, Folder, wait_until
from .media import Logged


class Slow(Media):
    """A value whose encoding waits until it is let go."""

    kind = "slow"
    gate = threading.Event()

    def __init__(self, number: int, size: int = 0) -> None:
        super().__init__()
        self.number = number
        self._data = self._keep(np.full(size, number % 256, np.uint8)) if size else None

    def encode(self, shelf: Shelf) -> dict[str, Any]:
        self.gate.wait(30)
        value = {"number": self.number}
        if self._data is not None:
            data = self._data.get()
            assert (data == self.number % 256).all()
            value["bytes"] = len(data)
        return value


@pytest.fixture(autouse=True)
def gate() -> threading.Event:
    Slow.gate = threading.Event()
    return Slow.gate


class World:
    """An encoder beside a list for a log."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.log: list[tuple[int, Any]] = []
        self.told: list[tuple[int, Any]] = []  # how many values wait
        self.said: list[str] = []
        self.lock = threading.RLock()
        self.spool = folder / "spool"
        self.encoder = Encoder(
            Blobs(folder / "blobs"),
            Spool(self.spool),
            self.lock,
            lambda kind, body: (self.told if kind == records.WAITING else self.log).append((kind, body)),
            lambda row, pinned: None,
            lambda subject, text: None if text in self.said else self.said.append(text),
            self.said.append,
            **options,
        )

    def put(self, step: int, *values: Media) -> None:
        with self.lock:
            rest = self.encoder.put(step, step, {f"k{n}": value for n, value in enumerate(values)})
        if rest is not None:
            rest()

    def rows(self) -> list[int]:
        return [body[0] for kind, body in self.log if kind == records.ROW]

    def gaps(self) -> list[dict[str, Any]]:
        return [body[1] for kind, body in self.log if kind == records.GAP]

    def end(self, patience_s: float = 20) -> None:
        self.encoder.drain(patience_s)
        with self.lock:
            self.encoder.close()


# ── what does not fit ────────────────────────────────────────────────────────────────────────────────────────────


def test_what_does_not_fit_in_memory_waits_on_the_disk_and_comes_back_whole(
    tmp_path: Path, gate: threading.Event
) -> None:
    world = World(tmp_path, memory_max_bytes=2_500)
    for step in range(10):
        world.put(step, Slow(step, size=1_000))
    sizes = [file.stat().st_size for file in world.spool.rglob("*.raw")]
    gate.set()
    world.end()

    assert 7 <= len(sizes) <= 8
    assert set(sizes) == {1_000}
    assert world.rows() == list(range(10)), "in the order of the calls"
    assert world.gaps() == []
    assert list(world.spool.rglob("*")) == []


def test_what_does_not_fit_there_either_is_dropped_counted_and_said_once(tmp_path: Path, gate: threading.Event) -> None:
    world = World(tmp_path, memory_max_bytes=1_000, spool_max_bytes=2_500)
    for step in range(1, 11):
        world.put(step, Slow(step, size=1_000), Slow(step))
    gate.set()
    world.end()

    kept = world.rows()
    assert 3 <= len(kept) <= 4
    (gap,) = world.gaps()
    assert gap["count"] == 2 * (10 - len(kept))
    assert gap["reason"] == "media backlog"
    assert gap["since_ns"] == kept[-1] + 1
    assert len(world.said) == 1


def test_too_many_calls_are_dropped_too(tmp_path: Path, gate: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("treering.sdk.encoder.MEDIA_WAITING_MAX", 5)
    world = World(tmp_path)
    for step in range(1, 9):
        world.put(step, Slow(step))
    gate.set()
    world.end()

    assert world.rows() == [1, 2, 3, 4, 5]
    assert world.gaps()[0]["count"] == 3


def test_a_disk_that_takes_no_spool_costs_the_value_alone(tmp_path: Path, gate: threading.Event) -> None:
    (tmp_path / "spool").write_text("in the way")
    world = World(tmp_path, memory_max_bytes=1_500)
    for step in range(1, 5):
        world.put(step, Slow(step, size=1_000))
    gate.set()
    world.end()

    assert world.rows() == [1, 2] or world.rows() == [1]
    assert sum(gap["count"] for gap in world.gaps()) == 4 - len(world.rows())


@pytest.mark.parametrize("shape", [(7,), (3, 4, 5), (0, 3), ()])
def test_arrays_and_pictures_come_back_from_the_spool(tmp_path: Path, shape: tuple[int, ...]) -> None:
    from PIL import Image

    spool = Spool(tmp_path / "spool")
    array = np.asarray(np.random.default_rng(0).random(shape), np.float32)
    palette = Image.effect_noise((8, 6), 50).convert("RGB").quantize(9)
    palette.info["transparency"] = 3
    for data in (array, np.asfortranarray(array), palette, Image.new("I;16", (3, 2), 700), b"bytes"):
        payload = Payload(data)
        payload.spill(spool)
        payload.spill(spool)
        assert payload.spilled
        back = payload.get()
        if isinstance(data, np.ndarray):
            assert back.dtype == data.dtype
            assert np.array_equal(back, data)
        elif isinstance(data, bytes):
            assert back == data
        else:
            assert (back.mode, back.size, back.info) == (data.mode, data.size, data.info)
            assert back.tobytes() == data.tobytes()
            assert back.getpalette() == data.getpalette()
    del payload
    assert list((tmp_path / "spool").rglob("*.raw")) == []


def test_leftovers_of_killed_processes_are_removed_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    from treering.sdk.ranks import boot_id, process_start_time

    ours = f"{os.getpid()}.{process_start_time(os.getpid()):.0f}.{boot_id()}.1"
    dead = f"999999999.5.{boot_id()}.1"
    other = "5.5.another-boot.1"
    for name in (ours, dead, other):
        (tmp_path / "spool" / name).mkdir(parents=True)

    Payload(b"x").spill(Spool(tmp_path / "spool"))
    left = {path.name for path in (tmp_path / "spool").iterdir()}
    assert {ours, other} <= left
    assert dead not in left


# ── the disk ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_data_folder_that_refuses_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("treering.sdk.encoder.DISK_RETRY_S", 0.05)
    (tmp_path / "blobs").write_text("in the way")
    world = World(tmp_path)
    world.put(1, tr.Image(np.zeros((2, 2), np.uint8)))
    wait_until(lambda: bool(world.said))
    (tmp_path / "blobs").unlink()
    world.end()

    assert "so does trying" in world.said[0]
    assert world.rows() == [1]
    assert world.gaps() == []


def test_a_data_folder_that_never_recovers_ends_with_a_count(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("in the way")
    world = World(tmp_path)
    for step in (1, 2):
        world.put(step, tr.Image(np.zeros((2, 2), np.uint8)))
    began = time.monotonic()
    world.end(patience_s=0.3)

    assert time.monotonic() - began < 5
    assert world.rows() == []
    assert world.gaps()[0]["count"] == 2


# ── locks ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_end_below_a_held_lock_still_gets_everything(tmp_path: Path) -> None:
    """A signal handler ends the run while the interrupted log() holds the lock."""
    world = World(tmp_path)
    with world.lock:
        for step in range(20):
            world.put(step, tr.Image(np.full((4, 4), step, np.uint8)))
        world.encoder.drain(3.0, quick=True)
        world.encoder.close()

    assert world.rows() == list(range(20))
    assert world.gaps() == []


def test_eight_threads_lose_nothing_and_keep_the_order_of_each_key(folder: Folder) -> None:
    def train(thread: int) -> None:
        for number in range(25):
            run.log({f"x{thread}": tr.Histogram([thread, number]), "n": number})

    with tr.init(project="p") as run:
        threads = [threading.Thread(target=train, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    logged = Logged(folder)
    assert len(logged.all("n")) == 200
    for thread in range(8):
        values = logged.all(f"x{thread}")
        assert len(values) == 25
        assert [step for step, _ in values] == sorted(step for step, _ in values)
        expected = [sorted((float(thread), float(n))) for n in range(25)]
        assert [[value["min"], value["max"]] for _, value in values] == expected


def test_a_broken_value_does_not_stop_the_thread(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    class Bad(Media):
        kind = "bad"

        def encode(self, shelf: Shelf) -> dict[str, Any]:
            raise ZeroDivisionError("in the encoder")

    with tr.init(project="p") as run:
        for _ in range(3):
            run.log({"bad": Bad(), "good": tr.Histogram([1])})

    logged = Logged(folder)
    assert len(logged.all("good")) == 3
    assert logged.all("bad") == []
    assert capsys.readouterr().err.count("ZeroDivisionError: in the encoder") == 1


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_log_of_ten_megabytes_does_not_wait_for_the_encoding(folder: Folder) -> None:
    array = np.random.default_rng(0).integers(0, 256, (2_000, 1_750, 3), np.uint8)
    with tr.init(project="p") as run:
        run.log({"first": tr.Image(array[:4, :4])})  # loads what has to be loaded
        took_s = []
        for _ in range(6):
            wait_until(lambda: run._encoder.left == 0)
            began = time.perf_counter()
            run.log({"x": tr.Image(array), "loss": 1.0})
            took_s.append(time.perf_counter() - began)

    assert min(took_s) < 0.05
    logged = Logged(folder)
    assert np.array_equal(np.asarray(logged.picture(logged.all("x")[0][1])), array)


def test_a_run_of_numbers_has_no_thread_and_loads_nothing(script: Callable[..., Done]) -> None:
    done = script("""
        import sys, threading
        import treering as tr
        with tr.init(project="p") as run:
            run.log({"loss": 1.0, "text": "x"})
            print(threading.active_count(), any("media.image" in m or "encoder" in m for m in sys.modules))
    """)
    assert done.out.split() == ["1", "False"], done.err


# ── processes ────────────────────────────────────────────────────────────────────────────────────────────────────

_PRELUDE = """
    import numpy as np, os, sys, time, signal, threading
    import treering as tr
    from treering.sdk.media.media import Media
    class Slow(Media):
        kind = "slow"
        def encode(self, shelf):
            time.sleep(0.2)
            return {}
"""


def test_the_end_of_the_process_waits_for_what_is_encoded(script: Callable[..., Done], folder: Folder) -> None:
    done = script(
        _PRELUDE
        + """
    run = tr.init(project="p")
    for i in range(5):
        run.log({"x": Slow(), "i": i})
    """
    )
    assert done.code == 0, done.err
    assert [step for step, _ in Logged(folder).all("x")] == [0, 1, 2, 3, 4]
    assert folder.end()["state"] == "finished"


def test_sigterm_encodes_for_a_few_seconds_and_counts_the_rest(script: Callable[..., Done], folder: Folder) -> None:
    done = script(
        _PRELUDE
        + """
    run = tr.init(project="p")
    for i in range(40):
        run.log({"x": Slow(), "i": i})
    began = time.time()
    os.kill(os.getpid(), signal.SIGTERM)
    """
    )
    assert done.code == -signal.SIGTERM
    logged = Logged(folder)
    assert folder.end()["state"] == "killed"
    kept = len(logged.all("x"))
    assert 8 <= kept <= 18
    assert sum(gap.data["count"] for gap in logged.gaps) == 40 - kept
    assert len(logged.all("i")) == 40


def test_finish_gives_up_after_its_time_and_counts_the_rest(script: Callable[..., Done], folder: Folder) -> None:
    done = script(
        _PRELUDE
        + """
    class Stuck(Media):
        kind = "stuck"
        def encode(self, shelf):
            time.sleep(60)
    run = tr.init(project="p", settings={"finish_timeout_s": 1.0})
    run.log({"x": tr.Histogram([1])})
    run.log({"x": Stuck()})
    run.log({"x": tr.Histogram([1])})
    began = time.time()
    run.finish()
    print(time.time() - began < 20)
    """
    )
    assert done.out.split() == ["True"], done.err
    logged = Logged(folder)
    assert len(logged.all("x")) == 1
    assert logged.gaps[0].data["count"] == 2


def test_kill_9_loses_nothing_that_was_written(tmp_path: Path, folder: Folder) -> None:
    program = textwrap.dedent(_PRELUDE) + textwrap.dedent("""
    run = tr.init(project="p")
    array = np.arange(300, dtype=np.uint8).reshape(10, 10, 3)
    for i in range(50):
        run.log({"x": tr.Image(array + i)})
    while run._encoder.left: time.sleep(0.01)
    time.sleep(0.3)
    print("written", flush=True)
    for i in range(1000):
        run.log({"y": tr.Image(np.random.default_rng(i).integers(0, 256, (200, 200, 3), np.uint8))})
    time.sleep(60)
    """)
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == b"written\n"
    time.sleep(0.3)
    process.kill()
    process.wait()
    process.stdout.close()

    logged = Logged(folder)
    assert len(logged.all("x")) == 50
    for step, value in logged.all("x"):
        expected = np.arange(300, dtype=np.uint8).reshape(10, 10, 3) + np.uint8(step)
        assert np.array_equal(np.asarray(logged.picture(value)), expected)
    for _, value in logged.all("y"):
        assert logged.picture(value).size == (200, 200), "a row never names a blob that is not whole"


def test_a_forked_child_has_a_thread_of_its_own(script: Callable[..., Done], folder: Folder) -> None:
    done = script(
        _PRELUDE
        + """
    run = tr.init(project="p")
    for i in range(3):
        run.log({"x": Slow()})
    pid = os.fork()
    if pid == 0:
        run.log({"child": tr.Image(np.zeros((2, 2), np.uint8))})
        run.finish()
        os._exit(0)
    os.waitpid(pid, 0)
    run.log({"x": Slow()})
    run.finish()
    print(pid)
    """
    )
    assert done.code == 0, done.err
    pid = done.out.split()[0]
    assert [step for step, _ in Logged(folder).all("x")] == [0, 1, 2, 3]
    child = Logged(folder, f"main/fork{pid}")
    assert child.picture(child.one("child")).size == (2, 2)
    assert child.all("x") == []


def test_a_pool_worker_encodes_before_it_ends(script: Callable[..., Done], folder: Folder) -> None:
    done = script("""
    import multiprocessing, os
    import numpy as np
    import treering as tr
    def work(run):
        run.log({"child": tr.Image(np.zeros((2, 2), np.uint8))})
        print(os.getpid())
    if __name__ == "__main__":
        run = tr.init(project="p")
        process = multiprocessing.get_context("fork").Process(target=work, args=(run,))
        process.start()
        process.join()
        run.finish()
    """)
    assert done.code == 0, done.err
    child = Logged(folder, f"main/fork{done.out.split()[0]}")
    assert child.picture(child.one("child")).size == (2, 2)


# ── a run that records nothing ───────────────────────────────────────────────────────────────────────────────────


def test_a_disabled_run_accepts_everything(tmp_path: Path) -> None:
    with tr.init(project="p", mode="disabled") as run:
        run.log({"x": tr.Image(np.zeros((2, 2))), "y": [tr.Image("missing.png")], "t": tr.Table(columns=["a"])})
        assert run.save("*.py") == []
        run.log_code()
        run.log_input("nothing")
        run.watch(object(), log="all")
        run.unwatch()

    assert not (tmp_path / "data").exists()


def test_log_after_finish_says_so(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    run = tr.init(project="p")
    run.finish()
    run.log({"x": tr.Image(np.zeros((2, 2)))})
    assert run.save("x") == []
    run.log_input("x")
    run.watch(object())

    assert "after finish" in capsys.readouterr().err
    assert Logged(folder).rows == []


def test_nested_names_steps_and_commit(folder: Folder) -> None:
    with tr.init(project="p") as run:
        run.log({"a": {"b": tr.Histogram([1]), "c": 1}}, commit=False)
        run.log({"d": 2})
        run.log({"only": tr.Histogram([1])})
        run.log({"e": 3})
        run.log({"x": tr.Histogram([1])}, step=np.int64(9))  # type: ignore[arg-type]
        assert run.step == 10

    logged = Logged(folder)
    steps = {key: step for step, row in logged.rows for key in row}
    assert steps == {"a/b": 0, "a/c": 0, "d": 0, "only": 1, "e": 2, "x": 9}


def test_a_resumed_run_goes_on_behind_rows_of_media(folder: Folder) -> None:
    with tr.init(project="p", id="r") as run:
        run.log({"x": tr.Histogram([1])}, step=4)
    with tr.init(project="p", id="r", resume="allow") as run:
        assert run.step == 5
        assert run.summary["x"]["_type"] == "histogram"


def test_a_rich_value_set_in_the_summary_stays_there(folder: Folder) -> None:
    with tr.init(project="p") as run:
        run.summary["best"] = tr.Image(np.zeros((2, 2), np.uint8))
        run.summary.update({"n": 3, "gone": None})
        run.log({"best": tr.Image(np.ones((3, 3), np.uint8))})

    found = [change.data for change in folder.records(records.SUMMARY)]
    (best,) = [change["best"] for change in found if "best" in change]
    assert (best["_type"], best["width"]) == ("image-file", 2)
    assert {"n": 3, "gone": None} in found
    assert folder.records(records.STATE)[-1].data["summary"]["best"] == best
    assert Logged(folder).picture(best).size == (2, 2)


def test_a_run_on_a_network_folder_keeps_its_spool_on_this_machine(folder: Folder, tmp_path: Path) -> None:
    import tempfile

    from treering.sdk.media.payload import spool_root

    with tr.init(project="p", settings={"network_folder": "yes"}) as run:
        run.log({"x": tr.Image(np.zeros((2, 2), np.uint8)), "n": 1})

    logged = Logged(folder)
    assert logged.picture(logged.one("x")).size == (2, 2)
    assert spool_root(tmp_path, True).parent == Path(tempfile.gettempdir())
    assert spool_root(tmp_path, False) == tmp_path / "spool"


def test_media_behind_the_last_step_there_is_raise_nothing(folder: Folder) -> None:
    with tr.init(project="p") as run:
        run.log({"a": 1}, step=2**63 - 1)
        run.log({"h": tr.Histogram([1])})
        run.log({"a": 2, "h": tr.Histogram([1])})

    assert [step for step, data in folder.rows() if "h" in data] == [2**63 - 1, 2**63 - 1]


def test_how_many_values_wait_in_memory_stands_in_the_log(tmp_path: Path, gate):
    world = World(tmp_path)
    world.put(0, Slow(1), Slow(2))
    world.put(1, Slow(3))
    assert [body[1] for _, body in world.told] == [{"put": 2, "done": 0}, {"put": 3, "done": 0}]

    gate.set()
    world.encoder.drain(10)

    assert world.told[-1][1][1] == {"put": 3, "done": 3}


def test_values_that_are_counted_as_lost_do_not_wait(tmp_path: Path, gate):
    world = World(tmp_path)
    world.put(0, Slow(1), Slow(2))
    with world.lock:
        world.encoder.close()

    assert world.told[-1][1][1] == {"put": 2, "done": 2}
    assert [body[1]["count"] for kind, body in world.log if kind == records.GAP] == [2]
    gate.set()


KILLED = """
import os, signal
import numpy as np
import treering as tr

run = tr.init(project="killed", id="r")
for step in range(40):
    run.log({"loss": 1.0 * step, "img": tr.Image(np.random.randint(0, 255, (700, 700, 3), np.uint8))})
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_media_that_a_kill_took_from_memory_are_counted(tmp_path: Path):
    environ = {**os.environ, "TREERING_DIR": str(tmp_path), "TREERING_SILENT": "1", "TREERING_CAPTURE_GIT": "no"}
    done = subprocess.run([sys.executable, "-c", KILLED], env=environ, cwd=tmp_path, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL

    with Store.open(tmp_path) as store:
        (key,) = store.segments.runs()

        def ended() -> bool:
            store.ingest_now()
            return store.run(key).state != "running"

        wait_until(ended, 60)
        run = store.run(key)
        stored = next((one.n for one in run.keys if one.key == "img"), 0)

        assert stored < 40
        assert run.loss is not None
        assert run.loss.points == 40 - stored
        (lack,) = [lack for lack in run.lacks if lack.reason == "media"]
        assert lack.records == 40 - stored
        assert next(one.n for one in run.keys if one.key == "loss") == 40
