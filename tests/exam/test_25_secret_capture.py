"""Secrets that stand where a training is looked at: no byte of them in a log, an upload, a database or a message."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from sdk.servers import receiving

SECRETS = {
    "argument": "hunter2hunter2hunter2",
    "database password": "p4ssw0rdOfTheDatabase",
    "hugging face": "hf_AbCdEfGhIjKlMnOpQrStUvWx",
    "github": "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "openai": "sk-proj-abcdefghijklmnopqrstuvwxyz012345",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "slack": "xoxb-123456789012-abcdefghijkl",
    "google": "AIzaSyA0123456789abcdefghijklmnopqrstuv",
    "gitlab": "glpat-abcdefghijklmnopqrst",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "another server": "trk_q1w2e3r4_" + "Zz9" * 16,
}

TRAIN = """
import sys, treering as tr
config = {
    "lr": 0.1,
    "hub": {"token": sys.argv[4], "note": "use " + sys.argv[4] + " to push"},
    "other_key": sys.argv[5],
    "text": "server " + sys.argv[5],
}
with tr.init(project="p", entity="ada", config=config) as run:
    for i in range(50): run.log({"loss": i})
    print("signed in with", sys.argv[4], "and", __import__("os").environ["SECRET_OTHER_TOKEN"])
    sys.stderr.write(chr(13) + "half a bar " + sys.argv[5])
    try:
        raise RuntimeError("cannot push")
    except RuntimeError:
        pass
"""


# Of no published shape: known because a variable that is named like a secret has it.
OTHER = "q7w8e9r0t1y2u3"


def repository(folder: Path) -> Path:
    """Return a folder whose uncommitted changes add a secret to a file, and a file of secrets."""
    folder.mkdir()
    (folder / "train.py").write_text("print('before')\n")
    (folder / "push.py").write_text("import os\n")
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", f"push with {SECRETS['github']}"]):
        subprocess.run(["git", *identity, *command], cwd=folder, check=True)
    remote = f"https://oauth2:{SECRETS['gitlab']}@git.example/x.git"
    subprocess.run(["git", "remote", "add", "origin", remote], cwd=folder, check=True)
    (folder / "train.py").write_text(TRAIN)
    (folder / "push.py").write_text(f'import os\nOPENAI_API_KEY = "{SECRETS["openai"]}"\nbackup = "{SECRETS["aws"]}"\n')
    (folder / ".env").write_text(
        "".join(f"{name.upper().replace(' ', '_')}={value}\n" for name, value in SECRETS.items())
    )
    (folder / "notes.md").write_text(f"Slack: {SECRETS['slack']}, and {OTHER} for the rest\n")
    subprocess.run(["git", "add", ".env"], cwd=folder, check=True)
    return folder


def test_no_secret_is_in_any_byte_of_the_folder_the_server_or_the_output(tmp_path: Path) -> None:
    with receiving(tmp_path / "server") as server:
        key = server.key
        script = repository(tmp_path / "code") / "train.py"
        environ = {
            **os.environ,
            **{f"SECRET_{name.upper().replace(' ', '_')}": value for name, value in SECRETS.items()},
            "TREERING_DIR": str(tmp_path / "data"),
            "TREERING_BASE_URL": server.url,
            "TREERING_API_KEY": key,
            "SECRET_OTHER_TOKEN": OTHER,
            "HOME": str(tmp_path / "home"),
        }
        command = [
            sys.executable,
            str(script),
            f"--api-key={SECRETS['argument']}",
            "--db",
            f"postgres://ada:{SECRETS['database password']}@db.example/runs",
            SECRETS["hugging face"],
            SECRETS["another server"],
        ]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, cwd=script.parent)
        assert done.returncode == 0, done.stderr
        config = next(
            iter(
                server.server.call(
                    "POST", "/runs/query", {"entity": "ada", "project": "p", "config": ["hub.token"]}
                ).json["runs"]
            )
        )
    kept = [*(tmp_path / "data").rglob("*"), *(tmp_path / "server").rglob("*")]
    files = {path: path.read_bytes() for path in kept if path.is_file() and path.name != "server.json"}

    assert any(path.suffix == ".trl" for path in files)
    assert b"[redacted]" in b"".join(data for path, data in files.items() if path.suffix == ".trl")
    assert "[redacted]" in str(config)
    recorded = [path for path in files if path.parent.parent.name == "blobs"]
    assert len(recorded) >= 8, "changes, files, packages, here and at the server"
    for name, secret in {**SECRETS, "another variable": OTHER, "the tracker's own key": key}.items():
        found = [str(path) for path, data in files.items() if secret.encode() in data]
        assert found == [], name
        said = "".join(line for line in (done.stdout + done.stderr).splitlines() if line.startswith("treering: "))
        assert secret not in said, name


def test_the_key_is_on_no_command_line_and_in_no_environment_that_was_not_given_it(tmp_path: Path) -> None:
    with receiving(tmp_path / "server") as server:
        text = """
import psutil, sys, treering as tr
run = tr.init(project="p", entity="ada", settings={"base_url": sys.argv[1], "api_key": open(sys.argv[2]).read()})
child = psutil.Process(run._uploader.pid)
print(child.cmdline(), child.environ(), repr(run.settings))
run.log({"a": 1})
run.finish()
"""
        (tmp_path / "key").write_text(server.key)
        environ = {**os.environ, "TREERING_DIR": str(tmp_path / "data"), "HOME": str(tmp_path / "home")}
        done = subprocess.run(
            [sys.executable, "-c", text, server.url, str(tmp_path / "key")],
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert done.returncode == 0, done.stderr
    assert "treering.sdk.uploader" in done.stdout
    assert server.key not in done.stdout + done.stderr
    assert len(list((tmp_path / "server" / "runs").glob("*/*.trl"))) == 3, (
        "it was used, though: two came, and the server notes the files"
    )
