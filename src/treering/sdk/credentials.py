"""
Keys of servers, in ``~/.config/treering/credentials.json``, by the server's address.

The file is this user's alone (0600). One that others can read, or that others could have put there, is not used:
it says what to do instead.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from treering.errors import AccessDenied, StorageError

__all__ = ["Credentials", "Login", "credentials_path", "plain_url"]

_MAX_BYTES: Final = 1024 * 1024


class Login(msgspec.Struct):
    """What is kept of one server."""

    key: str
    user: str = ""
    entity: str = ""

    def __repr__(self) -> str:
        return f"Login(user={self.user!r}, entity={self.entity!r})"


class _File(msgspec.Struct):
    version: int = 1
    servers: dict[str, Login] = {}
    default: str | None = None


def credentials_path(environ: Mapping[str, str]) -> Path:
    """Return the file's place: below ``XDG_CONFIG_HOME``, else ``~/.config``."""
    base = environ.get("XDG_CONFIG_HOME", "")
    folder = Path(base) if base.startswith("/") else Path(environ.get("HOME") or "/") / ".config"
    return folder / "treering" / "credentials.json"


def plain_url(url: str) -> str:
    """Return an address as keys are kept under it: scheme and host in lower case, no default port, no last slash."""
    plain = url.strip().rstrip("/")
    scheme, separator, rest = plain.partition("://")
    if not separator:
        return plain
    host, slash, path = rest.partition("/")
    scheme, host = scheme.lower(), host.lower().removesuffix({"http": ":80", "https": ":443"}.get(scheme.lower(), "/"))
    return f"{scheme}://{host}{slash}{path}"


class Credentials:
    """
    The keys of this user.

    Raises:
        AccessDenied: others can read the file.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.path = credentials_path(environ)
        self._file = self._read()

    @property
    def default(self) -> str | None:
        """The server that runs go to without being told, if one was chosen with ``treering login --default``."""
        return self._file.default

    @property
    def servers(self) -> dict[str, Login]:
        """Logins by base URL."""
        return dict(self._file.servers)

    def find(self, url: str) -> Login | None:
        """Return the login of exactly this server; a key is never used for another host."""
        return self._file.servers.get(url)

    def single(self) -> str | None:
        """Return the base URL if there is one login and no more."""
        return next(iter(self._file.servers)) if len(self._file.servers) == 1 else None

    def put(self, url: str, login: Login, *, make_default: bool) -> None:
        """
        Keep a login.

        Raises:
            StorageError: the file cannot be written.
        """
        self._file.servers[url] = login
        if make_default:
            self._file.default = url
        content = msgspec.json.format(msgspec.json.encode(self._file), indent=2) + b"\n"
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=".credentials-", dir=self.path.parent)  # 0600
            with open(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self.path)
        except OSError as error:
            raise StorageError(f"the key cannot be kept in {self.path}: {error.strerror or error}") from None

    def _read(self) -> _File:
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            return _File()
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
                raise AccessDenied(
                    f"{self.path} is not private to you, so no key is read from it: chmod 600 '{self.path}'"
                )
            content = file.read(_MAX_BYTES)
        try:
            return msgspec.json.decode(content, type=_File)
        except (msgspec.DecodeError, RecursionError):
            raise AccessDenied(
                f"{self.path} is not the file that `treering login` writes; remove it and log in again."
            ) from None
