"""Regular expressions of users, matched in linear time by RE2 whatever they are."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import re2

from treering.errors import FilterError
from treering.limits import REGEX_MAX_CHARS

# RE2 compiles `.{1000}{1000}` into gigabytes if it may.
_MAX_PROGRAM_BYTES: Final = 1 << 20


@lru_cache(256)
def compile_pattern(pattern: str) -> Any:
    """
    Return the compiled *pattern*; ``^`` and ``$`` match at line ends.

    Raises:
        FilterError: too long, not a regular expression, or too large once compiled.
    """
    if len(pattern) > REGEX_MAX_CHARS:
        raise FilterError(
            f"the regular expression has {len(pattern)} characters; at most {REGEX_MAX_CHARS} are allowed."
        )
    options = re2.Options()
    options.max_mem = _MAX_PROGRAM_BYTES
    options.log_errors = False
    try:
        return re2.compile("(?m)" + pattern, options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        reason = reason.replace("(?m)", "")
        raise FilterError(f"{pattern!r} is not a regular expression that RE2 knows: {reason}.") from None


def matches(pattern: str, text: str | None) -> bool:
    """Return whether *pattern* is found anywhere in *text*."""
    # As bytes: for a str the wrapper computes where in it the match lies, which nobody asks, in half of the time.
    return text is not None and compile_pattern(pattern).search(text.encode("utf-8", "replace")) is not None
