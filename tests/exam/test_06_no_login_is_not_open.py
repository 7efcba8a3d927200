"""
EXAM 6: on a shared machine other users reach the port and still get nothing; files that they could read stop the
start.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

UI = [sys.executable, "-m", "treering.cli", "ui", "--port", "0", "--no-browser", "--json", "--data"]


def start(folder: Path) -> tuple[subprocess.Popen[str], dict]:
    process = subprocess.Popen([*UI, str(folder)], stdout=subprocess.PIPE, text=True)
    return process, json.loads(process.stdout.readline())


def stop(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    code = process.wait(15)
    process.stdout.close()
    return code


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


def test_a_caller_without_the_file_gets_401_and_the_file_is_private(folder):
    process, said = start(folder)
    try:
        owner = folder / "server.json"
        for path in ("session", "projects", "openapi.json"):
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(f"http://127.0.0.1:{said['port']}/api/1/{path}")
            assert caught.value.code == 401
            caught.value.close()

        assert stat.S_IMODE(owner.stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    finally:
        stop(process)
    assert not owner.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_another_user_of_the_machine_can_neither_read_the_token_nor_the_api(folder):
    process, said = start(folder)
    try:
        script = (
            "import urllib.request, urllib.error, pathlib, sys\n"
            "try: print(urllib.request.urlopen(sys.argv[1]).status)\n"
            "except urllib.error.HTTPError as error: print(error.code)\n"
            "try: print(pathlib.Path(sys.argv[2]).read_text())\n"
            "except PermissionError: print('denied')\n"
        )
        address = f"http://127.0.0.1:{said['port']}/api/1/projects"
        asked = subprocess.run(
            ["/usr/bin/python3", "-c", script, address, str(folder / "server.json")],
            user=65534,
            group=65534,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            text=True,
        )
        assert asked.stdout.split() == ["401", "denied"], asked.stderr
    finally:
        stop(process)


@pytest.mark.parametrize("name", ["sessions.json", "server.json"])
@pytest.mark.parametrize("mode", [0o640, *(pytest.param(mode, marks=pytest.mark.exam) for mode in (0o604, 0o620))])
def test_the_server_refuses_to_start_when_others_can_touch_its_secrets(folder, name, mode):
    folder.mkdir()
    (folder / name).write_text("{}")
    (folder / name).chmod(mode)
    done = subprocess.run([*UI, str(folder)], capture_output=True, text=True, timeout=30)

    assert done.returncode == 1
    assert "chmod 600" in json.loads(done.stderr)["error"]["message"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7"])
def test_listening_beyond_this_machine_needs_accounts(folder, host):
    done = subprocess.run([*UI, str(folder), "--host", host], capture_output=True, text=True, timeout=30)

    assert done.returncode == 2
    assert "without accounts" in done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7"])
def test_serving_beyond_this_machine_needs_an_account_first(folder, host):
    command = [sys.executable, "-m", "treering.cli", "serve", "--data", str(folder), "--host", host, "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)

    assert done.returncode == 2
    assert "treering user add NAME --admin" in done.stderr


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_server_with_accounts_refuses_to_start_when_others_can_touch_them(folder, mode):
    make = [sys.executable, "-m", "treering.cli", "user", "add", "ada", "--admin", "--data", str(folder)]
    subprocess.run(make, capture_output=True, timeout=30, check=True)
    (folder / "accounts.db").chmod(mode)
    command = [sys.executable, "-m", "treering.cli", "serve", "--data", str(folder), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)

    assert done.returncode == 1
    assert "chmod 600" in done.stderr


def test_a_link_works_once_and_only_for_ten_minutes_of_one_server(folder):
    process, said = start(folder)
    try:
        address, code = said["url"].split("#t=")

        def exchange() -> int:
            request = urllib.request.Request(
                f"{address}api/1/session", json.dumps({"one_time": code}).encode(), {"Content-Type": "application/json"}
            )
            try:
                with urllib.request.urlopen(request) as reply:
                    return reply.status
            except urllib.error.HTTPError as error:
                error.close()
                return error.code

        assert [exchange(), exchange()] == [200, 401]
    finally:
        begin = time.monotonic()
        stop(process)
    assert time.monotonic() - begin < 10
