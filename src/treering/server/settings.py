"""What a server is told at start. Everything that can change the answer of a request is here or in the store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from treering.errors import InvalidValue

from .hosts import AllowedHosts, parse_origin
from .proxies import Network

if TYPE_CHECKING:
    from .alerts.mail import MailSettings

__all__ = ["STATIC_DIR", "Certificate", "Listening", "Settings", "check_base_path", "parse_embedders"]

STATIC_DIR = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True)
class Settings:
    """
    Settings of one server process.

    Args:
        data_dir: the data folder that the store was opened on.
        allowed_hosts: host names beyond localhost under which browsers may reach this server (``--allowed-host``).
        embedders: origins whose pages may show this server in a frame (``--allowed-embedder``).
        base_path: path under which a proxy shows the server, beginning and ending with ``/``.
        static_dir: the built UI.
        index_dir: where the index is, if not in the data folder; on a local disk when the folder is on a network.
        trusted_proxies: addresses whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed.
        disk_reserve_bytes: room on the disk below which nothing new is taken in; None for a share of it.
        webhook_hosts: hosts and ports that alerts may be sent to wherever they are (``--allow-webhook``).
        mail: where alerts by mail are handed in.
        idle: this server was started by a reading command and may be asked to hand the folder over.
    """

    data_dir: Path
    allowed_hosts: AllowedHosts = field(default_factory=AllowedHosts)
    embedders: tuple[str, ...] = ()
    base_path: str = "/"
    static_dir: Path = STATIC_DIR
    index_dir: Path | None = None
    idle: bool = False
    trusted_proxies: tuple[Network, ...] = ()
    disk_reserve_bytes: int | None = None
    webhook_hosts: frozenset[tuple[str, int]] = frozenset()
    mail: MailSettings | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """The files of a TLS certificate and its key, in PEM."""

    chain: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Listening:
    """
    What a started server tells whoever started it.

    ``one_time`` is a code for the first browser, on a server with accounts for its first admin; "" if there is one.
    """

    pid: int
    port: int
    url: str
    one_time: str


def parse_embedders(texts: Iterable[str]) -> tuple[str, ...]:
    """
    Return origins that may frame the pages, as a browser writes them.

    Raises:
        InvalidValue: one is no ``scheme://host[:port]``.
    """
    found = []
    for text in texts:
        origin = parse_origin(text.strip().rstrip("/").lower())
        if origin is None:
            raise InvalidValue(f"--allowed-embedder {text!r} must be an origin such as http://localhost:8888.")
        scheme, host = origin
        name = f"[{host.name}]" if ":" in host.name else host.name
        found.append(f"{scheme}://{name}" + (f":{host.port}" if host.port is not None else ""))
    return tuple(dict.fromkeys(found))


def check_base_path(text: str) -> str:
    """
    Return the path under which a proxy shows the server, beginning and ending with ``/``.

    Raises:
        InvalidValue: it has other characters than addresses of ours.
    """
    path = f"/{text.strip('/')}/".replace("//", "/")
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/")
    if not set(path) <= allowed or ".." in path:
        raise InvalidValue(f"--base-path {text!r} may have letters, digits and -._~/ only.")
    return path
