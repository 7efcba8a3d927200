"""Segments that arrive over the network: what is acknowledged is there, and nothing else is ever touched."""

from __future__ import annotations

import os
import shutil
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from store.shipping import ADA, FailingFiles, Piece, broken, frames_of, no_space, piece, pieces
from store.world import SECOND, World
from treering.errors import (
    FormatError,
    InvalidName,
    NewerFormat,
    SegmentDiverged,
    SegmentGap,
    SegmentNotFound,
    StorageError,
    StorageFull,
)
from treering.ids import new_segment_id
from treering.runlog import records
from treering.runlog.frames import encode_frame, encode_header, seed
from treering.runlog.shipment import NOTHING, Held, measure
from treering.store import Store
from treering.store.ledger import Ledger
from treering.store.receiver import Append, Receiver
from treering.store.segments import FileSegments, SegmentRef


@pytest.fixture
def there(tmp_path: Path) -> World:
    """Another machine's folder, on the same clock."""
    return World(tmp_path / "there")


@pytest.fixture
def here(there: World, tmp_path: Path):
    """The receiving store."""
    with Store.open(tmp_path / "here", clock_ns=there.now) as store:
        yield store


def a_run(there: World, rows: int = 50, *, end: bool = True, **options) -> Path:
    life = there.life(**options)
    life.config({"lr": 0.1})
    for step in range(rows):
        life.log({"loss": 1.0 / (step + 1)}, step)
    if end:
        life.end()
    return life.path


def path_in(store: Store, path: Path) -> Path:
    return store.folder / "runs" / path.parent.name / path.name


def refused(store: Store, piece: Piece) -> str:
    with pytest.raises(FormatError) as caught:
        store.received.append(*piece)
    return str(caught.value)


# ── exactly once ─────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_segment_sent_in_pieces_is_byte_equal_in_the_end(here: Store, there: World) -> None:
    path = a_run(there)
    for part in pieces(path, 500):
        held = here.received.append(*part)

    assert path_in(here, path).read_bytes() == frames_of(path)
    assert held == measure(path.stem, lambda n, at: path.read_bytes()[at : at + n])
    assert held.sealed


def test_the_same_piece_twice_adds_nothing(here: Store, there: World) -> None:
    path = a_run(there)
    first, second, *_ = pieces(path, 500)
    here.received.append(*first)
    once = here.received.append(*second)

    assert here.received.append(*second) == once
    assert here.received.append(*first) == once


def test_what_overlaps_is_compared_and_the_rest_appended(here: Store, there: World) -> None:
    path = a_run(there)
    first = pieces(path, 500)[0]
    here.received.append(*first)
    held = here.received.append(*piece(path))

    assert held.length == len(frames_of(path))


def test_a_gap_is_answered_with_what_is_held(here: Store, there: World) -> None:
    path = a_run(there)
    first, _, third, *_ = pieces(path, 500)
    held = here.received.append(*first)

    with pytest.raises(SegmentGap) as caught:
        here.received.append(*third)
    assert caught.value.held == held
    with pytest.raises(SegmentGap) as caught:
        here.received.append(*pieces(a_run(there, run_id="other"), 500)[1])
    assert caught.value.held == NOTHING


def test_other_bytes_in_the_overlap_are_a_divergence_and_change_nothing(here: Store, there: World) -> None:
    path = a_run(there)
    first, second, *_ = pieces(path, 500)
    here.received.append(*first)
    held = here.received.append(*second)
    before = path_in(here, path).read_bytes()
    changed = bytearray(second.body)
    changed[-1] ^= 1

    with pytest.raises(SegmentDiverged) as caught:
        here.received.append(path.stem, second.offset, second.prev, bytes(changed), ADA)
    assert caught.value.held == held
    assert path_in(here, path).read_bytes() == before


def test_a_wrong_chain_value_is_a_divergence(here: Store, there: World) -> None:
    first, second, *_ = pieces(a_run(there), 500)
    here.received.append(*first)

    with pytest.raises(SegmentDiverged):
        here.received.append(second.segment, second.offset, second.prev ^ 1, second.body, ADA)


def test_nothing_follows_a_seal(here: Store, there: World) -> None:
    path = a_run(there)
    held = here.received.append(*piece(path))
    more = encode_frame(records.BEAT, b"\x90", first_seq=99, prev=held.chain, crc_seed=seed(path.stem))

    with pytest.raises(SegmentDiverged, match="sealed"):
        here.received.append(path.stem, held.length, held.chain, more, ADA)


def test_a_body_that_is_cut_off_keeps_its_whole_frames(here: Store, there: World) -> None:
    path = a_run(there)
    whole = piece(path)
    held = here.received.append(path.stem, 0, 0, whole.body[:-20], ADA)

    assert 0 < held.length < len(whole.body) - 20
    assert path_in(here, path).read_bytes() == whole.body[: held.length]
    assert here.received.append(*piece(path, held)).length == len(whole.body)


def test_records_of_kinds_that_nobody_knows_yet_are_stored_like_any_others(here: Store, there: World) -> None:
    path = a_run(there, end=False)
    held = here.received.append(*piece(path))
    unknown = encode_frame(200, b"\x93\x01\x02\x03", first_seq=52, prev=held.chain, crc_seed=seed(path.stem))
    after = here.received.append(path.stem, held.length, held.chain, unknown, ADA)

    assert after.length == held.length + len(unknown)
    assert path_in(here, path).read_bytes().endswith(unknown)


def test_two_senders_at_once_store_each_byte_once(here: Store, there: World) -> None:
    paths = [a_run(there, run_id=f"r{n}") for n in range(4)]

    def ship(path: Path) -> None:
        held = NOTHING
        while held.length < len(frames_of(path)):
            part = piece(path, held, 300)
            try:
                held = here.received.append(*part)
            except SegmentGap as gap:
                held = Held(*gap.held)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ship, paths * 2))
    assert all(path_in(here, path).read_bytes() == frames_of(path) for path in paths)


# ── whose it is ──────────────────────────────────────────────────────────────────────────────────────────────────
def raw_segment(life: object, *, entity_first: bool = False) -> tuple[str, bytes]:
    segment = new_segment_id()
    header = encode_header(segment, 1)
    prev = int.from_bytes(header[-4:], "little")
    mirror = encode_frame(records.HEADER, header, first_seq=0, prev=prev, crc_seed=seed(segment))
    prev = int.from_bytes(mirror[32:36], "little")
    payload = records.encode(life)
    return segment, header + mirror + encode_frame(
        records.LIFE, payload, first_seq=0, prev=prev, crc_seed=seed(segment)
    )


@pytest.mark.parametrize(
    "run",
    [
        None,
        "x",
        {},
        {"entity": "ada", "project": "digits", "id": "r"},
        {"entity": "ada", "project": "digits", "id": "r", "key": "a" * 26},
        {"entity": "ada", "project": "digits", "id": "r", "key": "../../../../etc/cron.d/x"},
        {"entity": 1, "project": "digits", "id": "r", "key": "a" * 26},
        {"entity": "../..", "project": "digits", "id": "r", "key": "a" * 26},
    ],
)
def test_a_segment_whose_life_record_names_no_run_or_the_wrong_one_is_refused(here: Store, run: object) -> None:
    segment, body = raw_segment({"run": run, "life_id": "1"})

    with pytest.raises((FormatError, InvalidName)):
        here.received.append(segment, 0, 0, body, ADA)
    assert not (here.folder / "runs").exists()
    with pytest.raises(SegmentNotFound):
        here.run_of_segment(segment)


@pytest.mark.parametrize("segment", ["", "x", "../" * 10, "A" * 32, "a" * 31, "a" * 32 + "/..", "a" * 32 + "\n"])
def test_a_segment_id_is_checked_before_any_file_is_named_after_it(here: Store, segment: str) -> None:
    assert "32 hexadecimal digits" in refused(here, Piece(segment, 0, 0, b"x"))


def test_bytes_that_are_no_segment_or_of_a_newer_format_are_refused(here: Store, there: World) -> None:
    path = a_run(there)
    body = piece(path).body

    assert "does not begin" in refused(here, Piece(path.stem, 0, 0, b"x" * 500))
    assert "a whole life record" in refused(here, Piece(path.stem, 0, 0, body[:60]))
    assert "these bytes begin segment" in refused(here, Piece(new_segment_id(), 0, 0, body))
    newer = encode_header(path.stem, 1, major=2)
    with pytest.raises(NewerFormat, match="Upgrade"):
        here.received.append(path.stem, 0, 0, newer + body[48:], ADA)
    assert not (here.folder / "runs").exists()


def test_a_segment_of_a_writer_on_this_machine_is_answered_and_left_alone(here: Store) -> None:
    local = World(here.folder)
    life = local.life()
    life.log({"loss": 1.0}, 0)
    whole = frames_of(life.path)
    size = life.path.stat().st_size
    held = here.received.append(life.path.stem, 0, 0, whole, ADA)
    assert held.length == len(whole)

    life.log({"loss": 2.0}, 1)  # it goes on where it was
    assert here.received.append(life.path.stem, 0, 0, whole, ADA).length > held.length
    assert life.path.stat().st_size >= size
    here.ingest_now()
    assert here.received.held([life.path.stem])[life.path.stem].length > held.length
    assert not here.is_received(life.path.stem)


def test_files_and_folders_are_private_like_those_of_a_local_writer(here: Store, there: World) -> None:
    path = a_run(there)
    here.received.append(*piece(path))
    stored = path_in(here, path)

    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert stat.S_IMODE(stored.parent.stat().st_mode) == 0o700


def test_a_link_in_the_place_of_a_segment_is_not_followed(here: Store, there: World, tmp_path: Path) -> None:
    path = a_run(there)
    first, second, *_ = pieces(path, 500)
    here.received.append(*first)
    here.close()
    stored = path_in(here, path)
    elsewhere = tmp_path / "elsewhere"
    stored.rename(elsewhere)
    stored.symlink_to(elsewhere)
    before = elsewhere.read_bytes()

    with Store.open(here.folder, clock_ns=there.now) as again, pytest.raises(StorageError):
        again.received.append(*second)
    assert elsewhere.read_bytes() == before


# ── a disk that fails ────────────────────────────────────────────────────────────────────────────────────────────
class Rig:
    """The logic over a disk that fails on demand."""

    def __init__(self, folder: Path) -> None:
        self.segments = FileSegments(folder)
        self.restart()

    def restart(self) -> None:
        self.files = FailingFiles(self.segments)
        self.files.fail = {}
        self.receiver = Receiver(self.files, Ledger(self.segments))

    def send(self, part: Piece):
        (answer,) = self.receiver.commit([Append(*part)])
        return answer

    def path(self, path: Path) -> Path:
        return self.segments.path(SegmentRef(path.parent.name, path.stem))


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "here")


@pytest.mark.parametrize("call", ["pwrite", "sync"])
@pytest.mark.parametrize("short", [False, True])
def test_a_failed_write_or_sync_acknowledges_nothing_and_the_next_try_is_whole(
    rig: Rig, there: World, call: str, short: bool
) -> None:
    path = a_run(there)
    first, second, *_ = pieces(path, 500)
    held = rig.send(first)
    rig.files.short = short
    rig.files.fail[call] = broken()

    assert isinstance(rig.send(second), StorageError)
    assert rig.path(path).read_bytes() == first.body  # what the failed sync covered is gone, also for a restart
    assert rig.send(first) == held
    rig.send(second)
    assert rig.path(path).read_bytes() == first.body + second.body


def test_a_full_disk_says_so(rig: Rig, there: World) -> None:
    first = pieces(a_run(there), 500)[0]
    rig.files.fail["pwrite"] = no_space()

    assert isinstance(rig.send(first), StorageFull)
    assert isinstance(rig.send(first), Held)


def test_bytes_of_a_failed_sync_that_could_not_be_cut_off_are_cut_before_anything_else(rig: Rig, there: World) -> None:
    path = a_run(there)
    first, second, third, *_ = pieces(path, 500)
    held = rig.send(first)
    rig.files.forever = True
    rig.files.fail = {"sync": broken(), "truncate": broken()}
    assert isinstance(rig.send(second), StorageError)
    assert isinstance(rig.send(second), StorageError)
    rig.files.fail = {}

    answer = rig.send(third)
    assert isinstance(answer, SegmentGap)
    assert answer.held == held
    assert rig.path(path).read_bytes() == first.body


def test_one_files_failure_is_not_that_of_the_others_in_the_same_commit(rig: Rig, there: World) -> None:
    one, other = (pieces(a_run(there, run_id=name), 500)[0] for name in ("one", "other"))
    rig.files.fail["sync"] = broken()
    answers = rig.receiver.commit([Append(*one), Append(*other)])

    assert isinstance(answers[0], StorageError)
    assert isinstance(answers[1], Held)


def test_a_conflict_never_names_bytes_that_are_not_durable_yet(rig: Rig, there: World) -> None:
    first, second, _, fourth, *_ = pieces(a_run(there), 500)
    held = rig.send(first)
    rig.files.fail["sync"] = broken()
    stored, conflict = rig.receiver.commit([Append(*second), Append(*fourth)])

    assert isinstance(stored, StorageError)
    assert isinstance(conflict, SegmentGap)
    assert conflict.held[0] <= held.length


def test_a_ledger_that_cannot_be_written_makes_no_file(tmp_path: Path, there: World) -> None:
    class Refusing:
        def __init__(self) -> None:
            self.received: dict[str, object] = {}

        def receive(self, receipts: object) -> None:
            raise no_space()

    segments = FileSegments(tmp_path / "here")
    first = pieces(a_run(there), 500)[0]
    files = FailingFiles(segments)
    files.fail = {}
    (answer,) = Receiver(files, Refusing()).commit([Append(*first)])  # type: ignore[arg-type]

    assert isinstance(answer, StorageFull)
    assert not (tmp_path / "here").exists()


# ── after a restart ──────────────────────────────────────────────────────────────────────────────────────────────
def test_after_a_restart_the_file_says_where_the_segment_stands(here: Store, there: World) -> None:
    path = a_run(there)
    first, second, *_ = pieces(path, 500)
    held = here.received.append(*first)
    here.ingest_now()
    here.received.append(*second)  # not applied to the index
    here.close()

    with Store.open(here.folder, clock_ns=there.now) as again:
        now = again.received.held([path.stem])[path.stem]
        assert now.length == held.length + len(second.body)
        again.received.append(*piece(path, now))
        assert path_in(again, path).read_bytes() == frames_of(path)


@pytest.mark.parametrize("torn", [1, 35, 37, 200])
def test_a_torn_frame_is_cut_when_its_sender_comes_back(rig: Rig, there: World, torn: int) -> None:
    path = a_run(there)
    first, second, *_ = pieces(path, 500)
    held = rig.send(first)
    with rig.path(path).open("ab") as file:
        file.write(second.body[:torn])
    rig.restart()

    assert rig.receiver.held(path.stem).length - held.length < torn
    rig.send(piece(path, rig.receiver.held(path.stem)))
    assert rig.path(path).read_bytes() == frames_of(path)


def test_asking_cuts_nothing(rig: Rig, there: World) -> None:
    path = a_run(there)
    first = pieces(path, 500)[0]
    rig.send(first)
    with rig.path(path).open("ab") as file:
        file.write(b"torn")
    rig.restart()
    rig.receiver.held(path.stem)

    assert rig.path(path).read_bytes() == first.body + b"torn"


def test_whole_frames_behind_damage_are_kept_beside_the_segment(rig: Rig, there: World) -> None:
    path = a_run(there)
    whole = frames_of(path)
    rig.send(piece(path))
    with rig.path(path).open("r+b") as file:
        file.seek(1_000)
        file.write(b"\0" * 8)
    rig.restart()
    held = rig.receiver.held(path.stem)
    assert 0 < held.length < 1_000
    rig.send(piece(path, held))

    assert rig.path(path).read_bytes() == whole
    (kept,) = rig.path(path).parent.glob("*.behind-*.trl")
    assert kept.read_bytes().endswith(whole[-500:])


def test_a_file_that_lost_its_beginning_to_a_power_cut_is_sent_again(rig: Rig, there: World) -> None:
    path = a_run(there)
    rig.send(piece(path))
    rig.path(path).write_bytes(bytes(4096))
    rig.restart()

    assert rig.receiver.held(path.stem) == NOTHING
    rig.send(piece(path))
    assert rig.path(path).read_bytes() == frames_of(path)


def test_an_index_that_knows_more_than_the_file_is_not_believed(here: Store, there: World) -> None:
    path = a_run(there)
    first = pieces(path, 500)[0]
    here.received.append(*piece(path))
    here.ingest_now()
    here.close()
    os.truncate(path_in(here, path), len(first.body))

    with Store.open(here.folder, clock_ns=there.now) as again:
        held = again.received.held([path.stem])[path.stem]
        assert held.length == len(first.body)
        again.received.append(*piece(path, held))
        again.ingest_now()
        assert again.run(path.parent.name).metrics["loss"].n == 50


def test_what_was_removed_from_the_folder_is_not_held_any_more_and_is_taken_again(here: Store, there: World) -> None:
    path = a_run(there)
    first, second, *_ = pieces(path, 500)
    here.received.append(*first)
    shutil.rmtree(path_in(here, path).parent)

    assert here.received.held([path.stem]) == {path.stem: NOTHING}
    with pytest.raises(SegmentGap) as refused_bytes:
        here.received.append(*second)
    assert refused_bytes.value.held == NOTHING

    here.received.append(*piece(path))
    assert path_in(here, path).read_bytes() == frames_of(path)


def test_the_ledger_keeps_who_sent_a_segment(here: Store, there: World) -> None:
    path = a_run(there)
    here.received.append(*piece(path))
    here.close()

    receipt = Ledger(FileSegments(here.folder)).received[path.stem]
    assert (receipt.user, receipt.key, receipt.run_key) == ("ada", "k1", path.parent.name)


# ── what follows ─────────────────────────────────────────────────────────────────────────────────────────────────
def page(store: Store, key: str) -> dict[str, object]:
    run = store.run(key)
    return {
        name: getattr(run, name)
        for name in run.__struct_fields__
        if name not in ("guarantee", "writers", "lacks")  # which say where the bytes are
    }


def test_a_run_that_came_over_the_network_has_the_page_of_one_written_in_place(here: Store, there: World) -> None:
    paths = [a_run(there, end=False), a_run(there, writer="rank1", rows=20)]
    for path in paths:
        for part in pieces(path, 700):
            here.received.append(*part)
    here.ingest_now()

    key = paths[0].parent.name
    with Store.open(there.folder, clock_ns=there.now) as written:
        written.ingest_now()
        assert page(here, key) == page(written, key)
        assert not written.run(key).guarantee.uploaded
    assert here.run(key).guarantee.uploaded
    assert here.run(key).guarantee.fsynced


def test_arrivals_are_applied_by_the_watcher_without_a_look_at_the_folder(here: Store, there: World) -> None:
    path = a_run(there)
    here.start(wait_s=5)
    applied = threading.Event()
    here.subscribe(lambda seq: applied.set() if here.applied(path.stem) >= len(frames_of(path)) else None)
    here.received.append(*piece(path))

    assert applied.wait(10)
    assert here.run(path.parent.name).state == "finished"


def test_an_old_run_that_is_synced_later_is_never_seen_running(here: Store, there: World) -> None:
    path = a_run(there, rows=200, end=False)
    ended_at = there.now_ns / 1e9
    there.sleep(86_400)
    for part in pieces(path, 2_000):
        here.received.append(*part)
        here.ingest_now()

        assert here.run(path.parent.name).state == "crashed"
    assert here.run(path.parent.name).ended_at == pytest.approx(ended_at, abs=2)


@pytest.mark.parametrize("skew_s", [-86_400, 0, 86_400])
def test_a_live_run_is_running_whatever_its_clock_says(here: Store, there: World, skew_s: int) -> None:
    """A clock that is right is believed at once, a wrong one after the second arrival."""
    there.now_ns += skew_s * SECOND
    server_ns = there.now_ns - skew_s * SECOND
    here._clock_ns = here._ingester._clock_ns = here._ingester._registry._clock_ns = lambda: server_ns
    life = there.life()
    held = NOTHING
    for step in range(30):
        life.log({"loss": 1.0}, step)
        server_ns += SECOND
        there.sleep(4)
        server_ns += 4 * SECOND
        held = here.received.append(*piece(life.path, held))
        here.ingest_now()
        if step >= 2 or not skew_s:
            assert here.run(life.run_key).state == "running", step
    server_ns += 100 * SECOND
    here.ingest_now()

    assert here.run(life.run_key).state == "crashed"


def test_asked_to_stop_reaches_the_lives_that_were_there_and_no_later_one(here: Store, there: World) -> None:
    there.now_ns -= 86_400 * SECOND  # a training whose clock is a day late
    life = there.life()
    here._clock_ns = lambda: there.now_ns + 86_400 * SECOND
    here.received._receiver._clock_ns = here._ingester._clock_ns = here._edits._clock_ns = here._clock_ns
    life.log({"loss": 1.0}, 0)
    here.received.append(*piece(life.path))
    here.ingest_now()
    assert not here.stop_asked(life.path.stem)
    assert not here.run(life.run_key).stopping

    there.sleep(1)
    run = here.stop_run(life.run_key, "grace")
    assert run.stopping
    assert here.stop_asked(life.path.stem)
    there.sleep(1)
    later = there.life(from_step=1)
    later.log({"loss": 1.0}, 1)
    here.received.append(*piece(later.path))
    here.ingest_now()
    assert not here.stop_asked(later.path.stem)
    assert not here.run(life.run_key).stopping


def test_whether_to_stop_is_known_without_asking_the_index(
    here: Store, there: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said in the answer to each append, in the loop that serves everybody."""
    life = there.life()
    life.log({"loss": 1.0}, 0)
    asked: list[str] = []
    read = here.metadata.run
    monkeypatch.setattr(here.metadata, "run", lambda key: asked.append(key) or read(key))

    here.received.append(*piece(life.path))
    assert here.stop_asked(life.path.stem) == ""  # nothing of it is applied
    assert asked == []
    here.ingest_now()
    asked.clear()
    assert here.stop_asked(life.path.stem) == ""
    assert asked == []

    there.sleep(1)
    here.stop_run(life.run_key, "grace")
    asked.clear()
    assert here.stop_asked(life.path.stem) == "grace"
    assert asked == []


def test_a_request_to_stop_outlives_the_server_that_took_it(there: World, tmp_path: Path) -> None:
    life = there.life()
    life.log({"loss": 1.0}, 0)
    with Store.open(tmp_path / "here", clock_ns=there.now) as store:
        store.received.append(*piece(life.path))
        store.ingest_now()
        there.sleep(1)
        store.stop_run(life.run_key, "grace")
    with Store.open(tmp_path / "here", clock_ns=there.now) as store:
        assert store.stop_asked(life.path.stem) == "grace"


def test_past_is_what_a_resuming_process_needs(here: Store, there: World) -> None:
    path = a_run(there, rows=7)
    here.received.append(*piece(path))
    here.ingest_now()
    past = here.past(path.parent.name, "")

    assert (past.last_step, past.config, past.end_state, past.lives) == (6, {"lr": 0.1}, "finished", 1)
    assert here.past(path.parent.name, "eval").last_step is None


# ── what is missing has a name ───────────────────────────────────────────────────────────────────────────────────
def lacks(store: Store, key: str) -> dict[str, object]:
    store.ingest_now()
    return {lack.reason: lack for lack in store.run(key).lacks}


def test_a_whole_run_lacks_nothing(here: Store, there: World) -> None:
    path = a_run(there)
    here.received.append(*piece(path))

    assert lacks(here, path.parent.name) == {}
    assert here.holdings().not_whole == []


def test_bytes_that_its_uploader_had_and_never_sent_make_a_run_short(here: Store, there: World) -> None:
    life = there.life()
    life.log({"loss": 1.0}, 0)
    sent = here.received.append(*piece(life.path))
    life.log({"loss": 2.0}, 1)
    uploader = there.life(writer="system", of_life=life.id)
    had = len(frames_of(life.path))
    uploader.record(records.BEAT, {"synced": {life.path.stem: had, "f" * 32: 77}})
    uploader.end("killed")
    here.received.append(*piece(uploader.path))
    here.ingest_now()
    there.sleep(100)
    run = here.run(life.run_key)
    here.ingest_now()

    short = {lack.segment: lack.bytes for lack in here.run(life.run_key).lacks if lack.reason == "short"}
    assert short == {life.path.stem: had - sent.length, "f" * 32: 77}
    assert not run.guarantee.uploaded


def test_gaps_and_unfinished_ends_and_damage_are_listed_with_their_numbers(here: Store, there: World) -> None:
    life = there.life()
    life.record(
        records.GAP, {"count": 5, "reason": "No space left on device", "since_ns": 1 * SECOND, "until_ns": 3 * SECOND}
    )
    life.log({"loss": 1.0}, 0)
    here.received.append(*piece(life.path))
    there.sleep(100)
    found = lacks(here, life.run_key)

    assert (found["gap"].records, found["gap"].since, found["gap"].until) == (5, 1.0, 3.0)
    assert "No space left" in found["gap"].text
    assert found["unsealed"].offset == len(frames_of(life.path))
    holdings = here.holdings()
    assert [(row.run_key, len(row.lacks)) for row in holdings.not_whole] == [(life.run_key, 2)]
    assert holdings.projects[0].not_whole == 1
    assert holdings.users[0].user == "ada"
    assert holdings.users[0].received_bytes == holdings.bytes > 0


def test_holdings_are_those_of_the_projects_that_may_be_seen(here: Store, there: World) -> None:
    for project in ("digits", "secret"):
        here.received.append(*piece(a_run(there, project=project)))
    here.ingest_now()

    assert here.holdings().runs == 2
    seen = here.holdings({("ada", "digits")})
    assert [row.project for row in seen.projects] == ["digits"]
    assert seen.runs == 1
