"""A server with accounts: two projects of two people, and callers of every kind."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from treering.server.accounts import Accounts, By, Passwords, User, accounts_file
from treering.server.hosts import AllowedHosts
from treering.server.permissions import Role
from treering.server.proxies import parse_proxies
from treering.server.settings import Settings
from treering.store import Store

from .conftest import Reply, Server, start_server
from .run_logs import write_run
from .sample_requests import OUR_DATA, TABLE_FILE, content_type

PASSWORD = "correct horse battery"
TEST = By("test", "test")
OURS, THEIRS = ("ada", "digits"), ("bob", "letters")


class Clock:
    """A wall clock that can be moved."""

    ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


def cheap_passwords() -> Passwords:
    """Argon2id that takes a millisecond: what is tested with it is who may do what, not how slow guessing is."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@dataclass
class Caller:
    """Somebody who sends requests: with an API key or a link, with a cookie, or with nothing."""

    server: Server
    token: str = ""
    cookie: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, value: Any = None, **headers: str) -> Reply:
        """Send a request below /api/1, as this caller's program or browser would."""
        return self.request(method, f"/api/1{path}", value, **headers)

    def request(self, method: str, address: str, value: Any = None, **headers: str) -> Reply:
        """Send a request; a value is sent as JSON, and bytes as frames of a segment."""
        sent = {**self.headers}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if self.cookie:
            sent["Cookie"] = self.cookie
            sent["Origin"] = f"http://127.0.0.1:{self.server.port}"
        sent |= headers
        if value is not None or method in ("POST", "PUT", "PATCH"):
            sent.setdefault("Content-Type", content_type(address, value))
        body = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
        return self.server.send(method, address, sent, body)


class Team:
    """
    The server and its people.

    ``ada/digits`` is ours: ada is its admin, max a member, vera a viewer. ``bob/letters`` is bob's. rob runs the server
    and is in no project. ``run`` and ``foreign_run`` are one run of each.
    """

    def __init__(self, server: Server, accounts: Accounts, run: str, foreign_run: str) -> None:
        self.server = server
        self.accounts = accounts
        self.data_dir = server.app.api.state.settings.data_dir
        self.run = run
        self.foreign_run = foreign_run

    def user(self, name: str) -> User:
        """Return an account, made with ``PASSWORD`` if it is not there."""
        if not self.accounts.users.is_other(name, 0):
            user = self.accounts.users.add(name, "", name == "rob", TEST)
            self.accounts.users.set_password(user.id, self.accounts.passwords.hash(PASSWORD), TEST)
        return self.accounts.users.get(name)

    def nobody(self) -> Caller:
        """Return a caller that brings nothing."""
        return Caller(self.server)

    def browser(self, name: str) -> Caller:
        """Return a browser in which somebody has just signed in."""
        return Caller(self.server, cookie=f"treering_session={self.accounts.sessions.start(self.user(name), TEST)}")

    def key(self, name: str, *scopes: str, **options: Any) -> Caller:
        """Return a program with a new key of somebody."""
        return Caller(self.server, self.new_key(name, *scopes, **options)[0])

    def new_key(self, name: str, *scopes: str, **options: Any) -> tuple[str, str]:
        """Return a new key and its id."""
        scopes = scopes or ("ingest", "read", "write")
        key, row = self.accounts.keys.create(self.user(name), "test", TEST, scopes, **options)
        return key, row.id

    def share(self, run_key: str | None = None) -> Caller:
        """Return who holds a link to our project, or to one run of it."""
        secret, _ = self.accounts.shares.create(self.user("ada").id, *OURS, run_key, 30, TEST)
        return Caller(self.server, secret)

    def sign_in(self, name: str, password: str = PASSWORD, **headers: str) -> Reply:
        """Send a sign-in."""
        return self.nobody().call("POST", "/session/sign-in", {"name": name, "password": password}, **headers)


def cookie_of(reply: Reply) -> str:
    """Return the Cookie header that a browser sends after this reply."""
    return re.split(";", reply.headers["set-cookie"])[0]


@contextmanager
def team(
    data_dir: Path,
    proxies: tuple[str, ...] = (),
    wrap: Any = lambda store: store,
    webhook_hosts: frozenset[tuple[str, int]] = frozenset(),
    **options: Any,
) -> Iterator[Team]:
    """Make the folder, its runs and its people, and serve it in a thread."""
    rows = [{"loss": 0.5, "note": "all is well"}]
    ours = {"entity": OURS[0], "project": OURS[1], "config": {"secret_of_ours": 1}, "files": {"media/t": TABLE_FILE}}
    ours["artifacts"] = {"data": OUR_DATA}
    run = write_run(data_dir, "a1", rows, **ours)
    theirs = {
        "entity": THEIRS[0],
        "project": THEIRS[1],
        "config": {"secret_of_theirs": 1},
        "tags": ["their-tag"],
        "files": {"media/their_file": b"their bytes"},
        "artifacts": {"their-data": {"their-entry": b"their data"}},
    }
    foreign_run = write_run(data_dir, "their-run", [{"their_metric": 0.25}], **theirs)
    store = Store.open(data_dir)
    options.setdefault("passwords", cheap_passwords())
    accounts = Accounts(accounts_file(data_dir), **options)
    try:
        store.start(wait_s=30)
        settings = Settings(
            data_dir,
            AllowedHosts.parse(["lab.example"]),
            static_dir=Path("/none"),
            trusted_proxies=parse_proxies(proxies),
            webhook_hosts=webhook_hosts,
        )
        made = Team(start_server(wrap(store), settings, accounts), accounts, run, foreign_run)
        for name, role in (("ada", Role.ADMIN), ("max", Role.MEMBER), ("vera", Role.VIEWER)):
            accounts.projects.set_role(*OURS, made.user(name), role, TEST)
        accounts.projects.set_role(*THEIRS, made.user("bob"), Role.ADMIN, TEST)
        made.user("rob")
        try:
            yield made
        finally:
            made.server.stop()
    finally:
        accounts.close()
        store.close()
