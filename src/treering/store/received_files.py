"""The files of received segments: descriptors, names and lengths that survive a power cut."""

from __future__ import annotations

import errno
import os
import stat
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from treering.limits import (
    RECEIVE_FILES_OPEN,
)
from treering.runlog.sharing import file_mode, make_folder

from .segments import FileSegments, SegmentRef
from .syncing import Syncer

__all__ = ["ReceivedFiles"]


class ReceivedFiles:
    """See ``receiver.Files``. Keeps the descriptors of the segments that were touched last."""

    def __init__(self, segments: FileSegments, most_open: int = RECEIVE_FILES_OPEN) -> None:
        self._segments = segments
        self._most_open = most_open
        self._open: OrderedDict[SegmentRef, int] = OrderedDict()
        self._dirty: set[SegmentRef] = set()
        self._new: set[SegmentRef] = set()  # whose names may not be durable yet
        self._named: set[SegmentRef] = set()  # whose names are
        self._syncer = Syncer()

    def exists(self, ref: SegmentRef) -> bool:
        descriptor = self._open.get(ref)
        if descriptor is not None:
            if os.fstat(descriptor).st_nlink:
                return True
            self._forget(ref)
            self._named.discard(ref)
        return os.path.lexists(self._segments.path(ref))

    def size(self, ref: SegmentRef) -> int:
        return os.fstat(self._descriptor(ref)).st_size

    def pread(self, ref: SegmentRef, length: int, offset: int) -> bytes:
        return os.pread(self._descriptor(ref), length, offset)

    def pwrite(self, ref: SegmentRef, data: bytes, offset: int) -> None:
        try:
            descriptor = self._descriptor(ref)
        except FileNotFoundError:
            if offset:
                raise  # it was there before; a new one would begin with zeros
            descriptor = self._create(ref)
        self._dirty.add(ref)
        try:
            view = memoryview(data)
            while view:
                done = os.pwrite(descriptor, view, offset)
                view, offset = view[done:], offset + done
        except OSError:
            self._forget(ref)
            raise

    def sync(self, ref: SegmentRef) -> None:
        (problem,) = self.sync_all([ref])
        if problem is not None:
            raise problem

    def sync_all(self, refs: Sequence[SegmentRef]) -> list[OSError | None]:
        """Make several files durable side by side; returns what went wrong with each."""
        found: list[OSError | None] = [None] * len(refs)
        descriptors: dict[int, int] = {}  # place in refs → descriptor
        for number, ref in enumerate(refs):
            try:
                descriptors[number] = self._descriptor(ref)
            except OSError as error:
                found[number] = error
        for number, problem in zip(descriptors, self._syncer.sync(list(descriptors.values())), strict=True):
            found[number] = problem
        new = [ref for ref in refs if ref in self._new]
        problems = self._sync_names({self._segments.folder(ref.run_key) for ref in new}) if new else {}
        for number, ref in enumerate(refs):
            if ref in self._new and found[number] is None:
                folder = self._segments.folder(ref.run_key)
                found[number] = problems.get(folder) or problems.get(folder.parent)
            if found[number] is None:
                self._new.discard(ref)
                self._named.add(ref)
                self._dirty.discard(ref)
            else:
                self._forget(ref)
        return found

    def _sync_names(self, folders: set[Path]) -> dict[Path, OSError]:
        """Make the names in run folders, and of them, durable: the folder above once for all."""
        wanted = [*folders, *{folder.parent for folder in folders}, *{folder.parent.parent for folder in folders}]
        descriptors: dict[Path, int] = {}
        problems: dict[Path, OSError] = {}
        try:
            for folder in wanted:
                try:
                    descriptors[folder] = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                except OSError as error:
                    problems[folder] = error
            found = self._syncer.sync(list(descriptors.values()), names=True)
            problems |= {folder: error for folder, error in zip(descriptors, found, strict=True) if error is not None}
        finally:
            for descriptor in descriptors.values():
                os.close(descriptor)
        return problems

    def truncate(self, ref: SegmentRef, length: int) -> None:
        os.ftruncate(self._descriptor(ref), length)

    def close(self) -> None:
        """Close all descriptors."""
        for ref in list(self._open):
            self._forget(ref)
        self._syncer.close()

    def _descriptor(self, ref: SegmentRef) -> int:
        descriptor = self._open.get(ref)
        if descriptor is None:
            flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            descriptor = os.open(self._segments.path(ref), flags)
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise OSError(errno.EINVAL, "not a regular file", str(self._segments.path(ref)))
            if ref not in self._named:  # made before this process: by one that may have died before it was synced
                self._new.add(ref)
            self._keep(ref, descriptor)
        else:
            self._open.move_to_end(ref)
        return descriptor

    def _create(self, ref: SegmentRef) -> int:
        folder = self._segments.folder(ref.run_key)
        make_folder(folder)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._segments.path(ref), flags, file_mode(folder))
        self._new.add(ref)
        self._keep(ref, descriptor)
        return descriptor

    def _keep(self, ref: SegmentRef, descriptor: int) -> None:
        self._open[ref] = descriptor
        if len(self._open) > self._most_open:
            # Not one that waits for its sync: the error of a failed write-back belongs to its descriptor.
            old = next((other for other in self._open if other not in self._dirty and other != ref), None)
            if old is not None:
                self._forget(old)

    def _forget(self, ref: SegmentRef) -> None:
        self._dirty.discard(ref)
        descriptor = self._open.pop(ref, None)
        if descriptor is not None:
            os.close(descriptor)
