"""
Secrets in what is printed line by line: a private key over many lines, a token that the end of a line cut in two.

A line is recorded as soon as it is finished, so what is hidden in it is decided with the lines before it alone.
"""

from __future__ import annotations

import copy
import re
from typing import Final

from .redact import ANSI, HIDDEN, known_secrets, redact_source, token_begins

__all__ = ["PrintedLines"]

_KEY_LINES_MAX: Final = 400  # of a private key whose end is never printed
_KEY_BEGIN: Final = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_END: Final = "-----END"
# What stands in such a block: base64, headers, and what a log puts before a line (quotes, bars, signs of a diff).
_KEY_LINE: Final = re.compile(
    r"[\s>|+#\"',-]{0,12}(?:[A-Za-z0-9+/=\\]{8,}|[A-Za-z0-9+/]{1,100}=*|[A-Za-z-]{2,30}: \S.{0,200})?[\s\"',]*\Z"
)
_REST: Final = re.compile(r"\s{0,40}(?P<value>[A-Za-z0-9_.+/=-]{8,})")
_REST_MIN_CHARS: Final = 20  # of one without capital letters
_KNOWN_BEGIN_CHARS: Final = 8  # of a known secret at the end of a line; fewer turn up by chance
_OPEN_BEGIN_CHARS: Final = 4  # of one in a line that is not finished
_TAIL_CHARS: Final = 200
# Put behind an unfinished line: if what stands at its end is hidden with them, it may be a secret's beginning.
_WHAT_MAY_FOLLOW: Final = ("0A1B" * 20, "0a1b" * 20, "0a1b" * 5 + ".eyJ" + "0a1b" * 5 + "." + "0a1b" * 5)


class PrintedLines:
    """One stream's lines, in order. Not thread-safe."""

    def __init__(self) -> None:
        self._key_lines = 0  # how many more may belong to a private key
        self._rest = ""  # of a known secret whose beginning ended the line before
        self._token_open = False  # the line before ended with a token, or with the beginning of one

    def line(self, text: str) -> str:
        """Return a finished line with its secrets hidden."""
        plain = ANSI.sub("", text) if "\x1b" in text else text
        if self._key_lines:
            return self._of_key(plain)
        if self._rest or self._token_open:
            begun = self._continued(plain)
            if begun is not None:
                text = plain = begun
        shown, count = redact_source(text)
        self._look_at_end(plain, shown, count)
        if self._rest:
            shown = self._without_end(plain, shown)
        if "PRIVATE KEY" in plain and (begin := _KEY_BEGIN.search(plain)) and _KEY_END not in plain[begin.end() :]:
            self._key_lines = _KEY_LINES_MAX
        return shown

    def state(self, text: str) -> str:
        """Return lines that are not finished, as they may be shown now."""
        now = copy.copy(self)
        *above, last = text.split("\n")
        return "\n".join([*(now.line(line) for line in above), now._open(last)])

    # ── what began before ───────────────────────────────────────────────────────────────────────────────────────

    def _of_key(self, plain: str) -> str:
        self._key_lines -= 1
        if _KEY_END in plain:
            self._key_lines = 0
            return plain[plain.index(_KEY_END) :]
        if _KEY_LINE.match(plain):
            return HIDDEN if plain.strip() else plain
        self._key_lines = 0
        return self.line(plain)

    def _continued(self, plain: str) -> str | None:
        """Return the line without the rest of what began in the one before; None if it does not go on here."""
        rest, self._rest = self._rest, ""
        was_open, self._token_open = self._token_open, False
        lead = plain[: len(plain) - len(plain.lstrip())]
        body = plain[len(lead) :].rstrip()
        if rest and body.startswith(rest):
            return f"{lead}{HIDDEN}{plain[len(lead) + len(rest) :]}"
        if rest and len(body) >= _OPEN_BEGIN_CHARS and rest.startswith(body):
            self._rest = rest[len(body) :]
            return f"{lead}{HIDDEN}"
        found = _REST.match(plain) if was_open else None
        if found is None or not _is_rest(found["value"]):
            return None
        self._token_open = found.end() == len(plain.rstrip())
        return f"{lead}{HIDDEN}{plain[found.end() :]}"

    def _look_at_end(self, plain: str, shown: str, count: int) -> None:
        end = plain[-_TAIL_CHARS:].rstrip()
        if (count and shown.rstrip().endswith(HIDDEN) and end[-1:].isalnum()) or token_begins(end):
            self._token_open = True
        self._rest = _rest_of_known(end, _KNOWN_BEGIN_CHARS) or self._rest

    def _without_end(self, plain: str, shown: str) -> str:
        """Hide the beginning of a known secret at the end of a line."""
        end = plain.rstrip()
        begun = next((n for n in range(len(end)) if _goes_on(end[n:], self._rest)), len(end))
        if begun == len(end) or shown.rstrip().endswith(HIDDEN):
            return shown
        return redact_source(end[:begun])[0] + HIDDEN

    # ── what is not finished ────────────────────────────────────────────────────────────────────────────────────

    def _open(self, last: str) -> str:
        plain = ANSI.sub("", last) if "\x1b" in last else last
        if self._key_lines:
            return self._of_key(plain)
        if self._rest and plain.strip() and self._rest.startswith(plain.strip()):
            return HIDDEN
        if (self._rest or self._token_open) and (begun := self._continued(plain)) is not None:
            last = plain = begun
        if not plain[-1:].strip() or plain.endswith(HIDDEN):
            return redact_source(last)[0]
        rest = _rest_of_known(plain[-_TAIL_CHARS:], _OPEN_BEGIN_CHARS)
        if rest:
            self._rest = rest
            return self._without_end(plain, redact_source(last)[0])
        for following in _WHAT_MAY_FOLLOW:
            padded = redact_source(plain + following)[0]
            if not padded.endswith(following) and HIDDEN in padded:
                return padded[: padded.rindex(HIDDEN) + len(HIDDEN)]
        return redact_source(last)[0]


def _is_rest(value: str) -> bool:
    """Return whether what begins a line behind a token looks like the rest of it, and not like a word."""
    mixed = any(char.isdigit() for char in value) and any(char.isalpha() for char in value)
    return mixed and (len(value) >= _REST_MIN_CHARS or any(char.isupper() for char in value))


def _rest_of_known(end: str, least_chars: int) -> str:
    """Return the rest of a known secret whose beginning, of *least_chars* at least, is at the end of a text."""
    for secret in known_secrets():
        head = secret[:least_chars]
        at = end.find(head)
        while at >= 0:
            if len(end) - at < len(secret) and secret.startswith(end[at:]):
                return secret[len(end) - at :]
            at = end.find(head, at + 1)
    return ""


def _goes_on(end: str, rest: str) -> bool:
    return any(secret == end + rest for secret in known_secrets())
