"""
Copies of runs: the same record under another project, as a run of its own.

A segment names its run, and its chain begins with its own id, so a copy is not the same bytes: payloads stay, header,
life record, seal and the names in beats and forks are made anew (``runlog.rechained``). Bytes of files are shared by
hash. A copy is written beside the runs and becomes one by a rename, so that it is there whole or not at all.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from treering.errors import InvalidValue
from treering.ids import check_name, new_segment_id, run_key
from treering.limits import READ_CHUNK_BYTES
from treering.runlog import records
from treering.runlog.frames import HEADER_BYTES
from treering.runlog.rechained import Rechained
from treering.runlog.salvage import created_ns_of, find_frame, read_life
from treering.runlog.writer import Writer

from .ledger import Ledger, server_life
from .manifest import sync_folder
from .metadata import MetadataStore
from .segments import FileSegments, SegmentRef
from .state import RunState

__all__ = ["Copies", "WrittenCopy"]

_UNDER_WAY: Final = ".copy-"


_Edits = Mapping[int, Callable[[Any], Any]]


class WrittenCopy(NamedTuple):
    """A copy that is on the disk and not yet a run. ``names``: segment of the original → of the copy."""

    run_key: str
    folder: Path
    names: dict[str, list[str]]


class Copies:
    """Copies runs of one store."""

    def __init__(
        self, segments: FileSegments, metadata: MetadataStore, ledger: Ledger, clock_ns: Callable[[], int]
    ) -> None:
        self._segments = segments
        self._metadata = metadata
        self._ledger = ledger
        self._clock_ns = clock_ns

    def check(self, state: RunState, entity: str, project: str) -> str:
        """Return why a run cannot be copied there; empty if it can. Raises InvalidName."""
        key = run_key(check_name(entity, "entity"), check_name(project, "project"), state.run_id)
        if state.deleted:
            return "it is in the bin: restore it first"
        if state.state == "running":
            return "it is running"
        if self._metadata.find_run(entity, project, state.run_id) is not None:
            return f"{entity}/{project} has a run {state.run_id!r} already"
        if key in self._ledger.purged:
            return f"a run {state.run_id!r} of {entity}/{project} was removed for good"
        if self._segments.folder(key).exists():
            return f"a run {state.run_id!r} began in {entity}/{project} and was moved away; its link stays its own"
        return ""

    def write(self, state: RunState, entity: str, project: str, author: str) -> WrittenCopy:
        """
        Write the copy of a run that does not run. Nothing sees it yet.

        Raises:
            InvalidValue: nothing of its log can be read.
            OSError: the disk refused; what was written is removed again.
        """
        run = {"entity": entity, "project": project, "id": state.run_id}
        run["key"] = run_key(entity, project, state.run_id)
        # A name of its own: somebody else may be copying the same run to the same place.
        folder = self._segments.runs_folder / f"{_UNDER_WAY}{run['key']}-{new_segment_id()}"
        folder.mkdir(parents=True)
        try:
            origins = list(self._origins(state.run_key))
            anew = {ref.segment: new_segment_id() for ref in origins}
            edits = _edits(entity, project, anew)
            names = {ref.segment: self._write_segments(ref, folder, run, anew, edits) for ref in origins}
            if not any(names.values()):
                raise InvalidValue("nothing of its log can be read")
            self._note_origin(state, folder, run, author)
            sync_folder(folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return WrittenCopy(run["key"], folder, names)

    def keep(self, copy: WrittenCopy) -> None:
        """
        Make a run of a written copy, durably. The caller holds the ingest lock and has asked ``check`` again.

        What came over the network stays so: bytes of files that never came are no more readable than before.

        Raises:
            OSError: the disk refused; there is no copy.
        """
        receipts = []
        for segment, names in copy.names.items():
            receipt = self._ledger.received.get(segment)
            if receipt is not None:
                receipts += [receipt._replace(segment=name, run_key=copy.run_key) for name in names]
        try:
            if receipts:
                self._ledger.receive(receipts)
            os.rename(copy.folder, self._segments.folder(copy.run_key))
            sync_folder(self._segments.runs_folder)
        except OSError:
            self.drop(copy)
            raise

    def drop(self, copy: WrittenCopy) -> None:
        """Remove a copy that shall not become a run."""
        shutil.rmtree(copy.folder, ignore_errors=True)

    def clear(self) -> None:
        """Remove what a kill left half written."""
        with contextlib.suppress(FileNotFoundError), os.scandir(self._segments.runs_folder) as entries:
            for entry in entries:
                if entry.name.startswith(_UNDER_WAY):
                    shutil.rmtree(entry.path, ignore_errors=True)

    def _origins(self, key: str) -> Iterator[SegmentRef]:
        for ref in self._segments.segments(key):
            if not self._ledger.is_removed(ref):
                yield ref

    def _write_segments(
        self, ref: SegmentRef, folder: Path, run: dict[str, Any], anew: Mapping[str, str], edits: _Edits
    ) -> list[str]:
        """Write the copy of one segment, named as *anew* says, one more behind each hole; return their ids."""

        def pread(length: int, offset: int) -> bytes:
            return self._segments.pread(ref, length, offset)

        life = read_life(ref.segment, pread)
        if life is None:
            return []
        written: list[str] = []
        created_ns = created_ns_of(ref.segment, pread, life)
        found = find_frame(ref.segment, pread, HEADER_BYTES)
        while found is not None:
            name = new_segment_id() if written else anew[ref.segment]
            origin = {"segment": ref.segment, "run_key": ref.run_key, "offset": found.offset}
            own = {**life, "run": run, "copy_of": origin}
            if written:
                own.pop("meta", None)
            made = Rechained(name, ref.segment, pread, found, created_ns + len(written), own, edits)
            _write(folder / f"{name}.trl", made)
            written.append(name)
            found = find_frame(ref.segment, pread, max(made.extent()[0], found.end))
        return written

    def _note_origin(self, state: RunState, folder: Path, run: dict[str, Any], author: str) -> None:
        # By its key, which opens nothing: who reads the copy may not know the project that it came from.
        origin = {"run_key": state.run_key, "by": author}
        with contextlib.closing(Writer(folder, server_life(run), mapped=False)) as writer:
            now_ns = self._clock_ns()
            writer.append(records.FACTS, [now_ns, {"copied_from": {**origin, "time": now_ns / 1e9}}])
            if writer.disk_error is not None:
                raise writer.disk_error


def _edits(entity: str, project: str, anew: Mapping[str, str]) -> _Edits:
    """What records say of other segments and runs follows to where the copy is."""

    def beat(record: Any) -> Any:
        time_ns, said = record
        synced = {anew.get(name, name): length for name, length in said["synced"].items()}
        return [time_ns, {**said, "synced": synced}]

    def fork(record: Any) -> Any:
        time_ns, said = record  # the parent is looked for among the copies as well
        return [time_ns, {**said, "parent_key": run_key(entity, project, check_name(said["parent_id"], "run id"))}]

    return {records.BEAT: beat, records.FORK: fork}


def _write(path: Path, segment: Rechained) -> None:
    with path.open("xb") as file:
        offset = 0
        while block := segment.pread(READ_CHUNK_BYTES, offset):
            file.write(block)
            offset += len(block)
        file.flush()
        os.fsync(file.fileno())
