"""``treering login``: check a server's key and keep it."""

from __future__ import annotations

import argparse
import getpass
import os
import sys

from treering.errors import AccessDenied, InvalidValue, UsageError
from treering.sdk.credentials import Credentials, Login, plain_url
from treering.sdk.destination import Refused
from treering.sdk.remote import RemoteServer
from treering.sdk.transport import Address, Trust

from .output import print_json, visible

__all__ = ["run"]

_FORBIDDEN = 403


def run(arguments: argparse.Namespace) -> int:
    """Ask for what is missing, check it against the server, keep it, and say as whom."""
    credentials = Credentials(os.environ)
    url = arguments.url or os.environ.get("TREERING_BASE_URL") or credentials.default or credentials.single()
    if not url:
        raise UsageError("Which server? treering login https://treering.example")
    url = plain_url(Address.parse(url).url)
    trust = Trust.from_environ(os.environ)
    if trust.insecure:
        print(f"treering: WARNING: the certificate of {url} is not checked (TREERING_INSECURE).", file=sys.stderr)
    _check_server(url, trust)
    key = _key(arguments.key, url)
    server = RemoteServer(url, key, trust, os.environ)
    user = entity = ""
    try:
        session = server.session()
        about = session.get("user")
        user = str(about.get("name") or "") if isinstance(about, dict) else ""
        entity = str(session.get("entity") or "")[:128]
    except Refused as error:
        if error.status != _FORBIDDEN:
            raise AccessDenied(str(error)) from None
        server.query([])  # a key that may send runs and not read them
    finally:
        server.close()
    credentials.put(url, Login(key, user, entity), make_default=arguments.default)
    if arguments.json:
        print_json({"url": url, "user": user, "entity": entity, "default": credentials.default == url})
        return 0
    who = f" as {visible(user)}" if user else ""
    where = f"; new runs are filed under {visible(entity)}" if entity else ""
    print(f"logged in to {url}{who}{where}. The key is kept in {credentials.path}")
    if credentials.default == url:
        print("Runs go there from now on, unless they are told otherwise.")
    else:
        print(f'Send a run there: TREERING_BASE_URL={url}, or tr.init(mode="online"); always: treering login --default')
    return 0


def _check_server(url: str, trust: Trust) -> None:
    """Find out whether a treering server is there before anybody types a key."""
    server = RemoteServer(url, "", trust, os.environ)
    try:
        server.about()
    except Refused as error:
        if error.code not in ("no_key", "key_refused"):
            raise
    finally:
        server.close()


def _key(given: str | None, url: str) -> str:
    """Return the key: given, from the environment, typed without being shown, or from a pipe."""
    if given is not None:
        key = given
    elif os.environ.get("TREERING_API_KEY"):
        key = os.environ["TREERING_API_KEY"]
    elif sys.stdin.isatty():
        key = getpass.getpass(f'API key for {url} (from its page "API keys", or `treering key new` there): ')
    else:
        key = sys.stdin.readline()
    key = key.strip()
    if not key:
        raise InvalidValue("no key was given")
    return key
