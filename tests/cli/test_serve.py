"""``treering serve``: from an empty folder to people who sign in, and its end."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import stat
import subprocess
from typing import Any

import pytest

PASSWORD = "correct horse battery"


def ask(port: int, method: str, path: str, value: Any = None, context: ssl.SSLContext | None = None, **headers: str):
    """Send a request to 127.0.0.1 and return status, value and headers of its reply."""
    make = http.client.HTTPConnection if context is None else http.client.HTTPSConnection
    connection = make("127.0.0.1", port, timeout=20, **({} if context is None else {"context": context}))
    sent = {name.replace("_", "-"): text for name, text in headers.items()}
    body = None
    if value is not None:
        sent["Content-Type"] = "application/json"
        body = json.dumps(value)
    try:
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        content = response.read()
        is_json = response.headers.get_content_type() == "application/json"
        return response.status, json.loads(content) if is_json else content, response.headers
    finally:
        connection.close()


def sign_up(serve) -> str:
    """Make the first admin by the link that the server printed; return the Cookie header."""
    code = serve.said["setup"].partition("#setup=")[2]
    value = {"code": code, "name": "ada", "password": PASSWORD}
    status, _, headers = ask(serve.said["port"], "POST", "/api/1/setup", value)
    assert status == 200
    return headers["set-cookie"].split(";")[0]


def test_the_first_start_prints_a_set_up_link_and_until_it_is_used_only_that_works(own_folder, start_serve):
    serve = start_serve(own_folder.path)
    port = serve.said["port"]
    assert ask(port, "GET", "/api/1/server")[1]["setup"] is True
    assert ask(port, "GET", "/api/1/projects")[0] == 401
    assert ask(port, "POST", "/api/1/session/sign-in", {"name": "ada", "password": PASSWORD})[0] == 401
    cookie = sign_up(serve)

    assert ask(port, "GET", "/api/1/server")[1]["setup"] is False
    status, projects, _ = ask(port, "GET", "/api/1/projects", Cookie=cookie)
    assert (status, {row["project"] for row in projects["projects"]}) == (200, {"digits", "letters"})
    assert ask(port, "GET", "/api/1/session", Cookie=cookie)[1]["user"]["admin"] is True


def test_the_link_is_printed_for_people_too_and_is_in_no_file(own_folder):
    from .conftest import TREERING

    command = [*TREERING, "serve", "--data", str(own_folder.path), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    lines = [process.stdout.readline() for _ in range(5)]
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
    process.stdout.close()
    code = next(line for line in lines if "#setup=" in line).strip().partition("#setup=")[2]
    content = b"".join(path.read_bytes() for path in own_folder.path.rglob("*") if path.is_file())

    assert code.startswith("tro_")
    assert code.encode() not in content


def test_it_stays_signed_in_over_a_restart_and_prints_no_second_link(own_folder, start_serve):
    first = start_serve(own_folder.path)
    cookie = sign_up(first)
    assert first.stop() == 0
    second = start_serve(own_folder.path)

    assert second.said["setup"] is None
    assert ask(second.said["port"], "GET", "/api/1/session", Cookie=cookie)[0] == 200


def test_it_listens_beyond_loopback_once_there_is_an_account_and_knows_its_own_address(own_folder, start_serve):
    own_folder.run("user", "add", "ada", "--admin")
    serve = start_serve(own_folder.path, "--host", "0.0.0.0")
    port = serve.said["port"]

    assert ask(port, "GET", "/api/1/server", Host=f"127.0.0.1:{port}")[0] == 200
    assert ask(port, "GET", "/api/1/server", Host=f"{socket.gethostname()}:{port}")[0] == 200
    assert ask(port, "GET", "/api/1/server", Host="evil.example")[0] == 421


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--host", "203.0.113.9"], "Cannot listen on 203.0.113.9", marks=pytest.mark.exam),
        (["--host", "no.such.host.invalid"], "not an address of this machine"),
        (["--port", "99999"], "not a port"),
        (["--trusted-proxy", "*"], "--trusted-proxy"),
        (["--tls-cert", "x.pem"], "belong together"),
        pytest.param(["--tls-cert", "x.pem", "--tls-key", "y.pem"], "cannot be used", marks=pytest.mark.exam),
        (["--allowed-host", "*"], "not a host"),
        (["--base-path", "/a b/"], "--base-path"),
    ],
)
def test_a_wrong_option_is_named_and_leaves_nothing_running(own_folder, arguments, said):
    own_folder.run("user", "add", "ada", "--admin")
    command = ["serve", *(() if "--port" in arguments else ("--port", "0")), *arguments]

    assert said in own_folder.run(*command, code=2).stderr
    assert own_folder.owner() is None


def test_a_taken_port_is_said_to_be_taken(own_folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = own_folder.run("serve", "--port", str(taken.getsockname()[1]), code=2)

    assert "Address already in use" in done.stderr


def test_the_command_line_of_this_machine_reads_through_it_without_a_login(own_folder, start_serve):
    serve = start_serve(own_folder.path)

    assert "a1" in own_folder.run("runs", "ls").stdout
    assert own_folder.owner()["pid"] == serve.process.pid
    assert stat.S_IMODE((own_folder.path / "server.json").stat().st_mode) == 0o600
    assert "has accounts" in own_folder.run("ui", "--no-browser", code=1).stderr


def test_a_key_made_while_it_serves_works_at_once(own_folder, start_serve):
    own_folder.run("user", "add", "ada", "--admin")
    serve = start_serve(own_folder.path)
    key = own_folder.run("key", "new", "--user", "ada").stdout.strip()

    assert ask(serve.said["port"], "GET", "/api/1/session", Authorization=f"Bearer {key}")[1]["user"]["name"] == "ada"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 0)])
def test_it_ends_well_and_cleans_up(own_folder, start_serve, number, code):
    serve = start_serve(own_folder.path)
    private = own_folder.owner()["socket"]
    assert os.path.exists(private)

    assert serve.stop(number) == code
    assert own_folder.owner() is None
    assert not os.path.exists(private)


def test_two_servers_do_not_share_a_folder(own_folder, start_serve):
    start_serve(own_folder.path)

    assert "another process owns this index" in own_folder.run("serve", "--port", "0", code=6).stderr


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    chain, key = folder / "chain.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", str(key), "-out", str(chain)),
        ],
        check=True,
        capture_output=True,
    )
    return chain, key


def test_with_a_certificate_it_speaks_tls_and_its_cookie_is_bound_to_the_host(own_folder, start_serve, certificate):
    chain, key = certificate
    own_folder.run("user", "add", "ada", "--admin")
    serve = start_serve(own_folder.path, "--tls-cert", str(chain), "--tls-key", str(key))
    port, context = serve.said["port"], ssl.create_default_context(cafile=str(chain))
    link = own_folder.run("user", "password", "ada").stdout.strip()
    value = {"code": link.partition("#invite=")[2], "password": PASSWORD}
    status, _, headers = ask(port, "POST", "/api/1/invites/accept", value, context)

    assert link.startswith(f"https://127.0.0.1:{port}/#invite=")
    assert status == 200
    assert headers["set-cookie"].startswith("__Host-treering=")
    assert "Secure" in headers["set-cookie"]
    cookie = headers["set-cookie"].split(";")[0]
    assert ask(port, "GET", "/api/1/session", None, context, Cookie=cookie)[0] == 200
    assert "a1" in own_folder.run("runs", "ls").stdout  # by the private socket, whatever the certificate says


def test_behind_a_proxy_it_prints_the_address_that_people_open(own_folder, start_serve):
    serve = start_serve(own_folder.path, "--allowed-host", "https://lab.example", "--base-path", "/runs/")

    assert serve.said["url"] == "https://lab.example/runs/"
    assert serve.said["setup"].startswith("https://lab.example/runs/#setup=tro_")
