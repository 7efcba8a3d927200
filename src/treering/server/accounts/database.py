"""
The file ``accounts.db``: opened by its owner alone, and never by a version that does not know it.

The server and the command line may have it open at once; SQLite's WAL keeps them apart.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, event

from treering.errors import NewerFormat, StorageError, StorageFull
from treering.limits import KIB
from treering.server.privatefile import check_private

from . import tables as t

__all__ = ["Database", "accounts_file"]

_BUSY_TIMEOUT_S: Final = 10
_LEAST_ROOM_BYTES: Final = 64 * KIB

# From the version named to the next one.
MIGRATIONS: Mapping[int, Callable[[Connection], None]] = {}


def accounts_file(data_dir: Path, index_dir: Path | None = None) -> Path:
    """Return where accounts are kept: in the data folder, or beside an index that is kept off a network folder."""
    return (index_dir or data_dir) / "accounts.db"


class Database:
    """
    Accounts as rows. Thread-safe; ``generation`` grows with each change that this process made to anybody's rights.

    Raises:
        AccessDenied: others can read the file, or it is not ours.
        NewerFormat: a newer version wrote it; it is left as it is.
        StorageError: it is not a database, or cannot be opened.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.clock = clock
        self.generation = 0
        self._lock = threading.Lock()
        _make_private(path)
        try:
            version = _version_of(path)
            if 0 < version < t.VERSION:
                _copy(path, version)
            self._engine = _engine(path)
            if version < t.VERSION:  # else nothing is written: a server can start on a disk that is full
                try:
                    with self.write() as connection:
                        _bring_up_to_date(connection, version)
                except BaseException:
                    self.close()
                    raise
        except (sqlite3.Error, sa.exc.DBAPIError) as error:
            if _is_full(path, error):
                raise _full() from None
            raise StorageError(f"{path} cannot be opened as the accounts of this server: {error}.") from None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection for reading."""
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self, quiet: bool = False) -> Iterator[Connection]:
        """Give a connection whose changes are kept together or not at all. *quiet*: they touch nobody's rights."""
        try:
            with self._lock, self._engine.connect() as connection:
                connection.exec_driver_sql("begin immediate")
                try:
                    yield connection
                except BaseException:
                    with suppress(sa.exc.OperationalError):  # a full disk has ended the transaction already
                        connection.exec_driver_sql("rollback")
                    raise
                connection.exec_driver_sql("commit")
        except sa.exc.OperationalError as error:
            if _is_full(self.path, error):
                raise _full() from None
            raise StorageError(f"{self.path} cannot be written: {error.orig}.") from None
        if not quiet:
            self.generation += 1

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()


def _is_full(path: Path, error: sqlite3.Error | sa.exc.DBAPIError) -> bool:
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    if getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return True
    # Without room for its shared memory SQLite says "disk I/O error", which sends people to the wrong place.
    found = os.statvfs(path.parent)
    return found.f_bavail * found.f_frsize < _LEAST_ROOM_BYTES


def _full() -> StorageFull:
    return StorageFull("The disk that holds the accounts is full. Make room there, and it goes on.")


def _make_private(path: Path) -> None:
    # Made here and not by SQLite, which would ask the umask. Its -wal and -shm files take over the mode.
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        check_private(path, os.lstat(path))
    except OSError as error:
        raise StorageError(f"Cannot make {path}: {error.strerror}.") from None


def _version_of(path: Path) -> int:
    """Return the version of a file without writing to it, or 0 for an empty one."""
    if path.stat().st_size == 0:
        return 0
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        version = int(connection.execute("pragma user_version").fetchone()[0])
    if version > t.VERSION:
        raise NewerFormat(
            f"{path} was written by a newer treering (version {version}, this one knows {t.VERSION}). "
            "It was left untouched. Install that version, or restore a backup from before."
        )
    return version


def _copy(path: Path, version: int) -> None:
    """Keep the file as it was before a migration, the WAL's content included."""
    copy = path.with_name(f"{path.name}.v{version}")
    os.close(os.open(copy, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def _engine(path: Path) -> sa.Engine:
    engine = sa.create_engine(
        f"sqlite:///{path}",
        pool_size=4,
        max_overflow=60,
        connect_args={"check_same_thread": False, "timeout": _BUSY_TIMEOUT_S},
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions begin and end where write() says
        for pragma in ("journal_mode=wal", "synchronous=full", "foreign_keys=on"):
            connection.execute(f"pragma {pragma}")

    return engine


def _bring_up_to_date(connection: Connection, version: int) -> None:
    if version == 0:
        t.metadata.create_all(connection)
    for step in range(version, t.VERSION):
        if step > 0:
            MIGRATIONS[step](connection)
    connection.exec_driver_sql(f"pragma user_version = {t.VERSION}")
