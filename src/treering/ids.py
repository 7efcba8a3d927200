"""
Names and identifiers.

A run is identified by (entity, project, run id). Its folder and permanent link use the **run key**, a hash of the
three that never changes: ``base32(SHA-256(entity, NUL, project, NUL, run id))[:26]`` in lower case.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import unicodedata

from .errors import InvalidName
from .limits import DISPLAY_NAME_MAX_CHARS, FILE_PATH_MAX_BYTES, FOLDER_DEPTH_MAX, NAME_MAX_CHARS

__all__ = [
    "check_alias",
    "check_folder",
    "check_name",
    "check_path",
    "clean_name",
    "new_life_id",
    "new_run_id",
    "new_segment_id",
    "random_run_name",
    "run_key",
]

# "/\#?%:" break URLs and paths; controls break terminals.
_FORBIDDEN = re.compile(r"[/\\#?%:\x00-\x1f\x7f-\x9f]")
# An entity is the first part of a page's address, so it may not be one of ours.
ROUTE_WORDS = frozenset({"api", "assets", "frame", "frame-assets", "r", "settings", "login", "healthz", "static"})

RUN_KEY = re.compile(r"[a-z2-7]{26}\Z")
SEGMENT_ID = re.compile(r"[0-9a-f]{32}\Z")

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


def check_name(value: object, what: str) -> str:
    """
    Return *value* as an entity, project or run id, in Unicode normal form C.

    Raises:
        InvalidName: not a string, empty, longer than 128 characters, ``.`` or ``..``, with one of ``/\\#?%:`` or a
            control character, or (entities) a word that the server's own pages use.
    """
    if not isinstance(value, str):
        raise InvalidName(f"{what} must be a string, got {value!r} ({type(value).__name__}).")
    name = unicodedata.normalize("NFC", value)
    if not name.strip() or name in (".", ".."):
        raise InvalidName(f"{what} {value!r} is empty or a dot name. Give it at least one visible character.")
    if len(name) > NAME_MAX_CHARS:
        raise InvalidName(f"{what} has {len(name)} characters; at most {NAME_MAX_CHARS} are allowed: {name[:40]!r}…")
    bad = _FORBIDDEN.search(name)
    if bad:
        raise InvalidName(
            f"{what} {name!r} has the character {bad.group()!r}, which names may not have. Use '-' or '_'."
        )
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InvalidName(f"{what} {name!r} has half of a surrogate pair; it is not valid Unicode.") from None
    if what == "entity" and name.lower() in ROUTE_WORDS:
        raise InvalidName(f"entity {name!r} is a word of the server's own pages. Choose another name.")
    return name


_VERSION_NAME = re.compile(r"v\d+\Z")


def check_alias(value: object) -> str:
    """
    Return *value* as an alias of an artifact's version: a name that moves from version to version.

    Raises:
        InvalidName: it is no name, or looks like a version's own (``v3``).
    """
    alias = check_name(value, "alias")
    if _VERSION_NAME.match(alias):
        raise InvalidName(f"alias {alias!r} is how versions themselves are called. Choose another name.")
    return alias


def check_path(path: object) -> str:
    """
    Return *path* as the path of a file below a folder of ours, with ``/`` between its parts.

    Raises:
        InvalidName: empty, absolute, with an empty part, ``.`` or ``..``, with NUL, a backslash or a drive letter:
            written to a disk it could end up elsewhere.
    """
    if not isinstance(path, str) or not path or len(path.encode("utf-8", "surrogateescape")) > FILE_PATH_MAX_BYTES:
        raise InvalidName(f"a file's path has 1 to {FILE_PATH_MAX_BYTES:,} bytes, got {str(path)[:80]!r}.")
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\0" in path or "\\" in path or path[1:2] == ":":
        raise InvalidName(f"{path[:200]!r} is no path below a folder: it is absolute, or has '..', NUL or a backslash.")
    return path


def check_folder(value: object) -> str:
    """
    Return *value* as the folder in which a run stands within its project: names with ``/`` between, "" for none.

    Spaces and slashes around the names are taken away.

    Raises:
        InvalidName: not a string, more than ``FOLDER_DEPTH_MAX`` levels or ``DISPLAY_NAME_MAX_CHARS`` characters, or a
            name that is empty, ``.`` or ``..`` or has a control character.
    """
    if not isinstance(value, str):
        raise InvalidName(f"folder must be a string, got {value!r} ({type(value).__name__}).")
    parts = [part.strip() for part in unicodedata.normalize("NFC", value).strip(" /").split("/")]
    folder = "/".join(parts)
    if not folder:
        return ""
    if len(parts) > FOLDER_DEPTH_MAX or len(folder) > DISPLAY_NAME_MAX_CHARS:
        raise InvalidName(
            f"folder {folder[:80]!r} is too deep or long: at most {FOLDER_DEPTH_MAX} levels and "
            f"{DISPLAY_NAME_MAX_CHARS} characters."
        )
    if any(part in ("", ".", "..") for part in parts) or not folder.isprintable():
        raise InvalidName(f"folder {folder!r} has an empty or dot name, or a control character.")
    return folder


def clean_name(value: str, fallback: str) -> str:
    """Return the nearest allowed name for *value* (forbidden characters become ``-``), or *fallback* if none is."""
    name = _FORBIDDEN.sub("-", unicodedata.normalize("NFC", value)).strip()[:NAME_MAX_CHARS]
    name = name.encode("utf-8", "ignore").decode()
    return fallback if not name.strip(" .-") or name.lower() in ROUTE_WORDS else name


def run_key(entity: str, project: str, run_id: str) -> str:
    """Return the 26-character key of a run; equal names give equal keys on every machine."""
    digest = hashlib.sha256(f"{entity}\0{project}\0{run_id}".encode()).digest()
    return base64.b32encode(digest).decode().lower()[:26]


def new_run_id() -> str:
    """Return a random run id of 8 characters, 36**8 = 2.8e12 possible ones."""
    return "".join(_ALPHABET[b % 36] for b in os.urandom(8))


def new_segment_id() -> str:
    """Return a random 128-bit segment id as 32 hexadecimal digits."""
    return os.urandom(16).hex()


def new_life_id() -> str:
    """Return a random 64-bit id for one life of a writer process."""
    return os.urandom(8).hex()


_ADJECTIVES = (
    "amber ancient autumn bold brave brisk calm cedar clear cobalt copper coral crimson dappled dawn deep dusky early "
    "eager ember fair fern flint fresh frosty gentle gilded golden grand hazel honest indigo ivory jade keen kind "
    "larch light linen lively lucid lunar maple mellow merry misty mossy noble northern oaken ochre olive opal pale "
    "patient pearl placid plain polar proud quick quiet rapid ripe rosy rowan ruby russet rustic sage sandy scarlet "
    "serene sharp shy silent silver sleek slow snowy solar solid southern spare spruce steady stormy sunny swift tall "
    "tawny teal tender tidal umber velvet verdant vivid warm western wild willow windy winter wise young"
).split()
_ANIMALS = (
    "adder avocet badger beaver bison bittern bunting buzzard caribou chamois condor coot cormorant crane curlew deer "
    "dipper dormouse dove drake dunlin eagle egret eider elk falcon finch firefly fox fulmar gannet gecko godwit goose "
    "goshawk grebe grouse gull hare harrier hawk hedgehog heron hobby hoopoe ibex ibis jackdaw jay kestrel kingfisher "
    "kite kiwi lapwing lark linnet lynx magpie marmot marten martin merlin mole moose moth newt nightjar nuthatch "
    "oriole osprey otter owl partridge pelican petrel pika pipit plover puffin quail rail raven redstart robin rook "
    "ruff salmon sandpiper seal serin shrew shrike siskin skua skylark snipe sparrow starling stilt stoat stork "
    "swallow swan swift tanager teal tern thrush toad trout turnstone vole wagtail warbler weasel whimbrel wigeon "
    "wolf wren"
).split()


def random_run_name() -> str:
    """Return a display name of two words, such as ``amber-heron``. It need not be unique; run ids are."""
    a, b = os.urandom(2)
    c, d = os.urandom(2)
    return f"{_ADJECTIVES[(a << 8 | b) % len(_ADJECTIVES)]}-{_ANIMALS[(c << 8 | d) % len(_ANIMALS)]}"
