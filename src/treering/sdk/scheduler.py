"""
The job of a cluster's scheduler that this process belongs to, and how a requeued job finds its run again.

A job that is preempted or loses its node is started again by the scheduler, under the same job id, perhaps on
another machine. It goes on in the run that it began. What tells a requeue from a second program in the same job is
the *incarnation*: it is equal for everything that one start of the job runs, and different after the next start.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from treering.limits import JOB_RUNS_MAX

from .ranks import boot_id, process_start_time
from .settings import current_folder

__all__ = ["Job", "Program", "Tracked", "claim", "is_batch", "job_of"]

_SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

# What is worth keeping of each scheduler's variables: names of things, never the whole environment.
_FACTS: Final = {
    "slurm": (
        ("name", "SLURM_JOB_NAME"),
        ("partition", "SLURM_JOB_PARTITION"),
        ("cluster", "SLURM_CLUSTER_NAME"),
        ("account", "SLURM_JOB_ACCOUNT"),
        ("nodes", "SLURM_JOB_NODELIST"),
        ("node", "SLURMD_NODENAME"),
        ("array_job", "SLURM_ARRAY_JOB_ID"),
        ("array_task", "SLURM_ARRAY_TASK_ID"),
        ("step", "SLURM_STEP_ID"),
    ),
    "kubernetes": (
        ("pod", "HOSTNAME"),
        ("completion_index", "JOB_COMPLETION_INDEX"),
        ("node", "NODE_NAME"),
        ("namespace", "POD_NAMESPACE"),
    ),
    "pbs": (("name", "PBS_JOBNAME"), ("queue", "PBS_QUEUE")),
    "lsf": (("name", "LSB_JOBNAME"), ("queue", "LSB_QUEUE"), ("nodes", "LSB_HOSTS")),
}


class Job(NamedTuple):
    """
    A job of a scheduler.

    Attributes:
        scheduler: ``slurm``, ``kubernetes``, ``pbs``, ``lsf``, ``other`` (``TREERING_JOB_ID``), or empty without one.
        id: equal in all processes of the job and after a requeue; empty without a scheduler.
        incarnation: differs between two starts of the same job.
        restarts: how often the scheduler started it again, where it says so; else None.
        facts: what describes it on the run's page.
    """

    scheduler: str = ""
    id: str = ""
    incarnation: str = ""
    restarts: int | None = None
    facts: Mapping[str, str] = {}

    @property
    def record(self) -> dict[str, object]:
        """What goes into the life record."""
        return {"scheduler": self.scheduler, "id": self.id, **self.facts} if self.scheduler else {}


def job_of(environ: Mapping[str, str], parent_pid: int | None = None) -> Job:
    """Return the job that the variables in *environ* tell of; an empty one where there is no scheduler."""
    if environ.get("TREERING_JOB_ID"):
        restarts = _count(environ.get("TREERING_JOB_RESTARTS"))
        return Job("other", environ["TREERING_JOB_ID"], _incarnation(restarts, parent_pid), restarts)
    if environ.get("SLURM_JOB_ID"):
        cluster = environ.get("SLURM_CLUSTER_NAME", "")
        restarts = _count(environ.get("SLURM_RESTART_COUNT")) or 0
        return Job(
            "slurm",
            f"{cluster}.{environ['SLURM_JOB_ID']}" if cluster else environ["SLURM_JOB_ID"],
            str(restarts),
            restarts,
            _facts("slurm", environ),
        )
    if environ.get("KUBERNETES_SERVICE_HOST") and environ.get("HOSTNAME"):
        facts = _facts("kubernetes", environ)
        if "namespace" not in facts and (namespace := _namespace()):
            facts["namespace"] = namespace
        # A container that is started again in its pod has a new process 1; its files are gone, its pod's name is not.
        first = f"{boot_id()}.{process_start_time(1):.0f}"
        return Job("kubernetes", f"{facts.get('namespace', '')}.{environ['HOSTNAME']}", first, None, facts)
    for scheduler, variable in (("pbs", "PBS_JOBID"), ("lsf", "LSB_JOBID")):
        if environ.get(variable):
            return Job(scheduler, environ[variable], _incarnation(None, parent_pid), None, _facts(scheduler, environ))
    return Job()


def _incarnation(restarts: int | None, parent_pid: int | None) -> str:
    """Return the count of restarts, or which shell runs the job's script: a requeued job has another."""
    if restarts is not None:
        return str(restarts)
    parent = os.getppid() if parent_pid is None else parent_pid
    return f"{boot_id()}.{parent}.{process_start_time(parent):.0f}"


def _facts(scheduler: str, environ: Mapping[str, str]) -> dict[str, str]:
    return {name: environ[variable] for name, variable in _FACTS[scheduler] if environ.get(variable)}


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else None


def _namespace() -> str:
    try:
        return _SERVICE_ACCOUNT.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


class Program(NamedTuple):
    """What tells the programs of one job apart: each keeps a run of its own."""

    path: str
    arguments: tuple[str, ...]
    cwd: str
    step: str = ""

    @classmethod
    def here(cls, environ: Mapping[str, str], argv: Sequence[str]) -> Program:
        """Return the program of this very process."""
        path = argv[0] if argv else ""
        return cls(path, tuple(argv[1:]), str(current_folder()), environ.get("SLURM_STEP_ID", ""))


class Tracked(NamedTuple):
    """What is known of a run id that a job may have used: how the run last ended, and in which incarnations it ran."""

    end_state: str | None
    incarnations: frozenset[str]


def claim(job: Job, program: Program, look: Callable[[str], Tracked | None]) -> str:
    """
    Return the run id for a program of a scheduler's job.

    The ids that a program of a job may have are numbered. The first that nobody used is a new run's. One that an
    earlier incarnation used and did not finish is this program's own run, requeued.

    Args:
        look: returns what is known of a run id, None if there is no such run.
    """
    run_id = ""
    for run_id in _ids(job, program):
        known = look(run_id)
        if known is None:
            return run_id
        if known.end_state != "finished" and job.incarnation not in known.incarnations:
            return run_id
    return run_id  # a thousand runs of one command in one job: the last one is joined rather than none made


def _ids(job: Job, program: Program) -> Iterator[str]:
    words = "\0".join((job.scheduler, job.id, program.step, program.path, program.cwd, *program.arguments))
    for number in range(JOB_RUNS_MAX):
        yield hashlib.sha256(f"{words}\0{number}".encode("utf-8", "surrogateescape")).hexdigest()[:12]


def is_batch(job: Job) -> bool:
    """
    Return whether a scheduler runs this process by itself, so that it may start it again by itself.

    A person who works in an allocation, in a shell or a notebook, begins each run on purpose.
    """
    if not job.scheduler or "ipykernel" in sys.modules:
        return False
    try:
        return not sys.stdin.isatty()
    except (AttributeError, ValueError, OSError):
        return True
