"""Reports: versions are kept, values follow the runs, and what is frozen stays and says what has changed since."""

from __future__ import annotations

import base64
import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.run_logs import declare, store_blob
from store.world import World
from treering.errors import EditConflict, InvalidValue, LimitExceeded, NotFound
from treering.limits import COMMENT_MAX_BYTES, PICTURE_MAX_BYTES, REPORT_MAX_BYTES
from treering.runlog import records
from treering.store import Store
from treering.store.comments import Target
from treering.store.correction_rules import parse_rule
from treering.store.report_values import FormulaValue
from treering.store.reports import Report

PLACE = ("ada", "digits")
GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"
OTHER_GIF = GIF[:-1] + b"\x00;"

SETS = """```treering
{"runs": {"all": {"group": ["config.model"]},
          "vits": {"filter": "config.model = \\"vit\\"", "order": "metric:val/acc@max"},
          "old": {"runs": ["vit0", "name of resnet1", "nobody"], "pinned": ["vit0"], "baseline": "resnet1"}}}
```
"""
FIGURE = '```treering\n{"panel": {"type": "line", "settings": {"keys": ["val/acc"]}}}\n```\n'


def everything(entity: str, project: str) -> bool:
    return True


def write_runs(world: World) -> dict[str, str]:
    """Three runs of each of two models; returns run id → key. One resnet diverged, one lacks the metric."""
    keys = {}
    for model, acc in (("resnet", 0.90), ("vit", 0.92)):
        for seed in range(3):
            life = world.life(f"{model}{seed}")
            life.config({"model": model, "seed": seed, "lr": 0.1 * (seed + 1)})
            life.record(records.DEFINE, {"name": "val/acc", "goal": "maximize", "summary": ["max"]})
            for step in range(20):
                value = math.nan if (model, seed) == ("resnet", 2) else acc + 0.001 * seed + 0.0001 * step
                life.log({"loss": 1 / (step + 1), "val/acc": value}, step)
            keys[f"{model}{seed}"] = life.run_key
            life.end()
    life = world.life("bare")
    life.config({"model": "bare"})
    life.log({"loss": 0.5}, 0)
    keys["bare"] = life.run_key
    life.end()
    return keys


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("reports") / "data"
    keys = write_runs(World(folder))
    with Store.open(folder) as store:
        store.ingest_now()
    return folder, keys


@pytest.fixture(scope="module")
def shared(written: tuple[Path, dict[str, str]]) -> Iterator[Store]:
    """A store that is only read."""
    with Store.open(written[0]) as store:
        yield store


@pytest.fixture
def world(tmp_path: Path, written: tuple[Path, dict[str, str]]) -> World:
    shutil.copytree(written[0], tmp_path / "data")
    world = World(tmp_path / "data")
    world.sleep(10_000)
    return world


@pytest.fixture
def store(world: World) -> Iterator[Store]:
    with Store.open(world.folder, clock_ns=world.now) as opened:
        yield opened


def values(store: Store, *formulas: str, text: str = SETS) -> list[FormulaValue]:
    found = store.reports.formulas(*PLACE, text, formulas, everything).formulas
    return [found[formula] for formula in formulas]


def frozen(store: Store, text: str, title: str = "A report") -> Report:
    made = store.reports.create(*PLACE, title, text, "ada")
    return store.reports.freeze(made.id, "ada", 1, everything)


def array(value: dict[str, str]) -> Any:
    kinds = {"f8": "<f8", "f4": "<f4", "u1": "u1"}
    return np.frombuffer(base64.b64decode(value["data"]), kinds[value["type"]])


# ── documents ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_report_and_all_its_versions_are_there_after_the_index_is_gone(store: Store, world: World):
    made = store.reports.create(*PLACE, "First", "# One\n\nIts words.\n", "ada")
    world.sleep(5)
    store.reports.change(made.id, "max", 1, title="Second", markdown="# Two\n", published=True)
    store.close()
    shutil.rmtree(world.folder / "index")

    with Store.open(world.folder) as again:
        now, then = again.reports.read(made.id), again.reports.read(made.id, 1)
        assert (now.title, now.markdown, now.published, now.version, now.updated_by) == (
            "Second",
            "# Two\n",
            True,
            2,
            "max",
        )
        assert (then.title, then.markdown, then.published, then.excerpt) == (
            "First",
            "# One\n\nIts words.\n",
            False,
            "Its words.",
        )
        assert [(one.version, one.author) for one in again.reports.versions(made.id)] == [(2, "max"), (1, "ada")]
        assert [one.title for one in again.reports.of_project(*PLACE)] == ["Second"]


def test_two_editors_never_overwrite_one_another_and_a_version_is_restored(store: Store):
    made = store.reports.create(*PLACE, "One", "a\nb\n", "ada")
    store.reports.change(made.id, "max", 1, markdown="a\nc\n")

    with pytest.raises(EditConflict, match="max"):
        store.reports.change(made.id, "ada", 1, markdown="mine")
    assert store.reports.difference(made.id, 1, 2).splitlines()[-2:] == ["+c", " "]
    restored = store.reports.restore(made.id, "ada", 2, 1)
    assert (restored.markdown, restored.version) == ("a\nb\n", 3)
    store.reports.delete(made.id, "ada")
    with pytest.raises(NotFound):
        store.reports.read(made.id)


def test_a_report_that_is_too_large_is_refused(store: Store):
    with pytest.raises(LimitExceeded):
        store.reports.create(*PLACE, "Large", "x" * (REPORT_MAX_BYTES + 1), "ada")
    figures = FIGURE * 201
    with pytest.raises(LimitExceeded, match="201 figures"):
        store.reports.evaluate(*PLACE, figures, everything)


# ── what it shows ────────────────────────────────────────────────────────────────────────────────────────────────
def test_run_sets_mean_the_runs_that_they_say_in_their_order(shared: Store, written):
    _, keys = written
    sets = shared.reports.evaluate(*PLACE, SETS, everything).sets

    assert [member.id for member in sets["vits"].members] == ["vit0", "vit1", "vit2"]
    assert {group.label: len(group.runs) for group in sets["all"].groups or ()} == {"bare": 1, "vit": 3, "resnet": 3}
    old = sets["old"]
    assert [member.id for member in old.members] == ["vit0", "resnet1"]
    assert (old.pinned, old.baseline, old.unknown) == ([keys["vit0"]], keys["resnet1"], ["nobody"])


def test_formulas_have_the_values_of_the_runs(shared: Store):
    mean, group, best, name, last, value, n = values(
        shared,
        'mean(val/acc, runs="vits") ± std',
        'mean(val/acc, group="vit"), %',
        "best(val/acc)",
        "best_run(val/acc)",
        'last(loss, run="vit0")',
        'value(config.lr, run="vit1")',
        'n(val/acc, group="resnet")',
    )

    accuracies = [0.92 + 0.001 * seed + 0.0019 for seed in range(3)]
    assert mean.value == pytest.approx(np.mean(accuracies))
    assert mean.spread == pytest.approx(np.std(accuracies, ddof=1))
    assert (mean.written, mean.n) == ("0.9229 ± 0.0010", 3)
    assert (group.written, best.written, name.written) == ("92.29 %", "0.9239", "name of vit2")
    assert (last.value, value.value, n.value) == (0.05, 0.2, 2.0)


def test_runs_without_a_value_and_those_that_diverged_are_counted_and_said(shared: Store):
    (mean,) = values(shared, "mean(val/acc)")

    assert (mean.n, mean.missing, mean.nonfinite) == (5, 1, 1)
    assert mean.notes == ["1 of 7 runs has no val/acc.", "1 of 7 runs has no finite val/acc."]


def test_a_difference_is_tested_as_scipy_does(shared: Store):
    from scipy import stats

    delta, p, test = values(
        shared, 'delta(val/acc, "vit", "old") ± ci', 'p(loss, "vits", "resnet")', 'test(val/acc, "vit", "vits")'
    )
    a, b = [0.9219, 0.9229, 0.9239], [0.9219, 0.9029]

    assert delta.value == pytest.approx(np.mean(a) - np.mean(b))
    interval = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert delta.spread == pytest.approx((interval.high - interval.low) / 2)
    assert "no spread" in p.error
    assert test.written.endswith("(Welch’s test, n = 3 and 3)")


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("meen(loss)", "there is no function 'meen'"),
        ('mean(loss, runs="B")', "names no run set 'B'; it names 'all', 'vits', 'old'"),
        ('mean(loss, group="cnn")', "there is no group 'cnn': the groups are"),
        ('last(loss, run="nobody")', "there is no run 'nobody'"),
        ("last(val/acc)", 'say which with run="…"'),
        ("mean(none)", "none of 7 runs has a finite none"),
        ("best(loss)", "whether a low or a high loss is good is not known"),
        ("value(config.model) + 1", 'say which with run="…"'),
        ('value(config.model, run="vit0") + 1', "is no number"),
        ('std(loss, run="vit0")', "needs two values"),
        ('delta(loss, "vit", "cnn")', "there is no group 'cnn'"),
    ],
)
def test_a_formula_that_has_no_value_says_why(shared: Store, formula: str, words: str):
    (found,) = values(shared, formula)

    assert (found.written, found.value) == ("", None)
    assert words in found.error


def test_what_is_wrong_is_said_where_it_stands(shared: Store):
    text = (
        '```treering\n{"runs": {"A": {"filter": "config.lr >"}, "B": {"x": 1}}}\n```\n'
        '```treering\n{"panel": {"type": "line"}, "runs": "C"}\n```\n'
        "```treering\n{\n```\n"
        '{{ n(loss, runs="A") }}'
    )
    found = shared.reports.evaluate(*PLACE, text, everything)

    assert "expected" in found.sets["A"].problem
    assert found.figures[0].problem == "Line 4: the report names no run set 'C'; it names 'A'."
    assert [problem.partition(":")[0] for problem in found.problems] == ["Line 7", "Line 1"]
    assert found.sets["A"].problem == found.formulas['n(loss, runs="A")'].error


def test_a_run_set_of_a_project_that_one_may_not_read_is_one_of_none(shared: Store):
    text = '```treering\n{"runs": {"A": {"project": "bob/letters"}}}\n```\n{{ n(loss) }}'
    found = shared.reports.evaluate(*PLACE, text, lambda entity, project: (entity, project) == PLACE)

    assert found.sets["A"].problem == "there is no project bob/letters."
    assert found.formulas["n(loss)"].error == "there is no project bob/letters."


def test_numbers_typed_by_hand_are_listed_with_formulas_that_have_their_value(shared: Store):
    text = f"{SETS}\nThe vits reach 0.9229 and 92.39 %, with 0.777 of something.\n"
    found = {one.text: one.formulas for one in shared.reports.check_numbers(*PLACE, text, everything)}

    assert 'mean(val/acc, group="vit")' in found["0.9229"]
    assert "best(val/acc), %" in found["92.39 %"]
    assert found["0.777"] == []
    for formula in (*found["0.9229"], *found["92.39 %"]):
        (value,) = values(shared, formula, text=text)
        assert value.written in ("0.9229", "92.39 %")


# ── frozen ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_frozen_report_keeps_its_data_when_runs_change_and_go(store: Store, world: World, written):
    _, keys = written
    text = f'{SETS}\n{FIGURE}\n{{{{ mean(val/acc, runs="vits") }}}}\n'
    report = frozen(store, text)
    before = store.reports.frozen_json(report.id)
    assert store.reports.changes(report.id, everything) == []

    life = world.life("vit9")
    life.config({"model": "vit"})
    life.log({"val/acc": 0.5}, 0)
    life.end()
    store.ingest_now()
    store.edit_run(keys["vit0"], {"name": "renamed"}, "max")
    store.edit_run(keys["vit2"], {"deleted": True}, "max")
    store.purge_runs([keys["vit2"]], "max")
    store.correcting.create(*PLACE, parse_rule({"kind": "rescale", "key": "val/acc", "factor": 100}), "max")

    kinds = {change.kind: change.text for change in store.reports.changes(report.id, everything)}
    assert kinds["gone"] == "The run 'name of vit2' was removed for good."
    assert kinds["name"] == "The run 'name of vit0' is now called 'renamed'."
    assert kinds["correction"] == "A correction applies that did not: val/acc ×100"
    assert "vit9" in kinds["set"]
    assert "was 0.9229 and is" in kinds["formula"]
    assert "values" in kinds
    assert store.reports.frozen_json(report.id) == before
    assert store.reports.frozen(report.id).evaluation.formulas['mean(val/acc, runs="vits")'].written == "0.9229"


def test_a_run_that_was_moved_is_said_to_be_moved_and_to_lack_nothing(store: Store, world: World, written):
    _, keys = written
    life = world.life("sunk")
    life.config({"model": "sunk"})
    life.log({"val/acc": -math.inf}, 0)
    life.end()
    store.ingest_now()
    report = frozen(store, FIGURE)
    assert store.reports.changes(report.id, everything) == []  # −∞ is what it was

    assert store.move_runs([keys["vit0"]], "bob", "secret", "max") == {}
    store.edit_run(keys["vit0"], {"name": "renamed in secret"}, "max")

    seen = {change.kind: change.text for change in store.reports.changes(report.id, everything)}
    assert seen.keys() == {"moved", "name", "set"}
    assert seen["moved"] == "The run 'name of vit0' was moved to bob/secret."


def test_a_reader_is_told_nothing_of_a_project_that_they_may_not_read(store: Store, written):
    _, keys = written
    report = frozen(store, f"{FIGURE}\n{{{{ mean(val/acc) }}}}\n")
    store.move_runs([keys["vit0"]], "bob", "secret", "max")
    store.edit_run(keys["vit0"], {"name": "renamed in secret"}, "max")

    told = store.reports.changes(report.id, lambda entity, project: project != "secret")

    assert [change.text for change in told] == [
        "The run 'name of vit0' was moved to another project.",
        "One run is in a project that you may not read: what changed there is not said.",
    ]


STRANGE = (
    None,
    True,
    -1,
    2**70,
    1e308,
    "NaN",
    [],
    [1],
    {},
    {"by": 5},
    {"by": "metric:loss", "agg": "at", "step": 2**70},
)


@pytest.mark.parametrize("kind", ["line", "media", "scatter", "importance", "nothing"])
def test_a_figure_with_any_settings_is_frozen_or_says_what_is_wrong(store: Store, kind: str):
    names = ("keys", "pattern", "axis", "xRange", "confidence", "spread", "step", "x", "metric", "method", "columns")
    figures = [{"type": kind, "settings": {"keys": ["loss"], name: value}} for name in names for value in STRANGE]
    figures.append({"type": kind, "settings": {"keys": json.loads("[" * 200 + "]" * 200)}})
    for some in (figures[at : at + 12] for at in range(0, len(figures), 12)):
        report = frozen(store, f"```treering\n{json.dumps({'panels': some})}\n```\n")
        assert store.reports.frozen(report.id).figures[0]["panels"]


def test_the_frozen_line_of_a_group_is_that_of_a_chart(store: Store):
    report = frozen(store, f"{SETS}\n{FIGURE}")
    (panel,) = store.reports.frozen(report.id).figures[0]["panels"]
    groups = store.reports.frozen(report.id).evaluation.sets["all"].groups or []
    vit = next(n for n, group in enumerate(groups) if group.label == "vit")
    line = next(one for one in panel["series"] if one["group"] == f"group:{vit}")

    assert (line["key"], line["axis"], line["run"]) == ("val/acc", "step", None)
    assert array(line["x"]).tolist() == list(range(20))
    assert array(line["y"]) == pytest.approx([0.921 + 0.0001 * step for step in range(20)])
    assert array(line["hi"]) - array(line["lo"]) == pytest.approx(2 * np.std([0, 0.001, 0.002], ddof=1))


@pytest.mark.parametrize("kind", ["scatter", "parallel", "bar", "distribution", "histogram", "scalar", "timeline"])
def test_a_frozen_picture_of_runs_keeps_the_columns_that_it_may_choose(shared: Store, kind: str):
    settings = '{"y": {"by": "metric:loss", "agg": "at", "step": 3}, "color": ["config.model"]}'
    block = f'```treering\n{{"panel": {{"type": "{kind}", "settings": {settings}}}}}\n```\n'
    report = shared.reports.create(*PLACE, kind, block, "ada")
    (panel,) = shared.reports.content(report.id, "ada", everything).data.figures[0]["panels"]
    asked = [(column["by"], column.get("agg", "last")) for column in panel["matrix"]["asked"]]

    assert asked[:2] == [("metric:loss", "at"), ("config.model", "last")]
    assert ("config.lr", "last") in asked
    assert ("metric:val/acc", "max") in asked
    assert panel["matrix"]["columns"][0]["values"].count(0.25) == 6
    assert "config.lr" in [info["by"] for info in panel["columns"]["columns"]]


def test_a_report_whose_lines_have_too_many_points_is_not_frozen(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("treering.store.report_freezing.REPORT_FROZEN_MAX_POINTS", 100)
    made = store.reports.create(*PLACE, "Large", FIGURE, "ada")

    with pytest.raises(LimitExceeded, match="more than 100 points"):
        store.reports.freeze(made.id, "ada", 1, everything)
    assert store.reports.read(made.id).frozen is None


def test_media_of_a_frozen_report_outlive_their_run(store: Store, world: World):
    life = world.life("painter")
    shown, other = store_blob(world.folder, GIF), store_blob(world.folder, OTHER_GIF)
    for step, sha256 in ((0, other), (5, shown)):
        declare(life.writer, f"media/{step}.gif", sha256, store.blobs.size(sha256))
        life.log({"picture": {"_type": "image-file", "sha256": sha256, "size": len(GIF), "format": "gif"}}, step)
    life.end()
    store.ingest_now()
    report = frozen(store, '```treering\n{"panel": {"type": "media", "settings": {"key": "picture"}}}\n```\n')
    (panel,) = store.reports.frozen(report.id).figures[0]["panels"]
    assert [(item["step"], item["value"]["sha256"]) for item in panel["media"]["items"]] == [(5, shown)]

    store.edit_run(life.run_key, {"deleted": True}, "max")
    assert store.purge_runs([life.run_key], "max") == {}

    assert store.reports.blob_of(report.id, shown) == len(GIF)
    assert b"".join(store.blobs.get(shown)) == GIF
    with pytest.raises(NotFound):
        store.reports.blob_of(report.id, other)
    with pytest.raises(NotFound):
        store.blobs.size(other)


def test_thawing_shows_the_runs_again_and_an_earlier_version_keeps_its_data(store: Store):
    report = frozen(store, FIGURE)
    thawed = store.reports.thaw(report.id, "ada", report.version)

    assert thawed.frozen is None
    with pytest.raises(InvalidValue, match="is live"):
        store.reports.frozen(report.id)
    assert store.reports.frozen(report.id, report.version).report == report.id
    assert store.reports.restore(report.id, "ada", thawed.version, report.version).frozen == report.frozen
    assert set(store.kept_blobs()) == {report.frozen.sha256 if report.frozen else ""}


# ── comments and pictures ────────────────────────────────────────────────────────────────────────────────────────
def test_comments_stand_in_threads_that_are_answered_edited_and_resolved(store: Store, world: World):
    about = Target("report", "abc", "figure 1")
    first = store.comments.create(*PLACE, about, "Is this *right*?", "max")
    world.sleep(1)
    answer = store.comments.create(*PLACE, Target("report", "abc"), "Yes.", "ada", first.id)
    world.sleep(1)
    nested = store.comments.create(*PLACE, Target("report", "abc"), "Really.", "ada", answer.id)

    assert [one.text for one in store.comments.about(Target("report", "abc"))] == [
        "Is this *right*?",
        "Yes.",
        "Really.",
    ]
    assert (nested.reply_to, nested.target.part) == (first.id, "figure 1")
    assert store.comments.count(*PLACE) == {("report", "abc", "figure 1"): 1}
    edited = store.comments.edit(first.id, "max", 1, "Is this right?")
    assert edited.edited_at is not None
    resolved = store.comments.resolve(first.id, "ada", 2, resolved=True)
    assert (resolved.resolved_by, resolved.author, store.comments.count(*PLACE)) == ("ada", "max", {})
    with pytest.raises(InvalidValue, match="an answer is not resolved"):
        store.comments.resolve(answer.id, "ada", 1, resolved=True)
    with pytest.raises(EditConflict):
        store.comments.edit(first.id, "max", 1, "old")
    with pytest.raises(InvalidValue, match="about the same thing"):
        store.comments.create(*PLACE, Target("run", "x"), "no", "ada", first.id)
    for text in ("", " \n"):
        with pytest.raises(InvalidValue):
            store.comments.create(*PLACE, about, text, "ada")
    with pytest.raises(LimitExceeded):
        store.comments.create(*PLACE, about, "x" * (COMMENT_MAX_BYTES + 1), "ada")
    store.comments.delete(first.id, "max")
    assert [one.text for one in store.comments.about(Target("report", "abc"))] == ["Yes.", "Really."]


def test_a_picture_is_kept_once_and_outlives_a_run_that_has_the_same_bytes(store: Store):
    picture = store.pictures.add(*PLACE, GIF, "ada")
    again = store.pictures.add(*PLACE, GIF, "max")

    assert (picture.type, picture.bytes, again) == ("image/gif", len(GIF), picture)
    assert store.pictures.find(*PLACE, picture.sha256) == picture
    assert picture.sha256 in set(store.kept_blobs())
    with pytest.raises(NotFound):
        store.pictures.find("ada", "other", picture.sha256)
    with pytest.raises(InvalidValue, match="no PNG"):
        store.pictures.add(*PLACE, b"<svg onload=alert(1)>", "ada")
    with pytest.raises(LimitExceeded):
        store.pictures.add(*PLACE, GIF + bytes(PICTURE_MAX_BYTES), "ada")
