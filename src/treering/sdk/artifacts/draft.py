"""Adding to an artifact that is not logged yet."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal, Self

from treering.errors import InvalidValue, UsageError
from treering.limits import ARTIFACT_REFERENCE_OBJECTS_MAX
from treering.runlog.artifact_manifest import Entry, check_entry_path
from treering.sdk.active_folder import active_folder

from .contents import Contents, check_is_file, check_is_folder, check_name_of
from .entry import ArtifactEntry
from .facts import ArtifactFacts
from .objects import object_entry, write_object
from .references import resolve_reference

__all__ = ["ArtifactDraft"]


class ArtifactDraft(ArtifactFacts):
    """The part of :class:`treering.Artifact` that takes files."""

    def _draft(self, call: str) -> Contents:
        if self._contents is None:
            raise UsageError(f"{call}: artifact {self.name!r} is logged; new_draft() makes one that can be changed.")
        return self._contents

    def add_file(
        self,
        local_path: str | os.PathLike[str],
        name: str | None = None,
        is_tmp: bool | None = False,
        skip_cache: bool | None = False,
        policy: Literal["mutable", "immutable"] | None = "mutable",
        overwrite: bool = False,
    ) -> ArtifactEntry:
        """
        Add a file as it is now.

        Args:
            local_path: the file.
            name: its path in the artifact; its own name by default.
            policy: ``mutable`` copies it now; ``immutable`` promises that it does not change before the version is
                stored, and spares the copy on this thread.
            overwrite: replace an entry of that path that has other content.
            is_tmp, skip_cache: accepted for scripts of other trackers; change nothing.

        Raises:
            InvalidValue: there is no such file, or another entry of that path.
            InvalidName: no entry can have this path.
            OSError: it cannot be read. A full disk raises nothing here: the file is copied when there is room.
        """
        contents, source = self._draft("add_file()"), Path(local_path)
        check_is_file(source)
        path = check_name_of(source) if name is None else name
        contents.add_file(source.absolute(), path, mutable=_is_mutable(policy), overwrite=overwrite)
        return ArtifactEntry(self, path, contents.entries[path])

    def add_dir(
        self,
        local_path: str | os.PathLike[str],
        name: str | None = None,
        skip_cache: bool | None = False,
        policy: Literal["mutable", "immutable"] | None = "mutable",
        merge: bool = False,
    ) -> None:
        """
        Add all files below a folder, several at once. Links within it are followed.

        Args:
            local_path: the folder.
            name: the folder in the artifact; its top by default.
            policy: as for ``add_file``.
            merge: replace entries that have other content.
            skip_cache: accepted for scripts of other trackers; changes nothing.

        Raises:
            InvalidValue: there is no such folder, or a link leads out of it.
            InvalidName, OSError: as ``add_file``.
        """
        contents, folder = self._draft("add_dir()"), Path(local_path)
        check_is_folder(folder)
        contents.add_folder(folder.absolute(), name or "", mutable=_is_mutable(policy), overwrite=merge)

    def add_reference(
        self,
        uri: str | ArtifactEntry,
        name: str | None = None,
        checksum: bool = True,
        max_objects: int | None = None,
        digest: str | None = None,
    ) -> list[ArtifactEntry]:
        """
        Add what stays where it is: ``s3://``, ``gs://``, ``http://``, ``https://`` or ``file://``.

        Args:
            uri: the address; of a folder or a prefix all that is below.
            name: its path in the artifact; the last part of the address by default.
            checksum: find out, from here and now, what identifies the content: a file's SHA-256, an object's ETag with
                its version or generation, a web file's ETag or time of change. Without it nothing is looked at, and
                nobody can tell later whether it was changed.
            max_objects: of a folder or prefix, at most 10,000 unless this says more.
            digest: what identifies it, if that is known, such as ``sha256:…`` or ``md5:…``; then nothing is looked at.

        Raises:
            InvalidValue: an address of another kind, or one at which there is nothing.
            InvalidName: no entry can have the path of an object.
            LimitExceeded: it stands for too many objects.
            MissingExtra: boto3, or google-cloud-storage, is not installed.
            NotFound, ServerUnavailable, OSError: what is there cannot be looked at.
        """
        contents = self._draft("add_reference()")
        if isinstance(uri, ArtifactEntry):
            path, entry = name or uri.path, Entry(bytes=uri.size, ref=uri.ref_target(), digest=uri.digest)
            contents.add(path, entry)
            return [ArtifactEntry(self, path, entry)]
        most = ARTIFACT_REFERENCE_OBJECTS_MAX if max_objects is None else max_objects
        found = [
            (check_entry_path(path), entry) for path, entry in resolve_reference(uri, name, checksum, most, digest)
        ]
        for path, entry in found:  # all of them, or none
            contents.add(path, entry)
        return [ArtifactEntry(self, path, entry) for path, entry in found]

    @contextmanager
    def new_file(
        self, name: str, mode: str = "x", encoding: str | None = None, overwrite: bool = False
    ) -> Iterator[IO[Any]]:
        """
        Yield a file to write, which is added when the ``with`` block ends well.

        Args:
            name: its path in the artifact.
            mode: ``x`` or ``w`` for text, ``xb`` or ``wb`` for bytes.
            encoding: of text, UTF-8 by default.
            overwrite: replace an entry of that path.

        Raises:
            InvalidName, InvalidValue: as ``add_file``.
            StorageError: the data folder cannot be written.
        """
        contents = self._draft("new_file()")
        if mode not in ("w", "x", "wb", "xb"):
            raise InvalidValue(f"new_file(): mode is one of w, x, wb, xb; got {mode!r}.")
        if check_entry_path(name) in contents.entries and not (overwrite or "w" in mode):
            raise InvalidValue(f"new_file(): the artifact has {name!r} already; give overwrite=True.")
        with contents.blobs.temporary() as place:
            text = None if "b" in mode else encoding or "utf-8"
            with open(place, mode.replace("x", "w"), encoding=text, newline=None if text is None else "") as file:
                yield file
            contents.add_file(place, name, mutable=True)

    def add(self, obj: Any, name: str, overwrite: bool = False) -> ArtifactEntry:
        """
        Add a rich value, such as ``tr.Table`` or ``tr.Image``; ``get(name)`` returns it.

        Raises:
            InvalidValue: it is no rich value, or cannot be used; or there is another one of that name.
            StorageError: the data folder cannot be written.
        """
        contents = self._draft("add()")
        path = object_entry(name, obj)
        for entry_path, entry in write_object(obj, path, contents).items():
            contents.add(entry_path, entry, overwrite=overwrite)
        return ArtifactEntry(self, path, contents.entries[path])

    def remove(self, item: str | os.PathLike[str] | ArtifactEntry) -> None:
        """Take an entry, or a folder of them, out of a draft. Raises InvalidValue: there is none."""
        contents = self._draft("remove()")
        contents.remove(item.path if isinstance(item, ArtifactEntry) else os.fspath(item))

    def new_draft(self) -> Self:
        """
        Return a draft of the next version, which begins with what is in this one.

        It is for the same project, which has the bytes; for another one add what ``download`` wrote.
        """
        draft = type(self)(self._name, self.type, self._description, self._metadata)
        draft._contents = Contents(active_folder(), dict(self._entries_manifest().entries))
        return draft


def _is_mutable(policy: str | None) -> bool:
    if policy not in (None, "mutable", "immutable"):
        raise InvalidValue(f"policy is 'mutable' or 'immutable', got {policy!r}.")
    return policy != "immutable"
