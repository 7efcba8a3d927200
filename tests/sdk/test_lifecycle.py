"""How runs begin, resume and end, in processes of their own."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

import treering as tr
from sdk.conftest import Done, Folder, wait_until
from treering.errors import FolderNotWritable, InvalidName, InvalidValue, UsageError
from treering.runlog import records

Script = Callable[..., Done]


def test_a_run_that_returns_is_finished(script: Script, folder: Folder) -> None:
    done = script("import treering as tr; tr.init(project='p').log({'a': 1})")

    assert done.code == 0
    assert folder.end()["state"] == "finished"
    assert "treering: run " in done.err
    assert f"saved in {folder.path}" in done.err
    assert "treering ui" in done.err


def test_an_exception_is_failed_with_its_traceback_and_the_exit_code_is_kept(script: Script, folder: Folder) -> None:
    done = script("""
        import treering as tr
        tr.init(project='p').log({'a': 1})
        raise ValueError('the loader broke')
    """)

    assert done.code == 1
    assert "ValueError: the loader broke" in done.err
    end = folder.end()
    assert end["state"] == "failed"
    assert end["exit_code"] == 1
    assert end["reason"] == "ValueError: the loader broke"
    assert "raise ValueError" in end["traceback"]


def test_an_exception_in_a_with_block(script: Script, folder: Folder) -> None:
    done = script("""
        import treering as tr
        try:
            with tr.init(project='p') as run:
                1 / 0
        except ZeroDivisionError:
            print('seen')
    """)

    assert done.out == "seen\n"
    assert folder.end()["state"] == "failed"


@pytest.mark.parametrize(("code", "state"), [(0, "finished"), (3, "failed")])
def test_sys_exit_keeps_its_code(script: Script, folder: Folder, code: int, state: str) -> None:
    done = script(f"import sys, treering as tr; tr.init(project='p'); sys.exit({code})")

    assert done.code == code
    assert (folder.end()["state"], folder.end()["exit_code"]) == (state, code)


@pytest.mark.parametrize(
    ("number", "reason"), [(signal.SIGTERM, "SIGTERM"), (signal.SIGINT, "SIGINT")], ids=["SIGTERM", "SIGINT"]
)
def test_a_signal_is_killed_and_the_exit_status_is_what_it_would_have_been(
    tmp_path: Path, folder: Folder, number: signal.Signals, reason: str
) -> None:
    (tmp_path / "train.py").write_text(
        "import time, treering as tr\nrun = tr.init(project='p')\nrun.log({'a': 1})\nprint('up', flush=True)\ntime.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "train.py")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(number)
    process.stdout.close()

    assert process.wait(20) == -number
    end = folder.end()
    assert end["state"] == "killed"
    assert end["reason"] == reason
    assert folder.rows() == [(0, {"a": 1})]


def test_kill_9_is_noticed_by_the_uploader_which_then_ends(tmp_path: Path, folder: Folder) -> None:
    (tmp_path / "train.py").write_text(
        "import time, treering as tr\nrun = tr.init(project='p')\nrun.log({'a': 1})\n"
        "print(run._uploader.pid, flush=True)\ntime.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "train.py")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    uploader = int(process.stdout.readline())
    process.stdout.close()
    wait_until(lambda: bool(folder.records(records.BEAT, "system")))
    process.kill()
    process.wait()

    wait_until(lambda: not psutil.pid_exists(uploader) or psutil.Process(uploader).status() == "zombie", 30)
    end = folder.end("system")
    assert end["state"] == "crashed"
    assert end["writer"] == ""
    assert folder.rows() == [(0, {"a": 1})]


def test_preempted_when_marked(script: Script, folder: Folder) -> None:
    script("""
        import os, signal, time, treering as tr
        run = tr.init(project='p')
        run.mark_preempting()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
    """)

    assert folder.end()["state"] == "preempted"


def test_a_users_own_signal_handler_is_left_alone(script: Script, folder: Folder) -> None:
    done = script("""
        import os, signal, treering as tr
        signal.signal(signal.SIGTERM, lambda *a: print('mine'))
        run = tr.init(project='p')
        os.kill(os.getpid(), signal.SIGTERM)
        run.log({'a': 1})
    """)

    assert (done.code, done.out) == (0, "mine\n")
    assert folder.end()["state"] == "finished"


def test_ten_runs_in_one_script(script: Script, folder: Folder) -> None:
    script("""
        import treering as tr
        for i in range(10):
            with tr.init(project='p', config={'i': i}) as run:
                for step in range(20):
                    run.log({'loss': step * i})
    """)

    assert len(folder.run_folders()) == 10
    ends = folder.records(records.END)
    assert [end.data["state"] for end in ends] == ["finished"] * 10
    assert len(folder.rows()) == 200


def test_a_second_init_returns_the_active_run_unless_told_otherwise() -> None:
    first = tr.init(project="p", settings={"silent": True})

    assert tr.init(project="p", settings={"silent": True}) is first
    second = tr.init(project="p", reinit=True, settings={"silent": True})
    assert second is not first
    assert first._finished
    third = tr.init(project="p", reinit="create_new", settings={"silent": True})
    assert third is not second
    assert not second._finished
    with pytest.raises(InvalidValue, match="reinit"):
        tr.init(reinit="maybe")


# ── resume ───────────────────────────────────────────────────────────────────────────────────────────────────────


def start(run_id: str, **options: object) -> tr.Run:
    run = tr.init(project="p", id=run_id, settings={"silent": True}, **options)
    assert isinstance(run, tr.Run)
    return run


def test_resume_goes_on_with_step_config_and_summary(folder: Folder) -> None:
    with start("r1", config={"lr": 0.1}, name="first") as run:
        for _ in range(5):
            run.log({"loss": 1.0})
    with start("r1", resume="allow", config={"lr": 0.2}) as again:
        assert again.resumed
        assert again.step == again.starting_step == 5
        assert again.name == "first"
        assert again.summary["loss"] == 1.0
        again.log({"loss": 0.5})
        again.log({"loss": 0.4}, step=105)

    assert len(folder.run_folders()) == 1
    assert [step for step, _ in folder.rows()] == [0, 1, 2, 3, 4, 5, 105]
    assert [life["from_step"] for life in folder.lives() if life["writer"] == ""] == [None, None]
    assert [change.data for change in folder.records(records.CONFIG)] == [{"lr": 0.1}, {"lr": 0.2}]


def test_the_same_id_without_resume_hides_what_came_before_and_deletes_nothing(folder: Folder) -> None:
    with start("r1") as run:
        run.log({"loss": 1.0})
    with start("r1") as again:
        assert not again.resumed
        assert again.step == 0
        again.log({"loss": 2.0})

    assert [life["from_step"] for life in folder.lives() if life["writer"] == ""] == [None, 0]
    assert folder.rows() == [(0, {"loss": 1.0}), (0, {"loss": 2.0})]


def test_must_and_never() -> None:
    with pytest.raises(UsageError, match="there is no run 'r1'"):
        start("r1", resume="must")
    start("r1", resume="never").finish()
    start("r1", resume="must").finish()
    with pytest.raises(UsageError, match="there is already run 'r1'"):
        start("r1", resume="never")
    with pytest.raises(UsageError, match="needs id="):
        tr.init(project="p", resume="must")


def test_auto_goes_on_after_a_crash_and_begins_anew_after_a_good_end(script: Script, folder: Folder) -> None:
    text = """
        import sys, treering as tr
        run = tr.init(project='p', resume='auto')
        run.log({'a': 1})
        if sys.argv[1] == 'crash': raise RuntimeError
    """
    script(text, "crash")
    script(text, "crash")
    assert len(folder.run_folders()) == 1
    assert [step for step, _ in folder.rows()] == [0, 1]
    script(text, "well")
    assert len(folder.run_folders()) == 1
    script(text, "well")

    assert len(folder.run_folders()) == 2


def test_resume_of_a_large_log_reads_only_its_end(folder: Folder) -> None:
    run = start("r1", config={"lr": 3})
    row = {f"layer/metric{i}": 0.5 for i in range(20)}
    for _ in range(30_000):
        run.log(row)
    run.finish()
    began = time.monotonic()
    again = start("r1", resume="must")
    took_s = time.monotonic() - began

    assert again.step == 30_000
    assert again.config["lr"] == 3
    assert took_s < 2


def test_a_run_that_was_killed_can_be_resumed(tmp_path: Path, folder: Folder) -> None:
    text = "import os, signal, treering as tr\nr = tr.init(project='p', id='r1')\nfor i in range(10): r.log({'a': i})\nos.kill(os.getpid(), signal.SIGKILL)"
    subprocess.run([sys.executable, "-c", text], stderr=subprocess.DEVNULL, check=False)
    again = start("r1", resume="must")

    assert again.step == 10


# ── processes ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_forked_child_has_a_segment_of_its_own_and_does_not_end_the_run(script: Script, folder: Folder) -> None:
    done = script("""
        import os, sys, treering as tr
        run = tr.init(project='p')
        run.log({'a': 0})
        pids = []
        for n in range(3):
            pid = os.fork()
            if pid == 0:
                run.log({'child': n}, step=n)
                sys.exit(0)
            pids.append(pid)
        for pid in pids: os.waitpid(pid, 0)
        run.log({'a': 1})
    """)

    assert done.code == 0, done.err
    assert folder.rows() == [(0, {"a": 0}), (1, {"a": 1})]
    assert folder.end()["state"] == "finished"
    children = [life["writer"] for life in folder.lives() if "/fork" in life["writer"]]
    assert len(children) == 3
    assert sorted(folder.rows(label)[0][1]["child"] for label in children) == [0, 1, 2]


def test_workers_that_never_log_leave_nothing(script: Script, folder: Folder) -> None:
    done = script("""
        import multiprocessing, treering as tr
        def work(x): return x * x
        if __name__ == '__main__':
            run = tr.init(project='p')
            for method in ('fork', 'spawn'):
                with multiprocessing.get_context(method).Pool(2) as pool:
                    assert pool.map(work, range(5)) == [0, 1, 4, 9, 16]
            run.log({'a': 1})
    """)

    assert done.code == 0, done.err
    assert {life["writer"] for life in folder.lives()} == {"", "system"}
    assert folder.end()["state"] == "finished"


def test_the_ranks_of_a_job_write_one_run(tmp_path: Path, folder: Folder) -> None:
    text = "import os, treering as tr\nr = tr.init(project='p')\nr.log({'loss': float(os.environ['RANK'])})"
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", text],
            env={**os.environ, "RANK": str(n), "LOCAL_RANK": str(n), "WORLD_SIZE": "4"},
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(4)
    ]
    said = [process.communicate(timeout=60)[1] for process in ranks]

    assert len(folder.run_folders()) == 1
    assert {life["writer"] for life in folder.lives() if "system" not in life["writer"]} == {
        "",
        "rank1",
        "rank2",
        "rank3",
    }
    assert folder.rows("rank3") == [(0, {"loss": 3.0})]
    assert ["view:" in text for text in said] == [True, False, False, False], "only rank 0 speaks"


def test_other_ranks_may_be_no_ops(monkeypatch: pytest.MonkeyPatch, folder: Folder) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("TREERING_RANKS", "main")
    run = tr.init(project="p", config={"a": 1})
    run.log({"loss": 1})
    run.define_metric("loss")
    run.finish()

    assert run.disabled
    assert run.config["a"] == 1
    assert not folder.path.exists()


def test_an_explicit_group_means_a_run_per_process(monkeypatch: pytest.MonkeyPatch, folder: Folder) -> None:
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        monkeypatch.setenv("WORLD_SIZE", "2")
        tr.init(project="p", group="job", settings={"silent": True}).finish()

    assert len(folder.run_folders()) == 2


def test_no_helper_outlives_a_finished_run(script: Script) -> None:
    done = script("""
        import treering as tr
        run = tr.init(project='p')
        print(run._uploader.pid)
        run.finish()
    """)

    assert not psutil.pid_exists(int(done.out))


# ── where it is kept ─────────────────────────────────────────────────────────────────────────────────────────────


def test_an_unwritable_folder_falls_back_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("TREERING_DIR", str(blocked / "data"))
    run = tr.init(project="p")
    run.finish()

    assert run.dir.startswith(str(tmp_path / "home" / ".treering"))
    assert f"cannot write {blocked / 'data'}" in capsys.readouterr().err
    with pytest.raises(FolderNotWritable, match="TREERING_DIR"):
        tr.init(project="p", settings={"dir_strict": True})


def test_the_folder_is_private(folder: Folder) -> None:
    tr.init(project="p", settings={"silent": True}).finish()

    for path in folder.path.rglob("*"):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_a_disk_that_fails_during_training_raises_nothing(script: Script, folder: Folder) -> None:
    done = script("""
        import resource, signal, treering as tr
        run = tr.init(project='p')
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
        for i in range(20_000): run.log({'loss': i})
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        run._writer._retry_at = 0
        run.log({'loss': -1})
    """)

    assert done.code == 0, done.err
    assert len(folder.rows()) == 20_001


def test_the_project_is_the_git_repositorys_name(tmp_path: Path, script: Script, folder: Folder) -> None:
    (tmp_path / ".git").mkdir()
    script("import treering as tr; tr.init()")

    assert folder.lives()[0]["run"]["project"] == tmp_path.name


def test_variables_of_wandb_are_fall_backs_and_its_keys_are_not_read(
    monkeypatch: pytest.MonkeyPatch, folder: Folder
) -> None:
    monkeypatch.setenv("WANDB_PROJECT", "theirs")
    monkeypatch.setenv("WANDB_TAGS", "a,b")
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("WANDB_BASE_URL", "https://elsewhere")
    monkeypatch.setenv("WANDB_API_KEY", "0123456789abcdef0123456789abcdef01234567")
    run = tr.init(settings={"silent": True})
    run.finish()

    assert (run.project, run.tags) == ("theirs", ("a", "b"))
    for path in folder.path.rglob("*.trl"):
        assert b"0123456789abcdef01234567" not in path.read_bytes()
    monkeypatch.setenv("TREERING_PROJECT", "ours")
    assert tr.init(settings={"silent": True}).project == "ours"


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"project": "a/b"}, InvalidName, "'/'"),
        ({"project": 7}, InvalidValue, "project must be a string"),
        ({"entity": "api"}, InvalidName, "entity"),
        ({"id": ".."}, InvalidName, "run id"),
        ({"mode": "cloud"}, InvalidValue, "mode must be one of"),
        ({"resume": "maybe"}, InvalidValue, "resume must be one of"),
        ({"tags": [1]}, InvalidValue, "tags must be strings"),
        ({"name": "x" * 300}, InvalidValue, "300 characters"),
        ({"config": "/no/such.yaml"}, InvalidValue, "cannot be read"),
        ({"settings": {"speed": 1}}, InvalidValue, "no setting is called 'speed'"),
        ({"settings": {"sample_s": -1}}, InvalidValue, "0 or more seconds"),
    ],
    ids=str,
)
def test_a_wrong_argument_is_named_at_init(arguments: dict[str, object], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        tr.init(**arguments)
    assert tr.run is None


def test_arguments_of_other_trackers_are_accepted_with_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    tr.init(project="p", save_code=True, monitor_gym=False)

    assert capsys.readouterr().err.count("init(save_code=…) has no effect") == 1


def test_disabled_writes_nothing(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    with tr.init(project="p", mode="disabled", config={"a": 1}) as run:
        run.log({"loss": 1.0})
        run.config.b = 2
        assert dict(run.summary) == {"loss": 1.0}
        assert dict(run.config) == {"a": 1, "b": 2}

    assert not folder.path.exists()
    assert capsys.readouterr().err == ""


def test_the_module_speaks_for_the_active_run(folder: Folder) -> None:
    assert tr.run is None
    with pytest.raises(UsageError, match=r"init\(\) first"):
        tr.log({"a": 1})
    with pytest.raises(UsageError, match=r"init\(\) first"):
        _ = tr.config
    run = tr.init(project="p", config={"lr": 1}, settings={"silent": True})
    tr.log({"a": 1})
    tr.define_metric("a", summary="max")
    tr.summary["best"] = 3
    assert tr.run is run
    assert tr.config.lr == 1
    tr.finish()

    assert tr.run is None
    tr.finish()
    assert folder.rows() == [(0, {"a": 1})]


def test_offline_opens_no_socket(script: Script) -> None:
    done = script("""
        import sys
        def audit(event, args):
            if event.startswith('socket.'): print('SOCKET', event, file=sys.stderr)
        sys.addaudithook(audit)
        import treering as tr
        run = tr.init(project='p', mode='offline')
        run.log({'a': 1})
        run.finish()
    """)

    assert done.code == 0
    assert "SOCKET" not in done.err


def test_the_common_wandb_script_runs_unchanged(script: Script, folder: Folder) -> None:
    done = script("""
        import random
        import treering as wandb

        wandb.login()
        run = wandb.init(
            project="my-project", entity="me", name="first", notes="n", tags=["a"], job_type="train",
            config={"learning_rate": 0.02, "epochs": 10},
        )
        wandb.define_metric("epoch")
        wandb.define_metric("val/*", step_metric="epoch")
        offset = random.random() / 5
        for epoch in range(2, wandb.config.epochs):
            acc = 1 - 2**-epoch - random.random() / epoch - offset
            wandb.log({"acc": acc, "val/loss": 1 - acc, "epoch": epoch})
        wandb.summary["best"] = 1
        wandb.run.summary["more"] = 2
        wandb.config.update({"late": True}, allow_val_change=True)
        print(wandb.run.name, wandb.run.id, wandb.run.project)
        wandb.finish()
    """)

    assert done.code == 0, done.err
    assert len(folder.rows()) == 8
    assert folder.end()["state"] == "finished"


# ── strange surroundings ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "before",
    [
        "import os, tempfile; gone = tempfile.mkdtemp(); os.chdir(gone); os.rmdir(gone)",
        "import sys; sys.argv = [None, 3, b'x']",
        "import sys; del sys.argv",
        "import sys; sys.path.append(None)",
        "import sys; sys.modules['none'] = None; sys.modules['number'] = 3",
        "import sys, types; M = type('M', (types.ModuleType,), {'__getattr__': lambda s, n: 1 / 0}); sys.modules['m'] = M('m')",
    ],
)
def test_a_strange_process_is_recorded_all_the_same(script: Script, folder: Folder, before: str) -> None:
    done = script(f"{before}\nimport treering as tr\nwith tr.init(project='p') as run: run.log({{'a': 1}})")

    assert (done.code, folder.end()["state"]) == (0, "finished"), done.err
    assert folder.rows() == [(0, {"a": 1})]
    topics = {topic for fact in folder.records(records.FACTS, "system") for topic in fact.data}
    assert {"hardware", "packages"} <= topics, "the helper process had its orders"


def test_modules_that_load_when_they_are_asked_are_not_loaded(script: Script) -> None:
    done = script("""
        import importlib.util, sys
        spec = importlib.util.find_spec("wave")
        spec.loader = importlib.util.LazyLoader(spec.loader)
        module = importlib.util.module_from_spec(spec)
        sys.modules["wave"] = module
        spec.loader.exec_module(module)
        import treering as tr
        tr.init(project="p").finish()
        print(type(module).__name__)
    """)

    assert done.out == "_LazyModule\n"


def test_a_folder_whose_name_is_no_text_has_a_helper_too(tmp_path: Path, folder: Folder) -> None:
    place = os.fsencode(tmp_path) + b"/caf\xe9"
    os.mkdir(place)
    text = "import treering as tr\ntr.init(project='p').log({'a': 1})\n"
    with open(place + b"/train.py", "w") as file:
        file.write(text)
    subprocess.run([sys.executable, "train.py"], cwd=place, check=True, capture_output=True, timeout=60)

    assert folder.records(records.BEAT, "system")
    assert [file.path for file in folder.records(records.FILE, "system")] == ["code/train.py", "requirements.txt"]


def test_the_last_words_of_objects_are_said(script: Script) -> None:
    done = script("""
        import treering as tr
        class Last:
            def __del__(self): print("last words")
        last = Last()
        tr.init(project="p", settings={"silent": True})
    """)

    assert (done.out, done.err) == ("last words\n", "")


def test_a_traceback_shows_no_secret_of_the_line_that_failed(script: Script, folder: Folder) -> None:
    done = script("""
        import treering as tr
        tr.init(project="p")
        def connect(token): raise ValueError("no")
        connect(token="Zq7plx9K2m4")
    """)

    assert "Zq7plx9K2m4" in done.err, "the terminal shows what it would show without us"
    assert 'connect(token="[redacted]")' in folder.end()["traceback"]
    for path in folder.path.rglob("*"):
        assert path.is_dir() or b"Zq7plx9K2m4" not in path.read_bytes(), path
