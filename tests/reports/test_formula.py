"""Formulas in a report's text: what parses, what does not and why, and how values are written."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treering.errors import ExpressionError, InvalidValue
from treering.limits import FORMULA_MAX_CALLS, FORMULA_MAX_CHARS, FORMULA_MAX_DEPTH
from treering.reports.formula import FUNCTIONS, Call, Format, parse_formula
from treering.reports.quantity import Quantity, evaluate, write_number, write_quantity

finite = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)


def value_of(text: str, *values: float) -> float:
    """The value of a formula whose calls have these values, in order."""
    formula = parse_formula(text)
    found = evaluate(formula, dict(zip(formula.calls, map(Quantity, values), strict=True)))
    assert isinstance(found.value, float)
    return found.value


def test_a_formula_says_what_it_asks_of_which_runs():
    formula = parse_formula(' 100 * mean(val/acc, group="A b", agg=max) ± ci(0.9), .1f ')

    assert formula.calls == (Call("mean", "val/acc", (), (("agg", "max"), ("group", "A b")), 7),)
    assert (formula.spread, formula.confidence, formula.format) == ("ci", 0.9, Format(decimals=1))
    assert formula.text == '100 * mean(val/acc, group="A b", agg=max) ± ci(0.9), .1f'


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("mean(loss)", "loss"),
        ("mean(train/loss)", "train/loss"),
        ("mean(`an odd-name, (really)`)", "an odd-name, (really)"),
        ('mean("val-loss")', "val-loss"),
        ("mean(“val-loss”)", "val-loss"),
        ("value(config.lr)", "config.lr"),
    ],
)
def test_names_of_every_kind_can_be_written(text: str, column: str):
    assert parse_formula(text).calls[0].column == column


def test_two_sides_are_named_and_options_are_read():
    (call,) = parse_formula('delta(val/acc, "A", "B", pair=config.seed, confidence=0.99)').calls

    assert (call.sides, call.option("pair"), call.option("confidence")) == (("A", "B"), "config.seed", 0.99)
    assert parse_formula("last(loss, run=5, step=1e3)").calls[0].options == (("run", "5"), ("step", 1000.0))


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("", 0, "expected a number, a function"),
        ("3", 0, "asks nothing of runs"),
        ("mean", 4, "“(” behind mean"),
        ("mean()", 5, "a metric"),
        ("mean(loss", 9, "“,” or “)”"),
        ("meen(loss)", 0, "there is no function 'meen'"),
        ("mean(loss) ± wide", 13, "ci, std or stderr"),
        ("mean(loss) ± ci(2)", 16, "0.5 to 0.999"),
        ("mean(loss, grup=A)", 11, "an option"),
        ("mean(loss, agg=most)", 15, "last, min, max"),
        ("mean(loss, runs=A, runs=B)", 19, "given twice"),
        ("mean(loss, step=1.5)", 16, "a whole number"),
        ("delta(loss)", 0, 'delta(loss, "A", "B")'),
        ('mean(loss, "A")', 0, "options by name"),
        ("mean(loss), wide", 11, "is no format"),
        ("mean(loss), 99", 11, "1 to 17 digits"),
        ("mean(loss) mean(loss)", 11, "the end"),
        ("mean(`loss)", 5, "not closed"),
        ("mean(loss) ; 1", 11, "the character ';'"),
        ("(" * 40 + "1", FORMULA_MAX_DEPTH + 1, "nested deeper"),
        (" + ".join(["n(x)"] * (FORMULA_MAX_CALLS + 1)), FORMULA_MAX_CALLS * 7, "more than"),
        ("n(" + "x" * FORMULA_MAX_CHARS + ")", 0, "longer than"),
    ],
)
def test_what_does_not_parse_says_where_and_why(text: str, position: int, words: str):
    with pytest.raises(ExpressionError) as caught:
        parse_formula(text)

    assert words in str(caught.value)
    assert caught.value.position == position


@given(st.text(max_size=60))
def test_any_text_parses_or_says_why_not(text: str):
    positions = [0]
    try:
        parse_formula(text)
    except ExpressionError as error:
        positions.append(error.position)

    assert all(0 <= position <= len(text) for position in positions)


@given(finite, finite)
def test_arithmetic_is_that_of_python(a: float, b: float):
    with_infinities = value_of("mean(x) - 2 * max(y) / 4", a, b)

    assert with_infinities == a - 2 * b / 4
    assert value_of("-mean(x) + min(y)", a, b) == -a + b


def test_arithmetic_has_no_exceptions_of_its_own():
    assert value_of("mean(x) / mean(y)", 1.0, 0.0) == math.inf
    assert value_of("-mean(x) / mean(y)", 1.0, 0.0) == -math.inf
    assert math.isnan(value_of("mean(x) / mean(y)", 0.0, 0.0))
    assert math.isnan(value_of("mean(x) ^ 0.5", -1.0))
    assert value_of("mean(x) ^ 2", 1e300) == math.inf
    assert value_of("2 ^ 3 ^ 2 * mean(x)", 1.0) == 512.0
    formula = parse_formula("2 * best_run(x)")
    with pytest.raises(InvalidValue, match="is no number"):
        evaluate(formula, {formula.calls[0]: Quantity("amber-heron")})


def test_a_spread_goes_with_its_mean_and_with_nothing_else():
    mean = Quantity(10.0, std=2.0, stderr=0.5, ci=1.0)

    def spread_of(text: str) -> float | None:
        formula = parse_formula(text)
        return evaluate(formula, dict.fromkeys(formula.calls, mean)).ci

    assert spread_of("mean(x)") == 1.0
    assert spread_of("-100 * mean(x)") == 100.0
    assert spread_of("mean(x) / 4 + 3") == 0.25
    assert spread_of("3 - mean(x)") == 1.0
    assert spread_of("mean(x) + mean(y)") is None
    assert spread_of("mean(x) ^ 2") is None


@pytest.mark.parametrize(
    ("value", "spread", "form", "written"),
    [
        (0.91234, None, Format(), "0.9123"),
        (0.2, None, Format(), "0.2"),
        (0.20001, None, Format(), "0.2000"),
        (1234567.0, None, Format(), "1234567"),
        (12345678.9, None, Format(), "1.235·10⁷"),
        (0.0000123, None, Format(), "1.23·10⁻⁵"),
        (-0.5, None, Format(), "−0.5"),
        (-1e-12, None, Format(decimals=2), "0.00"),
        (9.9996, None, Format(), "10.00"),
        (math.nan, None, Format(), "NaN"),
        (-math.inf, None, Format(), "−∞"),
        (0.91234, 0.00417, Format(), "0.9123 ± 0.0042"),
        (96.4, 12.3, Format(), "96 ± 12"),
        (0.91234, 0.00417, Format(percent=True), "(91.23 ± 0.42) %"),
        (0.91234, None, Format(percent=True), "91.23 %"),
        (0.91234, None, Format(digits=2, percent=True), "91 %"),
        (0.91234, 0.00417, Format(decimals=2), "0.91 ± 0.00"),
        (1.23456e-7, 3.2e-9, Format(), "(1.235 ± 0.032)·10⁻⁷"),
        (1234.5, None, Format(decimals=1, exponent=True), "1.2·10³"),
        (5e-324, None, Format(), "4.941·10⁻³²⁴"),
        (5e-320, 1e-320, Format(), "(5.0 ± 1.0)·10⁻³²⁰"),
        (5.0, 0.0, Format(), "5.000 ± 0.000"),
        (5.0, math.inf, Format(), "5"),
    ],
)
def test_numbers_are_written_with_as_many_digits_as_they_have(value, spread, form, written):
    assert write_quantity(Quantity(value, ci=spread), spread, form) == written


@given(finite)
def test_a_written_number_is_the_number_to_four_digits(value: float):
    written = write_number(value).replace("−", "-")
    plain, _, power = written.partition("·10")
    digits = power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))

    assert float(plain) * 10.0 ** int(digits or 0) == pytest.approx(value, rel=6e-4, abs=1e-300)


def test_every_function_is_explained():
    assert all(FUNCTIONS.values())
