"""Files of a run: what is declared, what is here, and who gets at the bytes."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Any

import pytest

from store.world import Life, World
from treering.errors import BlobConflict, InvalidValue, NotFound, StorageFull
from treering.limits import ARRIVING_KEPT_S
from treering.runlog import records
from treering.store import Store
from treering.store.arrivals import Arrivals
from treering.store.blobs import FileBlobs
from treering.store.receiver import Append, Uploader


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def declare(life: Life, path: str, content: bytes, **about: Any) -> str:
    life.record(records.FILE, path, sha(content), len(content), {"purpose": "saved", **about})
    return sha(content)


def put_here(store: Store, content: bytes) -> str:
    return store.blobs.put([content])[0]


def ship(store: Store, life: Life) -> None:
    """Take the log of a life that was written on another machine, and give back its key's folder."""
    body = life.path.read_bytes()
    life.path.unlink()
    store.received.submit(Append(life.path.stem, 0, 0, body, Uploader("ada", "key"))).result(10)
    store.ingest_now()


@pytest.fixture
def elsewhere(tmp_path: Path) -> World:
    return World(tmp_path / "elsewhere")


# ── declared ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_files_are_listed_by_path_with_the_newest_declaration_of_each(world: World, store: Store):
    life = world.life()
    declare(life, "b.txt", b"old")
    declare(life, "a/ü #?%.txt", b"", note="empty")
    world.sleep(1)
    put_here(store, b"newer")
    declare(life, "b.txt", b"newer", purpose="code", mode=0o755)
    put_here(store, b"")
    life.writer.close()
    store.ingest_now()

    page = store.files(life.run_key)

    assert [(f.path, f.bytes, f.purpose, f.held, f.about) for f in page.files] == [
        ("a/ü #?%.txt", 0, "saved", True, {"note": "empty"}),
        ("b.txt", 5, "code", True, {"mode": 0o755}),
    ]
    assert (page.total, page.bytes) == (2, 5)
    assert [f.path for f in store.files(life.run_key, ["code"]).files] == ["b.txt"]
    assert [f.path for f in store.files(life.run_key, search="Ü #?%").files] == ["a/ü #?%.txt"]
    assert store.files(life.run_key, search="100%").files == []
    assert store.files(life.run_key, offset=1, limit=1).files == page.files[1:]


@pytest.mark.parametrize(
    "body",
    [
        ["", "0" * 64, 1, {}],
        ["x" * 2_000, "0" * 64, 1, {}],
        ["x", "../../etc/passwd", 1, {}],
        ["x", "0" * 64, -1, {}],
        ["x", "0" * 64, 1, None],
        ["x", "0" * 64, 1, {"purpose": 7}],
        ["x", "0" * 64, 1, {"more": "x" * 100_000}],
        ["x"],
        [7, "0" * 64, 1, {}],
    ],
    ids=range(9),
)
def test_a_file_record_that_says_nonsense_costs_only_itself(world: World, store: Store, body: list[Any]):
    life = world.life()
    life.record(records.FILE, *body)
    declare(life, "good", b"good")
    life.log({"loss": 0.5}, 0)
    store.ingest_now()

    assert [f.path for f in store.files(life.run_key).files] == ["good"]
    assert [d.reason[:18] for d in store.run(life.run_key).damage] == ["not a file record:"]


def test_the_files_are_the_same_after_a_rebuild(world: World, store: Store):
    life = world.life()
    for i in range(20):
        declare(life, f"f{i % 7}", f"content {i}".encode())
    store.ingest_now()
    before = store.files(life.run_key)
    store.rebuild()

    assert store.files(life.run_key) == before


# ── bytes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_bytes_of_a_run_in_this_folder_are_there_once_they_are_stored(world: World, store: Store):
    life = world.life()
    name = declare(life, "x", b"bytes")
    store.ingest_now()

    with pytest.raises(NotFound):
        store.blob_size(life.run_key, name)
    put_here(store, b"bytes")
    assert store.blob_size(life.run_key, name) == 5


def test_a_hash_opens_nothing_that_the_run_did_not_declare(world: World, store: Store):
    life, other = world.life(), world.life("other")
    name = declare(other, "x", b"bytes")
    put_here(store, b"bytes")
    store.ingest_now()

    with pytest.raises(NotFound):
        store.blob_size(life.run_key, name)


def test_who_ships_a_declaration_gets_the_bytes_only_by_sending_them(store: Store, world: World, elsewhere: World):
    theirs = world.life("theirs", project="letters")
    secret = declare(theirs, "weights", b"secret weights")
    put_here(store, b"secret weights")
    thief = elsewhere.life("thief")
    declare(thief, "loot", b"secret weights")
    ship(store, thief)

    with pytest.raises(NotFound):
        store.blob_size(thief.run_key, secret)
    assert store.missing_blobs(thief.run_key, [secret]) == [(secret, 0)]
    assert not store.files(thief.run_key).files[0].held
    # Whoever sends them had them.
    assert store.receive_blob(thief.run_key, secret, 0, 14, b"secret weights") == (14, True)
    assert store.blob_size(thief.run_key, secret) == 14


def test_only_the_server_says_that_bytes_came(store: Store, world: World, elsewhere: World):
    put_here(store, b"secret")
    liar = elsewhere.life("liar", writer="server")
    declare(liar, "loot", b"secret")
    liar.record(records.HELD, sha(b"secret"), 6)
    ship(store, liar)

    with pytest.raises(NotFound):
        store.blob_size(liar.run_key, sha(b"secret"))
    store.rebuild()
    with pytest.raises(NotFound):
        store.blob_size(liar.run_key, sha(b"secret"))


def test_what_another_run_of_the_project_holds_needs_no_sending(store: Store, elsewhere: World):
    first, second, foreign = elsewhere.life("1"), elsewhere.life("2"), elsewhere.life("3", project="letters")
    for life in (first, second, foreign):
        name = declare(life, "data", b"shared data")
        ship(store, life)
    store.receive_blob(first.run_key, name, 0, 11, b"shared data")

    assert store.missing_blobs(second.run_key, [name]) == []
    assert store.missing_blobs(foreign.run_key, [name]) == [(name, 0)]
    store.rebuild()
    assert store.blob_size(second.run_key, name) == 11


def test_a_file_comes_in_pieces_and_goes_on_where_it_stopped(store: Store, elsewhere: World):
    content = bytes(range(256)) * 100
    life = elsewhere.life()
    name = declare(life, "big", content)
    ship(store, life)

    assert store.receive_blob(life.run_key, name, 0, len(content), content[:10_000]) == (10_000, False)
    with pytest.raises(BlobConflict) as conflict:
        store.receive_blob(life.run_key, name, 12_000, len(content), content[12_000:])
    assert conflict.value.length == 10_000
    assert store.missing_blobs(life.run_key, [name]) == [(name, 10_000)]
    assert store.receive_blob(life.run_key, name, 10_000, len(content), content[10_000:]) == (len(content), True)
    assert b"".join(store.blobs.get(name)) == content
    assert store.missing_blobs(life.run_key, [name]) == []


def test_a_server_that_ended_behind_the_last_piece_needs_none_of_it_again(store: Store, elsewhere: World):
    content = bytes(range(256)) * 100
    life = elsewhere.life()
    name = declare(life, "big", content)
    ship(store, life)
    store.receive_blob(life.run_key, name, 0, len(content), content[:10_000])
    (arriving,) = (path for path in store.folder.rglob("*") if path.name.endswith(f".{name}"))
    arriving.write_bytes(content)  # the last piece was written, and nothing after that

    assert store.missing_blobs(life.run_key, [name]) == [(name, len(content))]
    assert store.receive_blob(life.run_key, name, len(content), len(content), b"") == (len(content), True)
    assert b"".join(store.blobs.get(name)) == content


def test_bytes_that_are_not_what_their_hash_says_are_dropped(store: Store, elsewhere: World):
    life = elsewhere.life()
    name = declare(life, "x", b"12345678")
    ship(store, life)

    with pytest.raises(InvalidValue, match="changed"):
        store.receive_blob(life.run_key, name, 0, 8, b"87654321")
    store.receive_blob(life.run_key, name, 0, 8, b"8765")
    with pytest.raises(InvalidValue, match="changed"):
        store.receive_blob(life.run_key, name, 4, 8, b"4321")
    assert store.missing_blobs(life.run_key, [name]) == [(name, 0)]
    with pytest.raises(InvalidValue, match="more than the file has"):
        store.receive_blob(life.run_key, name, 0, 8, b"123456789")
    with pytest.raises(InvalidValue, match="declares 8 bytes"):
        store.receive_blob(life.run_key, name, 0, 9, b"123456789")
    with pytest.raises(NotFound):
        store.receive_blob(life.run_key, "0" * 64, 0, 9, b"123456789")
    store.full = "full"
    with pytest.raises(StorageFull):
        store.receive_blob(life.run_key, name, 0, 8, b"12345678")


def test_a_file_whose_bytes_never_came_is_missing_by_name_and_number(store: Store, elsewhere: World):
    life = elsewhere.life()
    name = declare(life, "model.bin", b"12345678")
    declare(life, "copy of model.bin", b"12345678")
    life.record(records.END, {"state": "finished"})
    life.writer.close()
    ship(store, life)

    run = store.run(life.run_key)
    assert [(lack.reason, lack.records, lack.bytes) for lack in run.lacks] == [("files", 1, 8)]
    assert not run.guarantee.uploaded
    assert [row.run_key for row in store.holdings().not_whole] == [life.run_key]
    store.receive_blob(life.run_key, name, 0, 8, b"12345678")
    run = store.run(life.run_key)
    assert run.lacks == []
    assert run.guarantee.uploaded
    assert store.holdings().not_whole == []


def test_many_threads_send_the_same_file(tmp_path: Path):
    blobs = FileBlobs(tmp_path / "blobs")
    arrivals = Arrivals(blobs, tmp_path / "arriving")
    content = b"x" * 100_000
    name = sha(content)

    def send() -> None:
        at, whole = 0, False
        while not whole:
            try:
                at, whole = arrivals.take("a" * 26, name, at, len(content), content[at : at + 7_000])
            except BlobConflict as conflict:
                at = conflict.length

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert b"".join(blobs.get(name)) == content


def test_pieces_that_nobody_goes_on_with_are_removed_at_a_later_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    blobs = FileBlobs(tmp_path / "blobs")
    Arrivals(blobs, tmp_path / "arriving").take("a" * 26, "0" * 64, 0, 10, b"12345")
    assert Arrivals(blobs, tmp_path / "arriving").length("a" * 26, "0" * 64) == 5
    monkeypatch.setattr("treering.store.arrivals.time.time", lambda: 1e10 + ARRIVING_KEPT_S)

    assert Arrivals(blobs, tmp_path / "arriving").length("a" * 26, "0" * 64) == 0
