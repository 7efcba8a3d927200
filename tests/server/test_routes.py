"""Every route: its permission, its answer to each kind of caller, its OpenAPI entry, its reply against its model."""

from __future__ import annotations

import json
from pathlib import Path

import pydantic
import pytest
from fastapi import FastAPI
from starlette.routing import Mount, Route

from treering.server import run_schema, schema, series_schema
from treering.server.app import create_app, openapi
from treering.server.permissions import Action, check_routes, permission, permission_of
from treering.server.settings import Settings
from treering.store import Store

from .memory_store import FIRST, MemoryStore
from .run_logs import write_run
from .sample_requests import (
    ENDLESS,
    OUR_DATA,
    OUR_RECORD,
    PAGE,
    TABLE_FILE,
    TABLE_SHA256,
    content_type,
    every_route,
    sample,
)

TABLE = Path(__file__).parent / "fixtures" / "routes.json"

NAMES = {
    "entity": "ada",
    "project": "digits",
    "run_key": FIRST,
    "run": FIRST,
    "segment": "0" * 32,
    "sha256": TABLE_SHA256,
    "user": "somebody",
    "new": "somebody",
    "key_id": "abcdefgh",
    "session_id": "abcdef",
    "share_id": "abcdef",
    "view_id": "abcdef",
    "correction_id": "abcdef",
    "rule_id": "abcdef",
    "channel_id": "abcdef",
    "alert_id": "abcdef",
    "report_id": "abcdef",
    "comment_id": "abcdef",
    "name": "data",
    "version": "v0",
    "record": OUR_RECORD,
    "model_id": "abcdef",
    "number": "1",
}


def routes_that_end(api: FastAPI) -> list[str]:
    return [route for route in every_route(api) if not route.endswith(ENDLESS)]


def ask(server, route: str, token: str | None) -> int:
    method, address, body = sample(route, **NAMES)
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    if body is not None:
        headers["Content-Type"] = content_type(address, body)
    content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    return server.send(method, address, headers, content).status


def test_each_route_answers_each_kind_of_caller_as_the_committed_table_says(make_server, tmp_path, request):
    write_run(tmp_path, "first", files={"media/table": TABLE_FILE}, artifacts={"data": OUR_DATA})
    store = Store.open(tmp_path)
    request.addfinalizer(store.close)
    store.start(wait_s=30)
    server = make_server(store)
    rows = {}
    for route in routes_that_end(server.app.api):
        session, _ = server.app.tokens.exchange(server.app.tokens.new_code())
        revoked, gone = server.app.tokens.exchange(server.app.tokens.new_code())
        server.app.tokens.revoke(gone.id)
        callers = {"none": None, "wrong": "trs_wrong", "revoked": revoked, "session": session, "folder": server.token}
        rows[route] = {caller: ask(server, route, token) for caller, token in callers.items()}

    assert rows == json.loads(TABLE.read_text())


def test_no_handler_runs_for_callers_without_a_token(make_server):
    server = make_server()
    for route in routes_that_end(server.app.api):
        for token in (None, "trs_wrong", ""):
            ask(server, route, token)

    assert server.store.calls == []


def test_every_route_declares_a_permission(server):
    open_routes = {
        f"{method} {path}"
        for route in server.app.api.routes
        for method, path in [(sorted(route.methods)[0], route.path)]
        if permission_of(route) is Action.OPEN
    }

    assert open_routes == {
        f"GET {PAGE}",
        "GET /api/1/healthz",
        "GET /api/1/server",
        "GET /frame/html",
        "GET /frame/plotly",
        "GET /frame/vega",
        "GET /healthz",
        "GET /readyz",
        "POST /api/1/invites/accept",
        "POST /api/1/session",
        "POST /api/1/session/sign-in",
        "POST /api/1/setup",
    }


def test_an_application_with_a_route_that_declares_nothing_does_not_start(tmp_path, monkeypatch):
    import treering.server.app as app_module
    from treering.server.context import new_router

    router = new_router("test")
    router.get("/forgotten")(lambda: None)
    monkeypatch.setattr(app_module, "ROUTERS", (*app_module.ROUTERS, router))

    with pytest.raises(RuntimeError, match="/api/1/forgotten declares no permission"):
        create_app(MemoryStore(), Settings(tmp_path))


def test_what_cannot_be_seen_through_is_refused_too():
    @permission(Action.OPEN)
    async def endpoint(request):
        return None

    check_routes([Route("/x", endpoint)])
    with pytest.raises(RuntimeError):
        check_routes([Mount("/y", routes=[Route("/x", endpoint)])])


@pytest.mark.parametrize(
    ("method", "path", "body", "model"),
    [
        ("GET", "/healthz", None, schema.Health),
        ("GET", "/session", None, schema.ServerInfo),
        ("GET", "/projects", None, schema.Projects),
        ("GET", "/projects/ada/digits", None, schema.ProjectDetail),
        ("POST", "/runs/query", {"entity": "ada", "project": "digits"}, run_schema.RunPage),
        ("GET", f"/runs/{FIRST}", None, run_schema.RunDetail),
        ("PATCH", f"/runs/{FIRST}", {"tags": ["a"]}, run_schema.RunDetail),
        ("POST", "/series?format=json", {"runs": [FIRST], "keys": ["loss", "none"]}, series_schema.SeriesReply),
        ("GET", "/changes?entity=ada&project=digits", None, series_schema.Changes),
        ("GET", f"/runs/{FIRST}/history", None, series_schema.HistoryReply),
        ("GET", f"/runs/{FIRST}/console", None, series_schema.Console),
        ("GET", f"/runs/{FIRST}/verify", None, series_schema.Verification),
    ],
)
def test_a_reply_has_the_form_that_the_schema_says(server, method, path, body, model):
    reply = server.call(method, path, body)

    assert reply.status == 200
    strict = pydantic.create_model("Strict", __base__=model, __config__=None)
    strict.model_config["extra"] = "forbid"
    strict.model_rebuild(force=True)
    strict.model_validate(reply.json, strict=False)


def test_the_openapi_document_covers_every_route_and_names_the_error_codes(server):
    document = openapi(server.app.api)
    documented = {f"{method.upper()} {path}" for path, operations in document["paths"].items() for method in operations}

    pages = {route for route in every_route(server.app.api) if route.startswith("GET /frame/")}
    others = {f"GET {PAGE}", "GET /healthz", "GET /api/1/openapi.json"}
    assert documented == set(every_route(server.app.api)) - pages - others
    assert "`invalid_filter` | 400" in document["info"]["description"]
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert operation["description"]
        assert "default" in operation["responses"]


def test_the_openapi_document_is_served_to_who_has_a_token(server):
    reply = server.call("GET", "/openapi.json")

    assert reply.json["openapi"].startswith("3.")
    assert reply.json["paths"]["/api/1/projects"]["get"]["security"] == [{"token": []}]
    assert "security" not in reply.json["paths"]["/api/1/session"]["post"]


def test_a_route_whose_permission_nothing_asks_for_is_refused():
    @permission(Action.READ)
    async def endpoint(request):
        return None

    with pytest.raises(RuntimeError, match="nothing asks for"):
        check_routes([Route("/x", endpoint)])
