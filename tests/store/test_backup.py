"""Backup while the server serves, and restore into an empty folder."""

from __future__ import annotations

import io
import json
import sqlite3
import tarfile
import threading
from pathlib import Path

import msgspec
import pytest

from store.shipping import frames_of, piece, pieces
from store.world import World
from treering.errors import FormatError, InvalidValue, NewerFormat, NotFound, StorageError
from treering.runlog.shipment import Held
from treering.store import Store
from treering.store.backup import back_up, restore
from treering.store.storefile import StoreFile, Upgrade, open_store_file, read_store_file


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with a finished local run, a living one, a received one, a blob, accounts and an index."""
    folder = tmp_path / "data"
    local, there = World(folder), World(tmp_path / "there")
    done = local.life("done")
    for step in range(20):
        done.log({"loss": 1.0}, step)
    done.end()
    with Store.open(folder, clock_ns=local.now) as store:
        sent = there.life("sent")
        sent.log({"loss": 1.0}, 0)
        store.received.append(*piece(sent.path))
        store.blobs.put([b"a picture"])
        store.ingest_now()
        store.edit_run(done.run_key, {"name": "edited"}, "ada")
    with sqlite3.connect(folder / "accounts.db") as database:
        database.execute("pragma journal_mode=wal")
        database.execute("create table users (name text)")
        database.execute("insert into users values ('ada')")
    database.close()
    living = local.life("living")
    for step in range(10):
        living.log({"loss": 2.0}, step)
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["copy", "copy.tar"])
def test_a_backup_restores_every_run_and_counts_one_more_restore(data: Path, tmp_path: Path, name: str) -> None:
    before = read_store_file(data)
    report = back_up(data, tmp_path / name)
    again = restore(tmp_path / name, tmp_path / "new")

    assert (report.runs, report.segments, report.blobs, report.accounts) == (3, again.segments, 1, True)
    assert report.sealed == again.sealed >= 3
    after = read_store_file(tmp_path / "new")
    assert before is not None
    assert after == StoreFile(before.store_id, before.restores + 1)
    assert not (tmp_path / "new" / "index").exists()
    with Store.open(tmp_path / "new") as restored, Store.open(data) as original:
        restored.ingest_now()
        original.ingest_now()
        for run in ("done", "living", "sent"):
            key = original.find_run("ada", "digits", run)
            one, other = (msgspec.to_builtins(store.run(key)) for store in (restored, original))
            for page in (one, other):  # when a run that did not end was last heard of is nothing that a log says
                page["writers"] = [{**writer, "last_beat_at": None} for writer in page["writers"]]
                page |= {"ended_at": None, "runtime_s": None}
            assert one == other
        assert list(restored.blobs.list()) == list(original.blobs.list())
        assert restored._ledger.received == original._ledger.received
    with sqlite3.connect(tmp_path / "new" / "accounts.db") as database:
        assert database.execute("select name from users").fetchall() == [("ada",)]
    database.close()


def test_segments_of_living_writers_are_cut_to_their_whole_frames(data: Path, tmp_path: Path) -> None:
    back_up(data, tmp_path / "copy")
    copied = {path.stem: path.read_bytes() for path in (tmp_path / "copy").rglob("*.trl")}

    for path in (data / "runs").rglob("*.trl"):
        assert copied[path.stem] == frames_of(path)


def test_a_backup_taken_under_load_is_whole_frames_of_every_segment(tmp_path: Path) -> None:
    there = World(tmp_path / "there")
    with Store.open(tmp_path / "data") as store:
        stop, begun = threading.Event(), threading.Event()
        lives = [there.life(f"r{number}") for number in range(4)]

        def ship() -> None:
            helds = {life.id: Held(0, 0, False) for life in lives}
            step = 0
            while not stop.is_set():
                for life in lives:
                    life.log({"loss": 1.0}, step)
                    helds[life.id] = store.received.append(*piece(life.path, helds[life.id]))
                step += 1
                begun.set()

        thread = threading.Thread(target=ship)
        thread.start()
        assert begun.wait(30)
        for number in range(3):
            report = back_up(tmp_path / "data", tmp_path / f"copy{number}.tar")
        stop.set()
        thread.join()
        assert report.damaged == []
        restore(tmp_path / "copy2.tar", tmp_path / "new")
        for life in lives:
            name = f"runs/{life.run_key}/{life.path.name}"
            restored = (tmp_path / "new" / name).read_bytes()
            assert (tmp_path / "data" / name).read_bytes().startswith(restored)
            assert frames_of(tmp_path / "new" / name) == restored


def test_clients_of_a_restored_server_ship_what_came_after_the_backup(tmp_path: Path) -> None:
    there = World(tmp_path / "there")
    life = there.life()
    for step in range(50):
        life.log({"loss": 1.0}, step)
    life.end()
    first, *rest = pieces(life.path, 500)
    with Store.open(tmp_path / "data") as store:
        store.received.append(*first)
        back_up(tmp_path / "data", tmp_path / "copy")
        for part in rest:
            store.received.append(*part)
        said = store.about
    restore(tmp_path / "copy", tmp_path / "new")

    with Store.open(tmp_path / "new") as store:
        assert (store.about.store_id, store.about.restores) == (said.store_id, said.restores + 1)
        held = store.received.held([life.path.stem])[life.path.stem]
        assert held.length == len(first.body)
        store.received.append(*piece(life.path, held))
        assert (tmp_path / "new" / "runs" / life.run_key / life.path.name).read_bytes() == frames_of(life.path)


def test_a_damaged_segment_is_copied_as_it_is_and_named(data: Path, tmp_path: Path) -> None:
    key = next(path for path in (data / "runs").iterdir() if len(list(path.iterdir())) == 2)
    victim = max(key.iterdir(), key=lambda path: path.stat().st_size)
    with victim.open("r+b") as file:
        file.seek(700)
        file.write(b"\xff" * 9)
    report = back_up(data, tmp_path / "copy.tar")

    assert len(report.damaged) >= 1
    assert victim.name in report.damaged[0]
    assert restore(tmp_path / "copy.tar", tmp_path / "new").damaged == [f"runs/{key.name}/{victim.name}"]
    assert (tmp_path / "new" / "runs" / key.name / victim.name).read_bytes() == victim.read_bytes()


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────
def test_nothing_is_overwritten(data: Path, tmp_path: Path) -> None:
    back_up(data, tmp_path / "copy")
    before = tree(data)

    with pytest.raises(InvalidValue, match="exists already"):
        back_up(data, tmp_path / "copy")
    with pytest.raises(InvalidValue, match="never over a store"):
        restore(tmp_path / "copy", data)
    with pytest.raises(InvalidValue, match="inside the data folder"):
        back_up(data, data / "copy")
    with pytest.raises(NotFound):
        back_up(tmp_path / "nothing", tmp_path / "copy2")
    with pytest.raises(NotFound):
        restore(tmp_path / "nothing", tmp_path / "new")
    assert tree(data) == before


def test_a_backup_that_was_changed_is_refused_with_the_files_name(data: Path, tmp_path: Path) -> None:
    back_up(data, tmp_path / "copy")
    for victim in [next((tmp_path / "copy").rglob("*.trl")), next((tmp_path / "copy" / "blobs").rglob("*")).parent]:
        path = victim if victim.is_file() else next(victim.rglob("*/*"))
        before = path.read_bytes()
        path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        with pytest.raises(FormatError, match=path.name):
            restore(tmp_path / "copy", tmp_path / "new")
        path.write_bytes(before[:-1])
        with pytest.raises(FormatError, match=path.name):
            restore(tmp_path / "copy", tmp_path / "new")
        path.unlink()
        with pytest.raises(FormatError, match="missing"):
            restore(tmp_path / "copy", tmp_path / "new")
        path.write_bytes(before)
    (tmp_path / "copy" / "more").write_bytes(b"x")
    with pytest.raises(FormatError, match="does not belong"):
        restore(tmp_path / "copy", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_backup_that_was_not_finished_is_none(data: Path, tmp_path: Path) -> None:
    back_up(data, tmp_path / "copy")
    (tmp_path / "copy" / "backup.json").unlink()
    back_up(data, tmp_path / "copy.tar")
    whole = (tmp_path / "copy.tar").read_bytes()
    (tmp_path / "cut.tar").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "other.tar").write_bytes(b"not a tar file" * 100)

    for name in ("copy", "cut.tar", "other.tar"):
        with pytest.raises(FormatError):
            restore(tmp_path / name, tmp_path / "new")


def hostile(path: Path, members: list[tarfile.TarInfo], files: list[dict[str, object]] | None = None) -> None:
    about = {"store_id": "0" * 32, "restores": 0, "version": 1}
    named = [
        {"name": member.name, "bytes": 0, "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}
        for member in members
    ]
    manifest = json.dumps({"format": 1, "version": "0", "made_at": 0, "store": about, "files": files or named}).encode()
    with tarfile.open(path, "w") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(bytes(member.size)))
        head = tarfile.TarInfo("backup.json")
        head.size = len(manifest)
        tar.addfile(head, io.BytesIO(manifest))


@pytest.mark.parametrize(
    "name",
    [
        "../escape",
        "/etc/cron.d/x",
        "runs/../../escape.trl",
        "runs/" + "a" * 26 + "/../" + "0" * 32 + ".trl",
        "blobs/aa/" + "b" * 64,
        "server.json",
        "accounts.db/x",
        "runs/" + "a" * 26 + "/" + "0" * 32 + ".trl\n",
        "index/meta.db",
    ],
)
def test_no_name_in_a_tar_file_leads_anywhere(tmp_path: Path, name: str) -> None:
    hostile(tmp_path / "evil.tar", [tarfile.TarInfo(name)])

    with pytest.raises(FormatError):
        restore(tmp_path / "evil.tar", tmp_path / "new" / "data")
    assert [path.name for path in tmp_path.iterdir()] == ["evil.tar"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_only_plain_files_are_taken_from_a_tar_file(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("accounts.db")
    member.type, member.linkname = kind, "/etc/passwd"
    hostile(tmp_path / "evil.tar", [member])

    with pytest.raises(FormatError, match="plain file"):
        restore(tmp_path / "evil.tar", tmp_path / "new")


def test_a_backup_of_a_newer_treering_is_refused(tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "backup.json").write_text('{"format": 2, "anything": true}')

    with pytest.raises(NewerFormat, match="format 2"):
        restore(tmp_path / "copy", tmp_path / "new")


# ── store.json ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_store_of_a_newer_version_is_refused_untouched(data: Path) -> None:
    about = read_store_file(data)
    assert about is not None
    StoreFile(about.store_id, 0, 2).write(data)
    before = tree(data)

    with pytest.raises(NewerFormat, match="version 2"):
        Store.open(data)
    assert tree(data) == before


def renamed(folder: Path) -> None:
    (folder / "settings.txt").write_text((folder / "settings.txt").read_text().replace("old", "new"))
    (folder / "more.txt").write_text("made by the upgrade")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    StoreFile("0" * 32, 3, 1).write(tmp_path)
    (tmp_path / "settings.txt").write_text("old")
    return tmp_path


def test_an_upgrade_copies_first_and_changes_then(old: Path) -> None:
    found = open_store_file(old, 2, {1: Upgrade(("settings.txt",), renamed)})

    assert found == read_store_file(old) == StoreFile("0" * 32, 3, 2)
    assert (old / "settings.txt").read_text() == "new"
    (kept,) = (old / "backups").iterdir()
    assert (kept / "settings.txt").read_text() == "old"
    assert json.loads((kept / "store.json").read_text())["version"] == 1


def test_an_upgrade_that_fails_leaves_the_old_version_usable(old: Path) -> None:
    def fails(folder: Path) -> None:
        renamed(folder)
        raise ValueError("no such column")

    with pytest.raises(StorageError, match="as it was"):
        open_store_file(old, 2, {1: Upgrade(("settings.txt",), fails)})
    assert read_store_file(old) == StoreFile("0" * 32, 3, 1)
    assert (old / "settings.txt").read_text() == "old"
    assert open_store_file(old, 1).version == 1


def test_an_upgrade_that_died_after_its_decision_is_finished_by_the_next_start(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from treering.store import storefile

    real = storefile._finish
    calls: list[Path] = []

    def dies(folder: Path) -> None:
        calls.append(folder)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(folder)

    monkeypatch.setattr(storefile, "_finish", dies)
    with pytest.raises(KeyboardInterrupt):
        open_store_file(old, 2, {1: Upgrade(("settings.txt",), renamed)})
    monkeypatch.setattr(storefile, "_finish", real)
    assert (old / "settings.txt").read_text() == "old"

    assert open_store_file(old, 2).version == 2
    assert (old / "settings.txt").read_text() == "new"
    assert not (old / "upgrade.json").exists()


def test_two_upgrades_in_a_row_run_in_order(old: Path) -> None:
    def second(folder: Path) -> None:
        (folder / "settings.txt").write_text((folder / "settings.txt").read_text() + " and newer")

    steps = {1: Upgrade(("settings.txt",), renamed), 2: Upgrade(("settings.txt",), second)}
    assert open_store_file(old, 3, steps).version == 3
    assert (old / "settings.txt").read_text() == "new and newer"
