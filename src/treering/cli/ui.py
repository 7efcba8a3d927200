"""``treering ui``: serve a data folder on loopback and open the browser."""

from __future__ import annotations

import argparse
import os
import sys
import webbrowser
from html import escape
from pathlib import Path

from treering.errors import FolderInUse, ServerUnavailable, UsageError
from treering.limits import PORT
from treering.sdk.connection import Connection
from treering.server.alerts.mail import MailSettings
from treering.server.hosts import AllowedHosts
from treering.server.outbound import parse_allowed
from treering.server.ownerfile import OwnerFile
from treering.server.privatefile import write_private
from treering.server.settings import Listening, Settings, check_base_path, parse_embedders

from .folder import data_folder, index_folder
from .output import print_json

__all__ = ["run"]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C; if a server has the folder already, print a fresh link to it and return."""
    if arguments.host is not None and arguments.host not in _LOOPBACK:
        raise UsageError(
            f"--host {arguments.host}: without accounts, whoever reaches the server could read and change every run. "
            "`treering serve` has accounts; or listen on loopback and use `ssh -L`."
        )
    settings = Settings(
        data_folder(arguments.data),
        allowed_hosts=AllowedHosts.parse(arguments.allowed_host),
        embedders=parse_embedders(arguments.allowed_embedder),
        base_path=check_base_path(arguments.base_path),
        index_dir=index_folder(),
        webhook_hosts=parse_allowed(arguments.allow_webhook),
        mail=MailSettings.from_environ(os.environ),
    )

    # Here, since it takes a second: what is wrong with the command line has been said by now.
    from treering.server.serve import serve_loopback

    def started(listening: Listening) -> None:
        _announce(arguments, settings.data_dir, listening, new=True)

    try:
        serve_loopback(settings, arguments.port, started)
    except FolderInUse:
        try:
            running = _link_to_running(settings.data_dir)
        except ServerUnavailable:  # what server.json names is gone; another kind of process has the folder
            running = None
        if running is None:
            raise
        _announce(arguments, settings.data_dir, running, new=False)
    return 0


def _link_to_running(data_dir: Path) -> Listening | None:
    owner = OwnerFile.read(data_dir)
    if owner is None or owner.url is None or owner.port is None:
        return None
    connection = Connection.to_url(f"http://127.0.0.1:{owner.port}", owner.token)
    link = connection.call("POST", "/session/links", {})
    connection.close()
    return Listening(owner.pid, owner.port, owner.url, link["path"].removeprefix("#t="))


def _announce(arguments: argparse.Namespace, data_dir: Path, listening: Listening, new: bool) -> None:
    address = f"{listening.url}#t={listening.one_time}"
    if arguments.json:
        said = {"url": address, "port": listening.port, "data": str(data_dir), "pid": listening.pid, "new": new}
        print_json(said)
        sys.stdout.flush()
        return
    if new:
        print(f"treering: serving {data_dir}")
        if arguments.port is None and listening.port != PORT:
            print(f"  on port {listening.port}: {PORT} is taken, or was when this folder was first served")
    else:
        print(f"treering: {data_dir} is being served already; here is a fresh link")
    print(f"  {address}")
    print("  (the link works once, within ten minutes; `treering ui` prints another)")
    forward = _ssh_line(listening.port)
    if forward:
        print(f"  you are on a remote machine; run this on yours first:\n    {forward}")
    if new:
        print("  Ctrl-C ends the server; the runs are safe in the folder")
    sys.stdout.flush()
    if not (arguments.no_browser or forward):
        _open_browser(address, data_dir)


def _ssh_line(port: int) -> str | None:
    """Return the command that makes this port reachable from where the user sits, or None if that is here."""
    fields = os.environ.get("SSH_CONNECTION", "").split()
    if len(fields) != 4:
        return None
    user = os.environ.get("USER") or os.environ.get("LOGNAME")
    where = f"{user}@{fields[2]}" if user else fields[2]
    ssh_port = "" if fields[3] == "22" else f"-p {fields[3]} "
    return f"ssh -N -L {port}:127.0.0.1:{port} {ssh_port}{where}"


def _open_browser(address: str, data_dir: Path) -> None:
    if sys.platform != "darwin" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return
    # By way of a private file: a browser's arguments can be read by every user of the machine, and the link opens the
    # door.
    page = data_dir / "open.html"
    target = escape(address, quote=True)
    write_private(
        page, f'<!doctype html><meta http-equiv="refresh" content="0;url={target}"><a href="{target}">open</a>'.encode()
    )
    webbrowser.open(page.resolve().as_uri())
