"""
Hiding secrets before they reach the log. What was hidden is shown as hidden: ``[redacted]``.

Recognised are values of arguments, config keys and assignments named like a key, token, secret or password,
credentials in URLs, headers and command lines, private keys, texts in the published shape of a token, and values that
are known to be secret, wherever they turn up, also in base64 or with ``%`` signs: of environment variables that are
named like one, and what the program took as one.
"""

from __future__ import annotations

import binascii
import functools
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from .arguments import Option
from .command_secrets import may_be_command, secret_parts, shell_words

__all__ = [
    "ANSI",
    "HIDDEN",
    "is_secret_file",
    "known_secrets",
    "redact_arguments",
    "redact_config",
    "redact_source",
    "redact_text",
    "remember_secrets",
    "token_begins",
]

HIDDEN: Final = "[redacted]"

# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────

# A word of its own: "api_key" and "secretKey", not "monkey" or "tokens_per_second".
_SECRET_NAME = re.compile(
    r"(?:^|[^a-z])(?:api[_-]?key|access[_-]?key|private[_-]?key|secret[_-]?key|key|token|secret|passwd|password|pwd|passphrase|credentials?|authorization)$",
    re.IGNORECASE,
)
# Named so, it is a secret whatever it looks like; behind other names a value has to look like one.
_STRONG_NAME = re.compile(
    r"(?:^|[^a-z])(?:(?:api|access|private|secret|account)[_-]?keys?|secrets?|passwds?|passwords?|pwd|passphrases?|"
    r"credentials?|authorization)$"
)
_WEAK_NAME = re.compile(r"(?:^|[^a-z])(?:tokens|pat|pass|auth|bearer|cookie|dsn|sas|jwt)$")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Named like a secret, yet known to be none.
_PLAIN_NAMES = frozenset(
    "key sort_key group_key metric_key random_key rng_key prng_key "
    "cache_key run_key primary_key foreign_key public_key partition_key row_key dict_key object_key step_key "
    "pad_token eos_token bos_token unk_token mask_token sep_token cls_token".split()
)
_NO_SECRETS = frozenset("required optional string password secret hidden prompt changeme".split())
# A line without one of these holds no assignment of a secret.
_WORDS: Final = (
    "key", "token", "secret", "pass", "pwd", "pat", "auth", "credential", "bearer", "basic", "cookie", "dsn", "sas",
    "jwt", "sig", "user", "-u", "code=",
)  # fmt: skip

# ── shapes ───────────────────────────────────────────────────────────────────────────────────────────────────────

_TOKEN = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|gl(?:pat|dt|rt|ptt|cbt|oas)-[A-Za-z0-9_-]{16,}|"
    r"hf_[A-Za-z0-9]{16,}|[sr]k[-_](?:live_|test_|prod_)?[A-Za-z0-9_-]{16,}|xox[abeprs]-[A-Za-z0-9-]{10,}|"
    r"xapp-[A-Za-z0-9-]{10,}|AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{30,}|ya29\.[0-9A-Za-z_-]{20,}|"
    r"GOCSPX-[0-9A-Za-z_-]{20,}|tr[klosv]_[A-Za-z0-9_-]{20,}|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{30,}|"
    r"wandb_v1_[A-Za-z0-9_]{20,}|dapi[0-9a-f]{32}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|hv[sb]\.[A-Za-z0-9_-]{20,}|"
    r"dckr_pat_[A-Za-z0-9_-]{20,}|do[opr]_v1_[a-f0-9]{40,}|r8_[A-Za-z0-9]{30,}|lin_api_[A-Za-z0-9]{30,}|"
    r"shp(?:at|ss|ca|pa)_[a-fA-F0-9]{30,}|AGE-SECRET-KEY-[0-9A-Z]{40,}|"
    r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,})"
)
_TOKEN_BEGIN = re.compile(
    r"\b(?:gh[pousr]_|github_pat_|gl(?:pat|dt|rt|ptt|cbt|oas)-|hf_|[sr]k[-_](?:live_|test_|prod_|proj-|ant-)?|xox[abeprs]-|"
    r"xapp-|AKIA|ASIA|AIza|GOCSPX-|tr[klosv]_|npm_|pypi-|wandb_v1_|dckr_pat_|do[opr]_v1_|lin_api_|eyJ)[A-Za-z0-9_-]{0,30}\Z"
)
_HOOK = re.compile(
    r"(?P<lead>hooks\.slack\.com/(?:services|workflows|triggers)/|discord(?:app)?\.com/api/webhooks/)[A-Za-z0-9_/-]{16,}"
)
# Found by "://" and not by the scheme before it: a run of letters is looked at once, however long (a config value may
# be a megabyte of them).
_URL_CREDENTIALS = re.compile(r"(?<=[A-Za-z0-9+.-])://(?P<user>[^\s/@:]*):(?P<password>[^\s/@]+)@")
_URL_TOKEN = re.compile(r"(?P<scheme>https?://)(?P<user>[^\s/@:]{16,})@", re.IGNORECASE)
# Also one whose end is missing: as far as its lines look like base64.
_PRIVATE_KEY = re.compile(
    r"(?:(?<=PRIVATE KEY-----)|(?<=PRIVATE KEY BLOCK-----))(?:[\s\S]{1,20000}?(?=-----END)|"
    r"(?:(?:\\[rn]|\s){1,8}[A-Za-z0-9+/=]{24,200})+(?:(?:\\[rn]|\s){1,8}[A-Za-z0-9+/]{1,100}={1,2})?)"
)
ANSI = re.compile(r"\x1b\[[0-9;:]*m")

# ── assignments, in one line that has one of the words ───────────────────────────────────────────────────────────

_NAME = re.compile(r"(?<![A-Za-z0-9_.])[A-Za-z_][A-Za-z0-9_.-]{1,60}")
# behind a name: = "value", ": 'value', : str = r"value", "] = "value", ", "value", \": \"value\", = ["value"
_QUOTED = re.compile(
    r"""(?:\\{0,3}["'])?\]?(?:\s{0,4}:\s{0,4}[A-Za-z_][A-Za-z0-9_.\[\]| ]{0,40})?\s{0,4}[:=,]\s{0,4}\[?"""
    r"""[rbfuRBFU]{0,2}\\{0,3}["'](?P<value>[^"'\s\\]{6,1000})(?=\\{0,3}["'])"""
)
# : value, = value, =value
_BARE = re.compile(r"\s{0,4}[:=]\s{0,4}(?P<value>[^\s\"'(){}\[\],;&<>$\\][^\s\"'(){}\[\],;&<>\\]{5,1000})(?![(\[\w])")
# anything else that is quoted in a line after such a name: get(name) or "value", --name default="value"
_LITERAL = re.compile(
    r"""(?P<lead>\bor\s{1,4}|\bdefault\s{0,4}=\s{0,4}|[,+]\s{0,4})?(?P<quote>["'])(?P<value>[A-Za-z0-9_+/=~!@#$%^&*-]{8,500})(?P=quote)"""
)
_ASSIGNS = re.compile(r"""(?:\\{0,3}["'])?\]?\s{0,4}[:=,]""")
_LITERAL_MIN_CHARS: Final = 20  # of one that is only in the same line
_QUERY = re.compile(r"(?<=[?&;])(?P<name>[A-Za-z][A-Za-z0-9_.-]{1,40})(?P<mid>=)(?P<value>[^\s\"'&<>#;]{6,1000})")
_OPTION = re.compile(
    r"(?<![\w-])--?(?P<name>[A-Za-z][A-Za-z0-9_.-]{1,60})(?P<mid>=|\s{1,4})"
    r"(?P<value>[^\s\"'$<(){}\[\],-][^\s\"'(){}\[\],]{5,500})"
)
_BEARER = re.compile(r"\b(?P<lead>(?:bearer|basic)\s{1,4})(?P<value>[A-Za-z0-9._~+/=-]{8,})", re.IGNORECASE)
# Authorization: Basic …, "Cookie": "…", in whatever quotes
_HEADER = re.compile(
    r"""\b(?P<name>(?:proxy-)?authorization|(?:set-)?cookie|x-[a-z-]{0,30}(?:key|token)|private-token)"""
    r"""(?P<mid>\\{0,3}["']?\s{0,4}[:=,]\s{0,4}(?:[bfr](?=["']))?\\{0,3}["']?)(?P<scheme>(?:basic|bearer|token|digest|negotiate|apikey|"""
    r"""aws4-hmac-sha256)\s{1,4})?(?P<value>[^\s"'\\{}$<>]{4,4000})""",
    re.IGNORECASE,
)
_QUERY_NAMES = frozenset("key sig signature code auth apikey credential".split())  # of an address, nowhere else
_QUOTES: Final = "\"'"
_AFTER_WORD: Final = "\"'`)]};,"
_INNER_WORD = re.compile(r"""[^\s"']+""")
_DOTTED = re.compile(r"[a-z_][A-Za-z0-9_]*(?:\.[A-Za-z_]\w*)+\Z")  # config.token2: a name and no value
_ENDS_OF_TEXTS: Final = ('"', "'", "\\", ";")
_TOKEN_LIKE = re.compile(r"[A-Za-z0-9_+/=.~!@#$%^&*:-]+\Z")

# Files that are there to hold secrets: their names are noted, their bytes are not.
_SECRET_FILE = re.compile(
    r"(?:^|/)(?:\.env(?:\.(?!example$|sample$|template$|dist$)[^/]*)?|\.?netrc|_netrc|\.npmrc|\.pypirc|\.pgpass|\.htpasswd|id_(?:rsa|dsa|"
    r"ecdsa|ed25519)|credentials(?:\.json|\.yaml|\.yml|\.toml)?|secrets?\.(?:json|ya?ml|toml|ini|py)|"
    r"service[-_]account[^/]*\.json|[^/]+\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk))$",
    re.IGNORECASE,
)
# In these a value that is no name stands in quotes.
_CODE_FILE = re.compile(r"\.(?:py|pyi|pyx|ipynb|r|jl|c|cc|cpp|cu|cuh|h|hpp|rs|go|java|js|ts|rst|md)$", re.IGNORECASE)

_WHOLE_HEADER = re.compile(
    r"(?P<lead>(?:-H|--header=?)?(?:proxy-authorization|authorization|(?:set-)?cookie|x-[a-z-]{0,30}(?:key|token)|"
    r"private-token)\s*:\s*(?:(?:basic|bearer|token|digest|apikey)\s+)?)[^\s{$<\[][\s\S]*",
    re.IGNORECASE,
)
_NUMBERS = re.compile(r"[\d.,:eE+-]+(?:/(?:tcp|udp))?\Z")
_WORD_AND_NUMBER = re.compile(r"[A-Za-z_.-]*(?:=[\s\S]*|[\d.]*)\Z")

_KNOWN_MIN_CHARS: Final = 8  # shorter values turn up by chance
_KNOWN_MAX: Final = 200
_LINE_CHARS: Final = 1_000
_TOKEN_MIN_CHARS: Final = 14


def is_secret_file(path: str) -> bool:
    """Return whether a file's name says that it holds secrets, such as ``.env`` or ``id_rsa``."""
    return _SECRET_FILE.search(path) is not None


@functools.lru_cache(maxsize=4_096)
def is_secret_name(name: str) -> bool:
    """Return whether *name*, of an argument or config key, says that its value is a secret."""
    plain = _plain(name)
    return plain not in _PLAIN_NAMES and (_SECRET_NAME.search(plain) or _STRONG_NAME.search(plain)) is not None


@functools.lru_cache(maxsize=4_096)
def _is_strong_name(name: str) -> bool:
    return _STRONG_NAME.search(_plain(name)) is not None


@functools.lru_cache(maxsize=4_096)
def _is_weak_name(name: str) -> bool:
    return _WEAK_NAME.search(_plain(name)) is not None


def _plain(name: str) -> str:
    last = re.split(r"[./]", name)[-1].lstrip("-")
    return _CAMEL.sub("_", last).lower()


def _looks_secret(value: str) -> bool:
    """Return whether a value has letters and digits, as tokens do and words do not."""
    return any(char.isdigit() for char in value) and any(char.isalpha() for char in value)


# ── values that are known to be secret ───────────────────────────────────────────────────────────────────────────

_remembered: set[str] = set()


def remember_secrets(value: Any, name: str = "") -> None:
    """Hide from now on what stands in config or arguments under a secret's name, wherever it turns up."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            strong = name and _is_strong_name(name) and isinstance(item, str)
            remember_secrets(item, name if strong else str(key))
    elif isinstance(value, (list, tuple)):
        for item in value[:_KNOWN_MAX]:
            remember_secrets(item, name)
    elif (
        isinstance(value, str)
        and name
        and len(_remembered) < _KNOWN_MAX
        and _KNOWN_MIN_CHARS <= len(value) <= _LINE_CHARS
        and (is_secret_name(name) or _is_weak_name(name))
        and (_looks_secret(value) and _TOKEN_LIKE.match(value))
        and not value.startswith(("/", "~", "./"))
    ):
        _remembered.add(value)


def _written_forms(value: str) -> set[str]:
    """Return how a known secret may be written elsewhere: as it is, with ``%`` signs, within text that is in base64."""
    data = value.encode("utf-8", "surrogateescape")
    forms = {value, "".join(chr(b) if chr(b).isalnum() or chr(b) in "-._~" else f"%{b:02X}" for b in data)}
    for before in range(3):  # how many bytes stand before it in its group of three
        text = binascii.b2a_base64(bytes(before) + data, newline=False).decode("ascii")
        # Without the characters that depend on what stands before and behind it.
        core = text[(0, 2, 3)[before] : (before + len(data)) * 8 // 6]
        forms |= {core, core.replace("+", "-").replace("/", "_")}
    return forms


def _environment_secrets(environ: Mapping[str, str]) -> set[str]:
    """Return the values of variables that are named like a secret, and the passwords in addresses."""
    found = set()
    for name, value in environ.items():
        if len(value) < _KNOWN_MIN_CHARS:
            continue
        lower = name.lower()
        if "://" in value and "@" in value:
            found |= {m["password"] for m in _URL_CREDENTIALS.finditer(value) if len(m["password"]) >= _KNOWN_MIN_CHARS}
        elif (
            not value.startswith(("/", "~", "./"))
            and (is_secret_name(lower) or _is_weak_name(lower))
            and (_is_strong_name(lower) or any(char.isdigit() for char in value))
            and value.lower() not in _NO_SECRETS
        ):
            found.add(value)
    return found


_known_for: tuple[int, int] | None = None
_known: re.Pattern[str] | None = None
_known_values: list[str] = []


def _known_secrets() -> re.Pattern[str] | None:
    """Return what finds them; made anew when there are others, such as after a ``load_dotenv()``."""
    global _known_for, _known, _known_values
    now = len(os.environ), len(_remembered)
    if now != _known_for:
        _known_values = sorted(_environment_secrets(os.environ) | _remembered, key=len, reverse=True)[:_KNOWN_MAX]
        forms = sorted(set().union(*map(_written_forms, _known_values)), key=len, reverse=True)
        _known = re.compile("|".join(map(re.escape, forms))) if forms else None
        _known_for = now
    return _known


def known_secrets() -> list[str]:
    """Return the values that are known to be secret, the longest first."""
    _known_secrets()
    return _known_values


# ── texts ────────────────────────────────────────────────────────────────────────────────────────────────────────


def redact_source(text: str, path: str = "") -> tuple[str, int]:
    """
    Return *text* of a program, a diff or a terminal with its secrets hidden, and how many were.

    Beside what ``redact_text`` hides, these are private keys and values that are assigned to a secret-like name.

    Args:
        path: of the file that it is from: in source code only what is quoted is a value.
    """
    if "\x1b" in text:
        return _redact_coloured(text, path)
    count = 0
    code = _CODE_FILE.search(path) is not None
    if _has_word(text) or may_be_command(text):
        if len(text) < _LINE_CHARS and "\n" not in text:
            text, count = _redact_line(text, code)
        else:
            lines = text.split("\n")
            for n, line in enumerate(lines):
                if _has_word(line) or may_be_command(line):
                    lines[n], some = _redact_line(line, code)
                    count += some
            if count:
                text = "\n".join(lines)
    if "PRIVATE KEY" in text:
        text, keys = _PRIVATE_KEY.subn(lambda m: _hide_lines(m[0]), text)
        count += keys
    text, others = _redact(text)
    return text, count + others


def _redact_coloured(text: str, path: str) -> tuple[str, int]:
    """Look at it without its colours, which may stand within a secret. A line where something is hidden loses them."""
    plain = ANSI.sub("", text)
    if "\x1b" in plain:
        plain = plain.replace("\x1b", "\N{SYMBOL FOR ESCAPE}")  # of something else than a colour
    shown, count = redact_source(plain, path)
    if not count:
        return text, 0
    lines, before, after = text.split("\n"), plain.split("\n"), shown.split("\n")
    if len(lines) != len(after):
        return shown, count
    return "\n".join(line if old == new else new for line, old, new in zip(lines, before, after, strict=True)), count


def _has_word(text: str) -> bool:
    lower = text.lower()
    return any(word in lower for word in _WORDS)


def _redact_line(line: str, code: bool) -> tuple[str, int]:
    count = 0

    def hide(m: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return m[0][: m.start("value") - m.start()] + HIDDEN + m[0][m.end("value") - m.start() :]

    def hide_if(test: Callable[[str, str], bool]) -> Callable[[re.Match[str]], str]:
        def judge(m: re.Match[str]) -> str:
            return hide(m) if HIDDEN not in m["value"] and test(m["name"], m["value"]) else m[0]

        return judge

    if not code:
        line = _HEADER.sub(lambda m: hide(m) if _is_header(m["name"], m["scheme"], m["value"]) else m[0], line)
    line = _BEARER.sub(lambda m: hide(m) if any(char.isdigit() for char in m["value"]) else m[0], line)
    line = _QUERY.sub(hide_if(_is_queried), line)
    line = _OPTION.sub(hide_if(_is_assigned), line)
    if may_be_command(line):
        line, some = _redact_command(line)
        count += some
    return _redact_named(line, code, count)


def _redact_command(line: str) -> tuple[str, int]:
    """Hide what is secret in a command line that stands in a text."""
    words = shell_words(line)
    spans = _secret_spans(words)
    for word in words:  # a command within quotes: sh -c "…", subprocess.run("…")
        if " -" in word[0]:
            spans |= _secret_spans(list(_INNER_WORD.finditer(line, word.start(), word.end())))
    count = 0
    for begin, end in sorted(spans, reverse=True):
        while begin < end and line[begin] in _QUOTES:
            begin += 1
        while begin < end and line[end - 1] in _AFTER_WORD:
            end -= 1
        if begin < end and HIDDEN.strip("[]") not in line[begin:end]:
            line = f"{line[:begin]}{HIDDEN}{line[end:]}"
            count += 1
    return line, count


def _secret_spans(words: Sequence[re.Match[str]]) -> set[tuple[int, int]]:
    parts = secret_parts([word[0] for word in words])
    return {(words[at].start() + begin, words[at].end()) for at, begin in parts.items()}


def _redact_named(line: str, code: bool, count: int) -> tuple[str, int]:
    """Hide what follows secret names, and add to *count*."""
    parts: list[str] = []
    done = at = 0
    first = -1  # the end of the first such name
    while (named := _NAME.search(line, at)) is not None:
        at = named.end()
        if not is_secret_name(named[0]):
            continue
        first = at if first < 0 and _ASSIGNS.match(line, at) else first
        found = _QUOTED.match(line, at)
        hide = found is not None and _is_quoted(named[0], found["value"])
        if not hide and (found := _BARE.match(line, at)) is not None:
            # In source code it is a value only within a text.
            inside = not code or line[found.end("value") : found.end("value") + 1] in _ENDS_OF_TEXTS
            hide = inside and _is_bare(named[0], found["value"])
        if hide and found is not None and HIDDEN not in found["value"]:
            count += 1
            parts += line[done : found.start("value")], HIDDEN
            done = at = found.end("value")
    if first < 0:
        return line, count
    line = "".join([*parts, line[done:]])  # up to the first name it is as it was

    def literal(m: re.Match[str]) -> str:
        nonlocal count
        apart = m["lead"] is None and len(m["value"]) < _LITERAL_MIN_CHARS
        if apart or not _looks_secret(m["value"]):
            return m[0]
        count += 1
        return m[0].replace(m["value"], HIDDEN)

    return line[:first] + _LITERAL.sub(literal, line[first:]), count


def _is_quoted(name: str, value: str) -> bool:
    if not is_secret_name(name):
        return False
    if _is_strong_name(name):
        return value.lower() not in _NO_SECRETS and value != name and not value.startswith(("{", "<", "$", "--"))
    # token = "pad" and key = "train/loss" stay readable
    return any(char.isdigit() for char in value)


def _is_bare(name: str, value: str) -> bool:
    if not is_secret_name(name) or value.lower() in _NO_SECRETS or _DOTTED.match(value):
        return False
    if value.startswith(("-", "/", "~/", "./")):  # PWD=/home/ada
        return False
    if _looks_secret(value):
        return True
    # DB_PASSWORD=correct-horse and HF_TOKEN=abcdefgh: no program has a name like that
    if name.isupper() and name.endswith("TOKEN") and len(value) >= _KNOWN_MIN_CHARS:
        return not value.replace(".", "").isdigit()
    return _is_strong_name(name) and (name.isupper() or not value.replace("_", "").replace(".", "").isalpha())


def _is_assigned(name: str, value: str) -> bool:
    return (is_secret_name(name) or _is_weak_name(name) or name.lower() in ("sig", "signature")) and (
        _is_strong_name(name) or any(char.isdigit() for char in value)
    )


def _is_queried(name: str, value: str) -> bool:
    """Whether a part of an address is one: there it is written for a machine, so that a word may be one, too."""
    plain = name.lower()
    if plain in _QUERY_NAMES or plain.endswith(("-signature", "-credential", "-security-token")):
        return len(value) >= _KNOWN_MIN_CHARS
    return _is_assigned(name, value) or (is_secret_name(name) and len(value) >= _KNOWN_MIN_CHARS)


def _is_header(name: str, scheme: str | None, value: str) -> bool:
    if HIDDEN in value or value.lower() in _NO_SECRETS:
        return False
    if scheme is not None:
        return len(value) >= _KNOWN_MIN_CHARS or _looks_secret(value)
    return _looks_secret(value) and len(value) >= 6


def _hide_lines(block: str) -> str:
    """Hide a block and keep its line breaks, and the signs that a diff puts before its lines."""
    return "\n".join((line[:1] if line[:1] in "+- " else "") + HIDDEN if line else "" for line in block.split("\n"))


def token_begins(text: str) -> bool:
    """Return whether *text* ends where a token of a published shape may have begun, without being whole."""
    return _TOKEN_BEGIN.search(text) is not None


def redact_text(text: str) -> str:
    """
    Return *text* with token shapes, URL credentials and values that are known to be secret hidden.

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
        if "hooks.slack" in text or "/webhooks/" in text:
            text, some = _HOOK.subn(lambda m: f"{m['lead']}{HIDDEN}", text)
            count += some
    known = _known_secrets()
    if known is not None:
        text, some = known.subn(HIDDEN, text)
        count += some
    return text, count


def redact_arguments(arguments: Sequence[str], options: Mapping[str, Option] | None = None) -> list[str]:
    """
    Return a command line with the secrets in it hidden: ``--api-key=…``, ``-p …``, ``password=…``, known tokens.

    Args:
        options: the options that the program knows, by how they are written (``-p``). What they are called decides
            what is a secret; of an option that nobody knows ``-p`` may be a password.
    """
    options = options or {}
    result: list[str] = []
    decided: set[int] = set()
    hide_next = False
    for at, argument in enumerate(arguments):
        if hide_next and not argument.startswith("--"):
            result.append(HIDDEN)
            hide_next = False
            continue
        hide_next = False
        name, equals, _ = argument.partition("=")
        bare = name.lstrip("-+~")
        option, begin = _option_of(argument, options)
        if option is not None and (len(option.name) > 1 or option.number):
            decided |= {at, at + 1} if begin == len(argument) else {at}
            secret = option.takes_value and _names_secret(option.name)
            hide_next = secret and begin == len(argument)
            if secret and not hide_next:
                result.append(f"{argument[:begin]}{HIDDEN}")
                continue
        elif equals and is_secret_name(bare) and not any(char.isspace() for char in bare):
            result.append(f"{name}={HIDDEN}")
            continue
        elif at and _is_unknown_password(argument):
            result.append(f"-p{HIDDEN}")
            continue
        else:
            hide_next = not equals and argument.startswith("-") and is_secret_name(bare)
            hide_next = hide_next or (argument == "-p" and _may_be_password("".join(arguments[at + 1 : at + 2])))
        header = _WHOLE_HEADER.match(argument)
        result.append(f"{header['lead']}{HIDDEN}" if header is not None else redact_source(argument)[0])
    for at, begin in secret_parts(arguments).items():
        if at not in decided and HIDDEN not in result[at] and begin < len(result[at]):
            result[at] = f"{result[at][:begin]}{HIDDEN}"
    return result


def _option_of(argument: str, options: Mapping[str, Option]) -> tuple[Option | None, int]:
    """Return the option that *argument* is, and where in it a value begins: at its end if it is none."""
    if argument in options:
        return options[argument], len(argument)
    name, equals, _ = argument.partition("=")
    if equals and name in options:
        return options[name], len(name) + 1
    if argument.startswith("--"):
        longer = [option for written, option in options.items() if written.startswith(name)]
        return (longer[0], len(name) + len(equals)) if len(set(longer)) == 1 else (None, 0)
    short = options.get(argument[:2]) if argument.startswith("-") else None
    return (short, 2) if short is not None and short.takes_value else (None, 0)


def _names_secret(name: str) -> bool:
    plain = _plain(name)
    return (
        is_secret_name(name) or plain in ("pass", "pat", "bearer", "jwt") or plain.endswith(("_pass", "_pat", "_jwt"))
    )


def _may_be_password(value: str) -> bool:
    """Whether what stands behind a ``-p`` of which nobody knows the meaning is one: no number, word or path."""
    plain = not value or value.startswith(("-", "[")) or _NUMBERS.match(value) or "/" in value or os.path.exists(value)
    if plain or len(value) < 6:
        return False
    return _looks_secret(value) or any(char in "!@#$%^&*" for char in value)


def _is_unknown_password(argument: str) -> bool:
    """Whether it is a ``-pSECRET``; ``-pretrained50`` and ``-precision=16`` are words and their numbers."""
    value = argument[2:]
    return argument.startswith("-p") and _may_be_password(value) and not _WORD_AND_NUMBER.match(value)


def redact_config(value: Any, name: str = "") -> Any:
    """Return a cleaned config with the texts of secret-like keys, and secrets within any text, hidden."""
    if isinstance(value, dict):
        # {"credentials": {"user": …, "pass": …}}: whatever the parts of a secret are called
        below = name if _is_strong_name(name) else ""
        return {key: redact_config(item, below or key) for key, item in value.items()}
    if isinstance(value, list):
        return [redact_config(item, name) for item in value]
    if isinstance(value, str) and value:
        if is_secret_name(name) or (_is_weak_name(name) and _looks_secret(value) and len(value) >= _KNOWN_MIN_CHARS):
            return HIDDEN
        return redact_source(value)[0]
    if name and isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) >= 1e5:
        return HIDDEN if _is_strong_name(name) else value
    return value
