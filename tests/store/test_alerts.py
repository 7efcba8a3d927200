"""Alert rules over real run logs: what fires, once, and what a restart, a rebuild or an import does not fire again."""

from __future__ import annotations

import math
from typing import Any

import pytest

from store.world import World
from treering.errors import EditConflict, FilterError, NotFound
from treering.runlog import records
from treering.store import Store
from treering.store.alert_log import Fired
from treering.store.alert_rule_documents import AlertRule, RuleSpec
from treering.store.alert_rules import parse_condition
from treering.store.correction_rules import parse_rule

PLACE = ("ada", "digits")
HIGH = {"kind": "threshold", "key": "loss", "op": ">", "value": 10.0}


def rule(store: Store, condition: dict[str, Any], name: str = "watch", **more: Any) -> AlertRule:
    return store.alerts.rules.create(*PLACE, name, RuleSpec(parse_condition(condition), **more), "ada")


def look(store: Store) -> list[Fired]:
    store.ingest_now()
    return store.alerts.watch.look()


def told(fired: list[Fired]) -> list[tuple[Any, ...]]:
    return [(one.key, one.step, one.value) for one in fired]


@pytest.fixture
def watched(store: Store) -> Store:
    store.alerts.watch.start()
    return store


def test_a_rule_fires_once_until_the_metric_is_good_again(world: World, watched: Store):
    life = world.life("r")
    life.log({"loss": 1.0}, 0)
    watched.ingest_now()
    rule(watched, HIGH, level="ERROR")
    assert look(watched) == []

    life.log({"loss": 11.0}, 1)
    fired = look(watched)
    assert told(fired) == [("loss", 1, 11.0)]
    assert fired[0].text == "loss at step 1 of name of r: 11, above 10"
    life.log({"loss": 12.0}, 2)
    assert look(watched) == []
    for step in range(3, 8):
        life.log({"loss": 1.0}, step)
    assert look(watched) == []
    assert watched.alerts.page(*PLACE).alerts[0].over_at is not None
    life.log({"loss": 13.0}, 8)
    assert told(look(watched)) == [("loss", 8, 13.0)]
    assert [(a.step, a.is_open, a.level) for a in watched.alerts.page(*PLACE).alerts] == [
        (8, True, "ERROR"),
        (1, False, "ERROR"),
    ]


def test_a_restart_forgets_nothing_that_happened_meanwhile_and_tells_nothing_twice(world: World):
    life = world.life("r")
    with Store.open(world.folder, clock_ns=world.now) as store:
        store.alerts.watch.start()
        life.log({"loss": 1.0}, 0)
        rule(store, HIGH)
        life.log({"loss": 11.0}, 1)
        assert told(look(store)) == [("loss", 1, 11.0)]
    # While nobody watched: good again, bad again, and good again.
    for step in range(2, 7):
        life.log({"loss": 1.0}, step)
    life.log({"loss": 14.0}, 7)
    for step in range(8, 13):
        life.log({"loss": 1.0}, step)
    with Store.open(world.folder, clock_ns=world.now) as store:
        store.alerts.watch.start()
        assert [one.step for one in look(store)] == [7]
        assert all(not one.is_open for one in store.alerts.page(*PLACE).alerts)
        store.rebuild()
        store.alerts.watch.forget_runs([life.run_key])
        assert look(store) == []
    with Store.open(world.folder, clock_ns=world.now) as store:
        store.alerts.watch.start()
        assert look(store) == []
        assert [one.step for one in store.alerts.page(*PLACE).alerts] == [7, 1]


def test_history_that_is_read_later_pages_nobody(world: World, watched: Store):
    now = world.life("now")
    now.log({"loss": 1.0}, 0)
    watched.ingest_now()
    rule(watched, HIGH)
    rule(watched, {"kind": "ended", "states": ["failed"]})
    assert look(watched) == []
    old = world.life("old")
    old.log({"loss": 100.0}, 0)
    old.end("failed")
    world.sleep(7_200)
    now.log({"loss": 2.0}, 1)

    assert look(watched) == []


def test_a_new_rule_tells_what_is_so_now_and_not_what_has_been(world: World, watched: Store):
    one, two = world.life("one"), world.life("two")
    for life, last in ((one, 11.0), (two, 1.0)):
        life.log({"loss": 12.0}, 0)
        for step in range(1, 7):
            life.log({"loss": last}, step)
    watched.ingest_now()
    rule(watched, HIGH)

    assert [fired.run_key for fired in look(watched)] == [one.run_key]
    assert look(watched) == []


def test_only_runs_that_pass_the_filter_are_watched_as_they_come_to_pass_it(world: World, watched: Store):
    life = world.life("r")
    life.log({"loss": 20.0}, 0)
    watched.ingest_now()
    rule(watched, HIGH, filter="config.lr > 0.1")
    assert look(watched) == []
    life.config({"lr": 0.5})
    life.log({"loss": 21.0}, 1)
    world.sleep(6)

    assert len(look(watched)) == 1
    with pytest.raises(FilterError):
        rule(watched, HIGH, filter="config.lr >")


def test_a_pattern_watches_metrics_that_are_logged_later_and_fires_once_for_a_run(world: World, watched: Store):
    life = world.life("r")
    life.log({"loss": 1.0}, 0)
    watched.ingest_now()
    rule(watched, {"kind": "not_finite", "key": "*"})
    look(watched)
    life.log({"grad/a": math.nan, "grad/b": math.inf, "loss": 1.0}, 1)

    fired = look(watched)
    assert len(fired) == 1
    assert fired[0].key in ("grad/a", "grad/b")
    life.log({"grad/c": math.nan}, 2)
    assert look(watched) == []


def test_a_metric_is_judged_as_corrections_show_it(world: World, watched: Store):
    life = world.life("r")
    life.log({"acc": 0.5}, 0)
    watched.ingest_now()
    rule(watched, {"kind": "threshold", "key": "val/acc", "op": "<", "value": 40.0})
    assert look(watched) == []
    watched.correcting.create(*PLACE, parse_rule({"kind": "rename", "from": "acc", "to": "val/acc"}), "ada")
    watched.correcting.create(*PLACE, parse_rule({"kind": "rescale", "key": "val/acc", "factor": 100.0}), "ada")
    life.log({"acc": 0.45}, 1)
    assert look(watched) == []
    life.log({"acc": 0.3}, 2)
    assert told(look(watched)) == [("val/acc", 2, 30.0)]


def test_ends_are_told_once_and_a_death_that_was_none_is_taken_back(world: World, watched: Store):
    bad, dead = world.life("bad"), world.life("dead")
    for life in (bad, dead):
        life.log({"loss": 1.0}, 0)
    watched.ingest_now()
    rule(watched, {"kind": "ended", "states": ["failed", "crashed"]})
    assert look(watched) == []
    bad.end("failed", reason="out of memory")
    fired = look(watched)
    assert [one.text for one in fired] == ["name of bad failed: out of memory"]
    assert look(watched) == []

    world.sleep(120)
    fired = look(watched)
    assert [one.text for one in fired] == ["name of dead died without a word"]
    assert watched.alerts.page(*PLACE, only="open").alerts[0].run_key == dead.run_key
    dead.log({"loss": 1.0}, 1)
    assert look(watched) == []
    assert watched.alerts.page(*PLACE, only="open").alerts == []


def test_silence_is_told_while_a_run_runs(world: World, watched: Store):
    life = world.life("r")
    life.log({"loss": 1.0, "val": 1.0}, 0)
    watched.ingest_now()
    rule(watched, {"kind": "silent", "key": "val", "seconds": 50.0})
    look(watched)
    for step in range(1, 60):
        life.log({"loss": 1.0}, step)
    fired = look(watched)

    assert [one.text for one in fired] == ["val at step 0 of name of r: no new point for 50 s"]
    assert look(watched) == []
    life.log({"val": 1.0}, 60)
    look(watched)
    assert watched.alerts.page(*PLACE, only="open").alerts == []


def test_what_is_unusual_is_told_by_earlier_runs_of_the_group(world: World, watched: Store):
    for n in range(4):
        past = world.life(f"past{n}", meta={"name": f"past{n}", "group": "g"})
        for step in range(10):
            past.log({"loss": 1.0 + n / 100}, step)
        past.end()
    life = world.life("r", meta={"name": "r", "group": "g"})
    life.log({"loss": 1.0}, 0)
    watched.ingest_now()
    rule(watched, {"kind": "unusual", "key": "loss", "score": 4.0, "points": 2})
    assert look(watched) == []
    life.log({"loss": 1.5}, 1)
    life.log({"loss": 1.5}, 2)

    fired = look(watched)
    assert told(fired) == [("loss", 2, 1.5)]
    assert "where earlier runs had 1.015 ±" in fired[0].text


def test_a_queue_that_overflows_costs_nothing_but_a_second_reading(
    world: World, watched: Store, monkeypatch: pytest.MonkeyPatch
):
    life = world.life("r")
    life.log({"loss": 1.0}, 0)
    watched.ingest_now()
    rule(watched, HIGH)
    look(watched)
    monkeypatch.setattr("treering.store.alert_watch.ALERT_QUEUE_POINTS", 0)
    life.log({"loss": 11.0}, 1)

    assert told(look(watched)) == [("loss", 1, 11.0)]


def test_code_raises_alerts_that_are_listed_with_those_of_rules(world: World, watched: Store):
    life = world.life("r")
    life.log({"loss": 20.0}, 0)
    life.record(records.ALERT, {"title": "look", "text": "at this", "level": "WARN", "step": 0, "repeats": 2})
    life.record(records.ALERT, {"title": 5, "level": "LOUD"})  # no such level: it costs only itself
    watched.ingest_now()
    rule(watched, HIGH)
    look(watched)
    page = watched.alerts.page(*PLACE).alerts

    assert sorted((one.source, one.title, one.repeats) for one in page) == [("code", "look", 2), ("rule", "watch", 0)]
    assert watched.alerts.count_new(*PLACE) == 2
    code = next(one for one in page if one.source == "code")
    watched.alerts.set_seen(*PLACE, [code.id], True, "max")
    assert watched.alerts.page(*PLACE, only="new").alerts[0].source == "rule"
    watched.rebuild()
    found = next(one for one in watched.alerts.page(*PLACE).alerts if one.source == "code")
    assert (found.id, found.seen_by) == (code.id, "max")
    watched.alerts.set_seen(*PLACE, [code.id], False, "max")
    assert watched.alerts.count_new(*PLACE) == 2
    with pytest.raises(NotFound):
        watched.alerts.set_seen(*PLACE, ["0" * 32 + "-96"], True, "max")
    of_run = watched.alerts.of_run(watched.metadata.run(life.run_key))
    assert sorted(one.title for one in of_run) == ["look", "watch"]


def test_pages_go_on_where_the_last_one_ended(world: World, watched: Store):
    life = world.life("r")
    life.log({"loss": 1.0}, 0)
    for n in range(7):
        world.sleep(1)
        life.record(records.ALERT, {"title": f"t{n}", "text": "", "level": "INFO", "step": None})
    watched.ingest_now()
    titles, before = [], None
    while True:
        page = watched.alerts.page(*PLACE, before=before, limit=3)
        titles += [one.title for one in page.alerts]
        before = page.before
        if before is None:
            break

    assert titles == [f"t{n}" for n in range(6, -1, -1)]


def test_versions_of_a_rule_are_kept_and_nobody_overwrites_another(watched: Store, world: World):
    made = rule(watched, HIGH)
    spec = RuleSpec(parse_condition({**HIGH, "value": 20.0}))
    changed = watched.alerts.rules.change(made.id, "max", 1, spec=spec, name="higher")

    assert (changed.text, changed.name, changed.version) == ("loss > 20", "higher", 2)
    with pytest.raises(EditConflict):
        watched.alerts.rules.change(made.id, "vera", 1, enabled=False)
    assert [(one.version, one.author, one.text) for one in watched.alerts.rules.versions(made.id)] == [
        (2, "max", "loss > 20"),
        (1, "ada", "loss > 10"),
    ]
    watched.alerts.rules.delete(made.id, "max")
    assert watched.alerts.rules.of_project(*PLACE) == []
    with pytest.raises(NotFound):
        watched.alerts.rules.find(made.id)


def test_a_preview_says_how_often_a_rule_would_have_fired(world: World, watched: Store):
    for name, spikes in (("one", {3}), ("two", set()), ("three", {2, 9})):
        life = world.life(name)
        for step in range(16):
            life.log({"loss": 50.0 if step in spikes else 1.0}, step)
        life.end("failed" if name == "two" else "finished")
    watched.ingest_now()
    preview = watched.alerts.preview(*PLACE, RuleSpec(parse_condition(HIGH)))

    assert (preview.runs, preview.fired_runs, preview.count) == (3, 2, 3)
    assert [(row.run_id, [fire.step for fire in row.fires]) for row in preview.rows] == [
        ("three", [2, 9]),
        ("two", []),
        ("one", [3]),
    ]
    ended = RuleSpec(parse_condition({"kind": "ended", "states": ["failed"]}), filter='name = "name of two"')
    assert watched.alerts.preview(*PLACE, ended).count == 1


def test_a_run_that_is_deleted_raises_nothing(world: World, watched: Store):
    life = world.life("r")
    life.log({"loss": 1.0}, 0)
    watched.ingest_now()
    rule(watched, HIGH)
    look(watched)
    watched.edit_run(life.run_key, {"deleted": True}, "ada")
    life.log({"loss": 20.0}, 1)

    assert look(watched) == []
    assert watched.alerts.page(*PLACE).alerts == []


def test_a_disk_that_refuses_the_ledger_delays_an_alert(world: World, watched: Store, monkeypatch: pytest.MonkeyPatch):
    life = world.life("r")
    life.log({"loss": 20.0}, 0)
    watched.ingest_now()
    rule(watched, HIGH)

    def refuse(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(watched.alerts.log, "_append", refuse)
        assert look(watched) == []
    assert told(look(watched)) == [("loss", 0, 20.0)]
    assert look(watched) == []
