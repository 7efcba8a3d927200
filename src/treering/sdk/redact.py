"""
Hiding secrets before they reach the log. What was hidden is shown as hidden: ``[redacted]``.

Recognised are values of arguments and config keys named like a key, token, secret or password, credentials in URLs,
and texts in the published shape of a token.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

__all__ = ["HIDDEN", "redact_arguments", "redact_config", "redact_text"]

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


def is_secret_name(name: str) -> bool:
    """Return whether *name*, of an argument or config key, says that its value is a secret."""
    last = re.split(r"[./]", name)[-1].lstrip("-")
    plain = _CAMEL.sub("_", last).lower()
    return plain not in _PLAIN_NAMES and _SECRET_NAME.search(plain) is not None


def redact_text(text: str) -> str:
    """Return *text* with token shapes and URL credentials hidden. 40 hexadecimal digits are left: a commit."""
    text = _URL_CREDENTIALS.sub(lambda m: f"://{m['user']}:{HIDDEN}@", text)
    text = _URL_TOKEN.sub(lambda m: f"{m['scheme']}{HIDDEN}@", text)
    return _TOKEN.sub(HIDDEN, text)


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
