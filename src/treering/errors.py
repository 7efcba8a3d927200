"""
Every error that treering raises.

::

    TreeringError
    ├── UsageError (ValueError)            a call or a setting that cannot be right
    │   ├── InvalidName                    an entity, project, run id or key with forbidden characters
    │   ├── InvalidValue                   an argument of the wrong type or range
    │   ├── AmbiguousName                  a name that fits several runs; the message lists them
    │   ├── FilterError                    a filter text that does not parse; carries the position
    │   └── ExpressionError                an expression over metrics that does not parse; carries the position
    ├── NotFound (LookupError)
    │   ├── ProjectNotFound
    │   ├── RunNotFound
    │   ├── MetricNotFound
    │   ├── SegmentNotFound
    │   ├── UserNotFound
    │   ├── KeyNotFound                    an API key's id
    │   └── ShareNotFound                  a share link's id
    ├── StorageError (OSError)             the disk, not the caller
    │   ├── FolderNotWritable
    │   ├── StorageFull                    no room, or less than is kept in reserve
    │   └── FolderInUse                    another process owns this folder's index
    ├── FormatError                        bytes that are not what they claim to be
    │   ├── NotASegment
    │   └── NewerFormat                    written by a newer treering; names the version needed
    ├── SegmentConflict                    shipped bytes do not go on where the copy here ends; carries what is here
    │   ├── SegmentGap                     they begin behind its end
    │   └── SegmentDiverged                they contradict it
    ├── EditConflict                       somebody else changed it since it was read
    ├── BlobConflict                       a piece of a file does not begin where those that are here end
    ├── Overloaded                         more waits than may wait; try again
    ├── LimitExceeded (ValueError)         a size, depth or count beyond treering.limits
    ├── AccessDenied (PermissionError)
    ├── MissingExtra (ImportError)         an optional dependency; names the extra to install
    ├── ServerUnavailable (ConnectionError)
    └── RemoteError                        the server refused; carries its code, message and hint

A message says what was seen, where, and what to do about it.
"""

from __future__ import annotations

__all__ = [
    "AccessDenied",
    "AmbiguousName",
    "EditConflict",
    "ExpressionError",
    "FilterError",
    "FolderInUse",
    "FolderNotWritable",
    "FormatError",
    "InvalidName",
    "InvalidValue",
    "KeyNotFound",
    "LimitExceeded",
    "MetricNotFound",
    "MissingExtra",
    "NewerFormat",
    "NotASegment",
    "NotFound",
    "Overloaded",
    "ProjectNotFound",
    "RemoteError",
    "RunNotFound",
    "SegmentConflict",
    "SegmentDiverged",
    "SegmentGap",
    "SegmentNotFound",
    "ServerUnavailable",
    "ShareNotFound",
    "StorageError",
    "StorageFull",
    "TreeringError",
    "UsageError",
    "UserNotFound",
]


class TreeringError(Exception):
    """Base of every error that treering raises."""


class UsageError(TreeringError, ValueError):
    """A call or a setting that cannot be right."""


class InvalidName(UsageError):
    """An entity, project, run id or metric key that is empty, too long or has forbidden characters."""


class InvalidValue(UsageError):
    """An argument of the wrong type or out of range."""


class AmbiguousName(UsageError):
    """A name or id that fits several runs."""


class FilterError(UsageError):
    """A filter text that does not parse. ``position`` counts characters from 0."""

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.position = position


class ExpressionError(UsageError):
    """An expression over metrics that does not parse. ``position`` counts characters, the ``=`` being 0."""

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.position = position


class NotFound(TreeringError, LookupError):
    """Something that was asked for by name or id does not exist, or may not be seen."""


class ProjectNotFound(NotFound):
    """No project has this entity and name."""


class RunNotFound(NotFound):
    """No run has this key, id or name."""


class MetricNotFound(NotFound):
    """The run never logged this key."""


class SegmentNotFound(NotFound):
    """No segment file has this id."""


class UserNotFound(NotFound):
    """No account has this name."""


class KeyNotFound(NotFound):
    """No API key has this id."""


class ShareNotFound(NotFound):
    """No share link has this id."""


class StorageError(TreeringError, OSError):
    """The disk refused: full, read-only, unreachable or broken."""


class FolderNotWritable(StorageError):
    """The data folder cannot be written, and no fall-back is allowed."""


class FolderInUse(StorageError):
    """Another process owns the index of this data folder."""


class StorageFull(StorageError):
    """The disk has no room, or less than the server keeps in reserve."""


class FormatError(TreeringError):
    """Bytes that are not what they claim to be."""


class NotASegment(FormatError):
    """The file does not begin with a treering segment header."""


class NewerFormat(FormatError):
    """Written by a newer treering, in a way that this version must not guess at."""


class SegmentConflict(TreeringError):
    """Shipped bytes do not go on where the copy here ends. ``held`` is (length, chain, sealed) of what is here."""

    def __init__(self, message: str, held: tuple[int, int, bool]) -> None:
        super().__init__(message)
        self.held = held


class SegmentGap(SegmentConflict):
    """The bytes begin behind the end of what is here."""


class SegmentDiverged(SegmentConflict):
    """The bytes contradict what is here, which is never overwritten."""


class EditConflict(TreeringError):
    """Somebody else changed it since the version that this change was made to."""


class BlobConflict(TreeringError):
    """A piece of a file does not begin where the bytes that are here end. ``length`` of them are."""

    def __init__(self, message: str, length: int) -> None:
        super().__init__(message)
        self.length = length


class Overloaded(TreeringError):
    """More waits than may wait. Nothing was stored; try again."""


class LimitExceeded(TreeringError, ValueError):
    """A size, depth or count beyond the limits in ``treering.limits``."""


class AccessDenied(TreeringError, PermissionError):
    """The caller may not do this."""


class MissingExtra(TreeringError, ImportError):
    """An optional dependency is not installed; the message has the command that installs it."""


class ServerUnavailable(TreeringError, ConnectionError):
    """No server answers at the address in the message."""


class RemoteError(TreeringError):
    """The server refused. ``code`` is one of the documented error codes."""

    def __init__(self, message: str, code: str = "error", hint: str = "", status: int = 0) -> None:
        super().__init__(f"{message} {hint}".rstrip())
        self.code = code
        self.hint = hint
        self.status = status
