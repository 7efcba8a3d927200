"""What people make that belongs to no run: every version is kept, and nobody overwrites what they have not seen."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from store.world import World
from treering.errors import EditConflict, FormatError, InvalidValue, LimitExceeded, NotFound
from treering.limits import DOCUMENT_MAX_BYTES, DOCUMENTS_MAX_PER_PROJECT
from treering.store import Store

PLACE = ("ada", "digits")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "data")


@pytest.fixture
def store(world: World):
    with Store.open(world.folder, clock_ns=world.now) as opened:
        yield opened


def reopened(store: Store, world: World) -> Store:
    store.close()
    return Store.open(world.folder, clock_ns=world.now)


def test_a_view_comes_back_as_it_was_saved_after_the_index_is_gone(store: Store, world: World):
    spec = {"version": 1, "layout": [{"ü\u2028": [1, 2.5, None, True, "x" * 1000]}], "n": 2**53 - 1}
    made = store.views.create(*PLACE, "Losses", True, spec, "ada")
    world.sleep(5)
    store.views.change(made.id, "max", 1, name="All losses")
    store.close()
    shutil.rmtree(world.folder / "index")

    with Store.open(world.folder) as again:
        view = again.views.read(made.id, "vera")

        assert view.spec == spec
        assert (view.name, view.owner, view.updated_by, view.version) == ("All losses", "ada", "max", 2)
        assert view.updated_at - view.created_at == 5
        assert again.views.read(made.id, "vera", version=1).spec == spec
        assert [(one.version, one.author) for one in again.views.versions(made.id, "ada")] == [(2, "max"), (1, "ada")]


def test_a_change_to_an_older_version_is_refused_and_changes_nothing(store: Store):
    made = store.views.create(*PLACE, "Losses", True, {"a": 1}, "ada")
    store.views.change(made.id, "max", 1, spec={"a": 2})

    with pytest.raises(EditConflict, match=r"changed by max meanwhile: it is at version 2"):
        store.views.change(made.id, "ada", 1, spec={"a": 3})
    assert store.views.read(made.id, "ada").spec == {"a": 2}


def test_what_is_not_shared_is_its_owners_alone(store: Store):
    mine = store.views.create(*PLACE, "Mine", False, {}, "ada")
    store.views.create(*PLACE, "Ours", True, {}, "ada")

    assert [view.name for view in store.views.of_project(*PLACE, "ada")] == ["Mine", "Ours"]
    for other in ("max", ""):
        assert [view.name for view in store.views.of_project(*PLACE, other)] == ["Ours"]
        with pytest.raises(NotFound):
            store.views.read(mine.id, other)
        with pytest.raises(NotFound):
            store.views.delete(mine.id, other)


def test_a_project_opens_with_its_default_and_else_with_the_template_of_its_entity(store: Store, world: World):
    ours = store.views.create("ada", "digits", "Ours", True, {"is": "ours"}, "ada")
    template = store.views.create("ada", "digits", "Template", True, {"is": "template"}, "ada")
    assert store.views.default("ada", "digits") is None

    store.views.choose_default(template.id, "ada", "entity")
    assert store.views.default("ada", "new").spec == {"is": "template"}
    store.views.choose_default(ours.id, "ada", "project")

    store = reopened(store, world)
    assert store.views.default("ada", "digits").spec == {"is": "ours"}
    assert store.views.default("ada", "new").spec == {"is": "template"}
    assert store.views.default("bob", "new") is None
    assert {view.name: view.default for view in store.views.of_project("ada", "digits", "ada")} == {
        "Ours": "project",
        "Template": "entity",
    }

    store.views.choose_default(ours.id, "ada", None)
    store.views.delete(template.id, "ada")
    assert store.views.default("ada", "digits") is None
    store.close()


def test_a_default_is_always_one_that_others_can_open(store: Store):
    view = store.views.create(*PLACE, "Mine", False, {}, "ada")
    with pytest.raises(InvalidValue, match="share it first"):
        store.views.choose_default(view.id, "ada", "project")
    store.views.change(view.id, "ada", 1, shared=True)
    store.views.choose_default(view.id, "ada", "project")

    with pytest.raises(InvalidValue, match="choose another default"):
        store.views.change(view.id, "ada", 2, shared=False)


def test_a_deleted_one_is_gone_and_stays_gone(store: Store, world: World):
    view = store.views.create(*PLACE, "Old", True, {}, "ada")
    store.views.delete(view.id, "ada")

    store = reopened(store, world)
    assert store.views.of_project(*PLACE, "ada") == []
    with pytest.raises(NotFound, match=view.id):
        store.views.read(view.id, "ada")
    store.close()


@pytest.mark.parametrize("name", ["", "  ", "x" * 200, None, 3])
def test_a_name_that_is_none_is_refused(store: Store, name):
    with pytest.raises(InvalidValue, match="a name has 1 to"):
        store.views.create(*PLACE, name, True, {}, "ada")
    assert store.views.of_project(*PLACE, "ada") == []


def test_what_is_too_large_or_too_many_is_refused(store: Store, monkeypatch):
    with pytest.raises(LimitExceeded, match="bytes"):
        store.views.create(*PLACE, "Big", True, {"x": "y" * DOCUMENT_MAX_BYTES}, "ada")
    monkeypatch.setattr("treering.store.documents.DOCUMENTS_MAX_PER_PROJECT", 3)
    for number in range(3):
        store.views.create(*PLACE, f"view {number}", True, {}, "ada")
    with pytest.raises(LimitExceeded, match="Delete some first"):
        store.views.create(*PLACE, "one more", True, {}, "ada")
    assert DOCUMENTS_MAX_PER_PROJECT >= 100


def test_a_damaged_ledger_costs_the_version_that_is_damaged(store: Store, world: World):
    view = store.views.create(*PLACE, "Losses", True, {"a": 1}, "ada")
    store.views.create(*PLACE, "Others", True, {"b": 1}, "ada")
    place = store.views._documents.versions(view.id)[0].place
    store.close()
    path = world.folder / "ledger" / f"{place.segment}.trl"
    data = bytearray(path.read_bytes())
    data[place.offset + place.length - 3] ^= 0xFF
    path.write_bytes(data)

    with Store.open(world.folder) as again:
        assert [one.name for one in again.views.of_project(*PLACE, "ada")] == ["Others"]


def test_a_version_that_rots_while_it_is_served_says_so(store: Store, world: World):
    view = store.views.create(*PLACE, "Losses", True, {"a": 1}, "ada")
    place = store.views._documents.versions(view.id)[0].place
    with (world.folder / "ledger" / f"{place.segment}.trl").open("r+b") as file:
        file.seek(place.offset + place.length - 3)
        file.write(b"\xff")

    with pytest.raises(FormatError, match="damaged at byte"):
        store.views.read(view.id, "ada")
