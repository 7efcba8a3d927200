"""The lists of what is in versions, read from blobs once and kept while there is room."""

from __future__ import annotations

import threading
from collections import OrderedDict

from treering.errors import FormatError, LimitExceeded, TreeringError
from treering.limits import ARTIFACT_MANIFEST_MAX_BYTES, ARTIFACT_MANIFESTS_HELD
from treering.runlog.artifact_manifest import Manifest

from .blobs import FileBlobs

__all__ = ["Manifests"]


class Manifests:
    """Reads manifests by their digests. Thread-safe. What was read once was checked, so nothing is checked twice."""

    def __init__(self, blobs: FileBlobs) -> None:
        self._blobs = blobs
        self._kept: OrderedDict[str, tuple[Manifest, frozenset[str]]] = OrderedDict()
        self._entries = 0
        self._lock = threading.Lock()

    def read(self, digest: str) -> Manifest:
        """
        Return the manifest with this digest.

        Raises:
            NotFound: it is not here.
            FormatError, LimitExceeded: it is no manifest that may be read.
        """
        return self._read(digest)[0]

    def holds(self, digest: str, sha256: str) -> bool:
        """Return whether a version's bytes are among those of a hash; raises as ``read``."""
        return sha256 == digest or sha256 in self._read(digest)[1]

    def content(self, digest: str) -> frozenset[str]:
        """Return the hashes of what a version holds itself; of one whose manifest is not here none."""
        try:
            return self._read(digest)[1]
        except TreeringError:
            return frozenset()

    def _read(self, digest: str) -> tuple[Manifest, frozenset[str]]:
        with self._lock:
            found = self._kept.pop(digest, None)
            if found is not None:
                self._kept[digest] = found
                return found
        size = self._blobs.size(digest)
        if size > ARTIFACT_MANIFEST_MAX_BYTES:
            raise LimitExceeded(f"the list of entries has {size:,} bytes; at most {ARTIFACT_MANIFEST_MAX_BYTES:,}.")
        manifest = Manifest.decode(self._blobs.range(digest, 0, size))
        found = manifest, frozenset(manifest.blobs())
        with self._lock:
            if digest not in self._kept:
                self._kept[digest] = found
                self._entries += len(manifest)
            while self._entries > ARTIFACT_MANIFESTS_HELD and len(self._kept) > 1:
                self._entries -= len(self._kept.popitem(last=False)[1][0])
        return found


def read_or_refuse(manifests: Manifests, digest: str) -> tuple[Manifest | None, str]:
    """Return a manifest that is here, or why it is none that may be read."""
    try:
        return manifests.read(digest), ""
    except (FormatError, LimitExceeded) as error:
        return None, str(error)
