"""CRC-32C, with which TensorFlow's record files are checked: zlib has another polynomial."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

__all__ = ["crc32c", "crc32c_of_lengths", "masked_crc32c"]

_POLYNOMIAL: Final = 0x82F63B78
_LANE_BYTES: Final = 16  # of data that is worked on beside many other such stretches
_MANY_BYTES: Final = 2_048  # below, plain Python is as fast


def _table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE: Final = _table()


def masked_crc32c(data: bytes | memoryview) -> int:
    """Return the checksum as record files have it: rotated, so that a checksum of checksums is no accident."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def crc32c(data: bytes | memoryview) -> int:
    """Return the CRC-32C of *data*: 70 ns a byte in short ones, 10 ns in long ones, which numpy does side by side."""
    crc = 0xFFFFFFFF
    if len(data) >= _MANY_BYTES:
        return _in_lanes(data) ^ crc
    for byte in bytes(data):
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def _in_lanes(data: bytes | memoryview) -> int:
    """Return the register behind *data*: each lane from zero, then joined in pairs, since the CRC is linear."""
    import numpy as np

    table = _images(-1)[0]
    padded = np.zeros(-(-len(data) // _LANE_BYTES) * _LANE_BYTES, np.uint8)
    first = len(padded) - len(data)  # zeros in front change nothing
    padded[first:] = np.frombuffer(data, np.uint8)
    padded[first : first + 4] ^= 0xFF  # the register that everything begins with
    registers = np.zeros(len(padded) // _LANE_BYTES, np.uint32)
    for column in np.ascontiguousarray(padded.reshape(-1, _LANE_BYTES).T):
        registers = table[(registers ^ column) & 0xFF] ^ (registers >> 8)
    level = 0
    while len(registers) > 1:
        if len(registers) % 2:
            registers = np.concatenate([np.zeros(1, np.uint32), registers])
        left, images = registers[::2], _images(level)
        left = (
            images[0][left & 0xFF] ^ images[1][left >> 8 & 0xFF] ^ images[2][left >> 16 & 0xFF] ^ images[3][left >> 24]
        )
        registers = left ^ registers[1::2]
        level += 1
    return int(registers[0])


@lru_cache(41)
def _images(level: int) -> Any:
    """Return the tables of :func:`_shift` as an array; below level 0 that of a single byte."""
    import numpy as np

    return np.array(_TABLE if level < 0 else _shift(level), np.uint32).reshape(-1, 256)


@lru_cache(40)
def _shift(level: int) -> tuple[int, ...]:
    """Return what 16 x 2**level zero bytes do to a register: the image of each value of each of its four bytes."""
    if level:
        before = _shift(level - 1)
        bits = [_apply(before, _apply(before, 1 << bit)) for bit in range(32)]
    else:
        bits = [1 << bit for bit in range(32)]
        for _ in range(_LANE_BYTES):
            bits = [_TABLE[image & 0xFF] ^ image >> 8 for image in bits]
    images = []
    for place in range(4):
        for byte in range(256):
            image = 0
            for bit in range(8):
                image ^= bits[8 * place + bit] if byte >> bit & 1 else 0
            images.append(image)
    return tuple(images)


def _apply(images: tuple[int, ...], register: int) -> int:
    parts = (images[256 * place + (register >> 8 * place & 0xFF)] for place in range(4))
    return next(parts) ^ next(parts) ^ next(parts) ^ next(parts)


def crc32c_of_lengths(windows: Any) -> Any:
    """Return the CRC-32C of each row of *windows*, uint8 of shape (n, 8), as uint32 (n,)."""
    import numpy as np

    table = _images(-1)[0]
    registers = np.full(len(windows), 0xFFFFFFFF, np.uint32)
    for column in windows.T:
        registers = table[(registers ^ column) & 0xFF] ^ (registers >> 8)
    return registers ^ np.uint32(0xFFFFFFFF)
