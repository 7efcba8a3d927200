"""
Formulas in a report's text: ``{{ mean(val/acc, group="A") ± ci }}``.

::

    formula = sum [ "±" spread ] [ "," format ]
    spread  = "ci" [ "(" number ")" ] | "std" | "stderr"
    format  = [ digits ] [ "%" ] | "." decimals ( "f" | "e" | "%" )
    sum     = product { ( "+" | "-" ) product }
    product = sign { ( "*" | "/" ) sign }
    sign    = ( "-" | "+" ) sign | power
    power   = atom [ "^" sign ]
    atom    = number | call | "(" sum ")"
    call    = function "(" column { "," argument } ")"
    column  = a letter or "_", then letters, digits and _ . / : @   | anything in `backticks` or "quotes"
    argument = option "=" ( text | number ) | text

The column is a metric, or ``config.<key>``, ``summary.<key>``, ``meta.<path>`` or a field of a run such as ``runtime``.
A ``/`` that touches a name on both sides belongs to it. ``+-`` may be typed for ``±``.

What functions are there stands in ``FUNCTIONS``; the store works them out. Nothing is evaluated but this grammar.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from treering.errors import ExpressionError
from treering.limits import FORMULA_MAX_CALLS, FORMULA_MAX_CHARS, FORMULA_MAX_DEPTH

__all__ = ["FUNCTIONS", "SPREADS", "Binary", "Call", "Format", "Formula", "Negative", "Node", "Number", "parse_formula"]

# Function → what it gives of a column over the runs that are meant; one value per run counts, see the option agg.
FUNCTIONS: Final = {
    "mean": "the mean",
    "median": "the median",
    "std": "the standard deviation, with n − 1",
    "stderr": "the standard error of the mean",
    "min": "the lowest value",
    "max": "the highest value",
    "sum": "the sum",
    "n": "how many runs have a finite value",
    "best": "the best value, by the metric's goal or the option goal",
    "best_run": "the name of the run that has it",
    "last": "the last value of one run",
    "first": "the first value of one run",
    "value": "the value of one run, or the one that all runs share; it may be a text",
    "delta": "the difference of two means: of the first group or run set minus the second",
    "p": "the p value of that difference (Welch's test, or the paired one with the option pair)",
    "test": "that difference with its interval, p and n in words",
}
TWO_SIDED: Final = frozenset({"delta", "p", "test"})
SPREADS: Final = ("ci", "std", "stderr")

_AGGREGATES: Final = ("last", "min", "max", "mean", "first", "n", "last_step")
_TEXT_OPTIONS: Final = ("runs", "group", "run", "agg", "goal", "pair")
_OPTIONS: Final = (*_TEXT_OPTIONS, "step", "confidence")
_TOKEN: Final = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<name>[^\W\d][\w.:@]*(?:/[\w.:@]+)*)
  | `(?P<quoted>[^`]*)`
  | "(?P<text>[^"]*)"
  | “(?P<curly>[^”]*)”
  | (?P<op>±|\+-|[-+*/^(),=%])
    """,
    re.VERBOSE,
)
_FORMAT: Final = re.compile(r"\.(?P<decimals>\d{1,2})(?P<kind>[fe%])|(?P<digits>\d{1,2})?(?P<percent>%)?")
_DIGITS_MAX: Final = 17


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was typed."""

    value: float


@dataclass(frozen=True, slots=True)
class Call:
    """
    What is asked of runs.

    Attributes:
        column: as typed; without a prefix it is a metric.
        sides: the two names of ``delta`` and its like, else none.
        options: by name; those that were not given are absent.
    """

    function: str
    column: str
    sides: tuple[str, ...]
    options: tuple[tuple[str, str | float], ...]
    at: int

    def option(self, name: str) -> Any:
        """Return an option, None if it was not given."""
        return next((value for key, value in self.options if key == name), None)


@dataclass(frozen=True, slots=True)
class Negative:
    inner: Node


@dataclass(frozen=True, slots=True)
class Binary:
    op: str
    left: Node
    right: Node


Node = Number | Call | Negative | Binary


@dataclass(frozen=True, slots=True)
class Format:
    """
    How a number is written: ``digits`` significant ones, or ``decimals`` behind the point; as per cent; in powers.

    All None or False: as many digits as the spread says, four without one.
    """

    digits: int | None = None
    decimals: int | None = None
    percent: bool = False
    exponent: bool = False


@dataclass(frozen=True, slots=True)
class Formula:
    """
    A formula, ready to be worked out.

    Attributes:
        text: what stood between the braces, without the spaces around it.
        calls: what it asks of runs, in order.
        spread: what stands behind ±; None for nothing. ``confidence`` belongs to "ci".
    """

    text: str
    node: Node
    calls: tuple[Call, ...]
    spread: str | None
    confidence: float
    format: Format


def parse_formula(text: str) -> Formula:
    """
    Return the formula that *text*, which stood between ``{{`` and ``}}``, is.

    Raises:
        ExpressionError: with the position in *text* and what was expected there.
    """
    if len(text) > FORMULA_MAX_CHARS:
        raise ExpressionError(f"the formula is longer than {FORMULA_MAX_CHARS:,} characters.", 0)
    return _Parser(text).parse()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            what = "a quote that is not closed" if text[at] in '`"“' else f"the character {text[at]!r}"
            raise ExpressionError(f"at {at}: {what} cannot stand here; an odd name is put in `…`.", at)
        kind = found.lastgroup or "op"
        if kind != "space":
            tokens.append(_Token("text" if kind == "curly" else kind, found.group(kind), at))
        at = found.end()
    tokens.append(_Token("end", "", len(text)))
    return tokens


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        body, self._format = _split_format(text)
        self._tokens = _tokens(body)
        self._next = 0
        self._calls: list[Call] = []

    def parse(self) -> Formula:
        node = self._sum(0)
        spread, confidence = self._spread()
        if self._peek().kind != "end":
            raise self._expected("+ - * / ^, ± or the end" if spread is None else "the end")
        if not self._calls:
            known = ", ".join(FUNCTIONS)
            raise ExpressionError(f"at 0: the formula asks nothing of runs; functions are {known}.", 0)
        return Formula(self._text.strip(), node, tuple(self._calls), spread, confidence, self._format)

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self, *ops: str) -> str | None:
        token = self._peek()
        if token.kind == "op" and token.text in ops:
            self._next += 1
            return token.text
        return None

    def _expected(self, what: str) -> ExpressionError:
        token = self._peek()
        seen = "the end" if token.kind == "end" else repr(token.text)
        return ExpressionError(f"at {token.at}: expected {what}, found {seen}.", token.at)

    def _spread(self) -> tuple[str | None, float]:
        if not self._take("±", "+-"):
            return None, 0.95
        token = self._peek()
        if token.kind != "name" or token.text not in SPREADS:
            raise self._expected("ci, std or stderr")
        self._next += 1
        confidence = 0.95
        if token.text == "ci" and self._take("("):
            confidence = self._confidence()
            if not self._take(")"):
                raise self._expected("“)”")
        return token.text, confidence

    def _confidence(self) -> float:
        token = self._peek()
        if token.kind != "number" or not 0.5 <= float(token.text) <= 0.999:
            raise self._expected("a confidence of 0.5 to 0.999")
        self._next += 1
        return float(token.text)

    def _sum(self, depth: int) -> Node:
        left = self._product(depth)
        while op := self._take("+", "-"):
            left = Binary(op, left, self._product(depth))
        return left

    def _product(self, depth: int) -> Node:
        left = self._sign(depth)
        while op := self._take("*", "/"):
            left = Binary(op, left, self._sign(depth))
        return left

    def _sign(self, depth: int) -> Node:
        if depth > FORMULA_MAX_DEPTH:
            at = self._peek().at
            raise ExpressionError(f"at {at}: nested deeper than {FORMULA_MAX_DEPTH} levels.", at)
        if op := self._take("-", "+"):
            inner = self._sign(depth + 1)
            return Negative(inner) if op == "-" else inner
        base = self._atom(depth)
        return Binary("^", base, self._sign(depth + 1)) if self._take("^") else base

    def _atom(self, depth: int) -> Node:
        token = self._peek()
        if token.kind == "number":
            self._next += 1
            return Number(float(token.text))
        if self._take("("):
            inner = self._sum(depth + 1)
            if not self._take(")"):
                raise self._expected("“)”")
            return inner
        if token.kind == "name":
            self._next += 1
            return self._call(token)
        raise self._expected("a number, a function such as mean(…) or “(”")

    def _call(self, token: _Token) -> Call:
        name = token.text
        if name not in FUNCTIONS:
            known = ", ".join(FUNCTIONS)
            raise ExpressionError(f"at {token.at}: there is no function {name!r}; there are {known}.", token.at)
        if not self._take("("):
            raise self._expected(f"“(” behind {name}")
        column = self._peek()
        if column.kind not in ("name", "quoted", "text") or not column.text:
            raise self._expected("a metric, such as val/acc")
        self._next += 1
        sides: list[str] = []
        options: dict[str, str | float] = {}
        while self._take(","):
            self._argument(sides, options)
        if not self._take(")"):
            raise self._expected("“,” or “)”")
        wanted = 2 if name in TWO_SIDED else 0
        if len(sides) != wanted:
            what = f"{name} needs two groups or run sets" if wanted else f"{name} takes options by name"
            example = f'{name}({column.text}, "A", "B")' if wanted else f'{name}({column.text}, group="A")'
            raise ExpressionError(f"at {token.at}: {what}, as in {example}.", token.at)
        call = Call(name, column.text, tuple(sides), tuple(sorted(options.items())), token.at)
        self._calls.append(call)
        if len(self._calls) > FORMULA_MAX_CALLS:
            raise ExpressionError(f"at {token.at}: more than {FORMULA_MAX_CALLS} functions.", token.at)
        return call

    def _argument(self, sides: list[str], options: dict[str, str | float]) -> None:
        token = self._peek()
        if token.kind in ("text", "quoted"):
            self._next += 1
            sides.append(token.text)
            return
        if token.kind != "name" or token.text not in _OPTIONS:
            raise self._expected(f'an option ({", ".join(_OPTIONS)}), or a group or run set in "quotes"')
        self._next += 1
        if token.text in options:
            raise ExpressionError(f"at {token.at}: {token.text} is given twice.", token.at)
        if not self._take("="):
            raise self._expected(f"“=” behind {token.text}")
        options[token.text] = self._option(token.text)

    def _option(self, name: str) -> str | float:
        token = self._peek()
        if name == "confidence":
            return self._confidence()
        if name == "step":
            if token.kind != "number" or not float(token.text).is_integer():
                raise self._expected("a step, a whole number")
            self._next += 1
            return float(token.text)
        # A group may be called 5, and so it may be typed.
        if token.kind not in ("text", "quoted", "name", "number"):
            raise self._expected(f'the {name} in "quotes"')
        if name == "agg" and token.text not in _AGGREGATES:
            raise self._expected(", ".join(_AGGREGATES))
        if name == "goal" and token.text not in ("min", "max"):
            raise self._expected("min or max")
        self._next += 1
        return token.text


def _split_format(text: str) -> tuple[str, Format]:
    """Return what stands before a comma outside of all brackets and quotes, and the format behind it."""
    depth, quote = 0, ""
    for at, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in '`"“':
            quote = "”" if letter == "“" else letter
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == "," and depth == 0:
            return text[:at], _format_of(text, at + 1)
    return text, Format()


def _format_of(text: str, begin: int) -> Format:
    written = text[begin:].strip()
    found = _FORMAT.fullmatch(written)
    if found is None or not written:
        raise ExpressionError(
            f"at {begin}: {written!r} is no format; 3 means three digits, .2f two decimals, % per cent.", begin
        )
    if found["decimals"] is not None:
        kind, decimals = found["kind"], int(found["decimals"])
        if decimals > _DIGITS_MAX:
            raise ExpressionError(f"at {begin}: a number has at most {_DIGITS_MAX} decimals, not {decimals}.", begin)
        return Format(decimals=decimals, percent=kind == "%", exponent=kind == "e")
    digits = None if found["digits"] is None else int(found["digits"])
    if digits is not None and not 1 <= digits <= _DIGITS_MAX:
        raise ExpressionError(f"at {begin}: a number has 1 to {_DIGITS_MAX} digits, not {digits}.", begin)
    return Format(digits=digits, percent=found["percent"] is not None)
