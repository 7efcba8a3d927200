"""Secrets are hidden in whatever form they are written, and what is none stays readable."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from treering.sdk import redact
from treering.sdk.redact import (
    redact_arguments,
    redact_config,
    redact_source,
    redact_text,
    remember_secrets,
)

S = "Zq7plx9K2m4"


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    yield
    redact._remembered.clear()


@pytest.mark.parametrize(
    "text",
    [
        f"password: {S}",
        f"password={S}",
        f"ERROR:root:token={S}",
        f'"api_key": "{S}"',
        f'{{\\"secret\\": \\"{S}\\"}}',
        f"Authorization: Bearer {S}",
        f"curl -H 'X-Api-Key: {S}' https://x",
        f"curl -u ada:{S} https://x",
        f"GET https://h/p?token={S}&x=1",
        f"https://h/container?sv=2024&sig={S}",
        f"TOKEN={S} python train.py",
        f"python train.py --api-key={S} --lr 1",
        f"python train.py --token {S}",
        f"Namespace(lr=0.1, api_key='{S}')",
        f"\x1b[32m'api_key'\x1b[0m: \x1b[32m'{S}'\x1b[0m",
        f"db:\n  password: {S}\n  user: ada",
        f"- token: {S}",
        f"[db]\npassword = {S}",
        f"AccountName=x;AccountKey={S}==;EndpointSuffix=y",
        "DB_PASSWORD=correct-horse-battery",
        "password = 'correcthorse'",
        f"https://hooks.slack.com/services/T00000000/B00000000/{S * 3}",
        f"sk_live_{S}{S}",
        f"trl_{S}{S}",
        f"SG.{S}{S}.{S}{S}",
    ],
)
def test_what_is_printed_or_configured(text: str):
    hidden, count = redact_source(text)

    assert S not in hidden
    assert "correct" not in hidden
    assert "[redacted]" in hidden
    assert count >= 1
    assert hidden.count("\n") == text.count("\n")


@pytest.mark.parametrize(
    "text",
    [
        f"api_token: str = '{S}'",
        f"os.environ['HF_TOKEN'] = '{S}'",
        f"key = os.getenv('API_KEY', '{S}')",
        f"api_key = os.environ.get('NOPE') or '{S}'",
        f"login(token=r'{S}')",
        f"parser.add_argument('--token', default='{S}', help='the token')",
        f"headers = {{'Authorization': 'Bearer {S}'}}",
        f"print('password: {S}')",
        f"config = {{'api_keys': ['{S}']}}",
    ],
)
def test_what_stands_in_source_code(text: str):
    hidden, count = redact_source(text, "train.py")

    assert S not in hidden
    assert count == 1
    assert hidden.replace("[redacted]", S) == text


@pytest.mark.parametrize(
    "text",
    [
        "token = 'pad'",
        "password = getpass()",
        "key='train/loss2'",
        "pad_token: 50256, tokens: 123456, max_tokens=4096",
        "self.token = config.token2",
        "def f(token, key=None, password: str = 'x'):",
        "sort(key=lambda x: x['epoch_000001'])",
        "token_type_ids = batch['token_type_ids1']",
        "secret = os.environ['MY_SECRET1']",
        "password: incorrect",
        "INFO tokens/s: 12345.6 token: 12k",
        "loss = F.cross_entropy(logits, token)  # 'position_embedding_12345678'",
        "assert token == 'a1b2c3d4'",
        "PWD=/home/ada1/project",
        "key: conv1.weight",
        "commit a265b0ae77dc70b116980568214e8907a6f4bc4f",
    ],
)
def test_what_is_no_secret_stays(text: str):
    assert redact_source(text) == (text, 0)
    assert redact_source(text, "train.py") == (text, 0)


def test_arguments():
    given = [
        "t.py",
        "--cfg",
        f'{{"api_key": "{S}"}}',
        f"model.secret={S}",
        f"+o={{api_key:{S}}}",
        f"--opts=password={S}",
    ]
    given += ["--header", f"Authorization: Bearer {S}", "--secret-file", "/etc/x", "--lr", "0.1"]
    shown = redact_arguments(given)

    assert S not in " ".join(shown)
    assert shown[-2:] == ["--lr", "0.1"]


def test_config_of_any_depth():
    config: dict[str, Any] = {
        "credentials": {"user": "ada", "pass": S},
        "api_keys": [S],
        "headers": {"Authorization": f"Bearer {S}"},
        "url": f"https://h/x?api_key={S}",
        "json": f'{{"secret": "{S}"}}',
        "pin": {"password": 12345678},
        "tokens": 5_000_000,
        "special_tokens": {"tokens": ["<pad>", "<s>"]},
        "secret": False,
        "lr": 0.1,
    }
    shown = redact_config(config)

    assert S not in str(shown)
    assert shown["pin"] == {"password": "[redacted]"}
    assert {name: shown[name] for name in ("tokens", "special_tokens", "secret", "lr")} == {
        name: config[name] for name in ("tokens", "special_tokens", "secret", "lr")
    }


def test_what_the_program_took_as_a_secret_is_hidden_wherever_it_turns_up():
    remember_secrets({"api_key": S, "db": {"password": f"{S}1"}, "name": "resnet50a", "token": "default"})

    assert redact_text(f"connecting with {S}") == "connecting with [redacted]"
    assert redact_arguments(["t.py", "-k", S]) == ["t.py", "-k", "[redacted]"]
    assert redact_text(f"{S}1 resnet50a default") == "[redacted] resnet50a default"


def test_variables_that_are_set_later_are_known_too(monkeypatch: pytest.MonkeyPatch):
    assert redact_text(f"with {S}") == f"with {S}"
    monkeypatch.setenv("MY_API_TOKEN", S)
    monkeypatch.setenv("SOME_DB", f"postgres://ada:{S}pw@host/db")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", f"wJalr/{S}aws")
    monkeypatch.setenv("MY_KEY_FILE", "/home/ada/key1")

    assert redact_text(f"with {S}") == "with [redacted]"
    assert S not in redact_text(f"{S}pw wJalr/{S}aws")
    assert redact_text("/home/ada/key1") == "/home/ada/key1"
    monkeypatch.undo()
    assert redact_text(f"with {S}") == f"with {S}"


@pytest.mark.parametrize("text", ["token: ", '"key":"', "a_", "key=", "A1", "http://", "--token ", "pass'", "-a", '="'])
def test_however_long_a_line_is_it_is_looked_at_quickly(text: str):
    began = time.monotonic()
    redact_source(text * (64_000 // len(text)))

    assert time.monotonic() - began < 2
