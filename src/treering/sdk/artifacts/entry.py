"""One entry of an artifact: a file, or a reference."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from treering.errors import UsageError
from treering.runlog.artifact_manifest import Entry

from .contents import Local

if TYPE_CHECKING:
    from .facts import ArtifactFacts

__all__ = ["ArtifactEntry", "ArtifactManifest"]


class ArtifactEntry:
    """
    One entry of a version.

    Attributes:
        path, name: where it stands in the artifact.
        size: bytes; None for a reference of unknown size.
        digest: SHA-256 of the bytes, or what identifies what a reference leads to.
        ref: the address of a reference, else None.
    """

    def __init__(self, artifact: ArtifactFacts, path: str, entry: Entry | Local) -> None:
        self._artifact = artifact
        self._entry = entry
        self.path = self.name = path
        found = Entry(*_identified(entry)) if isinstance(entry, Local) else entry
        self.size = found.bytes
        self.ref = found.ref
        self.digest = found.sha256 if found.sha256 is not None else found.digest

    def __repr__(self) -> str:
        return f"<ArtifactEntry {self.path} {self.size} bytes>" if self.ref is None else f"<ArtifactEntry {self.ref}>"

    @property
    def local_path(self) -> str | None:
        """Where the bytes are before the version is logged; None afterwards."""
        return str(self._entry.copy or self._entry.source) if isinstance(self._entry, Local) else None

    def ref_target(self) -> str:
        """Return the address of a reference. Raises UsageError: it is none."""
        if self.ref is None:
            raise UsageError(f"{self.path!r} is no reference; it holds bytes.")
        return self.ref

    def download(self, root: str | os.PathLike[str] | None = None) -> Path:
        """
        Write the file below *root* under its path and return where it is; raises as ``Artifact.download``.

        A reference is followed, from this machine.
        """
        folder = self._artifact.download(root, path_prefix=self.path, references=self.ref is not None)
        return folder / self.path


class ArtifactManifest:
    """What is in a version: ``entries``, by path."""

    def __init__(self, entries: dict[str, ArtifactEntry]) -> None:
        self.entries = entries

    def __len__(self) -> int:
        return len(self.entries)


def _identified(entry: Local) -> tuple[int, str]:
    blob = entry.identify()
    return blob.size, blob.sha256
