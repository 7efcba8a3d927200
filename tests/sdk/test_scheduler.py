"""Which job a process belongs to, and which run a requeued one goes on with."""

from __future__ import annotations

import pytest

from treering.limits import JOB_RUNS_MAX
from treering.sdk.scheduler import Job, Program, Tracked, claim, job_of

HERE = Program("train.py", ("--lr", "0.1"), "/home/ada/digits")


class Runs:
    """Run ids that exist, as a folder and a server would tell of them."""

    def __init__(self) -> None:
        self.known: dict[str, Tracked] = {}

    def look(self, run_id: str) -> Tracked | None:
        return self.known.get(run_id)

    def begin(self, job: Job, program: Program = HERE) -> tuple[str, bool]:
        run_id = claim(job, program, self.look)
        goes_on = run_id in self.known
        before = self.known.get(run_id, Tracked(None, frozenset())).incarnations
        self.known[run_id] = Tracked(None, before | {job.incarnation})
        return run_id, goes_on

    def end(self, run_id: str, state: str) -> None:
        self.known[run_id] = self.known[run_id]._replace(end_state=state)


def slurm(job: str = "4711", restarts: int | None = None, **more: str) -> Job:
    count = {} if restarts is None else {"SLURM_RESTART_COUNT": str(restarts)}
    return job_of({"SLURM_JOB_ID": job, **count, **more})


@pytest.mark.parametrize("state", ["preempted", "killed", "crashed", "failed", None])
def test_a_requeued_job_goes_on_with_the_run_that_it_did_not_finish(state: str | None) -> None:
    runs = Runs()
    first, goes_on = runs.begin(slurm())
    assert not goes_on
    if state:
        runs.end(first, state)

    assert runs.begin(slurm(restarts=1)) == (first, True)
    runs.end(first, "preempted")
    assert runs.begin(slurm(restarts=2)) == (first, True)


def test_a_second_program_of_the_job_begins_a_run_of_its_own() -> None:
    runs = Runs()
    train, _ = runs.begin(slurm())
    runs.end(train, "finished")
    evaluation, goes_on = runs.begin(slurm(), HERE._replace(path="eval.py"))

    assert evaluation != train
    assert not goes_on


def test_the_same_command_again_in_the_same_job_begins_a_run_of_its_own() -> None:
    runs = Runs()
    ids = []
    for _ in range(3):
        run_id, goes_on = runs.begin(slurm())
        runs.end(run_id, "finished")
        ids.append(run_id)
        assert not goes_on
    assert len(set(ids)) == 3


def test_after_a_requeue_what_had_finished_is_done_again_and_what_had_not_goes_on() -> None:
    runs = Runs()
    one, _ = runs.begin(slurm())
    runs.end(one, "finished")
    two, _ = runs.begin(slurm())
    runs.end(two, "preempted")

    again, goes_on = runs.begin(slurm(restarts=1))

    assert (again, goes_on) == (two, True)
    third, goes_on = runs.begin(slurm(restarts=1))
    assert third not in (one, two)
    assert not goes_on


def test_another_job_with_the_same_command_has_runs_of_its_own() -> None:
    runs = Runs()
    assert runs.begin(slurm("1"))[0] != runs.begin(slurm("2"))[0]
    assert (
        runs.begin(slurm("1", SLURM_CLUSTER_NAME="north"))[0] != runs.begin(slurm("1", SLURM_CLUSTER_NAME="south"))[0]
    )


def test_a_job_that_begins_runs_without_end_joins_the_last_rather_than_search_for_ever() -> None:
    looked = 0

    def look(run_id: str) -> Tracked:
        nonlocal looked
        looked += 1
        return Tracked("finished", frozenset({"0"}))

    run_id = claim(slurm(), HERE, look)

    assert looked == JOB_RUNS_MAX
    assert len(run_id) == 12


def test_slurm_is_known_with_what_describes_the_job() -> None:
    job = slurm(
        "99", 3, SLURM_JOB_NAME="digits", SLURM_JOB_PARTITION="gpu", SLURM_CLUSTER_NAME="north", SLURM_JOB_USER="ada"
    )

    assert (job.scheduler, job.id, job.restarts, job.incarnation) == ("slurm", "north.99", 3, "3")
    assert job.record == {
        "scheduler": "slurm",
        "id": "north.99",
        "name": "digits",
        "partition": "gpu",
        "cluster": "north",
    }


def test_a_pod_is_known_by_its_name_and_a_restarted_container_by_its_first_process() -> None:
    job = job_of({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "HOSTNAME": "train-x7k2p", "POD_NAMESPACE": "ml"})

    assert (job.scheduler, job.id, job.restarts) == ("kubernetes", "ml.train-x7k2p", None)
    assert job.incarnation
    assert job.facts["pod"] == "train-x7k2p"


def test_a_job_id_given_by_hand_counts_before_all_others() -> None:
    job = job_of({"TREERING_JOB_ID": "nightly", "TREERING_JOB_RESTARTS": "2", "SLURM_JOB_ID": "1"})

    assert (job.scheduler, job.id, job.incarnation) == ("other", "nightly", "2")


def test_where_no_count_is_told_the_shell_of_the_job_tells_a_restart() -> None:
    one = job_of({"PBS_JOBID": "7.head"}, parent_pid=1)
    same = job_of({"PBS_JOBID": "7.head"}, parent_pid=1)
    other = job_of({"PBS_JOBID": "7.head"}, parent_pid=2_000_000)

    assert one.incarnation == same.incarnation != other.incarnation


@pytest.mark.parametrize("environ", [{}, {"HOSTNAME": "laptop"}, {"SLURM_JOB_ID": ""}])
def test_without_a_scheduler_there_is_no_job(environ: dict[str, str]) -> None:
    assert job_of(environ) == Job()
    assert job_of(environ).record == {}
