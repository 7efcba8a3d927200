"""
Making many files durable at once.

A call of ``os.fdatasync`` gives the interpreter away and has to wait to get it back, once for each file; beside a
thread that computes that costs more than the disk does. Linux takes a list of files in one call, syncs them side by
side, and says how each went: 16 files beside two busy threads take 2 ms, one after the other 30, and eight threads
that sync two each 15. Where the kernel or a sandbox does not offer it, threads it is.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from treering.limits import RECEIVE_SYNCS_AT_ONCE

__all__ = ["Syncer"]

_CALLS: Final = {  # io_setup, io_destroy, io_getevents, io_submit
    "x86_64": (206, 207, 208, 209),
    "aarch64": (0, 1, 4, 2),
}
_AT_ONCE: Final = 128
_FSYNC: Final = 2
_FDSYNC: Final = 3


class _Request(ctypes.Structure):
    """``struct iocb`` of linux/aio_abi.h, on a little-endian machine."""

    _fields_ = (
        ("data", ctypes.c_uint64),
        ("key", ctypes.c_uint32),
        ("rw_flags", ctypes.c_uint32),
        ("opcode", ctypes.c_uint16),
        ("priority", ctypes.c_int16),
        ("descriptor", ctypes.c_uint32),
        ("buffer", ctypes.c_uint64),
        ("length", ctypes.c_uint64),
        ("offset", ctypes.c_int64),
        ("reserved", ctypes.c_uint64),
        ("flags", ctypes.c_uint32),
        ("signal", ctypes.c_uint32),
    )


class _Done(ctypes.Structure):
    """``struct io_event``."""

    _fields_ = (
        ("data", ctypes.c_uint64),
        ("request", ctypes.c_uint64),
        ("result", ctypes.c_int64),
        ("result2", ctypes.c_int64),
    )


class Syncer:
    """Syncs lists of descriptors. Thread-safe, one list at a time."""

    def __init__(self, *, kernel: bool = True) -> None:
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._libc: Any = None
        self._context = ctypes.c_ulong(0)
        if kernel and sys.platform == "linux" and sys.byteorder == "little" and platform.machine() in _CALLS:
            self._calls = _CALLS[platform.machine()]
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.syscall(self._calls[0], ctypes.c_long(_AT_ONCE), ctypes.byref(self._context)) == 0:
                self._libc = libc

    @property
    def in_kernel(self) -> bool:
        """Whether the kernel takes lists."""
        return self._libc is not None

    def sync(self, descriptors: Sequence[int], *, names: bool = False) -> list[OSError | None]:
        """
        Make files durable and return, for each, what went wrong.

        Args:
            names: these are folders whose names are to be made durable; fdatasync would leave those out.
        """
        with self._lock:
            found: list[OSError | None] = []
            for begin in range(0, len(descriptors), _AT_ONCE):
                some = descriptors[begin : begin + _AT_ONCE]
                done = self._in_kernel(some, names) if self._libc is not None and len(some) > 1 else None
                found += self._in_threads(some, names) if done is None else done
            return found

    def _in_kernel(self, descriptors: Sequence[int], names: bool) -> list[OSError | None] | None:
        count = len(descriptors)
        requests, pointers, done = (_Request * count)(), (ctypes.c_void_p * count)(), (_Done * count)()
        first = ctypes.addressof(requests)
        for number, descriptor in enumerate(descriptors):
            request = requests[number]
            request.data, request.opcode, request.descriptor = number, _FSYNC if names else _FDSYNC, descriptor
            pointers[number] = first + number * ctypes.sizeof(_Request)
        taken = self._libc.syscall(self._calls[3], self._context, ctypes.c_long(count), ctypes.byref(pointers))
        begun = max(taken, 0)
        answered = 0
        while answered < begun:  # whatever was begun writes into our memory when it ends, so its end is waited for
            left = ctypes.c_long(begun - answered)
            at = ctypes.byref(done, answered * ctypes.sizeof(_Done))
            got = self._libc.syscall(self._calls[2], self._context, left, left, at, None)
            if got < 0 and ctypes.get_errno() != errno.EINTR:
                raise OSError(ctypes.get_errno(), "io_getevents failed")
            answered += max(got, 0)
        if begun < count:  # a file system or a sandbox that does not know this call: never asked again
            self.close()
            return None
        found: list[OSError | None] = [None] * count
        for event in done:
            if event.result < 0:
                found[event.data] = OSError(-event.result, os.strerror(-event.result))
        if all(problem is not None and problem.errno in (errno.EINVAL, errno.ENOSYS) for problem in found):
            return None
        return found

    def _in_threads(self, descriptors: Sequence[int], names: bool) -> list[OSError | None]:
        sync = _sync_names if names else _sync_content
        if len(descriptors) < 3:
            return [sync(descriptor) for descriptor in descriptors]
        if self._pool is None:
            self._pool = ThreadPoolExecutor(RECEIVE_SYNCS_AT_ONCE, "treering-sync")
        parts = [descriptors[n::RECEIVE_SYNCS_AT_ONCE] for n in range(min(RECEIVE_SYNCS_AT_ONCE, len(descriptors)))]
        found: list[OSError | None] = [None] * len(descriptors)
        for number, problems in enumerate(self._pool.map(lambda part: [sync(each) for each in part], parts)):
            found[number::RECEIVE_SYNCS_AT_ONCE] = problems
        return found

    def close(self) -> None:
        """Give the kernel's part back. Idempotent; threads still sync."""
        if self._libc is not None:
            self._libc.syscall(self._calls[1], self._context)
            self._libc = None
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None


def _sync_content(descriptor: int) -> OSError | None:
    try:
        # macOS has no fdatasync.
        (os.fdatasync if hasattr(os, "fdatasync") else os.fsync)(descriptor)
    except OSError as error:
        return error
    return None


def _sync_names(descriptor: int) -> OSError | None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        return error
    return None
