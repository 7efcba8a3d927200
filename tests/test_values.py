"""What becomes of a value: metrics of any library, config of any type, JSON without NaN."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import decimal
import enum
import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treering.values import clean_config, clean_key, clean_row, from_json, to_json


class Warnings(dict[str, str]):
    def __call__(self, subject: str, message: str) -> None:
        self[subject] = message


def row(data: dict[Any, Any]) -> tuple[dict[str, Any], Warnings]:
    warnings = Warnings()
    return clean_row(data, warnings), warnings


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.bool_(True), True),
        (np.int8(-5), -5),
        (np.uint64(2**63), 9223372036854775808),
        (np.float16(0.1), 0.0999755859375),
        (np.float32(0.1), 0.10000000149011612),
        (np.float64(0.1), 0.1),
        (np.array(3), 3),
        (np.array([1.5]), 1.5),
        (np.array([[2]]), 2),
        (decimal.Decimal("0.25"), 0.25),
        (True, True),
        (-0.0, -0.0),
        ("nan", "nan"),
        (Path("a/b"), "a/b"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (enum.IntEnum("E", "A B").B, 2),
    ],
    ids=repr,
)
def test_a_scalar_of_any_library_becomes_its_value(value: Any, expected: Any) -> None:
    cleaned, warnings = row({"a": value})

    assert cleaned == {"a": expected}
    assert type(cleaned["a"]) is type(expected)
    assert not warnings


class Bf16Tensor:
    """Stands in for a torch tensor of one bfloat16 element: its item() gives the float that the bits mean."""

    shape = (1,)
    dtype = "torch.bfloat16"

    def item(self) -> float:
        return 0.10009765625


class MlDtypeScalar:
    """A scalar whose item() gives itself, as ml_dtypes scalars do."""

    shape = ()
    dtype = "bfloat16"

    def item(self) -> MlDtypeScalar:
        return self

    def __float__(self) -> float:
        return 0.10009765625


@pytest.mark.parametrize("value", [Bf16Tensor(), MlDtypeScalar()], ids=["torch", "ml_dtypes"])
def test_bfloat16_keeps_the_value_that_its_bits_have(value: Any) -> None:
    assert row({"a": value})[0] == {"a": 0.10009765625}


def test_nan_and_infinities_stay_what_they_are() -> None:
    cleaned, warnings = row({"a": math.nan, "b": math.inf, "c": np.float32("-inf")})

    assert math.isnan(cleaned["a"])
    assert cleaned["b"] == math.inf
    assert cleaned["c"] == -math.inf
    assert not warnings


def test_an_array_is_left_out_with_its_shape_and_the_rest_is_kept() -> None:
    cleaned, warnings = row({"a": np.zeros((3, 2)), "b": 1})

    assert cleaned == {"b": 1}
    assert "3×2" in warnings["array a"]


def test_none_is_left_out_and_said_once() -> None:
    cleaned, warnings = row({"a": None, "b": 1})

    assert cleaned == {"b": 1}
    assert list(warnings) == ["none a"]


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no")

    def __float__(self) -> float:
        raise RuntimeError("no")


@pytest.mark.parametrize("value", [Hostile(), object(), [1, 2], 1j, b"x", lambda: 0], ids=lambda v: type(v).__name__)
def test_an_unknown_type_never_raises(value: Any) -> None:
    cleaned, warnings = row({"a": value, "b": 1})

    assert cleaned["b"] == 1
    assert len(cleaned.get("a", "")) <= 1_000
    assert len(warnings) == 1


def test_nested_dicts_become_flat_names() -> None:
    assert row({"a": {"b": 1, "c": {"d": 2}}, "e": 3})[0] == {"a/b": 1, "a/c/d": 2, "e": 3}


def test_endless_nesting_ends() -> None:
    loop: dict[str, Any] = {}
    loop["a"] = loop

    cleaned, warnings = row(loop)
    assert len(cleaned) == 1
    assert len(warnings) == 1


def test_two_values_that_would_share_a_name_are_said() -> None:
    cleaned, warnings = row({"a": {"b": 1}, "a/b": 2, 1: 3, "1": 4})

    assert cleaned == {"a/b": 2, "1": 4}
    assert set(warnings) == {"twice a/b", "twice 1"}


def test_the_callers_dict_is_not_changed() -> None:
    data = {"a": {"b": np.float32(1)}, "c": None}
    before = dict(data)

    row(data)
    assert data == before


@pytest.mark.parametrize("key", ["_step", "_timestamp", "_runtime", "_attempt", "_writer"])
def test_names_of_row_columns_are_not_taken(key: str) -> None:
    cleaned, warnings = row({key: 1, "a": 2})

    assert cleaned == {"a": 2}
    assert f"reserved {key}" in warnings


@given(st.text())
def test_any_text_is_a_key(text: str) -> None:
    key = clean_key(text, Warnings())

    assert len(key.encode()) <= 1_024
    if len(text.encode("utf-8", "replace")) <= 1_024:
        assert key == text.encode("utf-8", "replace").decode()


def test_long_keys_that_begin_alike_stay_apart() -> None:
    warnings = Warnings()
    first, second = clean_key("é" * 600 + "a", warnings), clean_key("é" * 600 + "b", warnings)

    assert first != second
    assert len(warnings) == 2
    assert max(len(first.encode()), len(second.encode())) <= 1_024


def test_integers_beyond_64_bits() -> None:
    cleaned, warnings = row({"a": 1 << 70, "b": -(10**400)})

    assert cleaned["a"] == float(1 << 70)
    assert cleaned["b"].startswith("-0x")
    assert set(warnings) == {"int a", "int b"}


# ── config ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Optimizer(enum.Enum):
    SGD = "sgd"
    ADAM = (0.9, 0.999)


@dataclasses.dataclass
class Model:
    width: int = 32
    path: Path = Path("/data")


class Pydantic:
    def model_dump(self) -> dict[str, Any]:
        return {"a": 1}


class Flags:
    def flag_values_dict(self) -> dict[str, Any]:
        return {"lr": 0.5}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": True, "b": 1, "c": None, "d": "x", "e": 0.5}, {"a": True, "b": 1, "c": None, "d": "x", "e": 0.5}),
        (argparse.Namespace(lr=0.1, flag=False), {"lr": 0.1, "flag": False}),
        (SimpleNamespace(lr=1), {"lr": 1}),
        (Model(), {"width": 32, "path": "/data"}),
        (Pydantic(), {"a": 1}),
        (Flags(), {"lr": 0.5}),
        ({"o": Optimizer.SGD, "p": Optimizer.ADAM}, {"o": "sgd", "p": "ADAM"}),
        ({"s": {3, 1, 2}, "t": (1, "a"), "f": frozenset([True])}, {"s": [1, 2, 3], "t": [1, "a"], "f": [True]}),
        ({"d": decimal.Decimal("0.1"), "e": decimal.Decimal("0.10000000000000000001")}, {"d": 0.1, "e": "0.10000000000000000001"}),
        ({"t": datetime.datetime(2026, 1, 2, 3), "n": np.int64(3), "x": np.float32(0.5)}, {"t": "2026-01-02T03:00:00", "n": 3, "x": 0.5}),
        ({"array": np.arange(3), "one": np.array([7]), "zero": np.array(7)}, {"array": [0, 1, 2], "one": [7], "zero": 7}),
        ({"deep": {"er": {"lr": 1}}}, {"deep": {"er": {"lr": 1}}}),
        ({"class": Model, "function": math.sqrt}, {"class": f"{__name__}.Model", "function": "math.sqrt"}),
        ({1: "a", None: "b"}, {"1": "a", "None": "b"}),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_config_takes_what_people_have(value: Any, expected: dict[str, Any]) -> None:
    warnings = Warnings()

    cleaned = clean_config(value, warnings)
    assert repr(cleaned) == repr(expected)
    assert not warnings


def test_a_config_of_fifty_thousand_leaves_and_a_megabyte_text_is_whole() -> None:
    warnings = Warnings()
    value = {f"key{i}": i for i in range(49_999)} | {"text": "x" * (1 << 20)}

    assert clean_config(value, warnings) == value
    assert not warnings


def test_a_config_that_is_too_large_says_where_it_was_cut() -> None:
    warnings = Warnings()

    assert len(clean_config({f"key{i}": i for i in range(60_000)}, warnings)) == 50_000
    assert "key50000" in warnings["leaves"]


def test_fifty_levels_are_kept() -> None:
    value: Any = 1
    for _ in range(49):
        value = {"a": value}
    warnings = Warnings()

    assert clean_config(value, warnings) == value
    assert not warnings
    clean_config({"a": {"b": value}}, warnings)
    assert len(warnings) == 1


def test_a_value_that_cannot_be_read_costs_only_itself() -> None:
    class Broken:
        @property
        def __dataclass_fields__(self) -> Any:
            raise RuntimeError("no")

    cleaned = clean_config({"bad": Broken(), "good": 1}, Warnings())

    assert cleaned["good"] == 1
    assert "Broken" in cleaned["bad"]


def test_a_config_that_contains_itself_ends() -> None:
    loop: dict[str, Any] = {"lr": 1}
    loop["self"] = loop
    warnings = Warnings()

    assert clean_config(loop, warnings) == {"lr": 1, "self": "<cycle: dict>"}
    assert len(warnings) == 1


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.recursive(st.floats() | st.integers() | st.text() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_json_never_has_a_bare_nan(value: Any) -> None:
    json.loads(json.dumps(to_json(value), allow_nan=False))


@given(st.floats())
def test_a_number_comes_back_through_json(value: float) -> None:
    assert repr(from_json(json.loads(json.dumps(to_json(value))))) == repr(value)
