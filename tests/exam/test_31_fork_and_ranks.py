"""Forks, spawned workers, ranks, nested programs: no deadlock, a segment each, every record once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sdk.conftest import Done, Folder, clean_environment, folder, script

__all__ = ["clean_environment", "folder", "script"]

Script = Callable[..., Done]


@pytest.mark.parametrize("forks", [10, pytest.param(30, marks=pytest.mark.exam)])
def test_forks_while_other_threads_log(script: Script, folder: Folder, forks: int) -> None:
    done = script(f"""
        import os, threading, treering as tr
        run = tr.init(project='p')
        stop = threading.Event()
        def work():
            while not stop.is_set(): run.log({{'a': 1}})
        threads = [threading.Thread(target=work) for _ in range(3)]
        for t in threads: t.start()
        for n in range({forks}):
            pid = os.fork()
            if pid == 0:
                for i in range(10): run.log({{'child': n * 10 + i}})
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
        stop.set()
        for t in threads: t.join()
    """)

    assert done.code == 0, done.err
    steps = [step for step, _ in folder.rows()]
    assert sorted(steps) == list(range(len(steps)))
    children = [life["writer"] for life in folder.lives() if "/fork" in life["writer"]]
    assert len(children) == len(set(children)) == forks
    values = sorted(data["child"] for label in children for _, data in folder.rows(label))
    assert values == list(range(10 * forks)), "every child's records are there once"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_a_pool_that_log(script: Script, folder: Folder, method: str) -> None:
    done = script(f"""
        import multiprocessing, treering as tr
        def work(x):
            if tr.run is not None: tr.log({{'worker': x}})
            return x
        if __name__ == '__main__':
            run = tr.init(project='p')
            run.log({{'a': 0}})
            with multiprocessing.get_context({method!r}).Pool(3) as pool:
                assert sorted(pool.map(work, range(20), chunksize=1)) == list(range(20))
            run.log({{'a': 1}})
    """)

    assert done.code == 0, done.err
    assert folder.rows() == [(0, {"a": 0}), (1, {"a": 1})]
    assert folder.end()["state"] == "finished"
    logged = [
        d["worker"] for life in folder.lives() if "/fork" in life["writer"] for _, d in folder.rows(life["writer"])
    ]
    assert sorted(logged) == (list(range(20)) if method == "fork" else [])


def test_a_forked_worker_ends_at_once_when_it_is_terminated(script: Script) -> None:
    """A handler of ours, inherited by the worker, could come too late; a pool would then wait for ever."""
    done = script("""
        import os, signal, treering as tr
        run = tr.init(project='p')
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        pid = os.fork()
        if pid == 0:
            os._exit(0 if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL else 1)
        assert os.waitpid(pid, 0)[1] == 0
    """)

    assert done.code == 0, done.err


def test_a_program_started_by_the_training_has_a_run_of_its_own(script: Script, folder: Folder) -> None:
    done = script("""
        import subprocess, sys, treering as tr
        if len(sys.argv) > 1:
            tr.init(project='p').log({'inner': 1})
        else:
            run = tr.init(project='p')
            subprocess.run([sys.executable, __file__, 'inner'], check=True)
            run.log({'outer': 1})
    """)

    assert done.code == 0, done.err
    assert len(folder.run_folders()) == 2
    assert sorted(str(data) for _, data in folder.rows()) == ["{'inner': 1}", "{'outer': 1}"]


def test_eight_ranks_write_one_run_and_each_its_own_segment(tmp_path: Path, folder: Folder) -> None:
    text = """
import os, treering as tr
rank = int(os.environ['RANK'])
run = tr.init(project='p')
for step in range(200): run.log({'loss': rank + step / 1000}, step=step)
"""
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", text],
            env={**os.environ, "RANK": str(n), "LOCAL_RANK": str(n), "WORLD_SIZE": "8"},
            stderr=subprocess.DEVNULL,
        )
        for n in range(8)
    ]

    assert [process.wait(60) for process in ranks] == [0] * 8
    assert len(folder.run_folders()) == 1
    for rank in range(8):
        rows = folder.rows("" if rank == 0 else f"rank{rank}")
        assert [(step, data["loss"]) for step, data in rows] == [(step, rank + step / 1000) for step in range(200)]


def test_eight_threads_and_their_points(script: Script, folder: Folder) -> None:
    done = script("""
        import threading, treering as tr
        run = tr.init(project='p')
        def work(n):
            for i in range(10_000): run.log({'n': n * 10_000 + i})
        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for t in threads: t.start()
        for t in threads: t.join()
    """)

    assert done.code == 0, done.err
    assert sorted(data["n"] for _, data in folder.rows()) == list(range(80_000))
