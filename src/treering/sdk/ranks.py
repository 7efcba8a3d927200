"""Which process of a distributed job this is, from the environment that its launcher set."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, MutableMapping
from typing import NamedTuple

import msgspec

__all__ = ["Begun", "Place", "begun_by_parent", "boot_id", "job_id", "place_of", "process_start_time", "say_begun"]

# (rank, local rank, world size), most specific launcher first: torchrun, Open MPI, SLURM, PMI, LSF.
_LAUNCHERS = (
    ("TREERING_RANK", "TREERING_LOCAL_RANK", "TREERING_WORLD_SIZE"),
    ("RANK", "LOCAL_RANK", "WORLD_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("SLURM_PROCID", "SLURM_LOCALID", "SLURM_NTASKS"),
    ("PMI_RANK", "MPI_LOCALRANKID", "PMI_SIZE"),
    ("JSM_NAMESPACE_RANK", "JSM_NAMESPACE_LOCAL_RANK", "JSM_NAMESPACE_SIZE"),
)


_BEGUN = "TREERING_BEGUN"


class Place(NamedTuple):
    """A process's place in its job. A process on its own is rank 0 of 1."""

    rank: int = 0
    local_rank: int = 0
    world_size: int = 1


def place_of(environ: Mapping[str, str]) -> Place:
    """Return the place that the launcher's variables in *environ* give; malformed ones are passed over."""
    for names in _LAUNCHERS:
        rank = _number(environ.get(names[0]))
        if rank is None:
            continue
        local, size = _number(environ.get(names[1])), _number(environ.get(names[2]))
        world_size = size if size is not None else rank + 1
        if names[0] == "SLURM_PROCID" and world_size == 1:
            continue  # an interactive allocation sets it for every shell
        return Place(rank, rank if local is None else local, max(world_size, rank + 1))
    return Place()


class Begun(NamedTuple):
    """The run that the process which started this one had begun, and this one's place beside it."""

    place: Place
    entity: str
    project: str
    run_id: str


def say_begun(environ: MutableMapping[str, str], entity: str, project: str, run_id: str) -> None:
    """Leave word for processes that this one starts as further ranks of the same training."""
    environ[_BEGUN] = msgspec.json.encode([os.getpid(), entity, project, run_id]).decode()


def begun_by_parent(environ: Mapping[str, str]) -> Begun | None:
    """
    Return the run to join where a training starts its own script again for its other ranks, as Lightning does.

    The first process knows nothing of ranks when it begins its run; the others are told a local rank, but no rank.
    """
    local, size = _number(environ.get("LOCAL_RANK")), _number(environ.get("WORLD_SIZE"))
    if not local or size is None or environ.get("RANK") or not environ.get(_BEGUN):
        return None
    try:
        pid, entity, project, run_id = msgspec.json.decode(environ[_BEGUN])
    except (msgspec.DecodeError, ValueError, TypeError):
        return None
    if pid != os.getppid() or not all(isinstance(name, str) for name in (entity, project, run_id)):
        return None
    return Begun(Place(local, local, max(size, local + 1)), entity, project, run_id)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else None


def job_id(environ: Mapping[str, str]) -> str:
    """
    Return a text that is equal in all processes of one job and different for the next job.

    A scheduler's job id survives a requeue, so that the same job goes on in the same run. Without one, the launcher
    is the common parent process; its id and start time tell two jobs on one machine apart.
    """
    if environ.get("SLURM_JOB_ID"):
        return f"slurm-{environ['SLURM_JOB_ID']}.{environ.get('SLURM_STEP_ID', '')}"
    for name in ("TORCHELASTIC_RUN_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID", "OMPI_MCA_ess_base_jobid"):
        value = environ.get(name, "")
        if value and value != "none":
            return f"{name}-{value}-{environ.get('MASTER_ADDR', '')}"
    parent = os.getppid()
    return f"parent-{boot_id()}-{parent}-{process_start_time(parent)}"


def run_id_of(job: str, ordinal: int) -> str:
    """Return the run id that every rank of *job* derives for its *ordinal*-th ``init()``."""
    return hashlib.sha256(f"{job}\0{ordinal}".encode()).hexdigest()[:12]


def boot_id() -> str:
    """Return an id of this boot of this machine, empty where the system has none."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def process_start_time(pid: int) -> float:
    """
    Return when process *pid* began, in clock ticks since boot (Linux) or seconds since the epoch; 0.0 if it is gone.

    A pid is used again; pid and start time together are not.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return float(file.read().rpartition(b")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        pass
    if os.path.isdir("/proc/self"):
        return 0.0
    import psutil

    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0
