"""Artifacts as a script makes, logs, finds and downloads them."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import treering as tr
from sdk.servers import followed, receiving
from treering.errors import FormatError, InvalidName, InvalidValue, NotFound, RemoteError, StorageError, UsageError
from treering.sdk.artifacts.cache import Cache
from treering.sdk.artifacts.copying import copy_hashed
from treering.sdk.artifacts.names import parse_reference

NAMES = ["a b/ü#?%&.txt", "A", "a", "-rf", "ǆ/日本", "deep/er/and/deep/er", "empty", "new\nline", "..hidden", "café"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder that is followed and served."""
    place = tmp_path_factory.mktemp("data")
    with followed(place):
        yield place


@pytest.fixture
def begin(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """Begin a run of that folder, with nothing recorded of its beginning."""
    monkeypatch.setenv("TREERING_DIR", str(folder))
    monkeypatch.chdir(tmp_path)
    quiet = {"console": "off", "silent": True, "disable_git": True, "disable_code": True}
    return lambda project, **options: tr.init(project=project, entity="ada", settings=quiet, **options)


@pytest.fixture
def api(begin: Callable[..., Any]) -> Iterator[tr.Api]:
    """What reads that folder back."""
    with tr.Api() as made:
        yield made


def tree(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def write_tree(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


# ── there and back ───────────────────────────────────────────────────────────────────────────────────────────────


def test_every_name_and_byte_comes_back(begin: Callable[..., Any], api: tr.Api, tmp_path: Path) -> None:
    files = {name: b"" if name == "empty" else name.encode() * 3 for name in NAMES}
    source = write_tree(tmp_path / "source", files)
    os.chmod(source / "A", 0o4777)
    run = begin("back")
    data = tr.Artifact("data", "dataset", description="all of it", metadata={"rows": 3, "bad": float("nan")})
    data.add_dir(source)
    with data.new_file("made/here.txt") as file:
        file.write("mäde\r\n")
    digest = data.digest
    assert run.log_artifact(data, aliases=["clean"], tags=["small"]).wait(30) is data
    run.finish()

    assert (data.name, data.version, data.state, data.digest) == ("data:v0", "v0", "COMMITTED", digest)
    assert data.qualified_name == "ada/back/data:v0"
    found = api.artifact("ada/back/data:clean", type="dataset")
    place = found.download(tmp_path / "out")
    assert tree(place) == {**files, "made/here.txt": "mäde\r\n".encode()}
    assert stat.S_IMODE((place / "A").stat().st_mode) & 0o7111 == 0  # neither set-user-id nor executable
    assert (found.description, found.tags, found.metadata) == ("all of it", ["small"], {"rows": 3, "bad": "NaN"})
    assert sorted(found.aliases) == ["clean", "latest"]
    assert (found.size, found.file_count) == (sum(map(len, files.values())) + 7, len(files) + 1)
    assert found.logged_by().id == run.id
    assert api.artifact(f"ada/back/data:{digest[:12]}").version == "v0"
    assert found.verify(place) is None
    (place / "a").write_bytes(b"changed")
    (place / "stray").write_bytes(b"")
    with pytest.raises(FormatError, match="stray is none of its files, a differs"):
        found.verify(place)
    found.checkout(place)
    assert found.verify(place) is None
    with pytest.raises(InvalidValue, match="is a dataset, not a model"):
        api.artifact("ada/back/data", type="model")
    with pytest.raises(NotFound):
        api.artifact("ada/back/data:v9")


def test_an_empty_artifact_is_one_too_and_equal_content_is_no_new_version(
    begin: Callable[..., Any], api: tr.Api
) -> None:
    run = begin("equal")
    first = run.log_artifact(tr.Artifact("nothing", "dataset")).wait(30)
    again = run.log_artifact(tr.Artifact("nothing", "dataset", metadata={"x": 1}), aliases=["again"]).wait(30)
    draft = again.new_draft()
    with draft.new_file("a") as file:
        file.write("a")
    other = run.log_artifact(draft).wait(30)
    more = tr.Artifact("nothing", "dataset", incremental=True)
    with more.new_file("b") as file:
        file.write("b")
    assert set(run.log_artifact(more).wait(30).manifest.entries) == {"a", "b"}

    assert [first.version, again.version, other.version] == ["v0", "v0", "v1"]
    assert api.artifact("ada/equal/nothing:again").version == "v0"
    with pytest.raises(UsageError, match="new_draft"):
        other.add_file(__file__)


def test_what_happens_to_a_file_after_it_was_added_is_nothing_to_the_version(
    begin: Callable[..., Any], tmp_path: Path
) -> None:
    run = begin("changes")
    source, promised = tmp_path / "weights", tmp_path / "promised"
    source.write_bytes(b"as added")
    promised.write_bytes(b"as promised")
    model = tr.Artifact("model", "model")
    model.add_file(source)
    model.add_file(promised, policy="immutable")
    source.write_bytes(b"as changed")
    run.log_artifact(model).wait(30)
    source.unlink()

    broken = tr.Artifact("broken", "model")
    broken.add_file(promised, policy="immutable")
    time.sleep(0.01)
    promised.write_bytes(b"not as promised")
    with pytest.raises(InvalidValue, match="was changed after it was added"):
        run.log_artifact(broken).wait(30)
    assert tree(model.download(tmp_path / "out")) == {"weights": b"as added", "promised": b"as promised"}


def test_what_cannot_be_right_is_said_when_it_is_added(begin: Callable[..., Any], tmp_path: Path) -> None:
    data = tr.Artifact("data", "dataset")
    (tmp_path / "file").write_bytes(b"x")
    for name in ("../up", "/etc/passwd", "a//b", "a\\b", "C:/x", "a/D:x", "nul\0", ".", "x/../../y"):
        with pytest.raises(InvalidName):
            data.add_file(tmp_path / "file", name=name)
    with pytest.raises(InvalidValue, match="no file that is there"):
        data.add_file(tmp_path / "none")
    with pytest.raises(InvalidValue, match="add_dir"):
        data.add_file(tmp_path)
    data.add_file(tmp_path / "file", name="a")
    (tmp_path / "file").write_bytes(b"y")
    with pytest.raises(InvalidValue, match="overwrite=True"):
        data.add_file(tmp_path / "file", name="a")
    folder = write_tree(tmp_path / "folder", {"in/file": b"1"})
    (folder / "link").symlink_to("in/file")
    data.add_dir(folder, "ok")
    assert set(data.manifest.entries) == {"a", "ok/in/file", "ok/link"}
    (folder / "out").symlink_to(tmp_path / "file")
    with pytest.raises(InvalidValue, match="leads out of"):
        data.add_dir(folder)
    for wrong in ("v3", "a/b", ""):
        with pytest.raises((InvalidName, InvalidValue)):
            begin("wrong").log_artifact(data, aliases=[wrong])
    data.add_file(tmp_path / "file", name="a/below")
    with pytest.raises(InvalidName, match="a file and a folder at once"):
        data.digest


def test_references_are_kept_by_what_identifies_them(begin: Callable[..., Any], api: tr.Api, tmp_path: Path) -> None:
    run = begin("references")
    source = write_tree(tmp_path / "raw", {"one": b"1", "two": b"22"})
    data = tr.Artifact("raw", "dataset")
    data.add_reference(source.as_uri(), name="raw")
    data.add_reference("s3://bucket/key", checksum=False)
    data.add_reference("https://data.example/x.zip", digest="md5:1")
    with pytest.raises(InvalidValue, match="begin with one of"):
        data.add_reference("ftp://x/y")
    with pytest.raises(InvalidValue, match="seen by others"):
        data.add_reference("https://user:secret@x/y", checksum=False)
    run.log_artifact(data).wait(30)
    found = api.artifact("ada/references/raw")

    assert {path: (entry.ref, entry.size) for path, entry in found.manifest.entries.items()} == {
        "key": ("s3://bucket/key", None),
        "raw/one": ((source / "one").as_uri(), 1),
        "raw/two": ((source / "two").as_uri(), 2),
        "x.zip": ("https://data.example/x.zip", None),
    }
    assert found.get_entry("raw/two").digest == "sha256:" + hashlib.sha256(b"22").hexdigest()
    assert found.get_entry("x.zip").digest == "md5:1"
    assert tree(found.download(tmp_path / "out")) == {}


def test_rich_values_come_back_as_what_they_were(begin: Callable[..., Any], api: tr.Api, tmp_path: Path) -> None:
    import numpy as np

    run = begin("values")
    results = tr.Artifact("results", "evaluation")
    results.add(tr.Table(columns=["x", "text"], data=[[1, "a"], [2, None]]), "table")
    results.add(tr.Image(np.zeros((4, 5, 3), np.uint8)), "pictures/black")
    with pytest.raises(InvalidValue, match="no rich value"):
        results.add(object(), "what")
    run.log_artifact(results).wait(30)
    found = api.artifact("ada/values/results")

    table = found.get("table")
    assert (table.columns, table.data) == (["x", "text"], [[1, "a"], [2, None]])
    assert isinstance(found.get("pictures/black"), tr.Image)
    assert found.get("nothing") is None
    assert "table.table.json" in found.manifest.entries


# ── use, rules, models ───────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_run_used_and_made_is_its_lineage(begin: Callable[..., Any], api: tr.Api, tmp_path: Path) -> None:
    first = begin("chain", name="prepare")
    (tmp_path / "data.csv").write_text("1,2\n")
    first.log_artifact("data.csv", "data", "dataset").wait(30)
    first.finish()
    second = begin("chain", name="train")
    path = second.use_artifact("data:latest", type="dataset", use_as="training").file()
    assert path.read_text() == "1,2\n"
    (tmp_path / "weights").write_bytes(b"w")
    model = second.log_model("weights", "net", aliases=["best"]).wait(30)
    second.finish()
    third = begin("chain", name="test")
    assert third.use_model("net:best").read_bytes() == b"w"
    third.finish()

    graph = model.lineage()
    assert [(node["label"], node["depth"]) for node in sorted(graph["nodes"], key=lambda node: node["depth"])] == [
        ("prepare", -3),
        ("data:v0", -2),
        ("train", -1),
        ("net:v0", 0),
        ("test", 1),
    ]
    run = api.run(f"ada/chain/{second.id}")
    assert [one.name for one in run.used_artifacts()] == ["data:v0"]
    assert [one.name for one in run.logged_artifacts()] == ["net:v0"]
    assert [one.id for one in model.used_by()] == [third.id]
    assert [kind.name for kind in api.artifact_types("ada/chain")] == ["dataset", "model"]
    assert api.artifact_type("model", "ada/chain").collection("net").aliases == {"latest": 0, "best": 0}
    assert api.artifact_exists("ada/chain/net:best")
    assert not api.artifact_exists("ada/chain/net:worst")
    with pytest.raises(NotFound):
        second.use_artifact("data:v7")


def test_a_rule_keeps_the_best_and_a_model_is_promoted_when_its_checks_allow_it(
    begin: Callable[..., Any], api: tr.Api, tmp_path: Path
) -> None:
    run = begin("registry")
    weights = tmp_path / "weights"
    made = []
    for step, accuracy in enumerate([0.5, 0.9, 0.7, 0.6]):
        run.log({"val/acc": accuracy})
        weights.write_bytes(str(step).encode())
        made.append(run.log_artifact(weights, "net", "model", keep=tr.Keep.best(2, "val/acc")))
    for one in made:
        one.wait(30)
    assert [one.version for one in api.artifacts("model", "ada/registry/net")] == ["v3", "v2", "v1"]
    model = api.create_model("ada/registry", "churn", checks=["val/acc >= 0.65"], protected_aliases=["production"])
    with pytest.raises(RemoteError, match=r"metric.val/acc >= 0.65: the run has val/acc = 0.6") as refused:
        made[3].link("ada/churn", aliases=["production"])
    assert refused.value.code == "check_failed"
    run.log({"val/acc": 0.8})
    time.sleep(0.5)
    model.refresh()
    assert [check["passed"] for check in model.check("production", 1)] == [True]
    model.promote("production", 1, note="better in winter")

    assert api.model("churn").aliases == {"production": 1}
    (listed,) = api.models("ada")  # a list says how many versions a model has; which they are is read when asked for
    assert "1 versions" in repr(listed)
    assert [row["number"] for row in listed.versions] == [1]
    assert api.model_artifact("churn:production").version == "v3"
    assert [event["what"] for event in model.history()] == ["promote", "refuse", "link", "create"]
    with pytest.raises(InvalidValue, match="unlink it there first"):
        made[3].delete()
    made[1].aliases.append("kept")
    made[1].description = "the best"
    made[1].save()
    assert api.artifact("ada/registry/net:kept").description == "the best"
    made[2].delete()
    assert api.artifact("ada/registry/net:v2").state == "DELETED"


def test_a_full_disk_ends_no_training_and_the_version_comes_when_there_is_room(
    begin: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = [True]

    def refuse_while_full(*given: Any, **options: Any) -> Any:
        if full[0]:
            raise StorageError("no room")
        return copy_hashed(*given, **options)

    monkeypatch.setattr("treering.sdk.artifacts.contents.copy_hashed", refuse_while_full)
    monkeypatch.setattr("treering.sdk.artifacts.recorder.copy_hashed", refuse_while_full)
    monkeypatch.setattr("treering.sdk.artifacts.recorder.DISK_RETRY_S", 0.05)
    (tmp_path / "file").write_bytes(b"x")
    run = begin("full")
    data = tr.Artifact("data", "dataset")
    data.add_file(tmp_path / "file")
    run.log_artifact(data)
    with pytest.raises(TimeoutError, match="is not stored yet"):
        data.wait(0.2)
    full[0] = False

    assert data.wait(30).version == "v0"


def test_the_cache_keeps_what_was_used_last(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", 30)
    for number, name in enumerate(("one", "two", "three")):
        (tmp_path / name).write_bytes(name.encode() * (10 // len(name)))
        sha256 = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        cache.keep(sha256, tmp_path / name)
        os.utime(cache.find(sha256), ns=(number * 10**9,) * 2)
        (tmp_path / name).write_text(sha256)
    one, two, three = ((tmp_path / name).read_text() for name in ("one", "two", "three"))
    assert cache.find(one) is not None  # and is the youngest again
    (tmp_path / "four").write_bytes(b"0123456789")
    cache.keep(hashlib.sha256(b"0123456789").hexdigest(), tmp_path / "four")

    assert [cache.find(name) is not None for name in (one, two, three)] == [True, False, True]


def test_a_disabled_run_takes_the_same_calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = tr.init(mode="disabled")
    (tmp_path / "file").write_bytes(b"x")
    artifact = tr.Artifact("data", "dataset")
    artifact.add_file(tmp_path / "file")

    assert run.log_artifact(artifact, aliases=["a"]) is artifact
    assert run.log_model(tmp_path / "file", "net") is not None
    assert artifact.state == "PENDING"
    with pytest.raises(UsageError, match="was not logged"):
        artifact.wait()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data", ("e", "p", "data", "latest")),
        ("data:v3", ("e", "p", "data", "v3")),
        ("q/data:best", ("e", "q", "data", "best")),
        ("f/q/data", ("f", "q", "data", "latest")),
    ],
)
def test_a_reference_says_as_much_as_it_needs(text: str, expected: tuple[str, ...]) -> None:
    assert parse_reference(text, "e", "p") == expected
    for wrong in ("a/b/c/d", "", "a/:v1", ":v1"):
        with pytest.raises(InvalidName):
            parse_reference(wrong, "e", "p")


# ── over the network ─────────────────────────────────────────────────────────────────────────────────────────────


def test_over_the_network_only_what_the_server_lacks_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    with receiving(tmp_path / "server") as there:
        take = there.store.receive_blob

        def noted(key: str, sha256: str, *rest: Any) -> Any:
            answer = take(key, sha256, *rest)
            sent.append(sha256)
            return answer

        monkeypatch.setattr(there.store, "receive_blob", noted)
        monkeypatch.setenv("TREERING_BASE_URL", there.url)
        monkeypatch.setenv("TREERING_API_KEY", there.key)
        monkeypatch.setenv("TREERING_CACHE_DIR", str(tmp_path / "cache"))
        monkeypatch.chdir(tmp_path)
        quiet = {"console": "off", "silent": True, "disable_git": True, "disable_code": True}
        source = write_tree(tmp_path / "source", {"a": b"one" * 1000, "b": b"two", "empty": b""})
        run = tr.init(project="p", entity="ada", settings=quiet)
        data = run.log_artifact("source", "data", "dataset").wait(60)
        before = set(sent)
        (source / "c").write_bytes(b"three")
        again = run.log_artifact("source", "data", "dataset").wait(60)
        used = run.use_artifact("data:v0")
        run.finish()
        place = again.download(tmp_path / "out")
        there.server.stop()
        again.download(tmp_path / "out2")  # out of the cache, by a list of entries that is known

    assert [data.version, used.version, again.version] == ["v0", "v0", "v1"]
    assert tree(place) == tree(tmp_path / "out2") == tree(source)
    assert before >= {hashlib.sha256(text).hexdigest() for text in (b"one" * 1000, b"two", b"")}
    assert set(sent) - before >= {hashlib.sha256(b"three").hexdigest(), again.digest}
    assert len(sent) == len(set(sent))
