"""A PostgreSQL server of the tests' own, 15 on Debian 12, in a temporary folder, on a unix socket."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

BIN = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), default=Path("/nowhere"))


def is_here() -> bool:
    return (BIN / "initdb").exists()


class PostgresServer:
    """Started in the constructor. PostgreSQL refuses to run as root, so root becomes the user ``postgres``."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="treering-pg-"))
        self._as = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.getuid() == 0 else []
        if self._as:
            shutil.chown(self.folder, "postgres", "postgres")
        self._run(
            "initdb",
            "-D",
            self.folder / "data",
            "-A",
            "trust",
            "-U",
            "treering",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
        )
        options = f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c fsync=off -c max_connections=60"
        self._run("pg_ctl", "-D", self.folder / "data", "-w", "-l", self.folder / "log", "-o", options, "start")
        self._databases = 0

    def _run(self, program: str, *arguments: object) -> None:
        command = [*self._as, str(BIN / program), *map(str, arguments)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder)

    def new_database(self) -> str:
        """Create an empty database and return its SQLAlchemy URL."""
        self._databases += 1
        name = f"t{self._databases}"
        self._run("createdb", "-h", self.folder, "-U", "treering", name)
        return f"postgresql+psycopg://treering@/{name}?host={self.folder}"

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)
