"""
Hiding secrets before they reach the log. What was hidden is shown as hidden: ``[redacted]``.

Recognised are values of arguments, config keys and assignments named like a key, token, secret or password,
credentials in URLs, private keys, texts in the published shape of a token, and the values of environment variables
that are named like a secret, wherever they turn up.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["HIDDEN", "is_secret_file", "redact_arguments", "redact_config", "redact_source", "redact_text"]

HIDDEN: Final = "[redacted]"

# A word of its own: "api_key" and "secretKey", not "monkey" or "tokens_per_second".
_SECRET_NAME = re.compile(
    r"(?:^|[^a-z])(?:api[_-]?key|access[_-]?key|private[_-]?key|secret[_-]?key|key|token|secret|passwd|password|pwd|passphrase|credentials?|authorization)$",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Named like a secret, yet known to be none.
_PLAIN_NAMES = frozenset(
    "key sort_key group_key metric_key random_key rng_key prng_key "
    "pad_token eos_token bos_token unk_token mask_token sep_token cls_token".split()
)

_TOKEN = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|hf_[A-Za-z0-9]{16,}|"
    r"sk-[A-Za-z0-9_-]{16,}|xox[abprs]-[A-Za-z0-9-]{10,}|AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{30,}|"
    r"tr[kosv]_[A-Za-z0-9_-]{20,}|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{30,}|wandb_v1_[A-Za-z0-9_]{20,}|"
    r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,})"
)
# Found by "://" and not by the scheme before it: a run of letters is looked at once, however long (a config value may
# be a megabyte of them).
_URL_CREDENTIALS = re.compile(r"(?<=[A-Za-z0-9+.-])://(?P<user>[^\s/@:]*):(?P<password>[^\s/@]+)@")
_URL_TOKEN = re.compile(r"(?P<scheme>https?://)(?P<user>[^\s/@:]{16,})@", re.IGNORECASE)


_PRIVATE_KEY = re.compile(r"(?<=PRIVATE KEY-----)[\s\S]{1,20000}?(?=-----END)")
# name = "value", "name": 'value', NAME=value at the start of a line: with at least six characters, one of them a digit,
# so that token = "pad" and password = getpass() stay readable.
_ASSIGNED = re.compile(
    r"""(?P<name>\b[A-Za-z_][A-Za-z0-9_.-]{1,60})(?P<mid>["']?\s{0,4}[:=]\s{0,4}["'])(?P<value>(?=[^"'\n]{0,200}\d)[^"'\s]{6,200})(?=["'])"""
)
_EXPORTED = re.compile(
    r"(?m)^(?P<lead>[+ -]?(?:export\s+|set\s+|ENV\s+)?)(?P<name>[A-Z][A-Z0-9_]{1,60})(?P<mid>=)"
    r"(?P<value>(?=[^\s\"'$]{0,200}\d)[^\s\"'$(]{6,200})$"
)
# Files that are there to hold secrets: their names are noted, their bytes are not.
_SECRET_FILE = re.compile(
    r"(?:^|/)(?:\.env(?:\.(?!example$|sample$|template$|dist$)[^/]*)?|\.?netrc|_netrc|\.npmrc|\.pypirc|\.pgpass|\.htpasswd|id_(?:rsa|dsa|"
    r"ecdsa|ed25519)|credentials(?:\.json|\.yaml|\.yml|\.toml)?|secrets?\.(?:json|ya?ml|toml|ini|py)|"
    r"service[-_]account[^/]*\.json|[^/]+\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk))$",
    re.IGNORECASE,
)
_KNOWN_MIN_CHARS: Final = 8  # shorter values of variables turn up by chance
_KNOWN_MAX: Final = 200
_LINE_CHARS: Final = 1_000
_TOKEN_MIN_CHARS: Final = 14


def is_secret_file(path: str) -> bool:
    """Return whether a file's name says that it holds secrets, such as ``.env`` or ``id_rsa``."""
    return _SECRET_FILE.search(path) is not None


@functools.lru_cache(maxsize=8)
def _known(values: frozenset[str]) -> re.Pattern[str] | None:
    chosen = sorted(values, key=len, reverse=True)[:_KNOWN_MAX]
    return re.compile("|".join(map(re.escape, chosen))) if chosen else None


def _environment_secrets(environ: Mapping[str, str]) -> re.Pattern[str] | None:
    """Return what finds the values of variables that are named like a secret."""
    values = {
        value
        for name, value in environ.items()
        if len(value) >= _KNOWN_MIN_CHARS
        and any(char.isdigit() for char in value)
        and "/" not in value
        and is_secret_name(name.lower())
    }
    return _known(frozenset(values))


@functools.cache
def _own_secrets() -> re.Pattern[str] | None:
    return _environment_secrets(os.environ)


def redact_source(text: str) -> tuple[str, int]:
    """
    Return *text* of a program, a diff or a terminal with its secrets hidden, and how many were.

    Beside what ``redact_text`` hides, these are private keys and values that are assigned to a secret-like name.
    """

    count = 0

    def assigned(m: re.Match[str]) -> str:
        nonlocal count
        if not is_secret_name(m["name"]):
            return m[0]
        count += 1
        lead = m["lead"] if "lead" in m.re.groupindex else ""
        return f"{lead}{m['name']}{m['mid']}{HIDDEN}"

    if "=" in text or ":" in text:
        text = _ASSIGNED.sub(assigned, text)
        text = _EXPORTED.sub(assigned, text)
    if "PRIVATE KEY-----" in text:
        text, keys = _PRIVATE_KEY.subn(lambda m: _hide_lines(m[0]), text)
        count += keys
    text, others = _redact(text)
    return text, count + others


def _hide_lines(block: str) -> str:
    """Hide a block and keep its line breaks, and the signs that a diff puts before its lines."""
    return "\n".join((line[:1] if line[:1] in "+- " else "") + HIDDEN if line else "" for line in block.split("\n"))


def is_secret_name(name: str) -> bool:
    """Return whether *name*, of an argument or config key, says that its value is a secret."""
    last = re.split(r"[./]", name)[-1].lstrip("-")
    plain = _CAMEL.sub("_", last).lower()
    return plain not in _PLAIN_NAMES and _SECRET_NAME.search(plain) is not None


def redact_text(text: str) -> str:
    """
    Return *text* with token shapes, URL credentials and values of secret variables hidden.

    40 hexadecimal digits are left: a commit.
    """
    return _redact(text)[0]


def _redact(text: str) -> tuple[str, int]:
    # Most of what is printed is short words, which no token is.
    short = len(text) < _LINE_CHARS and max(map(len, text.split()), default=0) < _TOKEN_MIN_CHARS
    text, count = (text, 0) if short else _TOKEN.subn(HIDDEN, text)
    if "://" in text:
        text, some = _URL_CREDENTIALS.subn(lambda m: f"://{m['user']}:{HIDDEN}@", text)
        text, more = _URL_TOKEN.subn(lambda m: f"{m['scheme']}{HIDDEN}@", text)
        count += some + more
    known = _own_secrets()
    if known is not None:
        text, some = known.subn(HIDDEN, text)
        count += some
    return text, count


def redact_arguments(arguments: Sequence[str]) -> list[str]:
    """Return command-line arguments with ``--api-key=…``, ``--token …``, ``password=…`` and known tokens hidden."""
    result: list[str] = []
    hide_next = False
    for argument in arguments:
        if hide_next and not argument.startswith("--"):
            result.append(HIDDEN)
            hide_next = False
            continue
        name, equals, _ = argument.partition("=")
        bare = name.lstrip("-+")
        if equals and is_secret_name(bare):
            result.append(f"{name}={HIDDEN}")
        else:
            result.append(redact_text(argument))
        hide_next = not equals and argument.startswith("-") and is_secret_name(bare)
    return result


def redact_config(value: Any, name: str = "") -> Any:
    """Return a cleaned config with the texts of secret-like keys, and token shapes anywhere, hidden."""
    if isinstance(value, dict):
        return {key: redact_config(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [redact_config(item, name) for item in value]
    if isinstance(value, str) and value:
        return HIDDEN if is_secret_name(name) else redact_text(value)
    return value
