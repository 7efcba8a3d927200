"""Where a run stands among others: its folder and its parent."""

from __future__ import annotations

from pathlib import Path

import pytest

import treering as tr
from treering.errors import InvalidName
from treering.runlog import records
from treering.runlog.reader import SegmentReader


def meta_of(folder: Path, run: tr.Run) -> dict[str, object]:
    for path in (folder / "runs" / run.key).glob("*.trl"):
        with SegmentReader(path) as reader:
            for frame in reader.read():
                if frame.kind == records.LIFE:
                    (life,) = records.decode(frame)
                    if life.get("meta"):
                        return life["meta"]
    raise AssertionError("no meta")


def test_folder_and_parent_are_recorded(tmp_path, monkeypatch):
    outer = tr.init(project="p", dir=tmp_path, settings={"silent": True}, reinit="create_new")
    inner = tr.init(project="p", dir=tmp_path, folder=" a / b/ ", parent=outer, reinit="create_new")
    assert (inner.settings.folder, inner.settings.parent) == ("a/b", outer.id)
    assert {name: meta_of(tmp_path, inner)[name] for name in ("folder", "parent")} == {
        "folder": "a/b",
        "parent": outer.id,
    }
    inner.finish()
    monkeypatch.setenv("TREERING_PARENT", outer.id)
    monkeypatch.setenv("TREERING_FOLDER", "from/outside")
    other = tr.init(project="p", dir=tmp_path, reinit="create_new")
    assert (meta_of(tmp_path, other)["folder"], meta_of(tmp_path, other)["parent"]) == ("from/outside", outer.id)
    other.finish()
    outer.finish()


@pytest.mark.parametrize("wrong", ["a//b", "../a", "a\nb", "/".join("x" * 20)])
def test_a_folder_that_is_none_is_refused_before_the_run_begins(tmp_path, wrong):
    with pytest.raises(InvalidName, match="folder"):
        tr.init(project="p", dir=tmp_path, folder=wrong)
    assert not (tmp_path / "runs").exists()
