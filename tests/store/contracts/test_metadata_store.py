"""What every MetadataStore promises, on SQLite and on PostgreSQL 15."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from treering.errors import StorageError
from treering.store import schema as t
from treering.store.line import NEVER
from treering.store.metadata import MetadataStore, Position
from treering.store.sql import SqlMetadata
from treering.store.state import (
    Attr,
    ConsoleSpan,
    Life,
    RewindRow,
    RunBatch,
    RunState,
    SegmentDoc,
    SegmentState,
    SeriesStat,
)


@pytest.fixture
def metadata(metadata_url: str) -> Iterator[MetadataStore]:
    store = SqlMetadata(metadata_url)
    yield store
    store.close()


def add_run(metadata: MetadataStore, run_id: str = "r", project: str = "p") -> RunState:
    ref = metadata.make_project("ada", project)
    state = RunState(
        id=0,
        entity_id=ref.entity_id,
        project_id=ref.id,
        entity="ada",
        project=project,
        run_id=run_id,
        run_key=run_id.ljust(26, "a"),
        number=metadata.next_number(ref.id),
        created_ns=1_000,
        activity_ns=2_000,
    )
    metadata.add_run(state)
    return state


def add_segment(metadata: MetadataStore, run: RunState, name: str, **options) -> SegmentState:
    project = metadata.make_project("ada", run.project)
    label = options.pop("writer", "")
    values = {"life": name, "life_created_ns": 1, "life_index": 0, "from_step": None, **options}
    segment = SegmentState(
        id=0,
        segment=name,
        run=run.id,
        entity_id=run.entity_id,
        project_id=run.project_id,
        writer=label,
        writer_id=metadata.make_keys(project, "writer", [label], "writer")[label],
        base_step=0,
        last_step=None,
        offset=48,
        chain=7,
        status="clean",
        doc=SegmentDoc(),
        **values,
    )
    metadata.add_segment(segment)
    return segment


def test_ids_are_given_once(metadata: MetadataStore, metadata_url: str):
    project = metadata.make_project("ada", "p")
    keys = metadata.make_keys(project, "metric", ["a", "b", "ä/@ \"'"], "number")

    other = SqlMetadata(metadata_url)
    assert other.make_project("ada", "p") == project
    assert other.make_keys(project, "metric", ["b", "c"], "number")["b"] == keys["b"]
    assert other.find_keys(project.id, "config", ["a"]) == {}
    assert other.key_names([keys["a"], 999]) == {keys["a"]: ("a", "number")}
    assert other.index_id == metadata.index_id
    other.close()
    assert len(set(keys.values())) == 3


def test_names_differ_by_case_and_by_entity(metadata: MetadataStore):
    ids = {metadata.make_project(*pair).id for pair in [("a", "p"), ("A", "p"), ("a", "P"), ("b", "p")]}

    assert len(ids) == 4
    assert metadata.find_project("a", "nothing") is None


def test_a_batch_is_written_whole_and_counts_up(metadata: MetadataStore):
    state = add_run(metadata)
    segment = add_segment(metadata, state, "s1")
    project = metadata.make_project("ada", "p")
    key = metadata.make_keys(project, "metric", ["loss"], "number")["loss"]
    before = metadata.seq
    segment.offset, segment.chain = 500, 9
    stat = SeriesStat(
        key, state.id, state.entity_id, state.project_id, n=3, finite=2, last=math.nan, first=1.0, sum=3.0
    )
    state.config = {"nested": {"x": math.nan, "big": 2**60, "list": [1, "a", None]}}
    state.lives["l"] = Life("", 5, end={"state": "failed"})
    batch = RunBatch(state, [segment], [stat], console=[ConsoleSpan(segment.id, 100, 200, 5, 1, 2)], new_keys=[key])

    seq = metadata.apply([batch])

    assert seq == metadata.seq == before + 1
    found = metadata.run(state.run_key)
    assert math.isnan(found.config["nested"]["x"])
    assert found.config["nested"]["big"] == 2**60
    assert found.lives["l"].end == {"state": "failed"}
    (again,) = metadata.segments(state.id)
    assert (again.offset, again.chain, again.writer) == (500, 9, "")
    kept = metadata.stats(state.id)[key]
    assert math.isnan(kept.last)
    assert (kept.n, kept.finite, kept.first, kept.min, kept.sum) == (3, 2, 1.0, None, 3.0)
    assert metadata.console(state.id) == [ConsoleSpan(segment.id, 100, 200, 5, 1, 2)]


def test_positions_tell_of_each_segment_whose_it_is_and_how_far_it_is_applied(metadata: MetadataStore):
    first, second = add_run(metadata), add_run(metadata, "r2")
    segment, other = add_segment(metadata, first, "s1"), add_segment(metadata, second, "s2")
    segment.offset, segment.chain, segment.doc.sealed = 500, 9, True
    metadata.apply([RunBatch(first, [segment])])

    assert metadata.positions() == {
        "s1": Position(segment.id, first.run_key, 500, True),
        "s2": Position(other.id, second.run_key, 48, False),
    }
    assert metadata.runs_by_key([second.run_key, "none"]) == {second.run_key: metadata.run(second.run_key)}


def test_runs_that_are_only_seen_again_have_the_new_sequence_number(metadata: MetadataStore):
    state, other = add_run(metadata), add_run(metadata, "r2")
    metadata.apply([RunBatch(state), RunBatch(other)])

    seq = metadata.apply([], [other.id])

    assert seq == metadata.seq
    with metadata.connect() as connection:
        found = dict(connection.execute(sa.select(t.runs.c.run_key, t.runs.c.seq)).all())
    assert found == {state.run_key: seq - 1, other.run_key: seq}


def test_texts_that_look_like_nan_are_not(metadata: MetadataStore):
    state = add_run(metadata)
    project = metadata.make_project("ada", "p")
    keys = metadata.make_keys(project, "metric", ["text", "number"], "text")
    scope = (state.id, state.entity_id, state.project_id)
    text = SeriesStat(keys["text"], *scope, n=1, last_text="NaN", first_text="=")
    number = SeriesStat(keys["number"], *scope, n=1, last=math.nan, first=math.inf, sum=math.nan)
    metadata.apply([RunBatch(state, series=[text, number])])

    found = metadata.stats(state.id)

    assert (found[keys["text"]].last, found[keys["text"]].last_text, found[keys["text"]].first_text) == (
        None,
        "NaN",
        "=",
    )
    assert math.isnan(found[keys["number"]].last)
    assert (found[keys["number"]].last_text, found[keys["number"]].first) == (None, math.inf)
    assert math.isnan(found[keys["number"]].sum)


def test_a_batch_that_fails_leaves_nothing(metadata: MetadataStore):
    state = add_run(metadata)
    seq = metadata.seq
    state.config = {"lr": 1}
    broken = SeriesStat(1, state.id, None, None, n=1)  # type: ignore[arg-type]

    with pytest.raises(Exception, match=r"(?i)null"):
        metadata.apply([RunBatch(state, series=[broken])])

    assert metadata.seq == seq
    assert metadata.run(state.run_key).config == {}


def test_attributes_are_replaced_and_removed(metadata: MetadataStore):
    state = add_run(metadata)
    project = metadata.make_project("ada", "p")
    keys = metadata.make_keys(project, "config", ["a", "b"], "config")
    metadata.apply([RunBatch(state, attrs={keys["a"]: Attr("int", 1.0), keys["b"]: Attr("str", None, "x")})])
    metadata.apply([RunBatch(state, attrs={keys["a"]: Attr("str", None, "y"), keys["b"]: None})])

    from treering.store import schema

    with metadata.connect() as connection:
        rows = connection.execute(schema.attrs.select()).all()
    assert [(row.key_id, row.kind, row.num, row.text) for row in rows] == [(keys["a"], "str", None, "y")]


def test_deleted_runs_have_no_ids(metadata: MetadataStore):
    alive, gone = add_run(metadata, "alive"), add_run(metadata, "gone")
    gone.edits["deleted"] = (1, True)
    metadata.apply([RunBatch(gone)])

    assert metadata.run_ids([alive.run_key, gone.run_key, "x"]) == {alive.run_key: (alive.id, alive.project_id)}


def test_numbers_count_per_project(metadata: MetadataStore):
    assert [add_run(metadata, name).number for name in ("a", "b")] == [1, 2]
    assert add_run(metadata, "c", project="other").number == 1


def test_the_lineage_orders_lives_and_fences_only_the_same_writer(metadata: MetadataStore):
    run = add_run(metadata)
    first = add_segment(metadata, run, "a", life_created_ns=10)
    rotated = add_segment(metadata, run, "b", life="a", life_created_ns=10, life_index=1)
    late = add_segment(metadata, run, "c", life_created_ns=20, from_step=5, writer="eval")
    second = add_segment(metadata, run, "d", life_created_ns=30, from_step=100)
    third = add_segment(metadata, run, "e", life_created_ns=40, from_step=70)
    metadata.apply([RunBatch(run, rewinds=[RewindRow(third.id, 900, third.writer_id, 60)])])

    lineage = metadata.lineage([run.id])

    fences = dict(zip(lineage.seg.tolist(), lineage.fence.tolist(), strict=True))
    assert fences == {first.id: 70, rotated.id: 70, late.id: NEVER, second.id: 70, third.id: NEVER}
    order = dict(zip(lineage.seg.tolist(), lineage.order.tolist(), strict=True))
    assert order[first.id] < order[rotated.id] < order[late.id] < order[second.id] < order[third.id]
    assert [(r.off, r.from_step) for r in lineage.rewinds] == [(900, 60)]


def test_a_cleared_store_is_another_index_whose_numbers_go_on(metadata: MetadataStore):
    run = add_run(metadata)
    index_id, seq = metadata.index_id, metadata.seq
    metadata.clear()

    assert metadata.run(run.run_key) is None
    assert metadata.index_id != index_id
    assert metadata.seq >= seq
    assert add_run(metadata).number == 1


def test_an_index_of_another_version_is_refused_untouched(metadata: MetadataStore, metadata_url: str):
    from treering.store import schema

    with metadata._write() as connection:
        connection.execute(schema.settings.update().where(schema.settings.c.name == "version").values(value="99"))

    with pytest.raises(StorageError, match="version 99"):
        SqlMetadata(metadata_url)


def test_many_threads_read_while_one_writes(metadata: MetadataStore):
    state = add_run(metadata)
    errors: list[Exception] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                metadata.run(state.run_key)
                metadata.segments(state.id)
        except Exception as error:
            errors.append(error)

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    for i in range(100):
        state.config = {"i": i}
        metadata.apply([RunBatch(state)])
    done.set()
    for reader in readers:
        reader.join()

    assert errors == []
    assert metadata.run(state.run_key).config == {"i": 99}
