"""Alert rules over real run logs: what fires, once, and what a restart, a rebuild or an import does not fire again."""

from __future__ import annotations

import math
import os
from typing import Any

import pytest

from store.world import World
from treering.errors import EditConflict, FilterError, InvalidValue, NotFound
from treering.runlog import records
from treering.store import Store
from treering.store.alert_log import Fired
from treering.store.alert_rule_documents import AlertRule, RuleSpec
from treering.store.alert_rules import parse_condition
from treering.store.correction_rules import parse_rule
from treering.store.liveness import this_machine

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


def test_alerts_of_one_moment_are_all_listed_page_by_page(world: World, metadata_url: str):
    with Store.open(world.folder, clock_ns=world.now, metadata_url=metadata_url) as watched:
        watched.alerts.watch.start()
        lives = [world.life(f"r{n}") for n in range(7)]
        for life in lives:
            life.log({"loss": 1.0}, 0)
            for n in range(2):
                life.record(records.ALERT, {"title": f"{life.run_key} {n}", "text": "", "level": "INFO", "step": None})
        watched.ingest_now()
        rule(watched, HIGH)
        for life in lives:
            life.log({"loss": 20.0}, 1)
        assert len(look(watched)) == 7
        times = {one.time for one in watched.alerts.page(*PLACE, limit=200).alerts if one.source == "rule"}
        assert len(times) == 1
        for only, count in (("all", 21), ("new", 21), ("open", 7)):
            found, before = [], None
            while True:
                page = watched.alerts.page(*PLACE, only=only, before=before, limit=4)
                found += [one.id for one in page.alerts]
                before = page.before
                if before is None:
                    break
            assert (len(found), len(set(found))) == (count, count)
        for bad in ("", "x", "1", "-1.a", "1.a-b", "nan.a", "1.a\0"):
            with pytest.raises(InvalidValue):
                watched.alerts.page(*PLACE, before=bad)
        assert watched.alerts.page(*PLACE, before=f"{10**19}.a-{10**19}").alerts != []


def test_a_page_of_what_is_rare_looks_at_so_many_and_goes_on(
    world: World, watched: Store, monkeypatch: pytest.MonkeyPatch
):
    life = world.life("r")
    for n in range(30):
        world.sleep(1)
        life.record(records.ALERT, {"title": f"t{n}", "text": "", "level": "INFO", "step": None})
    watched.ingest_now()
    newest = watched.alerts.page(*PLACE, limit=25).alerts
    watched.alerts.set_all_seen(*PLACE, newest[0].time, "max")
    monkeypatch.setattr("treering.store.alerting.ALERTS_SCANNED_MAX", 10)
    watched.alerts.set_seen(*PLACE, [newest[24].id], False, "max")

    first = watched.alerts.page(*PLACE, only="new", limit=5)
    assert (first.alerts, first.before is None) == ([], False)
    third = watched.alerts.page(
        *PLACE, only="new", limit=5, before=watched.alerts.page(*PLACE, before=first.before, limit=10).before
    )
    assert [one.id for one in third.alerts] == [newest[24].id]


def test_what_comes_while_somebody_marks_all_as_seen_stays_new(world: World, watched: Store):
    life = world.life("r")
    for n in range(3):
        world.sleep(1)
        life.record(records.ALERT, {"title": f"t{n}", "text": "", "level": "INFO", "step": None})
    watched.ingest_now()
    seen = watched.alerts.page(*PLACE).alerts[1]

    assert watched.alerts.set_all_seen(*PLACE, seen.time, "max") == 2
    assert [one.title for one in watched.alerts.page(*PLACE, only="new").alerts] == ["t2"]
    assert watched.alerts.count_new(*PLACE) == 1


@pytest.mark.parametrize("ahead_s", [-3_600, 3_600])
def test_a_clock_that_is_set_back_swallows_no_alert_and_repeats_none(world: World, ahead_s: int):
    def log(store: Store, values: list[float]) -> list[int | None]:
        told: list[int | None] = []
        for value in values:
            log.step += 1  # type: ignore[attr-defined]
            life.log({"loss": value}, log.step)  # type: ignore[attr-defined]
            told += [one.step for one in look(store)]
        return told

    log.step = 0  # type: ignore[attr-defined]
    life = world.life("r")
    ours = world.now_ns

    def now() -> int:
        return max(ours, world.now_ns - shift)

    shift = ahead_s * 1_000_000_000
    world.now_ns += shift
    with Store.open(world.folder, clock_ns=now) as store:
        store.alerts.watch.start()
        life.log({"loss": 1.0}, 0)
        store.ingest_now()
        rule(store, HIGH)
        assert log(store, [11.0, 1.0, 1.0, 1.0, 1.0, 1.0]) == [1]
        world.now_ns -= 1_800_000_000_000  # the clock of the machine that trains, half an hour back
        shift -= 1_800_000_000_000
        assert log(store, [12.0, 1.0, 1.0, 1.0, 1.0, 1.0, 13.0]) == [7, 13]
        assert [one.step for one in store.alerts.page(*PLACE, only="open").alerts] == [13]
    with Store.open(world.folder, clock_ns=now) as store:
        store.alerts.watch.start()
        assert look(store) == []
        assert log(store, [1.0, 1.0, 1.0, 1.0, 1.0, 14.0]) == [19]
        assert [one.step for one in store.alerts.page(*PLACE, only="open").alerts] == [19]


def test_a_machine_whose_clock_is_late_is_not_taken_for_silent(world: World):
    hour = 3_600_000_000_000
    host, boot = this_machine()
    with open("/proc/self/stat", "rb") as file:
        start = float(file.read().rpartition(b")")[2].split()[19])
    process = {"host": host, "boot_id": boot, "pid": os.getpid(), "start_time": start}  # it lives, whatever clocks say
    life = world.life("r", process=process)
    with Store.open(world.folder, clock_ns=lambda: world.now_ns + hour) as store:
        store.alerts.watch.start()
        told: list[Any] = []
        for step in range(90):
            life.log({"loss": 1.0}, step)
            if step == 10:
                rule(store, {"kind": "silent", "key": "loss", "seconds": 120.0})
            told += look(store)
        assert told == []
        for step in range(200):
            life.log({"val": 1.0}, step)
            told += look(store) if step % 20 == 0 else []
        assert [one.text for one in told] == ["loss at step 89 of name of r: no new point for 2 min"]


def test_a_rule_that_is_changed_or_deleted_leaves_nothing_open(world: World, watched: Store):
    life = world.life("r")
    life.log({"loss": 1.0}, 0)
    watched.ingest_now()
    made = rule(watched, HIGH)
    life.log({"loss": 15.0}, 1)
    assert len(look(watched)) == 1

    def open_ones() -> list[str]:
        world.sleep(1)
        return [one.text for one in watched.alerts.page(*PLACE, only="open").alerts]

    spec = RuleSpec(parse_condition({**HIGH, "value": 20.0}))
    made = watched.alerts.rules.change(made.id, "ada", 1, spec=spec)
    assert look(watched) == []
    assert open_ones() == []  # 15 is no alert any more
    life.log({"loss": 25.0}, 2)
    assert len(look(watched)) == 1
    world.sleep(1)
    made = watched.alerts.rules.change(made.id, "ada", 2, spec=RuleSpec(parse_condition({**HIGH, "value": 5.0})))
    assert [one.text for one in look(watched)] == ["loss at step 1 of name of r: 15, above 5"]  # still so: told once
    assert look(watched) == []
    assert len(open_ones()) == 1
    watched.alerts.rules.change(made.id, "ada", 3, name="other", enabled=False)
    assert (look(watched), open_ones()) == ([], [])
    watched.alerts.rules.change(made.id, "ada", 4, enabled=True)
    assert (len(look(watched)), len(open_ones())) == (1, 1)
    life.end()
    assert (look(watched), open_ones()) == ([], [])  # nothing of a run that ended is so now
    watched.alerts.rules.delete(made.id, "ada")
    assert len(watched.alerts.page(*PLACE).alerts) == 4


def test_alerts_go_with_a_run_that_is_moved(world: World, watched: Store):
    life, other = world.life("r"), world.life("other", project="letters")
    for one in (life, other):
        one.log({"loss": 1.0}, 0)
    watched.ingest_now()
    rule(watched, HIGH)
    life.log({"loss": 20.0}, 1)
    life.record(records.ALERT, {"title": "look", "text": "", "level": "WARN", "step": 1})
    life.end()
    assert len(look(watched)) == 1
    assert watched.move_runs([life.run_key], "ada", "letters", "ada") == {}
    watched.ingest_now()

    assert watched.alerts.page(*PLACE).alerts == []
    there = watched.alerts.page("ada", "letters").alerts
    assert sorted(one.title for one in there) == ["look", "watch"]
    assert len(watched.alerts.of_run(watched.metadata.run(life.run_key))) == 2
    with pytest.raises(NotFound):
        watched.alerts.set_seen(*PLACE, [there[0].id], True, "max")
    assert watched.alerts.set_seen("ada", "letters", [one.id for one in there], True, "max") == 2
    assert watched.alerts.count_new("ada", "letters") == 0


def test_one_project_that_cannot_be_judged_keeps_no_other_waiting_and_misses_nothing(
    world: World, watched: Store, monkeypatch: pytest.MonkeyPatch
):
    one, two = world.life("one"), world.life("two", project="letters")
    for life in (one, two):
        life.log({"loss": 1.0}, 0)
    watched.ingest_now()
    for place in (PLACE, ("ada", "letters")):
        watched.alerts.rules.create(*place, "watch", RuleSpec(parse_condition(HIGH)), "ada")
    assert look(watched) == []
    feed = watched.alerts.watch._feed
    with monkeypatch.context() as broken:

        def fails(project: Any, *rest: Any) -> None:
            if project.ref.name == "digits":
                raise OSError("the database is gone")
            feed(project, *rest)

        broken.setattr(watched.alerts.watch, "_feed", fails)
        for life in (one, two):
            life.log({"loss": 20.0}, 1)
        assert [fired.run_key for fired in look(watched)] == [two.run_key]
    world.sleep(10)
    assert [fired.run_key for fired in look(watched)] == [one.run_key]


def test_lines_are_read_again_a_portion_at_a_time(world: World, watched: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("treering.store.alert_points.ALERT_QUEUE_POINTS", 12)
    for n in range(4):
        life = world.life(f"r{n}")
        for step in range(10):
            life.log({"a": 20.0 if step == 9 else 1.0, **({"b": 1.0} if n == 1 else {})}, step)
    watched.ingest_now()
    read: list[int] = []
    points = watched.alerts.watch._points
    portions = points._portions
    monkeypatch.setattr(
        points, "_portions", lambda *asked: (read.append(len(runs)) or (keys, runs) for keys, runs in portions(*asked))
    )
    rule(watched, {**HIGH, "key": "*"})

    assert len(look(watched)) == 4
    assert read == [1, 1, 1, 1, 1]


def test_a_forged_time_costs_its_record_and_no_more(world: World, watched: Store):
    life = world.life("r")
    life.log({"loss": 1.0}, 0)
    for time_ns in ((1 << 62), -(1 << 62)):
        life.writer.append(records.ALERT, [time_ns, {"title": "when", "text": "", "level": "INFO", "step": None}])
    watched.ingest_now()
    times = [one.time for one in watched.alerts.page(*PLACE).alerts]
    assert times == [((1 << 62) // 1000) / 1e6, 0.0]
    for record in (
        [math.inf, {"alert": "x", "what": "seen", "author": "a"}],
        [1, []],
        [math.nan, {}],
        5,
        [1, {"what": 5}],
    ):
        for kind in (records.ALERT, records.ALERT_NOTE):
            watched.alerts.log.note(kind, record)
