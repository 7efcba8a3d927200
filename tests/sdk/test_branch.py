"""``fork_from`` and ``resume_from``: what is written, what is shown, and what is refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import treering as tr
from sdk.conftest import Folder, wait_until
from sdk.servers import Receiving, Wire, receiving
from treering.errors import InvalidValue, UsageError
from treering.runlog import records
from treering.store import SeriesRequest, Store

QUIET = {"silent": True, "console": "off", "disable_git": True, "disable_code": True}


def start(run_id: str | None = None, **options: object) -> tr.Run:
    run = tr.init(project="p", entity="ada", id=run_id, settings=QUIET, **options)
    assert isinstance(run, tr.Run)
    return run


@pytest.fixture
def parent(folder: Folder) -> str:
    """A run of ten steps whose configuration changes on the way."""
    with start("parent", config={"lr": 0.1, "layers": 4}) as run:
        run.define_metric("loss", summary="min", goal="minimize")
        run.summary["dataset"] = "mnist"
        for step in range(10):
            if step == 7:
                run.config.update({"lr": 0.01}, allow_val_change=True)
                run.summary["note"] = "late"
            run.log({"loss": 1.0 - step / 10})
    return run.key


def lines(folder: Folder, run_key: str) -> list[float]:
    with Store.open(folder.path) as store:
        store.ingest_now()
        (line,) = store.series(SeriesRequest(keys=["loss"], runs=[run_key]))
        return line.y.tolist()  # type: ignore[no-any-return]


# ── forks ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_fork_begins_behind_its_step_with_what_the_parent_was_there(folder: Folder, parent: str) -> None:
    with start("child", fork_from="parent?_step=5", config={"layers": 8}) as child:
        assert (child.step, child.starting_step, child.resumed) == (6, 6, False)
        assert dict(child.config) == {"lr": 0.1, "layers": 8}
        assert child.summary["loss"] == 0.5
        assert "note" not in dict(child.summary.items())
        child.log({"loss": 0.05})

    ((_, body),) = [(record.time_ns, record.data) for record in folder.records(records.FORK) if record.data]
    assert (body["parent_key"], body["parent_id"], body["step"], body["config"]) == (parent, "parent", 5, True)
    assert lines(folder, child.key) == [*(1.0 - step / 10 for step in range(6)), 0.05]
    with Store.open(folder.path) as store:
        store.ingest_now()
        page = store.run(child.key)
        assert page.config == {"lr": 0.1, "layers": 8}
        assert (page.summary["loss"], page.summary["loss.min"], page.summary["dataset"]) == (0.05, 0.05, "mnist")
        assert page.fork_of is not None
        assert (page.fork_of.run_key, page.fork_of.step, page.fork_of.here) == (parent, 5, True)
        assert [fork.run_key for fork in store.run(parent).forks] == [child.key]


def test_a_fork_gets_an_id_of_its_own(parent: str) -> None:
    with start(fork_from="p/parent?_step=2") as one, start(fork_from="ada/p/parent?step=2", reinit="create_new") as two:
        assert len({one.key, two.key, parent}) == 3
        assert (one.step, two.step) == (3, 3)


def test_a_fork_of_a_run_that_still_goes_on(folder: Folder) -> None:
    with start("parent") as run:
        for step in range(4):
            run.log({"loss": float(step)})
        with start("child", fork_from="parent?_step=1", reinit="create_new") as child:
            child.log({"loss": 10.0})
        run.log({"loss": 4.0})

    assert lines(folder, child.key) == [0.0, 1.0, 10.0]
    assert lines(folder, run.key) == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_a_fork_that_is_resumed_goes_on_and_forks_no_more(folder: Folder, parent: str) -> None:
    with start("child", fork_from="parent?_step=5") as child:
        child.log({"loss": 10.0})
    with start("child", resume="must") as again:
        assert again.step == 7
        again.log({"loss": 11.0})

    assert lines(folder, child.key)[5:] == [0.5, 10.0, 11.0]


def test_a_fork_begun_again_under_its_id_begins_where_it_forked(folder: Folder, parent: str) -> None:
    for loss in (10.0, 20.0):
        with start("child", fork_from="parent?_step=5") as child:
            child.log({"loss": loss})

    assert lines(folder, child.key)[5:] == [0.5, 20.0]


# ── rewinds ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_rewound_run_goes_on_behind_the_step_and_keeps_what_it_was(folder: Folder, parent: str) -> None:
    with start(resume_from="parent?_step=3") as run:
        assert (run.id, run.key, run.step, run.resumed) == ("parent", parent, 4, True)
        assert run.config["lr"] == 0.01
        assert run.summary["loss"] == 0.7
        run.log({"loss": 5.0})

    assert [life["from_step"] for life in folder.lives() if life["writer"] == ""] == [None, 4]
    assert lines(folder, parent) == [1.0, 0.9, 0.8, 0.7, 5.0]
    with Store.open(folder.path) as store:
        store.ingest_now()
        stats = store.run(parent).metrics["loss"]
        assert (stats.n, stats.last, stats.min, stats.max) == (5, 5.0, 0.7, 5.0)
        rows = [step for batch in store.history(parent, ["loss"]) for step in batch.step.tolist()]
        assert rows == [*range(10), 4]


def test_rewinding_to_the_last_step_is_going_on(folder: Folder, parent: str) -> None:
    with start("parent", resume_from="parent?_step=9") as run:
        run.log({"loss": 0.0})

    assert len(lines(folder, parent)) == 11


def test_a_job_that_is_started_again_is_not_rewound_twice(
    folder: Folder, parent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TREERING_JOB_ID", "job-1")
    for restarts, starts_at in (("0", 4), ("1", 6)):
        monkeypatch.setenv("TREERING_JOB_RESTARTS", restarts)
        with start(resume_from="parent?_step=3") as run:
            assert run.step == starts_at
            run.log({"loss": 5.0})
            run.log({"loss": 6.0})
    monkeypatch.setenv("TREERING_JOB_ID", "job-2")
    with start(resume_from="parent?_step=3") as run:
        assert run.step == 4

    assert lines(folder, parent) == [1.0, 0.9, 0.8, 0.7]


def test_who_resumes_a_rewound_run_goes_on_where_its_line_ends(folder: Folder, parent: str) -> None:
    with start(resume_from="parent?_step=3") as run:
        run.log({"loss": 5.0})
    with start("parent", resume="must") as again:
        assert again.step == 5
        again.log({"loss": 6.0})

    assert lines(folder, parent) == [1.0, 0.9, 0.8, 0.7, 5.0, 6.0]


def test_a_fork_is_rewound_below_its_fork_point(folder: Folder, parent: str) -> None:
    with start("child", fork_from="parent?_step=5") as child:
        child.log({"loss": 10.0})
    with start(resume_from="child?_step=2") as again:
        again.log({"loss": 20.0})

    assert lines(folder, child.key) == [1.0, 0.9, 0.8, 20.0]


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("argument", ["fork_from", "resume_from"])
@pytest.mark.parametrize(
    "text",
    [
        "parent",
        "parent?_step",
        "parent?_step=",
        "parent?_step=-1",
        "parent?_step=2.5",
        "parent?epoch=3",
        "?_step=3",
        "parent?_step=1&x=2",
        "parent?_step=" + "9" * 30,
    ],
)
def test_a_text_of_another_form_says_what_was_expected(parent: str, argument: str, text: str) -> None:
    with pytest.raises(InvalidValue, match="'RUN_ID\\?_step=STEP'"):
        start("other" if argument == "fork_from" else None, **{argument: text})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fork_from": "parent?_step=1", "resume_from": "parent?_step=1"}, "Give one of them"),
        ({"fork_from": "parent?_step=1", "resume": "allow"}, "Leave resume out"),
        ({"resume_from": "parent?_step=1", "resume": "must"}, "Leave resume out"),
        ({"resume_from": "parent?_step=1", "run_id": "other"}, "Leave id out"),
        ({"fork_from": "parent?_step=1", "run_id": "parent"}, "fork of itself"),
        ({"fork_from": "nothing?_step=1"}, "fork_from names run 'nothing' of ada/p, which is not in"),
        ({"resume_from": "nothing?_step=1"}, "resume_from names run 'nothing' of ada/p, which is not in"),
        ({"fork_from": "ada/other/parent?_step=1"}, "within its project"),
        ({"fork_from": "eve/p/parent?_step=1"}, "within its project"),
    ],
)
def test_what_contradicts_itself_or_names_nothing_is_refused(
    folder: Folder, parent: str, options: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        start(**options)  # type: ignore[arg-type]

    assert [path.name for path in folder.run_folders()] == [parent]


def test_a_disabled_run_branches_off_from_nothing() -> None:
    run = tr.init(project="p", entity="ada", mode="disabled", fork_from="nothing?_step=3")

    assert run.disabled


# ── servers ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiving]:
    with receiving(tmp_path / "server") as server:
        monkeypatch.setenv("TREERING_BASE_URL", server.url)
        monkeypatch.setenv("TREERING_API_KEY", server.key)
        yield server


def test_a_fork_on_another_machine_begins_with_what_the_server_knows(
    tmp_path: Path, remote: Receiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start("parent", config={"lr": 0.1}) as run:
        run.summary["dataset"] = "mnist"
        for step in range(8):
            if step == 6:
                run.config.update({"lr": 0.01}, allow_val_change=True)
            run.log({"loss": float(step)})
    monkeypatch.setenv("TREERING_DIR", str(tmp_path / "elsewhere"))
    with start("child", fork_from="parent?_step=4") as child:
        assert child.config["lr"] == 0.1
        child.log({"loss": 100.0})
    with start(resume_from="parent?_step=2") as rewound:
        assert rewound.step == 3
        rewound.log({"loss": -1.0})

    monkeypatch.setenv("TREERING_DIR", str(tmp_path / "third"))
    with start("parent", resume="must") as resumed:
        assert resumed.step == 4

    page = remote.run(child.key)
    assert page["config"] == {"lr": 0.1}
    assert (page["summary"]["dataset"], page["metrics"]["loss"]["n"]) == ("mnist", 6)
    assert page["fork_of"] == {"run_key": run.key, "run_id": "parent", "name": run.name, "step": 4, "here": True}
    assert remote.run(run.key)["metrics"]["loss"]["n"] == 4


def test_a_fork_of_a_run_that_nobody_can_ask_for_does_not_wait_and_is_resolved_later(
    tmp_path: Path, remote: Receiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start("parent", config={"lr": 0.1}) as run:
        for step in range(8):
            run.log({"loss": float(step)})
    wire = Wire(remote.server.port)
    wire.become("hole")
    monkeypatch.setenv("TREERING_BASE_URL", wire.url)
    monkeypatch.setenv("TREERING_DIR", str(tmp_path / "elsewhere"))
    began = time.monotonic()
    child = start("child", fork_from="parent?_step=4")
    took_s = time.monotonic() - began
    child.log({"loss": 100.0})
    wire.become("pass")
    child.finish()
    wire.close()

    assert took_s < 8
    wait_until(lambda: remote.server.call("GET", f"/runs/{child.key}").status == 200)
    wait_until(lambda: remote.run(child.key)["metrics"].get("loss", {}).get("n") == 6)
    page = remote.run(child.key)
    assert page["config"] == {"lr": 0.1}
    assert page["metrics"]["loss"]["last"] == 100.0
