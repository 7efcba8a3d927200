"""A training that starts its own script again for its other ranks, with a local rank and no rank: one run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sdk.conftest import Done, Folder

Script = Callable[..., Done]

_RELAUNCHED = """
    import os, subprocess, sys
    import treering as tr
    mine = int(os.environ.get("LOCAL_RANK", "0"))
    run = tr.init(project="p", name="two", config={"seed": 1})
    child = None
    if not mine:
        more = {"LOCAL_RANK": "1", "NODE_RANK": "0", "WORLD_SIZE": "2", **CHANGED}
        child = subprocess.Popen([sys.executable, *sys.argv], env={**os.environ, **more})
    for step in range(10):
        run.log({"loss": step + 100.0 * mine})
    if child is not None:
        assert child.wait() == 0
    run.finish()
"""


def test_further_ranks_join_the_run_of_the_process_that_started_them(script: Script, folder: Folder) -> None:
    done = script(_RELAUNCHED.replace("CHANGED", "{}"))

    assert done.code == 0, done.err
    assert len(folder.run_folders()) == 1
    assert [data["loss"] for _, data in folder.rows()] == [float(step) for step in range(10)]
    assert [data["loss"] for _, data in folder.rows("rank1")] == [100.0 + step for step in range(10)]
    assert folder.end()["state"] == "finished"


@pytest.mark.parametrize(
    "changed",
    [
        '{"LOCAL_RANK": "0"}',
        '{"LOCAL_RANK": ""}',
        '{"TREERING_BEGUN": "[1, \\"ada\\", \\"p\\", \\"x\\"]"}',
        '{"TREERING_BEGUN": "{"}',
    ],
)
def test_whoever_is_no_further_rank_has_a_run_of_its_own(script: Script, folder: Folder, changed: str) -> None:
    text = _RELAUNCHED.replace("CHANGED", changed).replace(
        'mine = int(os.environ.get("LOCAL_RANK", "0"))', "mine = 'NODE_RANK' in os.environ"
    )
    done = script(text)

    assert done.code == 0, done.err
    assert len(folder.run_folders()) == 2
