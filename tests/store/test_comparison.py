"""A few runs side by side, their code and output, and what changed since an earlier one."""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import random
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.world import Life, World
from treering.errors import InvalidValue, RunNotFound
from treering.runlog import records
from treering.store import Store
from treering.store.changed import surprise
from treering.store.code_comparison import split_patch
from treering.store.comparison import SECTIONS, packages
from treering.store.line_diff import matches, unified_diff


def declare(life: Life, path: str, content: bytes, purpose: str, *, held: bool = True, **about: Any) -> None:
    """Store a file of a run as its uploader would."""
    sha256 = hashlib.sha256(content).hexdigest()
    if held:
        place = life.world.folder / "blobs" / sha256[:2] / sha256
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    life.writer.append(records.FILE, [life.world.now_ns, path, sha256, len(content), {"purpose": purpose, **about}])


def section(store: Store, runs: list[str], name: str) -> dict[str, tuple[list[Any], bool]]:
    (found,) = store.comparing.compare(runs, [name]).sections
    assert found.section == name
    assert found.same == sum(not row.differs for row in found.rows)
    return {row.key: (row.values, row.differs) for row in found.rows}


# ── side by side ─────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def pair(world: World, store: Store) -> Any:
    """Two runs that differ a little in every section."""
    keys = []
    for n in range(2):
        life = world.life(
            f"r{n}",
            meta={"name": f"run {n}", "command": f"train.py --lr {n}", "program": "train.py", "python": f"3.11.{n}"},
        )
        life.config(
            {"lr": 0.1 + n, "same": math.nan, "one": [1, 1.0][n], "only": 5}
            if n == 0
            else {"lr": 0.1 + n, "same": math.nan, "one": 1.0, "null": None}
        )
        facts = {
            "git": {"commit": "a" * 40 if n == 0 else "b" * 40, "branch": "main", "remote": "r", "dirty": True},
            "hardware": {"cpu": "EPYC", "gpus": [{"name": ["A100", "H100"][n], "memory_bytes": 8}]},
            "environment": {"OMP_NUM_THREADS": str(n)},
            "inputs": [{"name": "train", "kind": "dataset", "digest": f"sha256:{n}"}],
        }
        life.record(records.FACTS, facts)
        declare(
            life,
            "requirements.txt",
            f"numpy==1.{n}\ntorch==2.0\n# comment\nmine==1  # from git+ssh://x at 12\n".encode(),
            "packages",
        )
        life.log({"acc": float(n)}, 0)
        life.end()
        keys.append(life.run_key)
    store.ingest_now()
    return store, keys


def test_runs_are_compared_section_by_section(pair: Any):
    store, keys = pair
    comparison = store.comparing.compare(keys)

    assert [one.section for one in comparison.sections] == list(SECTIONS)
    assert [(run.run_key, run.name, run.number) for run in comparison.runs] == [
        (keys[0], "run 0", 1),
        (keys[1], "run 1", 2),
    ]
    config = section(store, keys, "config")
    assert config["lr"] == ([0.1, 1.1], True)
    assert config["one"] == ([1, 1.0], True)
    assert config["same"][1] is False
    assert config["only"] == ([5, None], True)
    assert section(store, keys, "summary") == {"acc": ([0.0, 1.0], True)}
    assert section(store, keys, "packages") == {
        "numpy": (["1.0", "1.1"], True),
        "torch": (["2.0", "2.0"], False),
        "mine": (["1 (from git+ssh://x at 12)"] * 2, False),
    }
    hardware = section(store, keys, "hardware")
    assert hardware["gpus.0.name"] == (["A100", "H100"], True)
    assert hardware["host"] == (["elsewhere", "elsewhere"], False)
    assert section(store, keys, "command")["command"] == (["train.py --lr 0", "train.py --lr 1"], True)
    assert section(store, keys, "code")["git.commit"][1] is True
    assert section(store, keys, "inputs")["train.digest"] == (["sha256:0", "sha256:1"], True)
    environment = section(store, keys, "environment")
    assert environment["python"] == (["3.11.0", "3.11.1"], True)
    assert environment["OMP_NUM_THREADS"] == (["0", "1"], True)


def test_a_value_that_is_null_is_there_and_one_that_is_missing_is_not(pair: Any):
    store, keys = pair
    (config,) = store.comparing.compare(keys, ["config"]).sections
    rows = {row.key: row for row in config.rows}

    assert (rows["null"].values, rows["null"].present, rows["null"].differs) == ([None, None], [False, True], True)
    assert rows["only"].present == [True, False]


def test_a_comparison_keeps_what_differs_when_there_is_too_much(pair: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("treering.store.comparison.COMPARE_MAX_ROWS", 4)
    store, keys = pair
    (config,) = store.comparing.compare(keys, ["config"]).sections

    assert config.cut
    assert config.same == 1
    assert [row.key for row in config.rows] == ["lr", "null", "one", "only"]


def test_what_cannot_be_compared_is_refused(pair: Any):
    store, keys = pair

    with pytest.raises(InvalidValue, match="2 to 50 runs"):
        store.comparing.compare(keys[:1])
    with pytest.raises(InvalidValue, match="no section 'secrets'"):
        store.comparing.compare(keys, ["secrets"])
    with pytest.raises(RunNotFound):
        store.comparing.compare([keys[0], "a" * 26])


def test_lines_of_requirements_are_read_and_others_passed_over():
    assert packages("A==1\n\n-e .\nb @ file:///x\nc==2.0+cu118\nd>=1\n==\n") == {"a": "1", "c": "2.0+cu118"}


# ── code ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def repository(folder: Path) -> Any:
    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@t", *words],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    folder.mkdir()
    git("init", "-q")
    return git


def snapshot(life: Life, folder: Path, git: Any, untracked: dict[str, bytes], **git_facts: Any) -> None:
    patch, tree = git("diff", "HEAD").encode(), git("ls-tree", "-r", "-l", "HEAD")
    entries = [
        [line.split("\t")[1], line.split()[0], line.split()[2], int(line.split()[3])] for line in tree.splitlines()
    ]
    life.record(
        records.FACTS,
        {"git": {"commit": git("rev-parse", "HEAD").strip(), "branch": "main", "dirty": bool(patch), **git_facts}},
    )
    declare(life, "code.tree.json", json.dumps(entries).encode(), "tree")
    if patch:
        declare(life, "code.patch", patch, "patch")
    for path, content in untracked.items():
        declare(life, f"code/{path}", content, "code", untracked=True)


def test_the_code_of_two_runs_in_a_real_repository_is_compared(world: World, store: Store, tmp_path: Path):
    folder = tmp_path / "repo"
    git = repository(folder)
    for name in ("model.py", "data.py", "old.py"):
        (folder / name).write_text("".join(f"line {n}\n" for n in range(20)))
    git("add", ".")
    git("commit", "-qm", "one")
    first = world.life("a")
    (folder / "model.py").write_text((folder / "model.py").read_text().replace("line 5\n", "line five\n"))
    (folder / "data.py").write_text((folder / "data.py").read_text().replace("line 9\n", "line nine\n"))
    snapshot(first, folder, git, {"notes.txt": b"one\ntwo\n", "same.txt": b"x\n"})
    first.end()
    git("checkout", "-q", "model.py")
    git("rm", "-q", "old.py")
    git("commit", "-qm", "two")  # data.py stays changed
    (folder / "model.py").write_text((folder / "model.py").read_text().replace("line 5\n", "line FIVE\n"))
    second = world.life("b")
    snapshot(second, folder, git, {"notes.txt": b"one\n2\n", "new.bin": b"\0\1", "same.txt": b"x\n"}, dirty=None)
    second.end()
    store.ingest_now()
    found = store.comparing.compare_code(first.run_key, second.run_key)
    files = {(file.path, file.kind): file for file in found.files}

    assert found.same_commit is False
    assert "git diff" in found.note
    assert (found.a.branch, found.a.dirty, found.b.dirty) == ("main", True, None)
    model = files["model.py", "patch"]
    assert (model.status, model.cut) == ("changed", False)
    assert "-+line five" in (model.diff or "")
    assert "++line FIVE" in (model.diff or "")
    assert files["data.py", "patch"].status == "same"
    assert files["old.py", "source"].status == "removed"
    assert files["notes.txt", "untracked"].diff == "--- a/notes.txt\n+++ b/notes.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n"
    assert (files["new.bin", "untracked"].status, files["new.bin", "untracked"].diff) == ("added", None)
    assert files["same.txt", "untracked"].status == "same"
    assert [file.status == "same" for file in found.files] == sorted(file.status == "same" for file in found.files)
    again = store.comparing.compare_code(first.run_key, first.run_key)
    assert again.same_commit is True
    assert {file.status for file in again.files} == {"same"}


def test_runs_without_a_repository_are_compared_by_their_sources(world: World, store: Store):
    keys = []
    for n in range(2):
        life = world.life(f"r{n}")
        declare(life, "code/train.py", f"a\nb{n}\n".encode(), "code")
        declare(life, "code/gone.py", f"{n}".encode(), "code", held=n == 0)
        if n:
            declare(life, "code/more.py", b"x\n", "code")
        life.end()
        keys.append(life.run_key)
    bare = world.life("bare")
    bare.end()
    store.ingest_now()
    found = store.comparing.compare_code(*keys)
    files = {file.path: (file.status, file.kind, file.diff) for file in found.files}

    assert found.same_commit is None
    assert files["train.py"] == ("changed", "source", "--- a/train.py\n+++ b/train.py\n@@ -1,2 +1,2 @@\n a\n-b0\n+b1\n")
    assert files["gone.py"] == ("unknown", "source", None)
    assert files["more.py"] == ("added", "source", "--- a/more.py\n+++ b/more.py\n@@ -0,0 +1 @@\n+x\n")
    assert "No code was recorded of b" in store.comparing.compare_code(keys[0], bare.run_key).note


def test_code_beyond_the_limits_is_named_but_not_shown(world: World, store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("treering.store.code_comparison.CODE_DIFF_MAX_BYTES", 100)
    monkeypatch.setattr("treering.store.code_comparison.CODE_DIFF_MAX_FILES", 3)
    keys = []
    for n in range(2):
        life = world.life(f"r{n}")
        for m in range(4):
            declare(life, f"code/{m}.py", f"{n}{'x' * 30}\n".encode(), "code")
        life.end()
        keys.append(life.run_key)
    store.ingest_now()
    found = store.comparing.compare_code(*keys)

    assert found.cut
    assert [(file.diff is None, file.cut) for file in found.files] == [(False, False), (True, True), (True, True)]


def test_patches_are_told_apart_file_by_file():
    patch = 'diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b\ndiff --git "a/odd name" "b/odd name"\nnew file\n'

    assert {path: len(lines) for path, lines in split_patch(patch).items()} == {"x.py": 6, "odd name": 2}


def test_a_hostile_patch_takes_no_longer_than_another():
    begin = time.thread_time()
    split_patch("diff --git a/" + " b/" * 300_000 + "\n" + "diff --git a/x b/x\n" * 10_000)

    assert time.thread_time() - begin < 2


# ── output ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_what_runs_printed_is_compared_without_colours(world: World, store: Store, monkeypatch: pytest.MonkeyPatch):
    keys = []
    for n in range(2):
        life = world.life(f"r{n}")
        for line in range(8):
            world.sleep(1)
            life.record(records.CONSOLE, "stdout", f"\x1b[3{n}mepoch {line}\x1b[0m" if line != 4 else f"loss {n}")
        life.end()
        keys.append(life.run_key)
    store.ingest_now()
    found = store.comparing.compare_console(*keys)

    assert (found.lines, found.cut) == ((8, 8), False)
    assert found.diff == (
        "--- a/r0\n+++ b/r1\n@@ -2,7 +2,7 @@\n epoch 1\n epoch 2\n epoch 3\n-loss 0\n+loss 1\n epoch 5\n epoch 6\n epoch 7\n"
    )
    assert store.comparing.compare_console(keys[0], keys[0]).diff == ""
    monkeypatch.setattr("treering.store.console_comparison.CONSOLE_DIFF_MAX_LINES", 4)
    cut = store.comparing.compare_console(*keys)
    assert (cut.diff, cut.cut, cut.lines) == ("", True, (8, 8))


# ── diffs ────────────────────────────────────────────────────────────────────────────────────────────────────────
texts = st.lists(st.sampled_from(["a", "b", "c", "d", "", "e"]), max_size=25)


def apply(diff: str, before: list[str]) -> list[str]:
    """Apply a unified diff as `patch` does, checking every line that it removes or keeps."""
    result: list[str] = []
    at = 0
    for line in diff.splitlines()[2:]:
        if line.startswith("@@"):
            begin, _, length = line.split()[1][1:].partition(",")
            start = int(begin) - 1 if length != "0" else int(begin)
            result += before[at:start]
            at = start
        elif line[0] in " -":
            assert before[at] == line[1:]
            result += before[at : at + 1] if line[0] == " " else []
            at += 1
        else:
            result.append(line[1:])
    return result + before[at:]


@settings(max_examples=500, deadline=None)
@given(texts, texts)
def test_a_diff_makes_one_text_of_the_other(a: list[str], b: list[str]):
    diff = unified_diff(a, b, "a", "b")

    assert (apply(diff, a) == b) if diff else a == b


@settings(max_examples=200, deadline=None)
@given(texts, texts)
def test_without_unique_lines_the_matches_are_a_longest_common_subsequence(a: list[str], b: list[str]):
    a, b = a + a, b + b  # no line occurs once
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1][j + 1] = table[i][j] + 1 if x == y else max(table[i][j + 1], table[i + 1][j])

    assert len(matches(a, b)) == table[-1][-1]


def test_a_diff_is_as_short_as_pythons_on_real_code():
    lines = Path(difflib.__file__).read_text().splitlines()
    rng = random.Random(4)
    changed = [line for line in lines if rng.random() > 0.03]
    for _ in range(40):
        changed.insert(rng.randrange(len(changed)), "inserted")
    ours = unified_diff(lines, changed, "a", "b").count("\n")
    pythons = sum(1 for _ in difflib.unified_diff(lines, changed, "a", "b", lineterm=""))

    assert apply(unified_diff(lines, changed, "a", "b"), lines) == changed
    assert ours <= pythons * 1.05


def test_the_worst_texts_take_bounded_time_and_are_still_right():
    rng = random.Random(5)
    a, b = ([rng.choice("xyz") for _ in range(10_000)] for _ in range(2))
    begin = time.thread_time()
    diff = unified_diff(a, b, "a", "b")

    assert time.thread_time() - begin < 3
    assert apply(diff, a) == b


# ── what changed ─────────────────────────────────────────────────────────────────────────────────────────────────
def test_what_seldom_changes_is_named_before_what_always_does(world: World, store: Store):
    for n in range(12):
        life = world.life(f"r{n}", meta={"program": "train.py", "name": f"n{n}", "command": "train.py"})
        life.config({"lr": 0.1 * (n % 3), "seed": n, "optimizer": "adam" if n < 11 else "sgd", "tag": n // 4})
        life.record(
            records.FACTS,
            {"git": {"commit": f"c{n // 6}"}, "inputs": [{"name": "d", "digest": "1" if n < 11 else "2"}]},
        )
        life.end()
    other = world.life("other", meta={"program": "eval.py"})
    other.end()
    last = world.life("last", meta={"program": "train.py", "command": "train.py --fast"})
    last.config({"lr": 0.0, "seed": 99, "optimizer": "sgd", "tag": 9})
    last.record(records.FACTS, {"git": {"commit": "c1"}, "inputs": [{"name": "d", "digest": "2"}]})
    last.end()
    store.ingest_now()
    eleventh = store.comparing.changed(store.find_run("ada", "digits", "r11"))
    keys = [change.key for change in eleventh.changes]
    scores = {change.key: change.score for change in eleventh.changes}

    assert eleventh.earlier == store.find_run("ada", "digits", "r10")
    assert keys[0] in ("optimizer", "d.digest")
    assert set(keys[:2]) == {"optimizer", "d.digest"}
    assert scores["optimizer"] == scores["d.digest"] == 1.0  # never in ten steps before
    assert keys[-1] == "seed"
    assert scores["seed"] < scores["lr"] < 0.2
    assert eleventh.changes[0].reason == "did not change in any of the 10 steps before"
    assert (eleventh.changes[0].before, eleventh.changes[0].after) in (("adam", "sgd"), ("1", "2"))
    found = store.comparing.changed(last.run_key)
    assert found.earlier == store.find_run("ada", "digits", "r11")  # and not the other program's
    assert "same program" in found.why


def test_two_runs_can_be_named_and_the_first_run_has_none_before_it(world: World, store: Store):
    a, b = world.life("a"), world.life("b")
    a.config({"x": 1, "gone": 2})
    b.config({"x": 2})
    a.end()
    b.end()
    store.ingest_now()
    named = store.comparing.changed(b.run_key, a.run_key)
    back = store.comparing.changed(a.run_key, b.run_key)
    alone = store.comparing.changed(b.run_key, alone=True)
    first = store.comparing.changed(a.run_key)

    assert [(c.section, c.key, c.before, c.after) for c in named.changes] == [
        ("config", "gone", 2, None),
        ("config", "x", 1, 2),
    ]
    assert (back.earlier, back.changes[1].after) == (b.run_key, 1)
    assert (alone.earlier, alone.changes) == (None, [])
    assert (first.earlier, first.changes) == (None, [])
    assert "no earlier run" in first.why


def test_surprise_goes_from_one_to_nothing():
    assert surprise(0, 0) == 1
    assert surprise(0, 50) == 1
    assert 0 < surprise(50, 50) < 0.01
    assert surprise(1, 50) > surprise(10, 50) > surprise(40, 50)
