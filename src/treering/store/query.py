"""
The filter language for runs.

::

    state = "failed" and config.lr >= 1e-3 and (tags has "baseline" or name ~ "^vit")
    not metric.val/loss.min > 2 and config.model is missing and metric.loss.last is nan

    expression  = and { "or" and }
    and         = not { "and" not }
    not         = "not" not | "(" expression ")" | term
    term        = field ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) value
                | field ( "~" | "!~" | "contains" ) string
                | field [ "not" ] "in" "[" value { "," value } "]"
                | field "has" string                                          (tags, and lists in config)
                | field "is" [ "not" ] ( "missing" | "null" | "nan" | "inf" | "finite" )
    field       = column | "config." path | "summary." path | "metric." path [ "." aggregate ]
    path        = letters, digits and _ / . - @ : + * $ | a quoted string, for all other keys
    value       = number | string | "true" | "false" | "null"

A term about something that is missing is false, so ``config.lr != 3`` asks for runs that have another ``lr``, while
``not config.lr = 3`` also finds those without one. NaN equals nothing and is neither smaller nor larger. Numbers
compare with numbers, texts with texts (by code point); ``true`` is not 1. Times are unix seconds or ISO dates.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Final

from treering.errors import FilterError
from treering.limits import FILTER_MAX_BYTES, FILTER_MAX_DEPTH, FILTER_MAX_TERMS

from .regex import compile_pattern

AGGREGATES: Final = ("last", "min", "max", "mean", "first", "n", "last_step")

# Every column a filter or a sort may name, with its type. Nothing else of the tables can be reached.
COLUMNS: Final[dict[str, str]] = {
    "name": "text",
    "id": "text",
    "run_key": "text",
    "state": "text",
    "group": "text",
    "job_type": "text",
    "folder": "text",
    "parent": "text",
    "notes": "text",
    "host": "text",
    "number": "number",
    "created_at": "time",
    "ended_at": "time",
    "last_activity_at": "time",
    "runtime": "number",
    "archived": "bool",
    "damaged": "bool",
    "tags": "tags",
}

Value = float | int | str | bool | None


@dataclass(frozen=True, slots=True)
class Field:
    """``space`` is column, config, summary or metric; ``agg`` belongs to metrics."""

    space: str
    name: str
    agg: str = ""

    def __str__(self) -> str:
        if self.space == "column":
            return self.name
        name = self.name if _PLAIN_PATH.fullmatch(self.name) and not _ends_like_aggregate(self) else _quote(self.name)
        return f"{self.space}.{name}" + (f".{self.agg}" if self.agg else "")


@dataclass(frozen=True, slots=True)
class And:
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    item: Node


@dataclass(frozen=True, slots=True)
class Compare:
    """``op`` is one of ``= != < <= > >=``."""

    field: Field
    op: str
    value: Value


@dataclass(frozen=True, slots=True)
class In:
    field: Field
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """``op`` is ``~`` (regular expression found anywhere) or ``contains``."""

    field: Field
    op: str
    text: str


@dataclass(frozen=True, slots=True)
class Has:
    field: Field
    text: str


@dataclass(frozen=True, slots=True)
class Is:
    """``what`` is missing, null, nan, inf or finite."""

    field: Field
    what: str


Node = And | Or | Not | Compare | In | Match | Has | Is


def parse(text: str) -> Node:
    """
    Return the tree of a filter.

    Raises:
        FilterError: with the position (in characters) and what was expected there.
    """
    if len(text.encode("utf-8", "surrogatepass")) > FILTER_MAX_BYTES:
        raise FilterError(f"the filter is longer than {FILTER_MAX_BYTES:,} bytes.")
    return _Parser(text).parse()


# ── tokens ───────────────────────────────────────────────────────────────────────────────────────────────────────
_TOKEN: Final = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
  | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<dotted>\.(?:last_step|last|min|max|mean|first|n)(?![\w.]))
  | (?P<op><=|>=|!=|!~|==|=|<|>|~|\(|\)|\[|\]|,)
  | (?P<word>[^\W\d][\w/.\-@:+*$]*)
    """,
    re.VERBOSE,
)
_PLAIN_PATH: Final = re.compile(r"[\w/\-@:+*$]+(?:\.[\w/\-@:+*$]+)*")
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"}
_OPS: Final = ("=", "!=", "<", "<=", ">", ">=")
_WHAT: Final = ("missing", "null", "nan", "inf", "finite")
_PREFIXES: Final = ("config.", "summary.", "metric.")


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
            what = "an unfinished string" if text[at] in "\"'" else f"the character {text[at]!r}"
            raise FilterError(f"at {at}: {what} cannot begin anything here.", at)
        kind = found.lastgroup or ""
        if kind != "space":
            tokens.append(_Token(kind, found.group(), at))
        at = found.end()
    tokens.append(_Token("end", "", len(text)))
    return tokens


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m.group(1), m.group(1)), text[1:-1], flags=re.DOTALL)


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r") + '"'


def _ends_like_aggregate(field: Field) -> bool:
    return field.space == "metric" and field.name.rpartition(".")[2] in AGGREGATES


# ── the parser ───────────────────────────────────────────────────────────────────────────────────────────────────
class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._next = 0
        self._terms = 0

    def parse(self) -> Node:
        if self._peek().kind == "end":
            raise FilterError("the filter is empty; leave it out to see all runs.", 0)
        node = self._or(0)
        if self._peek().kind != "end":
            raise self._expected('"and", "or" or the end')
        return node

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next += 1
        return token

    def _word(self, *words: str) -> bool:
        token = self._peek()
        if token.kind == "word" and token.text.lower() in words:
            self._next += 1
            return True
        return False

    def _op(self, text: str) -> bool:
        token = self._peek()
        if token.kind == "op" and token.text == text:
            self._next += 1
            return True
        return False

    def _expected(self, what: str) -> FilterError:
        token = self._peek()
        seen = "the end" if token.kind == "end" else repr(token.text)
        return FilterError(f"at {token.at}: expected {what}, found {seen}.", token.at)

    def _or(self, depth: int) -> Node:
        items = [self._and(depth)]
        while self._word("or"):
            items.append(self._and(depth))
        return items[0] if len(items) == 1 else Or(tuple(items))

    def _and(self, depth: int) -> Node:
        items = [self._not(depth)]
        while self._word("and"):
            items.append(self._not(depth))
        return items[0] if len(items) == 1 else And(tuple(items))

    def _not(self, depth: int) -> Node:
        if depth > FILTER_MAX_DEPTH:
            raise FilterError(f"at {self._peek().at}: nested deeper than {FILTER_MAX_DEPTH} levels.", self._peek().at)
        if self._word("not"):
            return Not(self._not(depth + 1))
        if self._op("("):
            node = self._or(depth + 1)
            if not self._op(")"):
                raise self._expected('")"')
            return node
        return self._term()

    def _term(self) -> Node:
        self._terms += 1
        if self._terms > FILTER_MAX_TERMS:
            raise FilterError(f"at {self._peek().at}: more than {FILTER_MAX_TERMS} terms.", self._peek().at)
        at = self._peek().at
        field = self._field()
        kind = COLUMNS.get(field.name, "any") if field.space == "column" else "any"
        if self._word("has"):
            if kind not in ("tags", "any") or field.space == "metric":
                raise FilterError(f'at {at}: "has" is for tags and for lists in config; {field} is neither.', at)
            return Has(field, self._string())
        if kind == "tags":
            if self._word("is"):
                return self._is(field)
            raise self._expected('"has" after tags')
        token = self._peek()
        if token.kind == "op" and token.text in (*_OPS, "=="):
            self._next += 1
            at = self._peek().at
            value = self._typed(field, kind, self._value(), at)
            return Compare(field, "=" if token.text == "==" else token.text, value)
        if self._op("~"):
            return self._match(field, "~")
        if self._op("!~"):
            return Not(self._match(field, "~"))
        if self._word("contains"):
            return self._match(field, "contains")
        if self._word("is"):
            return self._is(field)
        if self._word("in"):
            return self._in(field, kind)
        if self._word("not"):
            if not self._word("in"):
                raise self._expected('"in" after "not"')
            return Not(self._in(field, kind))
        raise self._expected("one of = != < <= > >= ~ !~ contains in has is after " + str(field))

    def _is(self, field: Field) -> Node:
        negative = self._word("not")
        for what in _WHAT:
            if self._word(what):
                return Not(Is(field, what)) if negative else Is(field, what)
        raise self._expected("missing, null, nan, inf or finite")

    def _in(self, field: Field, kind: str) -> Node:
        if not self._op("["):
            raise self._expected('"["')
        values: list[Value] = []
        while True:
            at = self._peek().at
            values.append(self._typed(field, kind, self._value(), at))
            self._terms += 1
            if self._terms > FILTER_MAX_TERMS:
                raise FilterError(f"at {at}: more than {FILTER_MAX_TERMS} terms.", at)
            if self._op("]"):
                return In(field, tuple(values))
            if not self._op(","):
                raise self._expected('"," or "]"')

    def _match(self, field: Field, op: str) -> Node:
        at = self._peek().at
        text = self._string()
        if op == "~":
            try:
                compile_pattern(text)
            except FilterError as error:
                raise FilterError(f"at {at}: {error}", at) from None
        return Match(field, op, text)

    def _string(self) -> str:
        if self._peek().kind != "string":
            raise self._expected("a string in quotes")
        return _unquote(self._take().text)

    def _value(self) -> Value:
        token = self._peek()
        if token.kind == "string":
            return _unquote(self._take().text)
        if token.kind == "number":
            return self._number(self._take().text, token.at)
        for word, value in (("true", True), ("false", False), ("null", None)):
            if self._word(word):
                return value
        raise self._expected("a number, a string in quotes, true, false or null")

    def _number(self, text: str, at: int) -> float | int:
        try:
            return int(text)
        except ValueError:
            number = float(text)
        if number in (math.inf, -math.inf):
            raise FilterError(f"at {at}: {text} is more than a number can be; write `is inf` for what is infinite.", at)
        return number

    def _typed(self, field: Field, kind: str, value: Value, at: int) -> Value:
        """Check a value against a column of known type; texts for times become unix seconds."""
        if kind == "time":
            return _time(value, at)
        if kind == "any" or value is None:
            return value
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not {"text": isinstance(value, str), "number": is_number, "bool": isinstance(value, bool)}[kind]:
            raise FilterError(f"at {at}: {field} is a {kind}, it cannot be compared with {value!r}.", at)
        return value

    def _field(self) -> Field:
        token = self._peek()
        if token.kind != "word":
            raise self._expected("a field such as state, name or config.lr")
        self._next += 1
        text = token.text
        if text in COLUMNS:
            return Field("column", text)
        for prefix in _PREFIXES:
            if text == prefix and self._peek().kind == "string":
                return self._quoted(prefix[:-1])
            if text.startswith(prefix) and len(text) > len(prefix):
                return _plain(prefix[:-1], text[len(prefix) :])
        known = ", ".join(COLUMNS)
        raise FilterError(
            f"at {token.at}: there is no field {text!r}. Fields are {known}, config.<key>, summary.<key> and "
            "metric.<key>[.last|min|max|mean|first|n|last_step].",
            token.at,
        )

    def _quoted(self, space: str) -> Field:
        """``metric."odd key".min``: the aggregate is a token of its own that begins with a dot."""
        token = self._take()
        name = _unquote(token.text)
        return Field(space, name, self._aggregate_behind(token) if space == "metric" else "")

    def _aggregate_behind(self, token: _Token) -> str:
        following = self._peek()
        if following.kind == "dotted" and following.at == token.at + len(token.text):
            self._next += 1
            return following.text[1:]
        return "last"


def _plain(space: str, path: str) -> Field:
    if space == "metric":
        head, dot, tail = path.rpartition(".")
        if dot and tail in AGGREGATES:
            return Field(space, head, tail)
        return Field(space, path, "last")
    return Field(space, path)


def _time(value: Value, at: int) -> float:
    from datetime import UTC, datetime

    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise FilterError(
                f"at {at}: {value!r} is not a date such as 2026-01-31 or 2026-01-31T12:00:00Z.", at
            ) from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise FilterError(f"at {at}: a time is compared with a date in quotes or with unix seconds.", at)
    return float(value)


# ── text and JSON forms ──────────────────────────────────────────────────────────────────────────────────────────
def to_text(node: Node) -> str:
    """Return a filter text that parses to *node*."""
    if isinstance(node, And):
        return " and ".join(f"({to_text(i)})" if isinstance(i, (And, Or)) else to_text(i) for i in node.items)
    if isinstance(node, Or):
        return " or ".join(f"({to_text(i)})" if isinstance(i, Or) else to_text(i) for i in node.items)
    if isinstance(node, Not):
        return f"not ({to_text(node.item)})" if isinstance(node.item, (And, Or)) else f"not {to_text(node.item)}"
    if isinstance(node, Compare):
        return f"{node.field} {node.op} {_value_text(node.value)}"
    if isinstance(node, In):
        return f"{node.field} in [{', '.join(map(_value_text, node.values))}]"
    if isinstance(node, Match):
        return f"{node.field} {node.op} {_quote(node.text)}"
    if isinstance(node, Has):
        return f"{node.field} has {_quote(node.text)}"
    return f"{node.field} is {node.what}"


def _value_text(value: Value) -> str:
    if isinstance(value, str):
        return _quote(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value)


def to_json(node: Node) -> dict[str, Any]:
    """Return *node* as plain JSON data: ``{"op": …, …}``."""
    if isinstance(node, (And, Or)):
        return {"op": "and" if isinstance(node, And) else "or", "items": [to_json(item) for item in node.items]}
    if isinstance(node, Not):
        return {"op": "not", "item": to_json(node.item)}
    field = {"space": node.field.space, "name": node.field.name, "agg": node.field.agg}
    if isinstance(node, Compare):
        return {"op": node.op, "field": field, "value": node.value}
    if isinstance(node, In):
        return {"op": "in", "field": field, "values": list(node.values)}
    if isinstance(node, Match):
        return {"op": node.op, "field": field, "text": node.text}
    if isinstance(node, Has):
        return {"op": "has", "field": field, "text": node.text}
    return {"op": "is", "field": field, "what": node.what}


def from_json(data: dict[str, Any]) -> Node:
    """Return the node that ``to_json`` gave *data* for. What is not one is refused like a text that does not parse."""
    return parse(to_text(_node(data, 0)))


_NODES: Final = ("and", "or", "not", "in", "~", "contains", "has", "is", *_OPS)


def _node(data: Any, depth: int) -> Node:
    if depth > 2 * FILTER_MAX_DEPTH or not isinstance(data, dict):
        raise FilterError("this is not the JSON form of a filter.")
    op = data.get("op")
    if op not in _NODES:
        raise FilterError(f"{op!r} is not an operator of the filter language.")
    try:
        if op in ("and", "or"):
            items = tuple(_node(item, depth + 1) for item in data["items"])
            return And(items) if op == "and" else Or(items)
        if op == "not":
            return Not(_node(data["item"], depth + 1))
        field = Field(str(data["field"]["space"]), str(data["field"]["name"]), str(data["field"].get("agg", "")))
        if op in _OPS:
            return Compare(field, op, data["value"])
        if op == "in":
            return In(field, tuple(data["values"]))
        if op in ("~", "contains"):
            return Match(field, op, str(data["text"]))
        if op == "has":
            return Has(field, str(data["text"]))
        return Is(field, str(data["what"]))
    except KeyError as lacking:
        raise FilterError(f"a node with op {op!r} lacks {lacking}.") from None
    except (TypeError, AttributeError):
        raise FilterError(f"a node with op {op!r} has a part of the wrong kind.") from None
