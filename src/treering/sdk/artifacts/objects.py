"""
Rich values in artifacts: ``artifact.add(tr.Table(…), "eval")`` and ``artifact.get("eval")``.

A value is an entry ``eval.table.json``, which says what it is, and its files below ``media/``, by their hashes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from treering.errors import FormatError, InvalidValue
from treering.runlog.artifact_manifest import check_entry_path
from treering.sdk.media.audio import Audio
from treering.sdk.media.html import Html
from treering.sdk.media.image import Image
from treering.sdk.media.loggable import as_media
from treering.sdk.media.media import Media, Shelf
from treering.sdk.media.parquet import read_rows
from treering.sdk.media.table import Table
from treering.sdk.media.video import Video
from treering.values import to_json

from .contents import Contents, Local
from .entry import ArtifactManifest

__all__ = ["object_entry", "read_object", "write_object"]

_SHORT: Final = 20  # hexadecimal digits of a hash in a file's name
_KINDS: Final = {"table-file": "table"}  # as other trackers call it in a file's name
_MADE_OF_FILES: Final[dict[str, Callable[[str], Media]]] = {
    "image-file": Image,
    "audio-file": Audio,
    "video-file": Video,
    "html-file": Html,
}


class Readable(Protocol):
    """What is needed of an artifact to read a value out of it."""

    @property
    def name(self) -> str: ...
    @property
    def manifest(self) -> ArtifactManifest: ...
    def download(self, *, path_prefix: str) -> Path: ...


def object_entry(name: str, value: Any) -> str:
    """Return the path of the entry that says what a value is. Raises InvalidValue, InvalidName."""
    media = as_media(value)
    if media is None:
        raise InvalidValue(f"add(): a {type(value).__qualname__} is no rich value; add_file() adds files.")
    return check_entry_path(f"{name}.{_KINDS.get(media.kind, media.kind)}.json")


def write_object(value: Any, path: str, contents: Contents) -> dict[str, Local]:
    """Encode a value; return its entries by their paths. Raises InvalidValue: it cannot be used."""
    media = as_media(value)
    assert media is not None
    if media.problem:
        raise InvalidValue(f"add(): {media.problem}.")
    shelf = Shelf(contents.blobs, lambda text: None)
    described = {"_type": media.type_name, **shelf.encode(media.snapshot())}
    text = msgspec.json.encode(to_json(described), order="sorted")
    entries = {path: Local(contents.blobs.put(text), None, None)}
    for file in shelf.files:
        place = f"media/{file.kind or 'file'}/{file.blob.sha256[:_SHORT]}.{file.extension or 'bin'}"
        entries[place] = Local(file.blob, None, None)
    return entries


def read_object(artifact: Readable, name: str) -> Any:
    """
    Return the value that was added under *name*, or None if there is none.

    A table, a picture, sound, a video and HTML become what they were; of other kinds the map that describes them.

    Raises:
        FormatError: what is there is no rich value.
        MissingExtra: a table needs DuckDB or pyarrow.
    """
    paths = [path for path in artifact.manifest.entries if path == name or _is_named(path, name)]
    if not paths:
        return None
    folder = artifact.download(path_prefix=paths[0])
    try:
        described = msgspec.json.decode((folder / paths[0]).read_bytes(), type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        raise FormatError(f"{paths[0]!r} of {artifact.name} is no rich value; get_entry() returns files.") from None
    kind, sha256 = described.get("_type"), str(described.get("sha256"))
    file = next((path for path, each in artifact.manifest.entries.items() if each.digest == sha256), None)
    if file is None:
        return described
    artifact.download(path_prefix=file)
    if kind == "table-file":
        return _read_table(folder / file, described)
    maker = _MADE_OF_FILES.get(str(kind))
    return described if maker is None else maker(str(folder / file))


def _is_named(path: str, name: str) -> bool:
    return path.startswith(f"{name}.") and path.endswith(".json") and path.count(".", len(name)) == 2


def _read_table(path: Path, described: dict[str, Any]) -> Table:
    columns = [str(name) for name in described.get("columns") or ()]
    return Table(columns=columns, data=[list(row) for row in read_rows(path)] if columns else [])
