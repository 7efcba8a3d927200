"""What a route's handler is given: the store, the settings, the tokens, the caller, checked names."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.requests import Request

from treering.errors import RunNotFound
from treering.ids import RUN_KEY
from treering.store import Store

from .access import Access, TheAccess
from .accounts import Accounts, By
from .alerts.service import AlertService
from .bodies import ApiRoute
from .door import Door
from .errors import ApiError
from .live import LiveHub
from .permissions import Principal
from .schema import ErrorReply
from .settings import Settings
from .tokens import Tokens

__all__ = [
    "API_PREFIX",
    "TheAccess",
    "TheAccounts",
    "TheAlertService",
    "TheBy",
    "TheCaller",
    "TheDoor",
    "TheHub",
    "TheRunKey",
    "TheSettings",
    "TheStore",
    "TheTokens",
    "new_router",
]

API_PREFIX = "/api/1"


def new_router(tag: str, prefix: str = API_PREFIX) -> APIRouter:
    """Return a router whose routes check permissions and body limits and document the error shape."""
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        route_class=ApiRoute,
        generate_unique_id_function=lambda route: (
            route.name
        ),  # the handler's name, for the clients made from the schema
        responses={"default": {"model": ErrorReply}, 422: {"model": ErrorReply}},
    )


# Coroutines, all of them: FastAPI would send plain functions through the thread pool.


async def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _tokens(request: Request) -> Tokens:
    tokens: Tokens = request.app.state.tokens
    return tokens


async def _door(request: Request) -> Door:
    door: Door = request.app.state.door
    return door


async def _accounts(request: Request) -> Accounts:
    accounts: Accounts | None = request.app.state.accounts
    if accounts is None:
        raise ApiError("not_found", "This server has no accounts.", "`treering serve` starts one that has.")
    return accounts


async def _by(request: Request) -> By:
    access: Access | None = request.scope["state"].get("access")
    client = request.scope.get("client")
    return By(access.author if access is not None else "", client[0] if client else "local")


async def _hub(request: Request) -> LiveHub:
    hub: LiveHub = request.app.state.hub
    return hub


async def _alert_service(request: Request) -> AlertService:
    service: AlertService = request.app.state.alerts
    return service


async def _caller(request: Request) -> Principal:
    principal: Principal = request.scope["state"]["principal"]
    return principal


async def _run_key(run_key: Annotated[str, Path(description="The run's key, 26 characters.")]) -> str:
    # Before anything is opened: what is not one of our keys names nothing.
    if not RUN_KEY.fullmatch(run_key):
        raise RunNotFound(f"No run has the key {run_key[:64]!r}.")
    return run_key


TheStore = Annotated[Store, Depends(_store)]
TheSettings = Annotated[Settings, Depends(_settings)]
TheTokens = Annotated[Tokens, Depends(_tokens)]
TheDoor = Annotated[Door, Depends(_door)]
TheAccounts = Annotated[Accounts, Depends(_accounts)]
TheAlertService = Annotated[AlertService, Depends(_alert_service)]
TheBy = Annotated[By, Depends(_by)]
TheHub = Annotated[LiveHub, Depends(_hub)]
TheCaller = Annotated[Principal, Depends(_caller)]
TheRunKey = Annotated[str, Depends(_run_key)]
