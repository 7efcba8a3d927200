"""``treering ui`` and the servers that reading commands start: one owner a folder, found by all, gone when done."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import time
import urllib.request

import pytest

from treering.limits import PORT
from treering.server.sockets import bind_loopback

from .conftest import TREERING


def ask(url, token, path="projects"):
    request = urllib.request.Request(f"{url}api/1/{path}", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)


def wait_until(condition) -> None:
    limit = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_it_prints_a_link_serves_and_cleans_up(own_folder, start_ui):
    ui = start_ui(own_folder.path, "--port", "0")
    address, code = ui.said["url"].split("#t=")
    body = json.dumps({"one_time": code}).encode()
    request = urllib.request.Request(f"{address}api/1/session", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as reply:
        token = json.load(reply)["token"]

    assert {row["project"] for row in ask(address, token)["projects"]} == {"digits", "letters"}
    assert own_folder.owner()["pid"] == ui.process.pid
    assert stat.S_IMODE((own_folder.path / "server.json").stat().st_mode) == 0o600
    assert ui.stop() == 128 + signal.SIGTERM
    assert own_folder.owner() is None


def test_ctrl_c_is_a_good_end(own_folder, start_ui):
    assert start_ui(own_folder.path, "--port", "0").stop(signal.SIGINT) == 0


def test_an_open_stream_does_not_hold_the_end_up(own_folder, start_ui):
    ui = start_ui(own_folder.path, "--port", "0")
    token = own_folder.owner()["token"]
    with socket.create_connection(("127.0.0.1", ui.said["port"])) as stream:
        head = "GET /api/1/live?entity=ada&project=digits HTTP/1.1\r\nHost: localhost\r\n"
        head += f"Authorization: Bearer {token}\r\n\r\n"
        stream.sendall(head.encode())
        assert b"200 OK" in stream.recv(1000)
        begin = time.monotonic()
        ui.stop()

    assert time.monotonic() - begin < 3


def test_started_again_it_prints_a_fresh_link_to_the_one_that_runs(own_folder, start_ui):
    first = start_ui(own_folder.path, "--port", "0")
    second = start_ui(own_folder.path)

    assert second.process.wait(15) == 0
    assert second.said["new"] is False
    assert second.said["port"] == first.said["port"]
    assert second.said["pid"] == first.process.pid
    assert second.said["url"] != first.said["url"]


def test_the_port_is_remembered_and_a_taken_one_is_passed_over(own_folder, start_ui, tmp_path):
    first = start_ui(own_folder.path)
    port = first.said["port"]
    first.stop()
    again = start_ui(own_folder.path)
    other = start_ui(tmp_path / "other")

    assert port >= PORT
    assert again.said["port"] == port
    assert other.said["port"] != port


def test_a_named_port_that_is_taken_is_an_error(own_folder):
    sockets, port = bind_loopback(0, own_folder.path)
    try:
        done = own_folder.run("ui", "--port", str(port), "--no-browser", code=2)
    finally:
        for bound in sockets:
            bound.close()

    assert f"Port {port} is in use" in done.stderr


def test_both_loopback_addresses_answer_where_there_is_ipv6(own_folder, start_ui):
    ui = start_ui(own_folder.path, "--port", "0")
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            probe = socket.socket(family)
            probe.bind((address, 0))
        except OSError:
            continue
        probe.close()
        socket.create_connection((address, ui.said["port"]), timeout=5).close()


def test_over_ssh_the_forwarding_command_is_printed(own_folder):
    environ = {**os.environ, "SSH_CONNECTION": "10.0.0.2 51234 10.0.0.9 2222", "USER": "ada"}
    command = [*TREERING, "ui", "--data", str(own_folder.path), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ)
    lines = [process.stdout.readline() for _ in range(6)]
    process.terminate()
    process.wait(15)
    process.stdout.close()
    port = own_folder.path.name and lines[1].split(":")[2].split("/")[0]

    assert f"    ssh -N -L {port}:127.0.0.1:{port} -p 2222 ada@10.0.0.9\n" in lines


@pytest.mark.parametrize("host", ["*", "a/b", "http://x/y"])
def test_a_wrong_allowed_host_is_refused(own_folder, host):
    assert "--allowed-host" in own_folder.run("ui", "--allowed-host", host, code=2).stderr


@pytest.mark.parametrize("path", ["/a b/", "/<b>/", '/"', "/../x"])
def test_a_wrong_base_path_is_refused(own_folder, path):
    assert "--base-path" in own_folder.run("ui", "--base-path", path, code=2).stderr


def test_a_reading_command_starts_a_server_that_the_next_one_uses_and_that_ends_by_itself(own_folder):
    own_folder.run("serve-socket", "--idle-exit", "1.5")
    owner = own_folder.owner()
    own_folder.run("runs", "ls")

    assert owner["socket"]
    assert owner["port"] is None
    assert own_folder.owner()["pid"] == owner["pid"]
    assert stat.S_IMODE(os.stat(os.path.dirname(owner["socket"])).st_mode) == 0o700
    wait_until(lambda: own_folder.owner() is None)
    wait_until(lambda: not os.path.exists(os.path.dirname(owner["socket"])))


def test_a_server_killed_without_a_word_is_replaced(own_folder):
    own_folder.run("runs", "ls")
    killed = own_folder.owner()["pid"]
    os.kill(killed, signal.SIGKILL)
    own_folder.run("runs", "ls")

    assert own_folder.owner()["pid"] != killed


def test_many_readers_at_once_share_one_server(own_folder):
    commands = [[*TREERING, "runs", "ls", "--json", "--data", str(own_folder.path)] for _ in range(4)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    answers = [json.loads(process.communicate(timeout=60)[0]) for process in running]

    assert [len(answer["runs"]) for answer in answers] == [3] * 4


def test_a_lasting_server_takes_the_folder_over_from_an_idle_one(own_folder, start_ui):
    own_folder.run("runs", "ls")
    idle = own_folder.owner()
    ui = start_ui(own_folder.path, "--port", "0")

    assert idle["idle"] is True
    assert ui.said["new"] is True
    assert own_folder.owner()["pid"] == ui.process.pid
    assert len(own_folder.json("runs", "ls")["runs"]) == 3


def test_the_token_of_another_process_on_the_old_port_is_not_believed(own_folder):
    listener = socket.create_server(("127.0.0.1", 0))
    owner = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "port": listener.getsockname()[1],
        "url": "http://127.0.0.1",
        "socket": None,
        "token": "trl_old",
    }
    path = own_folder.path / "server.json"
    path.write_text(json.dumps(owner))
    path.chmod(0o600)
    listener.close()

    assert len(own_folder.json("runs", "ls")["runs"]) == 3
