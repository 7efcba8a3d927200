"""``treering serve``: serve a data folder to people with accounts, and to trainings on other machines."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from treering.errors import UsageError
from treering.limits import PORT
from treering.server.alerts.mail import MailSettings
from treering.server.hosts import AllowedHosts
from treering.server.outbound import parse_allowed
from treering.server.proxies import parse_proxies
from treering.server.settings import Certificate, Listening, Settings, check_base_path, parse_embedders

from .folder import data_folder, index_folder
from .output import print_json

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    settings = Settings(
        data_folder(arguments.data),
        allowed_hosts=AllowedHosts.parse(arguments.allowed_host),
        embedders=parse_embedders(arguments.allowed_embedder),
        base_path=check_base_path(arguments.base_path),
        index_dir=index_folder(),
        webhook_hosts=parse_allowed(arguments.allow_webhook),
        mail=MailSettings.from_environ(os.environ),
        trusted_proxies=parse_proxies(arguments.trusted_proxy),
    )
    certificate = _certificate(arguments.tls_cert, arguments.tls_key)

    # Here, since it takes a second: what is wrong with the command line has been said by now.
    from treering.server.serve import serve_team

    def started(listening: Listening) -> None:
        _announce(arguments, settings.data_dir, listening)

    port = PORT if arguments.port is None else arguments.port
    serve_team(settings, arguments.host, port, started, certificate, arguments.allow_public)
    return 0


def _certificate(chain: str | None, key: str | None) -> Certificate | None:
    if chain is None and key is None:
        return None
    if chain is None or key is None:
        raise UsageError("--tls-cert and --tls-key belong together: the certificate with its chain, and its key.")
    return Certificate(Path(chain).absolute(), Path(key).absolute())


def _announce(arguments: argparse.Namespace, data_dir: Path, listening: Listening) -> None:
    setup = f"{listening.url}#setup={listening.one_time}" if listening.one_time else None
    if arguments.json:
        print_json(
            {
                "url": listening.url,
                "port": listening.port,
                "data": str(data_dir),
                "pid": listening.pid,
                "setup": setup,
            }
        )
    else:
        print(f"treering: serving {data_dir}")
        print(f"  {listening.url}")
        if setup is not None:
            print("  There is no account yet. Open this link to make the first; it works once, for a day:")
            print(f"    {setup}")
        print(f"  trainings: export TREERING_BASE_URL={listening.url.rstrip('/')} and TREERING_API_KEY=…")
    sys.stdout.flush()
