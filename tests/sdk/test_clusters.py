"""Network folders, schedulers that start a job again, and one job on several machines."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sdk.conftest import Done, Folder, wait_until
from sdk.servers import Receiving, receiving, same_bytes, segments_of
from treering.runlog import records
from treering.sdk.staging import leftovers, staging_root

Script = Callable[..., Done]


@pytest.fixture
def network_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    """A data folder on FUSE; where this user may not mount one, a folder that the settings call so."""
    behind, mount = tmp_path / "behind", tmp_path / "data"
    behind.mkdir()
    mount.mkdir()
    mounted = subprocess.run(["bindfs", str(behind), str(mount)], capture_output=True, check=False).returncode == 0
    if not mounted:
        monkeypatch.setenv("TREERING_NETWORK_FOLDER", "yes")
    try:
        yield Folder(mount)
    finally:
        if mounted:
            subprocess.run(["fusermount", "-uz", str(mount)], check=False, capture_output=True)


@pytest.fixture(autouse=True)
def own_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that another test left in shared memory."""
    root = staging_root()
    assert root is not None
    for staging in leftovers():
        staging.close()


def staged() -> list[Path]:
    root = staging_root()
    assert root is not None
    return sorted(root.iterdir())


def start(tmp_path: Path, text: str, **environ: str) -> subprocess.Popen[str]:
    path = tmp_path / "train.py"
    path.write_text(textwrap.dedent(text))
    return subprocess.Popen(
        [sys.executable, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environ},
        cwd=tmp_path,
        start_new_session=True,
    )


# ── a network folder ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_on_a_network_folder_is_whole_and_maps_nothing_of_it(network_folder: Folder, script: Script) -> None:
    done = script(
        """
        import treering as tr
        run = tr.init(project="p", id="r")
        for step in range(30_000):
            run.log({"loss": float(step)})
        maps = open("/proc/self/maps").read()
        print(run.dir, run.dir in maps, "/dev/shm/treering-staging" in maps)
        run.finish()
        """
    )

    assert done.code == 0, done.err
    folder, mapped, staged_in_memory = done.out.split()
    assert folder == str(network_folder.run_folders()[0])
    assert (mapped, staged_in_memory) == ("False", "True")
    assert "Killing the training loses nothing" in done.err
    assert [step for step, _ in network_folder.rows()] == list(range(30_000))
    assert network_folder.end()["state"] == "finished"
    assert network_folder.lives()[0]["staged"] is True
    assert staged() == []


def test_a_killed_training_loses_nothing_on_a_network_folder(network_folder: Folder, tmp_path: Path) -> None:
    process = start(
        tmp_path,
        """
        import treering as tr
        run = tr.init(project="p", id="r", settings={"silent": True})
        step = 0
        while True:
            run.log({"loss": float(step)})
            step += 1
            print(step, flush=True)
        """,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 20_000:
            break
    process.kill()
    rest, _ = process.communicate()
    acknowledged = max([int(line) for line in rest.split()], default=20_000)

    wait_until(lambda: network_folder.records(records.END, "system") != [])

    steps = [step for step, _ in network_folder.rows()]
    assert steps == list(range(len(steps)))
    assert len(steps) >= acknowledged
    assert network_folder.records(records.END, "system")[0].data["state"] == "crashed"
    wait_until(lambda: staged() == [])


def test_what_a_killed_job_left_in_memory_comes_home_with_the_next_run(network_folder: Folder, tmp_path: Path) -> None:
    text = """
        import os, sys, treering as tr
        run = tr.init(project="p", id="r", resume="allow", settings={"silent": True})
        print(run.starting_step, run._uploader.pid, flush=True)
        for step in range(500):
            run.log({"loss": float(step)})
        if sys.stdin.readline() == "stop\\n":
            os.kill(run._uploader.pid, 19)  # it copies nothing of what follows
            for step in range(500, 1_000):
                run.log({"loss": float(step)})
            print("logged", flush=True)
            sys.stdin.readline()
        run.finish()
        """
    first = start(tmp_path, text)
    assert first.stdout is not None
    assert first.stdin is not None
    begun, uploader = first.stdout.readline().split()
    assert begun == "0"
    first.stdin.write("stop\n")
    first.stdin.flush()
    assert first.stdout.readline() == "logged\n"
    first.kill()
    os.kill(int(uploader), signal.SIGKILL)
    first.communicate()
    assert len(staged()) == 1

    second = start(tmp_path, text)
    out, err = second.communicate("go\n")

    assert second.returncode == 0, err
    assert out.split()[0] == "1000"
    assert [step for step, _ in network_folder.rows()] == list(range(1_500))
    assert staged() == []


def test_a_dead_uploader_is_stood_in_for_by_the_training_itself(network_folder: Folder, tmp_path: Path) -> None:
    process = start(
        tmp_path,
        """
        import os, treering as tr
        from treering.sdk import staging
        staging.STAGED_MAX_BYTES = 512 * 1024
        run = tr.init(project="p", id="r")
        run._writer._segment_max = 64 * 1024
        os.kill(run._uploader.pid, 9)
        run._uploader._process.wait()
        for step in range(40_000):
            run.log({"loss": float(step)})
        run.finish()
        print("lost", run._writer.lost_records)
        """,
    )
    out, err = process.communicate()

    assert (process.returncode, out) == (0, "lost 0\n"), err
    assert [step for step, _ in network_folder.rows()] == list(range(40_000))
    assert staged() == []


def test_without_shared_memory_each_record_is_written_to_the_folder(
    network_folder: Folder, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = script(
        """
        import treering as tr
        from treering.sdk import staging
        staging.staging_root = lambda: None
        run = tr.init(project="p", id="r")
        for step in range(100):
            run.log({"loss": float(step)})
        run.finish()
        """
    )

    assert done.code == 0, done.err
    assert "each log() is one write() call" in done.err
    assert [step for step, _ in network_folder.rows()] == list(range(100))


# ── a scheduler that starts the job again ────────────────────────────────────────────────────────────────────────

_JOB = """
    import sys, treering as tr
    run = tr.init(project="p", settings={"silent": True})
    print(run.id, run.starting_step, run.resumed, flush=True)
    for step in range(run.starting_step, run.starting_step + 10):
        run.log({"loss": 1.0}, step=step)
    print("logged", flush=True)
    if sys.stdin.readline() == "wait\\n":
        sys.stdin.readline()
    run.finish()
    """


def begin(tmp_path: Path, **environ: str) -> tuple[subprocess.Popen[str], list[str]]:
    process = start(tmp_path, _JOB, **environ)
    assert process.stdout is not None
    first = process.stdout.readline().split()
    assert process.stdout.readline() == "logged\n"
    return process, first


def test_a_requeued_job_goes_on_in_its_run_and_is_preempted_in_between(tmp_path: Path, folder: Folder) -> None:
    process, (run_id, begun, resumed) = begin(tmp_path, SLURM_JOB_ID="4711", SLURM_JOB_NAME="digits")
    assert (begun, resumed) == ("0", "False")
    process.terminate()
    process.communicate()
    assert process.returncode == -signal.SIGTERM
    assert folder.end()["state"] == "preempted"
    assert folder.end()["reason"] == "SIGTERM"

    process, again = begin(tmp_path, SLURM_JOB_ID="4711", SLURM_RESTART_COUNT="1")
    process.communicate("go\n")

    assert again == [run_id, "10", "True"]
    assert [step for step, _ in folder.rows()] == list(range(20))
    first, second = (life for life in folder.lives() if life["writer"] == "")
    assert first["meta"]["job"]["name"] == "digits"
    assert (first["process"]["incarnation"], second["process"]["incarnation"]) == ("0", "1")
    assert len(folder.run_folders()) == 1


def test_another_job_and_the_same_command_again_have_runs_of_their_own(tmp_path: Path, folder: Folder) -> None:
    ids = set()
    for job in ("1", "1", "2"):
        process, (run_id, begun, _) = begin(tmp_path, SLURM_JOB_ID=job)
        process.communicate("go\n")
        assert begun == "0"
        ids.add(run_id)

    assert len(ids) == 3


def test_outside_a_job_sigterm_is_a_kill(tmp_path: Path, folder: Folder) -> None:
    process, _ = begin(tmp_path)
    process.terminate()
    process.communicate()

    assert folder.end()["state"] == "killed"


# ── several machines ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Receiving]:
    with receiving(tmp_path / "server") as made:
        yield made


class Node:
    """A machine of a cluster: a disk of its own, and a name of its own where this user may give one."""

    def __init__(self, tmp_path: Path, name: str, server: Receiving) -> None:
        self.name = name
        self.data = tmp_path / name
        self._environ = {
            "TREERING_DIR": str(self.data),
            "TREERING_BASE_URL": server.url,
            "TREERING_API_KEY": server.key,
            "TREERING_ENTITY": "lab",
            "TREERING_PROJECT": "digits",
        }
        self._home = tmp_path

    def start(self, text: str, **environ: str) -> subprocess.Popen[str]:
        path = self._home / "job.py"
        path.write_text(textwrap.dedent(text))
        command = [sys.executable, str(path)]
        named = ["unshare", "--uts", "sh", "-c", f'hostname {self.name} && exec "$@"', "sh"]
        if subprocess.run([*named, "true"], capture_output=True, check=False).returncode == 0:
            command = [*named, *command]
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **self._environ, **environ},
            cwd=self._home,
        )


def the_run(server: Receiving) -> dict[str, object]:
    server.store.ingest_now()
    (folder,) = (server.data_dir / "runs").iterdir()
    run: dict[str, object] = server.run(folder.name)
    return run


def test_a_job_on_two_nodes_is_one_run_on_the_server(tmp_path: Path, server: Receiving) -> None:
    text = """
        import treering as tr
        run = tr.init()
        for step in range(200):
            run.log({"loss": 1.0 / (step + 1)})
        run.finish()
        """
    job = {"SLURM_JOB_ID": "9", "SLURM_STEP_ID": "0", "SLURM_NTASKS": "2", "SLURM_LOCALID": "0"}
    nodes = [Node(tmp_path, name, server) for name in ("node1", "node2")]
    processes = [node.start(text, **job, SLURM_PROCID=str(rank)) for rank, node in enumerate(nodes)]
    for process in processes:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err

    for node in nodes:
        assert same_bytes(segments_of(node.data), server.segments())
    run = the_run(server)
    assert run["state"] == "finished"
    writers = {writer["label"]: writer for writer in run["writers"] if "system" not in writer["label"]}  # type: ignore[attr-defined]
    assert {"", "rank1"} <= set(writers)
    assert run["guarantee"]["uploaded"]  # type: ignore[index]


def test_a_job_that_is_requeued_on_another_node_goes_on_in_its_run(tmp_path: Path, server: Receiving) -> None:
    text = _JOB.replace('project="p", ', "")
    first = Node(tmp_path, "node1", server).start(text, SLURM_JOB_ID="4711")
    assert first.stdout is not None
    run_id, begun, _ = first.stdout.readline().split()
    assert begun == "0"
    assert first.stdout.readline() == "logged\n"
    first.terminate()
    first.communicate()
    wait_until(lambda: server.segments() != {} and the_run(server)["state"] == "preempted")

    second = Node(tmp_path, "node2", server).start(text, SLURM_JOB_ID="4711", SLURM_RESTART_COUNT="1")
    out, err = second.communicate("go\n", timeout=60)

    assert out.splitlines()[0].split() == [run_id, "10", "True"], err
    run = the_run(server)
    assert run["state"] == "finished"
    reply = server.server.call("GET", f"/runs/{run['run_key']}/history?keys=loss")
    assert [row["_step"] for row in reply.json["rows"]] == list(range(20))


def test_a_late_evaluator_on_another_machine_hides_nothing_of_the_trainer(tmp_path: Path, server: Receiving) -> None:
    trainer = Node(tmp_path, "node1", server).start(
        """
        import sys, treering as tr
        run = tr.init(id="r1")
        for step in range(100):
            run.log({"loss": 1.0}, step=step)
        print("half", flush=True)
        sys.stdin.readline()
        for step in range(100, 200):
            run.log({"loss": 1.0}, step=step)
        run.finish()
        """
    )
    assert trainer.stdout is not None
    assert trainer.stdout.readline() == "half\n"
    evaluator = Node(tmp_path, "node2", server).start(
        """
        import treering as tr
        run = tr.init(id="r1", resume="allow")
        for step in (20, 40, 60):
            run.log({"eval/acc": step / 100}, step=step)
        run.finish()
        """
    )
    _, err = evaluator.communicate(timeout=60)
    assert evaluator.returncode == 0, err
    trainer.communicate("go\n", timeout=60)

    run = the_run(server)
    assert run["metrics"]["loss"]["n"] == 200  # type: ignore[index]
    assert run["metrics"]["eval/acc"]["n"] == 3  # type: ignore[index]
    reply = server.server.call("GET", f"/runs/{run['run_key']}/history?keys=loss&attempts=latest")
    assert [row["_step"] for row in reply.json["rows"] if "loss" in row] == list(range(200))
