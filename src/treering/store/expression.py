"""
Expressions over metrics: ``1 - val/acc``, ``log(train/loss) / log(2)``.

::

    sum      = product { ( "+" | "-" ) product }
    product  = sign { ( "*" | "/" ) sign }
    sign     = ( "-" | "+" ) sign | power
    power    = atom [ "^" sign ]
    atom     = number | name | function "(" sum { "," sum } ")" | "(" sum ")"
    name     = a letter or "_", then letters, digits and _ . / : @     | anything in `backticks`
    function = log | exp | abs | sqrt | min | max

A ``/`` that touches a name on both sides belongs to it, as in ``train/loss``; spaces around it make it a division.
``log`` is the natural one. Numbers behave as IEEE 754 says: ``log(0)`` is −∞, ``log(-1)`` is NaN, and NaN stays NaN.
Nothing is evaluated but this grammar; there is no ``eval`` behind it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from treering.errors import ExpressionError
from treering.limits import EXPRESSION_MAX_DEPTH, EXPRESSION_MAX_NAMES, KEY_MAX_BYTES

from .columns import Array

__all__ = ["Expression", "is_expression", "parse_expression"]

_TOKEN: Final = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<name>[^\W\d][\w.:@]*(?:/[\w.:@]+)*)
  | `(?P<quoted>[^`]*)`
  | (?P<op>[-+*/^(),])
    """,
    re.VERBOSE,
)
_ONE: Final[dict[str, Callable[[Array], Array]]] = {"log": np.log, "exp": np.exp, "abs": np.abs, "sqrt": np.sqrt}
_MANY: Final[dict[str, Callable[[Array, Array], Array]]] = {"min": np.minimum, "max": np.maximum}
_TWO: Final[dict[str, Callable[[Array, Array], Array]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
}
_VALUE: Final = "a number, a metric, a function or “(”"

Node = Callable[[Mapping[str, Array]], Array]


@dataclass(frozen=True, slots=True)
class Expression:
    """
    An expression, ready to be evaluated.

    Attributes:
        text: as it was given, without the ``=``.
        names: the metrics that it needs, each once.
    """

    text: str
    names: tuple[str, ...]
    _node: Node

    def evaluate(self, values: Mapping[str, Array]) -> Array:
        """Return its value for arrays of equal length, one per name. NaN where it has none."""
        length = len(next(iter(values.values())))
        with np.errstate(all="ignore"):
            result = np.asarray(self._node(values), np.float64)
        return np.broadcast_to(result, (length,)) if result.ndim == 0 else result


def is_expression(key: str) -> bool:
    """Return whether a key of a series query is an expression."""
    return key.startswith("=")


def parse_expression(key: str) -> Expression:
    """
    Return the expression behind the ``=`` of a key.

    Raises:
        ExpressionError: with the position in *key* (the ``=`` is 0), and what was expected there.
    """
    return _Parser(key).parse()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(key: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 1
    while at < len(key):
        found = _TOKEN.match(key, at)
        if found is None:
            what = "a “`” that is not closed" if key[at] == "`" else f"the character {key[at]!r}"
            raise ExpressionError(f"at {at}: {what} cannot stand here; a metric with odd characters is put in `…`.", at)
        kind = found.lastgroup or "op"
        if kind != "space":
            tokens.append(_Token(kind, found.group(kind), at))
        at = found.end()
    tokens.append(_Token("end", "", len(key)))
    return tokens


class _Parser:
    def __init__(self, key: str) -> None:
        if len(key.encode("utf-8", "surrogatepass")) > KEY_MAX_BYTES:
            raise ExpressionError(f"the expression is longer than {KEY_MAX_BYTES:,} bytes.", 0)
        self._text = key[1:].strip()
        self._tokens = _tokens(key)
        self._next = 0
        self._names: dict[str, None] = {}

    def parse(self) -> Expression:
        node = self._sum(0)
        if self._peek().kind != "end":
            raise self._expected("+ - * / ^ or the end")
        if not self._names:
            raise ExpressionError("at 1: the expression names no metric, such as `=1 - val/acc` does.", 1)
        return Expression(self._text, tuple(self._names), node)

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

    def _sum(self, depth: int) -> Node:
        left = self._product(depth)
        while op := self._take("+", "-"):
            left = _both(op, left, self._product(depth))
        return left

    def _product(self, depth: int) -> Node:
        left = self._sign(depth)
        while op := self._take("*", "/"):
            left = _both(op, left, self._sign(depth))
        return left

    def _sign(self, depth: int) -> Node:
        if depth > EXPRESSION_MAX_DEPTH:
            at = self._peek().at
            raise ExpressionError(f"at {at}: nested deeper than {EXPRESSION_MAX_DEPTH} levels.", at)
        if op := self._take("-", "+"):
            inner = self._sign(depth + 1)
            return (lambda values: np.negative(inner(values))) if op == "-" else inner
        base = self._atom(depth)
        return _both("^", base, self._sign(depth + 1)) if self._take("^") else base

    def _atom(self, depth: int) -> Node:
        token = self._peek()
        if token.kind == "number":
            self._next += 1
            number: Array = np.asarray(float(token.text))
            return lambda values: number
        if self._take("("):
            inner = self._sum(depth + 1)
            if not self._take(")"):
                raise self._expected("“)”")
            return inner
        if token.kind in ("name", "quoted"):
            self._next += 1
            following = self._peek()
            if token.kind == "name" and (following.kind, following.text) == ("op", "("):
                return self._call(token, depth)
            self._names[token.text] = None
            if len(self._names) > EXPRESSION_MAX_NAMES:
                raise ExpressionError(f"at {token.at}: more than {EXPRESSION_MAX_NAMES} metrics.", token.at)
            name = token.text
            return lambda values: values[name]
        raise self._expected(_VALUE)

    def _call(self, token: _Token, depth: int) -> Node:
        name = token.text
        if name not in _ONE and name not in _MANY:
            known = ", ".join((*_ONE, *_MANY))
            raise ExpressionError(f"at {token.at}: there is no function {name!r}; there are {known}.", token.at)
        self._take("(")
        inner = [self._sum(depth + 1)]
        while self._take(","):
            inner.append(self._sum(depth + 1))
        if not self._take(")"):
            raise self._expected("“,” or “)”")
        if name in _ONE:
            if len(inner) != 1:
                raise ExpressionError(f"at {token.at}: {name} takes one value, not {len(inner)}.", token.at)
            one, only = _ONE[name], inner[0]
            return lambda values: one(only(values))
        if len(inner) < 2:
            raise ExpressionError(f"at {token.at}: {name} takes two values or more.", token.at)
        node = inner[0]
        for further in inner[1:]:
            node = _fold(_MANY[name], node, further)
        return node


def _both(op: str, left: Node, right: Node) -> Node:
    return _fold(_TWO[op], left, right)


def _fold(function: Callable[[Array, Array], Array], left: Node, right: Node) -> Node:
    return lambda values: function(left(values), right(values))
