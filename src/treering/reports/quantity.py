"""
Values of formulas: numbers with their spread, what arithmetic makes of them, and how they are written.

A spread is that of one sample. A number times a constant keeps it, times that constant; plus a constant it keeps it as
it is; two samples together have none that could be told without knowing how they go together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from treering.errors import InvalidValue

from .formula import Binary, Call, Format, Formula, Negative, Node, Number

__all__ = ["Quantity", "evaluate", "write_number", "write_quantity"]

_DIGITS: Final = 4  # of a number without a spread
_SPREAD_DIGITS: Final = 2
_LARGE: Final = 7  # digits before the point from which on powers of ten are written
_SMALL: Final = -5
_DECIMALS_MAX: Final = 17


@dataclass(frozen=True, slots=True)
class Quantity:
    """
    A value and how sure it is.

    Attributes:
        value: a number, which may be NaN or infinite, or a text.
        std, stderr: of the sample that it is the mean of; None where there is no such sample, or one of one value.
        ci: half the width of the interval at the confidence asked for, likewise.
    """

    value: float | str
    std: float | None = None
    stderr: float | None = None
    ci: float | None = None

    def spread(self, name: str) -> float | None:
        """Return the spread of this name."""
        return {"std": self.std, "stderr": self.stderr, "ci": self.ci}[name]

    def scaled(self, factor: float) -> Quantity:
        """Return it times a constant."""
        size = abs(factor)
        std, stderr, ci = (None if one is None else one * size for one in (self.std, self.stderr, self.ci))
        return Quantity(_number(self) * factor, std, stderr, ci)


def evaluate(formula: Formula, values: Mapping[Call, Quantity]) -> Quantity:
    """
    Return the value of a formula whose calls have these *values*.

    Raises:
        InvalidValue: arithmetic with a text.
    """
    return _of(formula.node, values)


def _of(node: Node, values: Mapping[Call, Quantity]) -> Quantity:
    match node:
        case Number(value):
            return Quantity(value)
        case Call():
            return values[node]
        case Negative(inner):
            return _of(inner, values).scaled(-1.0)
        case Binary(op, left, right):
            a, b = _of(left, values), _of(right, values)
            return _both(op, a, b, _is_constant(left), _is_constant(right))


def _is_constant(node: Node) -> bool:
    match node:
        case Number():
            return True
        case Negative(inner):
            return _is_constant(inner)
        case Binary(_, left, right):
            return _is_constant(left) and _is_constant(right)
    return False


def _both(op: str, a: Quantity, b: Quantity, a_constant: bool, b_constant: bool) -> Quantity:
    x, y = _number(a), _number(b)
    if op == "*" and a_constant:
        return b.scaled(x)
    if op == "*" and b_constant:
        return a.scaled(y)
    if op == "/" and b_constant and y != 0:
        return replace(a.scaled(1.0 / y), value=x / y)
    if op in "+-" and b_constant:
        return replace(a, value=x + y if op == "+" else x - y)
    if op in "+-" and a_constant:
        return replace(b, value=x + y if op == "+" else x - y)
    return Quantity(_plain(op, x, y))


def _plain(op: str, x: float, y: float) -> float:
    """Return what IEEE 754 says, where Python would raise."""
    try:
        match op:
            case "+":
                return x + y
            case "-":
                return x - y
            case "*":
                return x * y
            case "/":
                return x / y
        result = x**y
        return math.nan if isinstance(result, complex) else result
    except ZeroDivisionError:
        return math.nan if x == 0 or math.isnan(x) else math.copysign(math.inf, x) * math.copysign(1.0, y)
    except OverflowError:
        return math.inf


def _number(quantity: Quantity) -> float:
    if isinstance(quantity.value, str):
        raise InvalidValue(f"the text {quantity.value!r:.60} is no number to reckon with.")
    return quantity.value


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────
def write_quantity(quantity: Quantity, spread: float | None, form: Format) -> str:
    """
    Return a value as it stands in the text: ``0.912``, ``0.912 ± 0.004``, ``91.2 %``, ``(1.20 ± 0.03)·10⁻⁵``.

    Without a format a spread decides how many digits there are: two of its own.
    """
    if isinstance(quantity.value, str):
        return quantity.value
    value = quantity.value * 100 if form.percent else quantity.value
    spread = None if spread is None else spread * 100 if form.percent else spread
    unit = " %" if form.percent else ""
    if spread is None or not math.isfinite(spread) or not math.isfinite(value):
        return f"{write_number(value, form)}{unit}"
    power = _power(value, spread, form)
    if power:
        value, spread = _scaled(value, power), _scaled(spread, power)
    decimals = _decimals(value, spread, form)
    text = f"{_fixed(value, decimals)} ± {_fixed(spread, decimals)}"
    if power:
        return f"({text})·10{_raised(power)}{unit}"
    return f"({text}){unit}" if unit else text


def _power(value: float, spread: float, form: Format) -> int:
    """Return the power of ten that value and spread are written in; 0 for none."""
    largest = max(abs(value), abs(spread))
    if largest == 0:
        return 0
    power = _magnitude(largest)
    if form.exponent:
        return power
    return 0 if form.decimals is not None or _SMALL < power < _LARGE else power


def _decimals(value: float, spread: float, form: Format) -> int:
    if form.decimals is not None:
        return form.decimals
    if form.digits is not None:
        return _places(value, form.digits)
    if spread == 0:
        return _places(value, _DIGITS)
    return _places(spread, _SPREAD_DIGITS)


def write_number(value: float, form: Format = Format()) -> str:  # noqa: B008 - immutable
    """Return one number: four significant digits unless *form* says otherwise; NaN, ∞ and −∞ by these names."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if form.decimals is not None and not form.exponent:
        return _fixed(value, form.decimals)
    if value == 0:
        return "0"
    if form.digits is None and not form.exponent and value == int(value) and abs(value) < 10**_LARGE:
        return _fixed(value, 0)  # whole numbers, such as steps, are written whole
    if form.digits is None and not form.exponent and value == float(f"{value:.{_DIGITS - 1}e}"):
        form = Format(digits=_significant(value))  # 0.2 is 0.2, and not 0.2000
    power = _magnitude(value)
    if form.exponent or not _SMALL < power < _LARGE:
        decimals = form.decimals if form.decimals is not None else (form.digits or _DIGITS) - 1
        return f"{_fixed(_scaled(value, power), decimals)}·10{_raised(power)}"
    return _fixed(value, _places(value, form.digits or _DIGITS))


def _scaled(value: float, power: int) -> float:
    """Return *value* in units of a power of ten, which may be too small for a float."""
    return float(Decimal(value).scaleb(-power))


def _magnitude(value: float) -> int:
    return int(f"{abs(value):.16e}".partition("e")[2])


def _significant(value: float) -> int:
    return max(1, len(f"{abs(value):.{_DIGITS - 1}e}".partition("e")[0].replace(".", "").rstrip("0")))


def _places(value: float, digits: int) -> int:
    """Return the decimals that show *digits* significant ones; 9.96 with two is 10, and has none."""
    if value == 0:
        return 0
    rounded = float(f"{value:.{digits - 1}e}")
    return min(_DECIMALS_MAX, max(0, digits - 1 - _magnitude(rounded)))


def _fixed(value: float, decimals: int) -> str:
    text = f"{value:.{decimals}f}"
    if not text.strip("-0."):
        text = text.lstrip("-")  # not minus zero
    return text.replace("-", "−")


_SUPERSCRIPTS: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _raised(power: int) -> str:
    return str(power).translate(_SUPERSCRIPTS)
