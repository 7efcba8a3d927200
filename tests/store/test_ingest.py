"""From the run log to answers: attempts, lives, states, edits, damage, and exactly once."""

from __future__ import annotations

import math
import os
import threading
from pathlib import Path

import pytest

from store.world import Life, World
from treering.errors import FolderInUse, InvalidValue, ProjectNotFound, RunNotFound
from treering.limits import LIVE_POLL_S
from treering.runlog import records
from treering.runlog.frames import FRAME_HEADER_BYTES
from treering.runlog.reader import SegmentReader
from treering.store import RunQuery, SeriesRequest, Store
from treering.store.console import ConsoleQuery
from treering.store.liveness import this_machine


def rows(store: Store, run_key: str, **options) -> list[dict]:
    """History as a list of dicts, missing keys absent."""
    found = []
    for batch in store.history(run_key, **options):
        for i in range(len(batch.step)):
            row = {"_step": int(batch.step[i]), "_attempt": int(batch.attempt[i]), "_writer": batch.writer[i]}
            for column in batch.columns:
                if column.present[i]:
                    value = column.values[i]
                    row[column.key] = value.item() if hasattr(value, "item") else value
            found.append(row)
    return found


def test_nan_infinities_and_missing_stay_three_things(world: World, store: Store):
    life = world.life()
    for step, value in enumerate([1.0, math.nan, 2.0, math.inf, -math.inf]):
        life.log({"loss": value}, step)
    life.log({"other": 1.0}, 5)
    store.ingest_now()
    store.metrics.flush()

    found = rows(store, life.run_key)

    assert len(found) == 6
    assert [repr(row.get("loss")) for row in found] == ["1.0", "nan", "2.0", "inf", "-inf", "None"]


def test_integers_booleans_texts_and_media_keep_their_type(world: World, store: Store):
    life = world.life()
    image = {"_type": "image", "sha256": "ab"}
    life.log({"n": 7, "flag": True, "status": "warm", "image": image, "big": 2**63, "word": "nan"}, 0)
    life.log({"n": 9, "flag": False}, 1)
    store.ingest_now()

    first, second = rows(store, life.run_key)

    assert (first["n"], type(first["n"])) == (7, int)
    assert first["flag"] is True
    assert (first["status"], first["word"], first["image"], first["big"]) == ("warm", "nan", image, 2**63)
    assert (second["n"], second["flag"]) == (9, False)
    assert set(second) == {"_step", "_attempt", "_writer", "n", "flag"}


def test_a_key_may_change_from_number_to_text(world: World, store: Store):
    life = world.life()
    life.log({"x": 1}, 0)
    life.log({"x": "two"}, 1)
    life.log({"x": 3.5}, 2)
    store.ingest_now()

    assert [row["x"] for row in rows(store, life.run_key)] == [1, "two", 3.5]
    assert store.run(life.run_key).summary["x"] == 3.5


def test_lower_and_repeated_steps_are_kept_with_their_attempt(world: World, store: Store):
    life = world.life()
    for step in [*range(10), *range(5, 13)]:
        life.log({"loss": float(step)}, step)
    store.ingest_now()

    found = rows(store, life.run_key)

    assert [(row["_step"], row["_attempt"]) for row in found] == [
        *((step, 0) for step in range(10)),
        *((step, 1) for step in range(5, 13)),
    ]
    assert [row["_step"] for row in rows(store, life.run_key, attempts="latest")] == list(range(13))


def test_calls_at_one_step_merge_into_one_row_and_the_last_write_wins(world: World, store: Store):
    life = world.life()
    life.log({"a": 1, "b": 1}, 0)
    life.log({"b": 2}, 0)
    life.log({"c": 3}, 0)
    life.log({"a": 4}, 1)
    store.ingest_now()

    assert [{k: v for k, v in row.items() if k[0] != "_"} for row in rows(store, life.run_key)] == [
        {"a": 1, "b": 2, "c": 3},
        {"a": 4},
    ]


def test_rows_of_interleaved_keys_do_not_count_as_going_back(world: World, store: Store):
    life = world.life()
    for step in range(6):
        life.log({"loss": 1.0, "lr": 0.1} if step % 2 else {"loss": 2.0}, step)
    store.ingest_now()

    assert {row["_attempt"] for row in rows(store, life.run_key)} == {0}


def test_relative_steps_go_on_where_the_last_life_stopped(world: World, store: Store):
    first = world.life()
    for offset in range(3):
        first.log_relative({"loss": 1.0}, offset)
    first.end("preempted")
    second = world.life()
    for offset in range(2):
        second.log_relative({"loss": 2.0}, offset)
    store.ingest_now()

    assert [row["_step"] for row in rows(store, first.run_key)] == [0, 1, 2, 3, 4]


def test_the_aggregates_of_a_series_are_those_of_its_points(world: World, store: Store):
    life = world.life()
    values = [3.0, math.nan, -1.5, math.inf, 4.25]
    for step, value in enumerate(values):
        life.log({"loss": value}, step * 10)
    store.ingest_now()

    stats = store.run(life.run_key).metrics["loss"]

    assert (stats.n, stats.min, stats.max, stats.mean) == (5, -1.5, 4.25, (3.0 - 1.5 + 4.25) / 3)
    assert (stats.first, stats.last, stats.last_step) == (3.0, 4.25, 40)


def test_a_last_value_of_nan_is_nan_and_not_missing(world: World, store: Store):
    life = world.life()
    life.log({"loss": math.nan}, 0)
    store.ingest_now()

    stats = store.run(life.run_key).metrics["loss"]

    assert math.isnan(stats.last)
    assert (stats.min, stats.mean) == (None, None)


def test_config_is_replaced_and_deleted_by_top_level_key(world: World, store: Store):
    life = world.life()
    life.config({"lr": 0.1, "model": {"depth": 3, "name": "vit"}, "old": 1})
    life.config({"lr": 0.2, "model": {"depth": 4}})
    life.record(records.CONFIG, {}, "delete", ["old"])
    store.ingest_now()

    run = store.run(life.run_key)

    assert run.config == {"lr": 0.2, "model": {"depth": 4}}
    assert [(c["key"], c["before"]) for c in run.meta["config_changes"]] == [
        ("lr", 0.1),
        ("model", {"depth": 3, "name": "vit"}),
        ("old", 1),
    ]


def test_an_explicit_summary_wins_over_the_last_value(world: World, store: Store):
    life = world.life()
    life.log({"acc": 0.5, "loss": 1.0}, 0)
    life.record(records.SUMMARY, {"acc": 0.9})
    store.ingest_now()

    assert store.run(life.run_key).summary == {"acc": 0.9, "loss": 1.0}


def test_defined_summaries_units_and_goals_reach_the_keys(world: World, store: Store):
    life = world.life()
    life.record(records.DEFINE, {"name": "val/*", "summary": ["max", "last"], "goal": "maximize", "unit": "%"})
    for step, value in enumerate([1.0, 9.0, 5.0]):
        life.log({"val/acc": value}, step)
    store.ingest_now()

    run = store.run(life.run_key)
    (key,) = store.project("ada", "digits").keys

    assert run.summary == {"val/acc.max": 9.0, "val/acc": 5.0}
    assert (key.key, key.unit, key.goal, key.runs) == ("val/acc", "%", "maximize", 1)


# ── states ───────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("state", ["finished", "failed", "killed", "preempted", "crashed"])
def test_a_run_ends_as_its_main_writer_says(world: World, store: Store, state: str):
    life = world.life()
    life.log({"loss": 1.0}, 0)
    life.end(state, exit_code=3, traceback="Traceback …")
    store.ingest_now()

    run = store.run(life.run_key)

    assert (run.state, run.end.state, run.end.exit_code, run.end.traceback) == (state, state, 3, "Traceback …")
    assert run.ended_at == world.now_ns / 1e9


def test_a_run_without_a_beat_for_a_minute_has_crashed_until_it_comes_back(world: World, store: Store):
    life = world.life()
    life.log({"loss": 1.0}, 0)
    store.ingest_now()
    assert store.run(life.run_key).state == "running"

    world.sleep(61)
    store.ingest_now()
    assert store.run(life.run_key).state == "crashed"

    life.log({"loss": 2.0}, 1)
    store.ingest_now()
    assert store.run(life.run_key).state == "running"


def test_a_process_of_this_machine_lives_as_long_as_it_is_there(world: World, store: Store):
    host, boot = this_machine()
    fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    process = {"host": host, "boot_id": boot, "pid": os.getpid(), "start_time": float(fields[19])}
    mine = world.life("mine", process=process)
    other = world.life("other", process={**process, "start_time": 1.0})
    world.sleep(3600)
    store.ingest_now()

    assert store.run(mine.run_key).state == "running"
    assert store.run(other.run_key).state == "crashed"


def test_the_uploader_speaks_for_the_process_it_looks_after(world: World, store: Store):
    life = world.life()
    life.log({"loss": 1.0}, 0)
    uploader = world.life(writer="system", of_life=life.id)
    world.sleep(500)
    uploader.record(records.BEAT, {"synced": {life.writer.segment_id: life.writer.position}, "uploader_pid": 5})
    store.ingest_now()
    run = store.run(life.run_key)
    assert run.state == "running"
    assert run.guarantee.fsynced

    uploader.record(records.END, {"state": "crashed", "reason": "out of memory", "writer": ""})
    store.ingest_now()

    run = store.run(life.run_key)
    assert (run.state, run.end.reason) == ("crashed", "out of memory")


def test_a_later_life_makes_an_ended_run_running_again(world: World, store: Store):
    first = world.life()
    first.end("preempted")
    store.ingest_now()
    second = world.life(from_step=0)
    second.log({"loss": 1.0}, 0)
    store.ingest_now()

    assert store.run(first.run_key).state == "running"


# ── other records ────────────────────────────────────────────────────────────────────────────────────────────────
def test_counted_losses_are_shown(world: World, store: Store):
    life = world.life()
    life.record(records.GAP, {"count": 12, "reason": "No space left on device"})
    store.ingest_now()

    loss = store.run(life.run_key).loss

    assert (loss.gaps, loss.points) == (1, 12)


def test_console_lines_of_several_writers_come_in_time_order_and_page_by_page(world: World, store: Store):
    main, rank = world.life(), world.life(writer="rank1")
    for i in range(600):
        world.sleep(1)
        (rank if i % 3 == 0 else main).record(records.CONSOLE, "stdout", f"line {i}")
    store.ingest_now()

    texts, offset = [], 0
    while page := store.console(main.run_key, ConsoleQuery(offset, 77)).lines:
        texts += [line.text for line in page]
        offset += len(page)

    assert texts == [f"line {i}" for i in range(600)]
    assert store.console(main.run_key, ConsoleQuery(600, 10)).next == 600


def test_console_lines_are_found_by_a_piece_of_them_by_writer_and_by_stream(world: World, store: Store):
    main, rank = world.life(), world.life(writer="rank1")
    for i in range(30):
        world.sleep(1)
        (rank if i % 3 == 0 else main).record(records.CONSOLE, "stderr" if i % 2 else "stdout", f"Epoch {i}")
    store.ingest_now()

    def found(**wanted: object) -> list[tuple[int, str]]:
        page = store.console(main.run_key, ConsoleQuery(**wanted))  # type: ignore[arg-type]
        return [(line.n, line.text) for line in page.lines]

    assert found(search="epoch 2", limit=3) == [(2, "Epoch 2"), (20, "Epoch 20"), (21, "Epoch 21")]
    assert found(search="epoch 2", offset=21, limit=2) == [(21, "Epoch 21"), (22, "Epoch 22")]
    assert [n for n, _ in found(writer="rank1")] == list(range(0, 30, 3))
    assert [n for n, _ in found(writer="", stream="stderr", offset=10)] == [11, 13, 17, 19, 23, 25, 29]
    assert store.console(main.run_key, ConsoleQuery(29)).total == 30


def test_a_line_that_is_not_finished_shows_its_newest_state_until_it_is(world: World, store: Store):
    life = world.life()

    def states() -> list[tuple[str, str]]:
        store.ingest_now()
        return [(line.stream, line.text) for line in store.console(life.run_key).state]

    life.record(records.CONSOLE, "stdout", "begin")
    life.record(records.CONSOLE, "stderr", " 10%|#", 1)
    life.record(records.CONSOLE, "stderr", " 20%|##", 1)
    assert states() == [("stderr", " 20%|##")]
    life.record(records.CONSOLE, "stdout", "a line of the other stream")
    assert states() == [("stderr", " 20%|##")]
    life.record(records.CONSOLE, "stderr", "100%|####")
    assert states() == []
    assert [line.text for line in store.console(life.run_key).lines] == [
        "begin",
        "a line of the other stream",
        "100%|####",
    ]


def test_edits_are_records_and_the_newest_wins(world: World, store: Store):
    life = world.life(meta={"name": "first", "tags": ["a"]})
    store.ingest_now()
    store.edit_run(life.run_key, {"name": "second", "tags": ["b", "c"], "notes": "n"}, "ada")
    world.sleep(-100)
    life.record(records.EDIT, "old", {"name": "of the past"})
    store.ingest_now()

    run = store.run(life.run_key)

    assert (run.name, run.tags, run.notes) == ("second", ["b", "c"], "n")
    assert {w.label for w in run.writers} == {"", "server"}


def test_a_deleted_run_is_gone_from_everywhere(world: World, store: Store):
    life = world.life()
    life.log({"loss": 1.0}, 0)
    store.ingest_now()

    assert store.edit_run(life.run_key, {"deleted": True}, "ada") is None

    with pytest.raises(RunNotFound):
        store.run(life.run_key)
    assert store.query_runs(RunQuery("ada", "digits")).total == 0
    assert store.series(SeriesRequest(keys=["loss"], runs=[life.run_key])) == []


@pytest.mark.parametrize("wrong", [{"state": "finished"}, {"tags": "x"}, {"name": ""}, {"archived": 1}, {"notes": 3}])
def test_what_cannot_be_edited_is_refused(world: World, store: Store, wrong: dict):
    life = world.life()
    store.ingest_now()

    with pytest.raises(InvalidValue):
        store.edit_run(life.run_key, wrong, "ada")


def test_what_does_not_exist_is_said_so(store: Store):
    with pytest.raises(RunNotFound):
        store.run("a" * 26)
    with pytest.raises(ProjectNotFound):
        store.query_runs(RunQuery("ada", "nothing"))


def test_numbers_count_the_runs_of_a_project_and_never_change(world: World, store: Store):
    lives = [world.life(f"r{i}") for i in range(3)]
    other = world.life("x", project="other")
    store.ingest_now()
    later = world.life("r9")
    store.ingest_now()

    numbers = [store.run(life.run_key).number for life in [*lives, other, later]]

    assert numbers == [1, 2, 3, 1, 4]


# ── damage ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_damaged_row_is_reported_and_all_others_are_there(world: World, store: Store):
    life = world.life()
    for step in range(20):
        life.log({"loss": float(step)}, step)
    with SegmentReader(life.path) as reader:
        frame = [f for f in reader.read() if f.kind == records.ROW][7]
    with life.path.open("r+b") as file:
        file.seek(frame.offset + FRAME_HEADER_BYTES + 2)
        file.write(b"\xff")
    healthy = world.life("healthy")
    healthy.log({"loss": 1.0}, 0)
    store.ingest_now()

    run = store.run(life.run_key)

    assert [row["_step"] for row in rows(store, life.run_key)] == [s for s in range(20) if s != 7]
    assert run.damaged
    assert [(d.segment, d.offset) for d in run.damage] == [(life.writer.segment_id, frame.offset)]
    assert not store.run(healthy.run_key).damaged
    assert not store.verify(life.run_key).ok


def test_zeros_in_the_run_log_of_a_living_process_are_damage(world: World, store: Store):
    """A run that has ended may have its end behind them, and its process may go on: a notebook."""
    host, boot = this_machine()
    fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    process = {"host": host, "boot_id": boot, "pid": os.getpid(), "start_time": float(fields[19])}
    life = world.life(process=process)
    for step in range(20):
        life.log({"loss": float(step)}, step)
    life.end()
    with SegmentReader(life.path) as reader:
        frames = [f for f in reader.read() if f.kind == records.ROW]
    with life.path.open("r+b") as file:
        file.seek(frames[7].offset)
        file.write(bytes(frames[8].end - frames[7].offset))
    store.ingest_now()

    run = store.run(life.run_key)

    assert run.damaged
    assert run.state == "finished"
    assert [row["_step"] for row in rows(store, life.run_key)] == [s for s in range(20) if s not in (7, 8)]


def test_a_file_that_is_no_segment_breaks_nobody(world: World, store: Store):
    life = world.life()
    life.log({"loss": 1.0}, 0)
    (life.folder / ("0" * 32 + ".trl")).write_bytes(os.urandom(4096))
    lost = world.folder / "runs" / ("a" * 26)
    lost.mkdir()
    (lost / ("1" * 32 + ".trl")).write_bytes(b"")
    store.ingest_now()
    store.ingest_now()

    page = store.query_runs(RunQuery("ada", "digits"))

    assert [(row.run_key, row.damaged, bool(row.error)) for row in page.runs] == [(life.run_key, True, True)]
    assert len(rows(store, life.run_key)) == 1


def test_a_segment_in_the_folder_of_another_run_is_refused(world: World, store: Store):
    life = world.life("one")
    other = world.folder / "runs" / ("b" * 26)
    other.mkdir()
    os.link(life.path, other / life.path.name)
    store.ingest_now()

    assert store.query_runs(RunQuery("ada", "digits")).total == 1


def test_a_segment_that_is_copied_to_another_run_is_noticed_when_its_own_is_known(world: World, store: Store):
    life, other = world.life("one"), world.life("other")
    life.log({"loss": 1.0}, 0)
    life.end()
    store.ingest_now()
    os.link(life.path, other.folder / life.path.name)
    store.ingest_now()
    store.ingest_now()

    run = store.run(other.run_key)

    assert run.damaged
    assert "belongs to run" in str(run.error)
    assert not store.run(life.run_key).damaged


def test_records_that_are_not_what_they_claim_are_damage_and_not_an_end(world: World, store: Store):
    life = world.life()
    for kind in records.KINDS:
        if kind not in (records.HEADER, records.SEAL):
            life.writer.append(kind, [1])
            life.writer.append(kind, {"x": [None]})
            life.writer.append(kind, ["a", "b", "c", "d"])
    life.writer.append(99, [1])
    life.log({"loss": 1.0}, 0)
    store.ingest_now()

    run = store.run(life.run_key)

    assert run.metrics["loss"].n == 1
    assert run.damaged
    assert run.meta["records_of_newer_versions"] == 1


# ── exactly once ─────────────────────────────────────────────────────────────────────────────────────────────────
def test_looking_again_changes_nothing(world: World, store: Store):
    life = world.life()
    for step in range(50):
        life.log({"loss": 1.0}, step)
    store.ingest_now()
    seq = store.seq

    assert store.ingest_now() == 0
    assert store.seq == seq


def test_a_second_owner_is_refused_by_name(world: World, store: Store):
    with pytest.raises(FolderInUse, match=f"pid {os.getpid()}"):
        Store.open(world.folder)


@pytest.mark.parametrize("flush", [True, False])
def test_reopening_goes_on_where_it_stopped(world: World, flush: bool):
    life = world.life()
    for part in range(4):
        store = Store.open(world.folder, clock_ns=world.now, flush_points=40)
        for step in range(30):
            life.log({"loss": float(step), "text": "t", "part": part}, part * 25 + step)  # each part goes back a little
        store.ingest_now()
        if flush:
            store.metrics.flush()
        found = rows(store, life.run_key)
        count = store.run(life.run_key).metrics["loss"].n
        if flush:
            store.close()
        else:
            crash(store)

        assert [row["_attempt"] for row in found] == [p for p in range(part + 1) for _ in range(30)]
        assert count == len(found) == 30 * (part + 1)


def crash(store: Store) -> None:
    """Let go of the folder as a kill would: nothing is flushed."""
    store.metrics._worker.shutdown()
    store.metadata.close()
    store._lock.close()


def crashed_with_two_segments(world: World) -> Life:
    """A life whose first segment was applied when the server was killed, and which has begun a second one since."""
    life = world.life(segment_max_bytes=4_096)
    first = Store.open(world.folder, clock_ns=world.now)
    step = 0
    while len(life.writer.segments) == 1:
        life.log({"loss": float(step)}, step)
        step += 1
    first.ingest_now()
    crash(first)
    for again in range(5):
        life.log({"loss": 100.0 + again}, again)
    return life


def test_what_memory_held_when_a_server_was_killed_is_named_until_it_is_read_again(world: World):
    life = crashed_with_two_segments(world)
    with Store.open(world.folder, clock_ns=world.now) as store:
        before = store.seq
        assert store.catching_up == 2
        assert store.run(life.run_key).metrics["loss"].n > 0
        assert not store.is_ready

        store.ingest_now()

        assert store.is_ready
        assert store.catching_up == 0
        assert len(rows(store, life.run_key)) == store.run(life.run_key).metrics["loss"].n
        assert [change.run_key for change in store.changes("ada", "digits", before).runs] == [life.run_key]


@pytest.mark.parametrize("ask", ["history", "chart"])
def test_whoever_asks_for_a_run_before_its_points_are_read_again_gets_all_of_them(world: World, ask: str):
    life = crashed_with_two_segments(world)
    world.life("other").log({"loss": 1.0}, 0)
    with Store.open(world.folder, clock_ns=world.now) as store:
        if ask == "history":
            found = [row["loss"] for row in rows(store, life.run_key)]
        else:
            (line,) = store.series(SeriesRequest(keys=["loss"], runs=[life.run_key], buckets=1_000))
            found = [*line.ghost.y.tolist(), *line.y.tolist()]

        assert sorted(found) == sorted([*map(float, range(len(found) - 5)), 100.0, 101.0, 102.0, 103.0, 104.0])
        assert len(found) == store.run(life.run_key).metrics["loss"].n
        assert store.catching_up == 0


def test_a_run_whose_points_are_read_again_is_announced_although_nothing_of_it_is_new(world: World):
    life = world.life()
    life.log({"loss": 1.0}, 0)
    first = Store.open(world.folder, clock_ns=world.now)
    first.ingest_now()
    document = first.metadata.run(life.run_key)
    crash(first)
    with Store.open(world.folder, clock_ns=world.now) as store:
        before = store.seq
        store.ingest_now()

        assert [change.run_key for change in store.changes("ada", "digits", before).runs] == [life.run_key]
        assert store.metadata.run(life.run_key) == document
        seen = store.seq
        store.ingest_now()
        assert store.seq == seen, "once"


def test_what_arrives_before_older_points_are_read_again_goes_behind_them(world: World):
    life = crashed_with_two_segments(world)
    with Store.open(world.folder, clock_ns=world.now) as store:
        store.ingest_segment(life.run_key, life.writer.segment_id)

        found = rows(store, life.run_key)

        assert [(row["_step"], row["_attempt"]) for row in found[-5:]] == [(step, 1) for step in range(5)]
        assert {row["_attempt"] for row in found[:-5]} == {0}
        assert store.catching_up == 0


def test_a_segment_that_cannot_be_applied_takes_no_points_of_its_run_along(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    life = crashed_with_two_segments(world)
    with Store.open(world.folder, clock_ns=world.now) as store:
        apply = store._ingester._apply

        def apply_all_but_the_last(work, segment, frames, live):
            if segment.segment == life.writer.segment_id:
                raise TypeError("what no writer would write")
            apply(work, segment, frames, live)

        monkeypatch.setattr(store._ingester, "_apply", apply_all_but_the_last)
        store.ingest_now()

        assert store.run(life.run_key).damaged
        found = [row["_step"] for row in rows(store, life.run_key)]
        assert found == list(range(len(found)))
        assert len(found) == store.run(life.run_key).metrics["loss"].n - 1 > 5, "all but that of the last segment"
        assert store.catching_up == 0


def test_a_file_that_is_gone_is_not_waited_for(world: World):
    life = crashed_with_two_segments(world)
    (life.folder / f"{life.writer.segments[0]}.trl").unlink()
    with Store.open(world.folder, clock_ns=world.now) as store:
        store.ingest_now()

        assert (store.is_ready, store.catching_up) == (True, 0)
        assert [row["loss"] for row in rows(store, life.run_key)][-5:] == [100.0, 101.0, 102.0, 103.0, 104.0]


def test_a_rotated_life_is_one_sequence(world: World, store: Store):
    life = world.life(segment_max_bytes=4_096)
    for step in range(500):
        life.log({"loss": float(step)}, step)
    life.end()
    store.ingest_now()

    assert len(life.writer.segments) > 3
    assert [row["_step"] for row in rows(store, life.run_key)] == list(range(500))
    assert {row["_attempt"] for row in rows(store, life.run_key)} == {0}
    assert store.run(life.run_key).state == "finished"


# ── following ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_append_is_noticed_within_two_polls_and_announced(world: World):
    with Store.open(world.folder) as store:
        news = threading.Event()
        store.subscribe(lambda seq: news.set())
        store.start()
        life = world.life()
        (world.folder / "live").mkdir()
        (world.folder / "live" / f"{life.run_key}.{life.writer.segment_id}").touch()
        life.log({"loss": 1.0}, 0)
        assert news.wait(5)
        since = store.seq
        news.clear()

        life.log({"loss": 2.0}, 1)

        assert news.wait(2 * LIVE_POLL_S + 1)
        changes = store.changes("ada", "digits", since)
        assert [(c.run_key, c.rows) for c in changes.runs] == [(life.run_key, 1)]
        life.end()
        news.clear()
        assert news.wait(5)
        deadline = threading.Event()
        for _ in range(50):
            if not list((world.folder / "live").iterdir()):
                break
            deadline.wait(0.1)
        assert list((world.folder / "live").iterdir()) == []


def test_changes_of_an_earlier_index_ask_to_read_everything_again(world: World, store: Store):
    world.life()
    store.ingest_now()

    assert store.changes("ada", "digits", 0).reset
    assert store.changes("ada", "digits", store.seq + 5).reset
    assert not store.changes("ada", "digits", store.seq).reset
    assert len(store.changes("ada", "digits", store.metadata.first_seq).runs) == 1


def test_rewinding_inside_a_life_hides_what_was_beyond(world: World, store: Store):
    life = world.life()
    for step in range(10):
        life.log({"loss": 1.0}, step)
    life.record(records.REWIND, {"from_step": 4})
    life.log({"loss": 2.0}, 4)
    store.ingest_now()

    (drawn,) = store.series(SeriesRequest(keys=["loss"], runs=[life.run_key]))

    assert drawn.y.tolist() == [1.0] * 4 + [2.0]
    assert drawn.ghost.x.tolist() == [4, 5, 6, 7, 8, 9]


def test_the_last_value_is_that_of_the_newest_life_although_its_clock_stands_a_day_behind(world: World, store: Store):
    life = world.life()
    life.log({"loss": 1.0}, 0)
    # It knows when the life before began and gives itself a later birth; its rows have the clock's time.
    resumed = world.life()
    world.sleep(-86_400)
    resumed.log({"loss": 0.5}, 1)
    store.ingest_now()

    metric = store.run(life.run_key).metrics["loss"]
    assert (metric.first, metric.last) == (1.0, 0.5)
