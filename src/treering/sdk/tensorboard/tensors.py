"""``TensorProto``: numbers as a numpy array, texts as bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from treering.errors import FormatError, LimitExceeded
from treering.limits import EVENT_TENSOR_MAX

from .wire import doubles, fields, floats, raw, signed, varints

__all__ = ["Tensor", "tensor_of"]

_STRING: Final = 7
_BFLOAT16: Final = 14
_HALF: Final = 19
# DataType of TensorFlow → how numpy has it in tensor_content.
_DTYPES: Final = dict(
    zip((1, 2, 3, 4, 5, 6, 9, 10, 17, 19, 22, 23), "<f4 <f8 <i4 u1 <i2 i1 <i8 ? <u2 <f2 <u4 <u8".split(), strict=True)
)
_PACKED: Final[dict[int, Callable[[Any], list[Any]]]] = {
    5: floats,
    6: doubles,
    7: varints,
    10: varints,
    11: varints,
    13: varints,
    16: varints,
    17: varints,
}


class Tensor:
    """A tensor: ``array`` holds its numbers, or ``texts`` its byte strings in C order; ``shape`` goes for both."""

    def __init__(self, shape: tuple[int, ...], array: Any, texts: list[memoryview]) -> None:
        self.shape, self.array, self.texts = shape, array, texts


def tensor_of(data: memoryview) -> Tensor:
    """
    Return the tensor that *data* encodes.

    Raises:
        FormatError: shape and content do not fit, or the numbers are of a type that is not known here.
        LimitExceeded: more than a million numbers.
    """
    import numpy as np

    kind, shape, content = 0, [], None
    texts: list[memoryview] = []
    numbers: list[Any] = []
    for number, value in fields(data):
        if number == 1:
            kind = signed(value)
        elif number == 2:
            shape = _shape(value)
        elif number == 4:
            content = raw(value)
        elif number == 8:
            texts.append(raw(value))
        elif number in _PACKED:
            numbers += _PACKED[number](value)
            _check(len(numbers))
    size = 1
    for length in shape:
        size *= length
        _check(size)
    if kind == _STRING:
        if shape and size != len(texts):
            raise FormatError(f"a tensor of {size:,} texts that holds {len(texts):,}")
        return Tensor(tuple(shape), None, texts)
    if content is not None and len(content):
        if kind == _BFLOAT16:
            array = (np.frombuffer(content, "<u2").astype(np.uint32) << 16).view(np.float32)
        elif kind in _DTYPES:
            array = np.frombuffer(content, _DTYPES[kind])
        else:
            raise FormatError(f"a tensor of type {kind}")
    elif kind in (_HALF, _BFLOAT16):  # their bits, in the numbers of half_val
        bits = np.array(numbers, np.uint16)
        array = bits.view(np.float16) if kind == _HALF else (bits.astype(np.uint32) << 16).view(np.float32)
    else:
        array = np.array(numbers, np.float64)
    if len(array) == 1 and size > 1:  # one number stands for all
        array = np.full(size, array[0])
    if len(array) != size:
        raise FormatError(f"a tensor of {size:,} numbers that holds {len(array):,}")
    return Tensor(tuple(shape), array.reshape(shape), [])


def _shape(data: Any) -> list[int]:
    shape = []
    for number, dimension in fields(data):
        if number == 2:
            length = 0
            for inner, value in fields(dimension):
                length = signed(value) if inner == 1 else length
            if length < 0:
                raise FormatError("a tensor of unknown shape")
            shape.append(length)
    return shape


def _check(size: int) -> None:
    if size > EVENT_TENSOR_MAX:
        raise LimitExceeded(f"a tensor of more than {EVENT_TENSOR_MAX:,} numbers")
