"""
Where a project's alerts are sent.

The address of a webhook is a secret: who has it can write into somebody's chat. So channels stand in a file of their
own that only the server's user can read, beside the accounts and not in the run log, and nobody is shown more of an
address than its host.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from treering.errors import EditConflict, FormatError, InvalidValue, LimitExceeded, NewerFormat, NotFound, StorageError
from treering.limits import ALERT_CHANNELS_MAX, ALERT_RECIPIENTS_MAX, ALERT_SECRET_MAX_CHARS, NAME_MAX_CHARS
from treering.server.outbound import Outbound, parse_target
from treering.server.privatefile import read_private, write_private
from treering.store.alert_rule_documents import LEVELS, Level

from .quiet_hours import Quiet

__all__ = ["Channel", "ChannelChange", "Channels", "Kind", "channels_file"]

Kind = Literal["email", "slack", "webhook"]

_FORMAT: Final = 1
_MAILBOX: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])")


def channels_file(data_dir: Path, index_dir: Path | None = None) -> Path:
    """Return where channels are kept: beside the accounts."""
    return (index_dir or data_dir) / "alert-channels.json"


class Channel(msgspec.Struct, frozen=True):
    """
    A channel. Times are unix seconds.

    Attributes:
        level: alerts below it are not sent.
        to: mailboxes, of kind "email".
        url: where a webhook is; a secret.
        secret: what a generic webhook's messages are signed with; "" for none.
        quiet: hours in which nothing is sent, and then all in one message.
        on_at: when it was last turned on, or told to send more than before.
    """

    id: str
    entity: str
    project: str
    name: str
    kind: Kind
    created_by: str
    created_at: float
    changed_by: str
    changed_at: float
    enabled: bool = True
    level: Level = "INFO"
    to: tuple[str, ...] = ()
    url: str = ""
    secret: str = ""
    quiet: Quiet | None = None
    version: int = 1
    on_at: float = 0.0

    @property
    def since(self) -> float:
        """What was raised before is none of its business: when it was made, turned on, or told to send more."""
        return max(self.created_at, self.on_at)

    @property
    def shown(self) -> str:
        """What people are shown of where it leads."""
        if self.kind == "email":
            return ", ".join(self.to)
        return f"{parse_target(self.url).shown}/…"


class ChannelChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """What of a channel is to change; UNSET stays."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET
    level: Level | msgspec.UnsetType = msgspec.UNSET
    to: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    url: str | msgspec.UnsetType = msgspec.UNSET
    secret: str | msgspec.UnsetType = msgspec.UNSET
    quiet: Quiet | msgspec.UnsetType | None = msgspec.UNSET

    def fields(self) -> dict[str, Any]:
        """Return what is given."""
        return {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not msgspec.UNSET}


class _File(msgspec.Struct):
    format: int
    channels: list[Channel]


class Channels:
    """
    The channels of all projects. Thread-safe.

    Raises:
        AccessDenied: others can read the file.
        NewerFormat, FormatError: it is not one of ours.
    """

    def __init__(self, path: Path, outbound: Outbound, clock: Callable[[], float]) -> None:
        self._path = path
        self._outbound = outbound
        self._clock = clock
        self._lock = threading.Lock()
        self._channels = {channel.id: channel for channel in _read(path)}

    def of_project(self, entity: str, project: str) -> list[Channel]:
        """Return the channels of a project, by name."""
        with self._lock:
            found = [one for one in self._channels.values() if (one.entity, one.project) == (entity, project)]
        return sorted(found, key=lambda one: (one.name.casefold(), one.id))

    def get(self, channel_id: str) -> Channel | None:
        """Return a channel."""
        return self._channels.get(channel_id)

    def find(self, entity: str, project: str, channel_id: str) -> Channel:
        """Return a channel of a project. Raises NotFound."""
        found = self._channels.get(channel_id)
        if found is None or (found.entity, found.project) != (entity, project):
            raise NotFound(f"there is no alert channel {channel_id[:64]!r} in {entity}/{project}.")
        return found

    def create(self, entity: str, project: str, kind: Kind, author: str, change: ChannelChange) -> Channel:
        """Save a new channel. Raises InvalidValue, LimitExceeded, StorageError."""
        now = self._clock()
        fields = {"name": "", **change.fields()}
        channel = Channel(
            id=secrets.token_hex(8),
            entity=entity,
            project=project,
            kind=kind,
            created_by=author,
            created_at=now,
            changed_by=author,
            changed_at=now,
            **fields,
        )
        self._check(channel)
        with self._lock:
            here = [one for one in self._channels.values() if (one.entity, one.project) == (entity, project)]
            if len(here) >= ALERT_CHANNELS_MAX:
                raise LimitExceeded(
                    f"{entity}/{project} has {ALERT_CHANNELS_MAX} alert channels, and that is the most."
                )
            self._save({**self._channels, channel.id: channel})
        return channel

    def change(self, channel: Channel, author: str, version: int, change: ChannelChange) -> Channel:
        """
        Save a changed channel; what is not given stays, the secrets too.

        Raises:
            EditConflict: its version is not *version*.
            InvalidValue, StorageError: as ``create``.
        """
        now_s = self._clock()
        changed = msgspec.structs.replace(
            channel, **change.fields(), changed_by=author, changed_at=now_s, version=channel.version + 1
        )
        self._check(changed)
        if changed.enabled and (not channel.enabled or LEVELS.index(changed.level) < LEVELS.index(channel.level)):
            changed = msgspec.structs.replace(changed, on_at=now_s)
        with self._lock:
            now = self._channels.get(channel.id)
            if now is None or now.version != version:
                raise EditConflict(f"{channel.name!r} was changed meanwhile. Look at it again.")
            self._save({**self._channels, channel.id: changed})
        return changed

    def delete(self, channel: Channel) -> None:
        """Delete a channel. Raises StorageError."""
        with self._lock:
            self._save({key: one for key, one in self._channels.items() if key != channel.id})

    def _check(self, channel: Channel) -> None:
        if not channel.name.strip() or len(channel.name) > NAME_MAX_CHARS:
            raise InvalidValue(f"a channel's name has 1 to {NAME_MAX_CHARS} characters, got {channel.name!r:.80}.")
        if channel.level not in LEVELS:
            raise InvalidValue(f"level is INFO, WARN or ERROR, got {channel.level!r:.40}.")
        if channel.quiet is not None:
            channel.quiet.check()
        if len(channel.secret) > ALERT_SECRET_MAX_CHARS:
            raise InvalidValue(f"a secret has at most {ALERT_SECRET_MAX_CHARS} characters.")
        if channel.kind == "email":
            if not 1 <= len(channel.to) <= ALERT_RECIPIENTS_MAX:
                raise InvalidValue(f"e-mail goes to 1 to {ALERT_RECIPIENTS_MAX} addresses.")
            # "=?" begins what mail programs decode, line breaks and all.
            wrong = next((to for to in channel.to if not _MAILBOX.fullmatch(to) or "=?" in to), None)
            if wrong is not None:
                raise InvalidValue(f"{wrong!r:.80} is no e-mail address.")
            if channel.url or channel.secret:
                raise InvalidValue("e-mail has no address on the web and no secret.")
            return
        if channel.to:
            raise InvalidValue("a webhook has no e-mail addresses.")
        if channel.secret and channel.kind == "slack":
            raise InvalidValue("chats check no signature: a secret belongs to a generic webhook.")
        self._outbound.check(channel.url)

    def _save(self, channels: dict[str, Channel]) -> None:
        """Write the file, and keep in memory what it then says."""
        try:
            write_private(self._path, msgspec.json.encode(_File(_FORMAT, list(channels.values()))))
        except OSError as error:
            raise StorageError(f"Cannot write {self._path}: {error.strerror}.") from None
        self._channels = channels


def _read(path: Path) -> list[Channel]:
    data = read_private(path)
    if data is None:
        return []
    try:
        head = msgspec.json.decode(data)
        if head["format"] > _FORMAT:
            raise NewerFormat(f"{path} was written by a newer treering. It was left untouched.")
        return msgspec.json.decode(data, type=_File).channels
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise FormatError(f"{path} does not hold alert channels: {error}. Move it away, and make them anew.") from None
