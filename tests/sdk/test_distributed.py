"""Four real processes of one job, one of them slow and one killed: what is said of them afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from sdk.conftest import Folder
from treering.store import Store
from treering.store.distributed import Processes
from treering.store.process_series import ProcessSeriesRequest
from treering.store.processes import Where

SLOW, KILLED = 2, 3

TRAIN = """
    import os, signal, sys, time
    import treering as tr

    rank, first, steps = int(os.environ["RANK"]), int(sys.argv[1]), int(sys.argv[2])
    run = tr.init(project="p", entity="ada", settings={"silent": True, "disable_git": True, "disable_code": True})
    print("begins", flush=True)
    sys.stdin.readline()
    for step in range(first, steps):
        time.sleep(0.1 if rank == 2 else 0.03)
        run.log({"loss": rank + step / 100}, step=step)
        if rank == 3 and step == 19:
            os.kill(os.getpid(), signal.SIGKILL)
    run.finish()
"""


def launch(tmp_path: Path, ranks: range, text: str = TRAIN, first: int = 0, steps: int = 40, **environ: str) -> None:
    """Run one process per rank, all of them beginning to train together, and wait for all."""
    path = tmp_path / "train.py"
    path.write_text(textwrap.dedent(text))
    processes = [
        subprocess.Popen(
            [sys.executable, str(path), str(first), str(steps)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "4", **environ},
        )
        for rank in ranks
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "begins\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)


def found_in(folder: Folder, where: Where | None = None) -> tuple[Processes, list[int], str]:
    """What is known of the job, how many processes are in each bucket of its band, and the run's key."""
    key = folder.run_folders()[0].name
    with Store.open(folder.path) as store:
        store.ingest_now()
        where = where or Where(run=key)
        (band,) = store.distributed.series(where, ProcessSeriesRequest(["loss"]))
        assert band.count is not None
        return store.distributed.processes(where), band.count.tolist(), key


def test_of_four_processes_in_one_run_the_slow_and_the_killed_are_named(tmp_path: Path, folder: Folder) -> None:
    launch(tmp_path, range(4))

    found, count, key = found_in(folder)

    assert len(folder.run_folders()) == 1
    assert [p.last_step for p in found.processes] == [39, 39, 39, 19]
    assert [p.state for p in found.processes[:KILLED]] == ["finished"] * 3
    assert [(f.kind, f.rank) for f in found.findings] == [("dead", KILLED), ("straggler", SLOW)]
    assert "after step 19" in found.findings[0].text
    assert 2.0 < (found.findings[1].ratio or 0) < 4.0
    assert count == [4] * 20 + [3] * 20
    assert found.processes[KILLED].state in ("killed", "crashed")

    launch(tmp_path, range(KILLED, KILLED + 1), first=15, steps=19)
    again, _, _ = found_in(folder)

    lives = [attempt for attempt in again.attempts if attempt.process == f"{key}/rank{KILLED}"]
    assert [(a.number, a.first_step, a.last_step, a.resumed, a.steps_lost) for a in lives] == [
        (1, 0, 19, False, 0),
        (2, 15, 18, True, 5),
    ]
    assert lives[1].state == "finished"
    assert [(f.kind, f.rank) for f in again.findings] == [("straggler", SLOW)]


def test_of_four_processes_with_a_run_each_the_slow_and_the_killed_are_named(tmp_path: Path, folder: Folder) -> None:
    launch(tmp_path, range(4), TREERING_RUN_GROUP="job-7")

    found, count, _ = found_in(folder, Where(entity="ada", project="p", group="job-7"))

    assert len(folder.run_folders()) == 4
    assert [p.rank for p in found.processes] == [0, 1, 2, 3]
    assert [(f.kind, f.rank) for f in found.findings] == [("dead", KILLED), ("straggler", SLOW)]
    assert count == [4] * 20 + [3] * 20


GLOO = """
    import os, sys, time
    import torch, torch.distributed as dist
    import treering as tr

    dist.init_process_group("gloo")
    rank = dist.get_rank()
    run = tr.init(project="p", entity="ada", settings={"silent": True, "disable_git": True, "disable_code": True})
    print("begins", flush=True)
    sys.stdin.readline()
    for step in range(int(sys.argv[2])):
        began = time.perf_counter()
        time.sleep(0.12 if rank == 2 else 0.03)
        forward_s = time.perf_counter() - began
        loss = torch.tensor([float(rank + step)])
        dist.all_reduce(loss)
        run.log({"loss": loss.item() / 4, "forward_s": forward_s}, step=step)
    run.finish()
    dist.destroy_process_group()
"""


@pytest.mark.frameworks
def test_of_four_processes_in_step_by_torch_distributed_the_slow_one_is_named(tmp_path: Path, folder: Folder) -> None:
    pytest.importorskip("torch")
    launch(tmp_path, range(4), GLOO, steps=40, MASTER_ADDR="127.0.0.1", MASTER_PORT="29653", GLOO_SOCKET_IFNAME="lo")

    found, count, _ = found_in(folder)

    assert [(f.kind, f.rank, f.key) for f in found.findings][:1] == [("straggler", SLOW, "forward_s")]
    assert {f.rank for f in found.findings} == {SLOW}
    assert count == [4] * 40
