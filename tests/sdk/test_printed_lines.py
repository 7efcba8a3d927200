"""Secrets that are printed in pieces: over several writes, lines, and changes of colour."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator

import pytest

from treering.limits import CONSOLE_LINE_MAX_CHARS, OPEN_LINE_MAX_CHARS
from treering.sdk import redact
from treering.sdk.console import Console
from treering.sdk.printed_lines import PrintedLines
from treering.sdk.redact import redact_source

TOKEN = "sk-proj-aB3dE5gH7jK9mN1pQ3sT5vX7z"
KNOWN = "Zq7plx9K2m4WvB8r"
HIDDEN = "[redacted]"


@pytest.fixture(autouse=True)
def a_known_secret(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SOME_SERVICE_TOKEN", KNOWN)
    yield
    redact._remembered.clear()


def printed(*pieces: str) -> tuple[list[str], list[str]]:
    """Return the finished lines, and the states that a look after each piece recorded."""
    lines: list[str] = []
    states: list[str] = []

    def append(time_ns: int, stream: str, text: str, open: bool) -> None:  # noqa: A002 - what it is
        (states if open else lines).append(text)

    console = Console(append)
    console._on = True
    for piece in pieces:
        console.take("stdout", piece)
        console.show_states()
    console.stop()
    return lines, states


@pytest.mark.parametrize("secret", [TOKEN, KNOWN, "ghp_0123456789abcdefghijABCDEFGHIJ012345", "AKIAIOSFODNN7EXAMPLE"])
@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_secret_in_pieces_is_in_no_line_and_no_state(secret: str, size: int) -> None:
    pieces = ["use ", *(secret[at : at + size] for at in range(0, len(secret), size)), " now", "\n"]
    lines, states = printed(*pieces)

    assert lines == [f"use {HIDDEN} now"]
    assert not any(secret[:10] in state or secret[-10:] in state for state in states), states


def test_a_password_in_pieces() -> None:
    lines, states = printed("password: ", "h1", "tp", "x9", "kl", "\n")

    assert lines == [f"password: {HIDDEN}"]
    assert not any("h1" in state for state in states)


def test_what_is_not_finished_and_no_secret_is_shown() -> None:
    states = printed("epoch 3: 45%|####      | 45/100 loss=0.123")[1]

    assert states == ["epoch 3: 45%|####      | 45/100 loss=0.123"]


@pytest.mark.parametrize("secret", [TOKEN, KNOWN])
def test_colours_within_a_secret(secret: str) -> None:
    coloured = f"a \x1b[32m{secret[:6]}\x1b[1;31m{secret[6:14]}\x1b[0m{secret[14:]} b"

    assert redact_source(coloured) == (f"a {HIDDEN} b", 1)
    assert printed(coloured + "\n")[0] == [f"a {HIDDEN} b"]
    assert redact_source(f"\x1b[32mok\x1b[0m\n{coloured}")[0] == f"\x1b[32mok\x1b[0m\na {HIDDEN} b"


@pytest.mark.parametrize("at", [8, 10, 13])
def test_a_known_secret_that_the_end_of_a_line_cuts(at: int) -> None:
    assert printed(f"key {KNOWN[:at]}\n", f"{KNOWN[at:]} and on\n")[0] == [f"key {HIDDEN}", f"{HIDDEN} and on"]


def test_a_token_that_the_end_of_a_line_cuts() -> None:
    token = TOKEN + "W2y4A6c8E0g2I4k6M8"
    lines = printed(f"{token[:26]}\n{token[26:]}\n", "step1000_done\n", "next a1b2\n")[0]

    assert lines == [HIDDEN, HIDDEN, "step1000_done", "next a1b2"]
    assert printed("sk-\n", f"{TOKEN[3:]}\n")[0][1] == HIDDEN


def test_a_line_too_long_for_one_record() -> None:
    for before in range(CONSOLE_LINE_MAX_CHARS - 40, CONSOLE_LINE_MAX_CHARS + 5, 5):
        for text in (f"{'x' * (before - 1)} {TOKEN} {'y' * 50}\n", f"{'x ' * (before // 2)}password={TOKEN[8:]} y\n"):
            lines = printed(text)[0]
            together = "".join(lines)
            assert TOKEN[12:] not in together, before
            assert (together[0], together[-1]) == ("x", "y")
            assert max(map(len, lines)) <= CONSOLE_LINE_MAX_CHARS
    whole = "".join(chr(97 + at % 26) for at in range(300_000))
    assert "".join(printed(whole + "\n")[0]) == whole, "nothing is lost or doubled"
    pieces = [whole[at : at + 999] for at in range(0, len(whole), 999)]
    assert "".join(printed(*pieces)[0]) == whole


def test_a_long_state_is_not_cut_within_a_secret() -> None:
    for more in range(0, 60, 3):
        states = printed(f"password={TOKEN[8:]} {'y' * (OPEN_LINE_MAX_CHARS - more)}")[1]
        assert not any(TOKEN[20:] in state for state in states), more


KEY = [
    "-----BEGIN RSA PRIVATE KEY-----",
    *(f"{'MIIEow' * 10}{n:04d}" for n in range(5)),
    "q8w=",
    "-----END RSA PRIVATE KEY-----",
]


def test_a_private_key_line_by_line() -> None:
    lines = printed(*(f"{line}\n" for line in ("before", *KEY, "after MIIEowMIIEow")))[0]

    assert lines == ["before", KEY[0], *[HIDDEN] * 6, KEY[-1], "after MIIEowMIIEow"]


def test_a_private_key_without_its_end() -> None:
    lines = printed(*(f"{line}\n" for line in (*KEY[:4], "epoch 1, loss 0.5", "MIIEow")))[0]

    assert lines == [KEY[0], HIDDEN, HIDDEN, HIDDEN, "epoch 1, loss 0.5", "MIIEow"]
    whole, count = redact_source("\n".join([*KEY[:4], "epoch 1"]))
    assert count == 1
    assert whole.split("\n") == [KEY[0], HIDDEN, HIDDEN, HIDDEN, "epoch 1"]


def test_a_private_key_while_it_is_printed() -> None:
    states = printed(*(piece for line in KEY for piece in (line[:20], line[20:], "\n")))[1]

    assert not any("MIIEow" in state for state in states)


@pytest.mark.parametrize("before", ["", "a", "ab", "user:"])
def test_known_secrets_in_base64(before: str) -> None:
    text = base64.b64encode(f"{before}{KNOWN}".encode()).decode()
    shown = redact_source(f"sent {text} there")[0]

    assert HIDDEN in shown
    assert len(shown) < len(f"sent {HIDDEN} there") + len(before) * 2 + 6, "but a few characters"


def test_lines_are_looked_at_quickly() -> None:
    lines = PrintedLines()
    began = time.perf_counter()
    for step in range(20_000):
        lines.line(f"step {step} loss 0.1234 - lr 0.001 acc 0.98")

    assert time.perf_counter() - began < 2.0
