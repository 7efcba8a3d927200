"""Where a run branches off: from another one's step (``fork_from``), or from an earlier step of its own."""

from __future__ import annotations

import re
import time
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from treering.errors import InvalidName, InvalidValue, UsageError
from treering.ids import check_name, run_key
from treering.runlog import records

from .resume import Past
from .settings import Settings

__all__ = ["Branch", "Origin", "find_branch", "key_of", "record_fork"]

_STEP_MAX: Final = 2**61
_FORM: Final = re.compile(r"(?P<path>[^?]+)\?(?P<name>[^=?&]*)=(?P<step>[^&]*)\Z")


class Recorder(Protocol):
    """What a run's records are written with."""

    def _record(self, kind: int, body: Any) -> None: ...


class Branch(NamedTuple):
    """The run and the last step of it that stays. ``rewinds``: the same run goes on behind that step."""

    run_id: str
    step: int
    rewinds: bool

    def is_done(self, past: Past | None, job_id: str, incarnation: str) -> bool:
        """Return whether an earlier start of this scheduler's job has rewound the run so: then it goes on."""
        earlier = () if past is None or not job_id else past.rewinds
        return any(
            (one.job_id, one.from_step) == (job_id, self.step + 1) and one.incarnation != incarnation for one in earlier
        )

    @property
    def argument(self) -> str:
        return "resume_from" if self.rewinds else "fork_from"


class Origin(NamedTuple):
    """What is known of the run that is branched off from. ``past``: as it was at the step; None for not known yet."""

    branch: Branch
    run_key: str
    past: Past | None

    def start(self, rewound: Past | None) -> Past:
        """
        Return what the new life begins with. Of a run that is *rewound*, what was said of it stays; what it logged is
        as it was at the step.
        """
        past = (self.past or Past(None, {}, {}, {}, {}, None, 0))._replace(last_step=self.branch.step)
        if rewound is not None:
            past = past._replace(config={**past.config, **rewound.config}, defines=rewound.defines)
        return past


def find_branch(fork_from: str | None, resume_from: str | None, settings: Settings) -> tuple[Branch | None, Settings]:
    """
    Return where the run branches off, and the settings with the id that follows from it.

    Raises:
        InvalidValue, InvalidName: it has not the form ``RUN_ID?_step=STEP``, with a step of 0 or more.
        UsageError: both are given, or beside them what contradicts: ``resume``, another id, another project.
    """
    if not fork_from and not resume_from:
        return None, settings
    if fork_from and resume_from:
        raise UsageError(
            f"init(): fork_from={fork_from!r} and resume_from={resume_from!r} together: fork_from begins a new run "
            "with the line of another, resume_from goes on in the same run. Give one of them."
        )
    branch = _parse(resume_from or fork_from or "", rewinds=bool(resume_from), settings=settings)
    if settings.resume:
        raise UsageError(
            f"init(): {branch.argument} and resume={settings.resume!r} together; {branch.argument} says already "
            "where to go on. Leave resume out."
        )
    if branch.rewinds and settings.run_id not in ("", branch.run_id):
        raise UsageError(
            f"init(): resume_from goes on in run {branch.run_id!r}, yet id is {settings.run_id!r}. Leave id out, or "
            "use fork_from to begin another run."
        )
    if not branch.rewinds and settings.run_id == branch.run_id:
        raise UsageError(
            f"init(): run {branch.run_id!r} cannot be a fork of itself. Give it another id, or use resume_from to "
            "go on in it."
        )
    return branch, msgspec.structs.replace(settings, run_id=branch.run_id) if branch.rewinds else settings


def _parse(text: str, *, rewinds: bool, settings: Settings) -> Branch:
    argument = "resume_from" if rewinds else "fork_from"
    expected = f"init(): {argument} has the form 'RUN_ID?_step=STEP', such as 'night-run?_step=200'; got {text!r}"
    if not isinstance(text, str):
        raise InvalidValue(f"{expected}.")
    found = _FORM.match(text.strip())
    if found is None:
        raise InvalidValue(f"{expected}.")
    if found["name"] not in ("_step", "step"):
        raise InvalidValue(f"{expected}: runs are branched at a _step, not at a {found['name']!r}.")
    digits = found["step"].strip()
    if not (digits.isascii() and digits.isdigit() and int(digits) < _STEP_MAX):
        raise InvalidValue(f"{expected}: the step is a whole number of 0 or more.")
    *place, run_id = found["path"].strip().split("/")
    here = [settings.entity, settings.project]
    if place not in ([], here[1:], here):
        raise UsageError(
            f"init(): {argument} names a run of {'/'.join(place)}, and this one is of {'/'.join(here)}. A run is "
            "branched off within its project."
        )
    try:
        return Branch(check_name(run_id, "run id"), int(digits), rewinds)
    except InvalidName as error:
        raise InvalidValue(f"{expected}: {error}") from None


def key_of(branch: Branch, settings: Settings) -> str:
    """Return the key of the run that is branched off from."""
    return run_key(settings.entity, settings.project, branch.run_id)


def record_fork(run: Recorder, origin: Origin) -> None:
    """Write into a new run's log what it was forked from, and what it begins with."""
    past, now_ns = origin.past, time.time_ns()
    body = {
        "parent_key": origin.run_key,
        "parent_id": origin.branch.run_id,
        "step": origin.branch.step,
        "until_ns": past.newest_created_ns if past is not None else now_ns,
        "config": past is not None,
    }
    run._record(records.FORK, [now_ns, body])
    if past is None:
        return
    if past.config:
        run._record(records.CONFIG, [now_ns, past.config, "merge"])
    for definition in past.defines.values():
        run._record(records.DEFINE, [now_ns, definition])
    # Bytes belong to the run that stored them.
    said = {key: value for key, value in past.explicit.items() if not (isinstance(value, dict) and "_type" in value)}
    if said:
        run._record(records.SUMMARY, [now_ns, said])
