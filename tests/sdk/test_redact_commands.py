"""Secrets on command lines: in a program's own arguments, and in commands that stand in a text."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from treering.runlog import records
from treering.runlog.reader import SegmentReader
from treering.sdk.arguments import Option
from treering.sdk.notebook import session_notebook
from treering.sdk.redact import redact_arguments, redact_source
from treering.sdk.run import outcome_of

HIDDEN = "[redacted]"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mysql -u root -pfoo db", f"mysql -u root -p{HIDDEN} db"),
        ("+ mysqldump --host=h -uroot -p'my pass' db > x", f"+ mysqldump --host=h -uroot -p'{HIDDEN}' db > x"),
        ("sh -c 'x' && mysql -u root -h db -pfoo;", f"sh -c 'x' && mysql -u root -h db -p{HIDDEN};"),
        ("curl -u user:pass https://x", f"curl -u user:{HIDDEN} https://x"),
        ("curl --user=user:pass https://x", f"curl --user=user:{HIDDEN} https://x"),
        ('/usr/bin/curl -u "user:pass" https://x', f'/usr/bin/curl -u "user:{HIDDEN}" https://x'),
        ("sshpass -p foo ssh host", f"sshpass -p {HIDDEN} ssh host"),
        ("docker login -u ada -p foo reg.example", f"docker login -u ada -p {HIDDEN} reg.example"),
        ("tool -u ada -p foobar", f"tool -u ada -p {HIDDEN}"),
        ("redis-cli -h x -a foo ping", f"redis-cli -h x -a {HIDDEN} ping"),
        ("7z a -pfoo x.7z", f"7z a -p{HIDDEN} x.7z"),
        ("openssl rsa -passin pass:foo -in k", f"openssl rsa -passin pass:{HIDDEN} -in k"),
        ("sh -c 'mysql -u root -pfoo db'", f"sh -c 'mysql -u root -p{HIDDEN} db'"),
        ('run("curl -u user:pass https://x")', f'run("curl -u user:{HIDDEN} https://x")'),
        ('["mysql", "-u", "root", "-pfoo", "db"]', f'["mysql", "-u", "root", "-p{HIDDEN}", "db"]'),
        ("['curl', '-u', 'user:pass']", f"['curl', '-u', 'user:{HIDDEN}']"),
        ("FOO_TOKEN=abcdefghij ./train", f"FOO_TOKEN={HIDDEN} ./train"),
        ("curl -H 'Authorization: Basic dXNlcjpwYXNz' x", f"curl -H 'Authorization: Basic {HIDDEN}' x"),
        ("Cookie: session=q1w2e3r4t5", f"Cookie: {HIDDEN}"),
        ("GET https://h/p?token=abcdefghij", f"GET https://h/p?token={HIDDEN}"),
        ("https://s3/x?X-Amz-Signature=fe5f80f77d5fa3beca0", f"https://s3/x?X-Amz-Signature={HIDDEN}"),
        ("https://maps.example/?key=QuiteLongWords&a=1", f"https://maps.example/?key={HIDDEN}&a=1"),
    ],
)
def test_commands_in_a_text(text: str, shown: str) -> None:
    assert redact_source(text)[0] == shown
    assert redact_source(text)[1] >= 1
    assert redact_source(redact_source(text)[0])[0] == shown, "what is hidden stays as it is"


@pytest.mark.parametrize(
    "text",
    [
        "python serve.py -p 8080",
        "docker run -u 1000 -p 8080:80 image",
        "mysql -u root -p db",
        "sudo -u ada mkdir -p outputs",
        "rsync -u -p src dst",
        "mkdir -p runs/a1b2c3d4e5",
        "curl -u https://x",
        "ssh -p 2222 host",
        'parser.add_argument("-u", "--user"); parser.add_argument("-p", "--port", type=int)',
        '["docker", "run", "-u", "1000", "-p", "8080:80"]',
        "commit a265b0ae77dc70b116980568214e8907a6f4bc4f -m x",
        "run 550e8400-e29b-41d4-a716-446655440000 -p 8080",
        "Authorization: required",
        "authorization failed for user ada",
        "https://h/page?key=loss&sort=name",
        "curl --user-agent firefox https://x",
    ],
)
def test_commands_without_a_secret(text: str) -> None:
    assert redact_source(text) == (text, 0)


PASSWORD = {"-p": Option("password", True, False), "--password": Option("password", True, False)}
PORT = {"-p": Option("port", True, True), "--port": Option("port", True, True)}


@pytest.mark.parametrize(
    ("given", "options", "shown"),
    [
        ("-p foo", PASSWORD, f"-p {HIDDEN}"),
        ("-pfoo --lr 1", PASSWORD, f"-p{HIDDEN} --lr 1"),
        ("--password=foo", PASSWORD, f"--password={HIDDEN}"),
        ("--pass foo", PASSWORD, f"--pass {HIDDEN}"),
        ("--password foo", {}, f"--password {HIDDEN}"),
        ("-p 8080", PORT, "-p 8080"),
        ("-p 8080", {}, "-p 8080"),
        ("-p abc123def", {"-p": Option("project", True, False)}, "-p abc123def"),
        ("-p Zq7plx9K2m4", {}, f"-p {HIDDEN}"),
        ("-pZq7plx9K2m4", {}, f"-p{HIDDEN}"),
        ("-p Zq7plx9K2m4", {"-p": Option("p", True, False)}, f"-p {HIDDEN}"),
        ("-pretrained50 -precision=16", {}, "-pretrained50 -precision=16"),
        ("--no-password data.csv", {"--no-password": Option("no_password", False, False)}, "--no-password data.csv"),
        ("mysql -u root -pfoo", {}, f"mysql -u root -p{HIDDEN}"),
        ("curl -u user:pass", {}, f"curl -u user:{HIDDEN}"),
        ("env FOO_TOKEN=abc cmd", {}, f"env FOO_TOKEN={HIDDEN} cmd"),
        ("-p 550e8400-e29b-41d4-a716-446655440000", PORT, "-p 550e8400-e29b-41d4-a716-446655440000"),
        ("--commit a265b0ae77dc70b116980568214e8907a6f4bc4f", {}, "--commit a265b0ae77dc70b116980568214e8907a6f4bc4f"),
    ],
)
def test_a_programs_own_arguments(given: str, options: dict[str, Option], shown: str) -> None:
    assert redact_arguments(["train.py", *given.split()], options) == ["train.py", *shown.split()]


def test_headers_among_the_arguments() -> None:
    given = ["t.py", "-H", "Authorization: Basic dXNlcjpwYXNz", "-H", "Cookie: a=b; c=d", "--header=X-Api-Key: abc"]

    assert redact_arguments(given) == [
        "t.py",
        "-H",
        f"Authorization: Basic {HIDDEN}",
        "-H",
        f"Cookie: {HIDDEN}",
        f"--header=X-Api-Key: {HIDDEN}",
    ]


@pytest.mark.parametrize(
    "parser",
    [
        """
        import argparse
        parser = argparse.ArgumentParser()
        commands = parser.add_subparsers()
        fit = commands.add_parser("fit")
        fit.add_argument("-p", "--passphrase")
        fit.add_argument("-q", "--port", type=int)
        print(parser.parse_args().passphrase)
        begin()
        """,
        """
        import click
        @click.command()
        @click.argument("what")
        @click.option("-p", "--passphrase")
        @click.option("-q", "--port", type=int)
        def main(what, passphrase, port):
            begin()
        main()
        """,
    ],
    ids=["argparse", "click"],
)
def test_the_programs_own_parser_says_what_an_option_means(tmp_path: Path, parser: str) -> None:
    begin = f"""
import treering as tr
def begin():
    tr.init(project="p", dir={str(tmp_path)!r}, settings={{"silent": True, "console": "off"}}).finish()
"""
    script = tmp_path / "train.py"
    script.write_text(begin + textwrap.dedent(parser))
    subprocess.run(
        [sys.executable, str(script), "fit", "-p", "zebrafinch", "-q", "8080"],
        check=True,
        timeout=60,
        capture_output=True,
    )

    paths = list((tmp_path / "runs").glob("*/*.trl"))
    assert paths
    assert not any(b"zebrafinch" in path.read_bytes() for path in paths)
    lives = [records.decode(f)[0] for path in paths for f in SegmentReader(path).read() if f.kind == records.LIFE]
    (command,) = [life["meta"]["command"] for life in lives if life.get("meta", {}).get("command")]
    assert command.endswith("fit -p [redacted] -q 8080")


_KEY = (
    "-----BEGIN PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEA1c7+9z5Pad7OejecsQ0bu3aumFzk\n" * 3 + "-----END PRIVATE KEY-----"
)


def test_tracebacks_and_cells_of_a_notebook() -> None:
    try:
        raise RuntimeError(f"mysql -u root -pzebrafinch failed for https://h/x?token=zebrafinches with {_KEY}")
    except RuntimeError as error:
        _, _, reason, traceback = outcome_of(error, error.__traceback__)
    book, count = session_notebook(["!mysql -u root -pzebrafinch", f'key = """{_KEY}"""', "print(1)"])

    for text in (reason, traceback, book.decode()):
        assert "zebrafinch" not in text
        assert "MIIEow" not in text
        assert HIDDEN in text
    assert count == 2
    assert "raise RuntimeError" in traceback
