"""The code that a run ran, put together from what was recorded at its start."""

from __future__ import annotations

from typing import Final

from treering.limits import CODE_FILES_SHOWN

from .blobs import FileBlobs
from .files import list_files
from .metadata import MetadataStore
from .model import CodeState
from .state import RunState

__all__ = ["read_code"]

_PATCH: Final = ("patch",)
_TREE: Final = ("tree",)
_CODE: Final = ("code", "notebook")


def read_code(metadata: MetadataStore, blobs: FileBlobs, state: RunState) -> CodeState:
    """Return what is known of the code of a run."""
    patches = list_files(metadata, blobs, state, _PATCH, limit=1).files
    trees = list_files(metadata, blobs, state, _TREE, limit=1).files
    code = list_files(metadata, blobs, state, _CODE, limit=CODE_FILES_SHOWN)
    git, about = state.facts.get("git"), state.facts.get("code")
    about = about if isinstance(about, dict) else {}
    skipped = about.get("skipped")
    kind = about.get("kind")
    return CodeState(
        kind=kind if isinstance(kind, str) else "git" if isinstance(git, dict) else "copy" if code.total else "none",
        git=git if isinstance(git, dict) else None,
        patch=patches[0] if patches else None,
        tree=trees[0] if trees else None,
        files=code.files,
        files_total=code.total,
        skipped=skipped if isinstance(skipped, list) else [],
        command=str(state.meta.get("command") or ""),
        cwd=str(state.meta.get("cwd") or ""),
    )
