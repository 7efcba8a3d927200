"""
One request for every route of the API, for tests that walk over all of them.

A route that is not here makes those tests fail, so that nobody adds one without saying who may use it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.routing import Route

from treering.runlog.artifact_manifest import Entry, Manifest
from treering.server.inflow import BLOB, FRAMES

PAGE = "/{path:path}"
ENDLESS = "/api/1/live"  # a stream does not end, so it has tests of its own

# A logged table of two columns: a number, and a vector.
TABLE_FILE = (Path(__file__).parent / "fixtures" / "table.parquet").read_bytes()
TABLE_SHA256 = hashlib.sha256(TABLE_FILE).hexdigest()

# The least that is a picture by its first bytes.
PICTURE = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"

# What is in version 0 of the artifact "data" of the test's own world, and the id of the record that says so.
OUR_DATA = {"table.parquet": TABLE_FILE, "empty": b""}
OUR_RECORD = hashlib.sha256(
    Manifest({path: Entry(len(data), hashlib.sha256(data).hexdigest()) for path, data in OUR_DATA.items()}).encode()
).hexdigest()[:16]

_NO_BODY: tuple[str, Any] = ("", None)

# "METHOD path" → what follows the path, and the body. {run} and {segment} stand for names of the test's own world.
SAMPLES: dict[str, tuple[str, Any]] = {
    "DELETE /api/1/corrections/{correction_id}": _NO_BODY,
    "DELETE /api/1/me/keys/{key_id}": _NO_BODY,
    "DELETE /api/1/me/sessions/{session_id}": _NO_BODY,
    "DELETE /api/1/projects/{entity}/{project}/members/{user}": _NO_BODY,
    "DELETE /api/1/session": _NO_BODY,
    "DELETE /api/1/shares/{share_id}": _NO_BODY,
    "DELETE /api/1/views/{view_id}": _NO_BODY,
    "GET /api/1/audit": _NO_BODY,
    "GET /api/1/changes": ("?entity=ada&project=digits", None),
    "GET /api/1/corrections/{correction_id}/versions": _NO_BODY,
    "GET /api/1/healthz": _NO_BODY,
    "GET /api/1/live": ("?entity=ada&project=digits", None),
    "GET /api/1/holdings": _NO_BODY,
    "GET /api/1/me": _NO_BODY,
    "GET /api/1/me/keys": _NO_BODY,
    "GET /api/1/me/sessions": _NO_BODY,
    "GET /api/1/openapi.json": _NO_BODY,
    "GET /api/1/projects": _NO_BODY,
    "GET /api/1/projects/{entity}/{project}": _NO_BODY,
    "GET /api/1/projects/{entity}/{project}/corrections": _NO_BODY,
    "GET /api/1/projects/{entity}/{project}/members": _NO_BODY,
    "GET /api/1/projects/{entity}/{project}/views": _NO_BODY,
    "GET /api/1/runs/{run_key}": _NO_BODY,
    "GET /api/1/runs/{run_key}/blobs/{sha256}": _NO_BODY,
    "GET /api/1/runs/{run_key}/code": _NO_BODY,
    "GET /api/1/runs/{run_key}/console": _NO_BODY,
    "GET /api/1/runs/{run_key}/files": _NO_BODY,
    "GET /api/1/runs/{run_key}/history": _NO_BODY,
    "GET /api/1/runs/{run_key}/past": _NO_BODY,
    "GET /api/1/runs/{run_key}/verify": _NO_BODY,
    "GET /api/1/server": _NO_BODY,
    "GET /api/1/session": _NO_BODY,
    "GET /api/1/shares": _NO_BODY,
    "GET /api/1/users": _NO_BODY,
    "GET /api/1/views/{view_id}": _NO_BODY,
    "GET /api/1/views/{view_id}/versions": _NO_BODY,
    "GET /frame/html": _NO_BODY,
    "GET /frame/plotly": _NO_BODY,
    "GET /frame/vega": _NO_BODY,
    "GET /healthz": _NO_BODY,
    "GET /metrics": _NO_BODY,
    "GET /readyz": _NO_BODY,
    "GET /{path:path}": _NO_BODY,
    "PATCH /api/1/me": ("", {"display_name": "Somebody"}),
    "PATCH /api/1/projects/{entity}/{project}/visibility": ("", {"visibility": "private"}),
    "PATCH /api/1/runs/{run_key}": ("", {"name": "new"}),
    "PATCH /api/1/users/{user}": ("", {"display_name": "Guest"}),
    "POST /api/1/handover": ("", {}),
    "POST /api/1/projects/{entity}/{project}/corrections": ("", {"rule": {"kind": "hide", "keys": "nothing"}}),
    "POST /api/1/projects/{entity}/{project}/corrections/preview": ("", {"rule": {"kind": "hide", "keys": "loss"}}),
    "POST /api/1/projects/{entity}/{project}/views": ("", {"name": "a view", "shared": True, "spec": {}}),
    "POST /api/1/filter": ("", {"text": "config.lr > 0.1"}),
    "POST /api/1/runs/edit": (
        "",
        {"entity": "ada", "project": "digits", "runs": ["{run}"], "changes": {"archived": False}},
    ),
    "POST /api/1/invites/accept": ("", {"code": "tro_unknown", "password": "long enough to be one"}),
    "POST /api/1/me/keys": ("", {"name": "a key"}),
    "POST /api/1/media": ("", {"runs": ["{run}"], "keys": ["note"]}),
    "POST /api/1/media/steps": ("", {"runs": ["{run}"], "keys": ["note"]}),
    "POST /api/1/runs/changed": ("", {"run": "{run}"}),
    "POST /api/1/runs/columns": ("", {"entity": "ada", "project": "digits"}),
    "POST /api/1/runs/compare": ("", {"runs": ["{run}", "{run}"]}),
    "POST /api/1/runs/compare/code": ("", {"a": "{run}", "b": "{run}"}),
    "POST /api/1/runs/compare/console": ("", {"a": "{run}", "b": "{run}"}),
    "POST /api/1/runs/export": ("", {"entity": "ada", "project": "digits"}),
    "POST /api/1/runs/matrix": ("", {"entity": "ada", "project": "digits", "columns": [{"by": "name"}]}),
    "POST /api/1/runs/pivot": (
        "",
        {"entity": "ada", "project": "digits", "rows": ["state"], "columns": [], "value": {"by": "metric:loss"}},
    ),
    "POST /api/1/statistics/compare": ("", {"a": ["{run}"], "b": ["{run}"], "metric": "loss"}),
    "POST /api/1/statistics/importance": (
        "",
        {"entity": "ada", "project": "digits", "metric": "loss", "method": "correlation"},
    ),
    "POST /api/1/statistics/seeds": ("", {"entity": "ada", "project": "digits", "metric": "loss"}),
    "POST /api/1/runs/query": ("", {"entity": "ada", "project": "digits"}),
    "POST /api/1/runs/{run_key}/blobs/query": ("", {"sha256": ["{sha256}"]}),
    "POST /api/1/runs/{run_key}/stop": ("", {}),
    "POST /api/1/runs/{run_key}/table": ("", {"sha256": "{sha256}"}),
    "POST /api/1/runs/{run_key}/table/vectors": ("", {"sha256": "{sha256}", "column": "c1"}),
    "POST /api/1/segments/query": ("", {"segments": ["{segment}"]}),
    "POST /api/1/segments/{segment}": ("?offset=0&prev=0", b""),
    "POST /api/1/processes": ("", {"run": "{run}"}),
    "POST /api/1/processes/console": ("", {"run": "{run}"}),
    "POST /api/1/processes/heatmap": ("", {"run": "{run}", "key": "loss"}),
    "POST /api/1/processes/series": ("", {"run": "{run}", "keys": ["loss"]}),
    "POST /api/1/series": ("", {"runs": ["{run}"], "keys": ["loss"]}),
    "POST /api/1/session": ("", {"one_time": "tro_unknown"}),
    "POST /api/1/session/links": ("", {}),
    "POST /api/1/session/sign-in": ("", {"name": "nobody", "password": "wrong"}),
    "POST /api/1/setup": ("", {"code": "tro_unknown", "name": "eve", "password": "long enough to be one"}),
    "POST /api/1/shares": ("", {"project": {"entity": "ada", "project": "digits"}}),
    "POST /api/1/users": ("", {"name": "{new}"}),
    "POST /api/1/users/{user}/invite": ("", {}),
    "PUT /api/1/corrections/{correction_id}": ("", {"version": 1, "note": "why"}),
    "PUT /api/1/runs/{run_key}/blobs/{sha256}": (f"?offset=0&size={len(TABLE_FILE)}", TABLE_FILE),
    "PUT /api/1/projects/{entity}/{project}/members/{user}": ("", {"role": "viewer"}),
    "PUT /api/1/views/{view_id}": ("", {"version": 1, "name": "a view"}),
    "DELETE /api/1/comments/{comment_id}": _NO_BODY,
    "DELETE /api/1/reports/{report_id}": _NO_BODY,
    "GET /api/1/projects/{entity}/{project}/comments": _NO_BODY,
    "GET /api/1/projects/{entity}/{project}/pictures/{sha256}": _NO_BODY,
    "GET /api/1/projects/{entity}/{project}/reports": _NO_BODY,
    "GET /api/1/reports/{report_id}": _NO_BODY,
    "GET /api/1/reports/{report_id}/blobs/{sha256}": _NO_BODY,
    "GET /api/1/reports/{report_id}/changes": _NO_BODY,
    "GET /api/1/reports/{report_id}/diff": ("?earlier=1&later=1", None),
    "GET /api/1/reports/{report_id}/frozen": _NO_BODY,
    "GET /api/1/reports/{report_id}/versions": _NO_BODY,
    "POST /api/1/projects/{entity}/{project}/comments": (
        "",
        {"target": {"kind": "panel", "id": "loss"}, "text": "a comment"},
    ),
    "POST /api/1/projects/{entity}/{project}/pictures": ("", PICTURE),
    "POST /api/1/projects/{entity}/{project}/reports": ("", {"title": "a report", "markdown": "# A report"}),
    "POST /api/1/projects/{entity}/{project}/reports/evaluate": ("", {"markdown": "{{ n(loss) }} runs"}),
    "POST /api/1/projects/{entity}/{project}/reports/numbers": ("", {"markdown": "0.123"}),
    "POST /api/1/reports/{report_id}/freeze": ("", {"version": 1}),
    "POST /api/1/reports/{report_id}/restore": ("", {"version": 1, "earlier": 1}),
    "POST /api/1/reports/{report_id}/thaw": ("", {"version": 1}),
    "PUT /api/1/comments/{comment_id}": ("", {"version": 1, "resolved": True}),
    "PUT /api/1/reports/{report_id}": ("", {"version": 1, "title": "a report"}),
    "DELETE /api/1/alert-rules/{rule_id}": _NO_BODY,
    "DELETE /api/1/projects/{entity}/{project}/alert-channels/{channel_id}": _NO_BODY,
    "GET /api/1/alert-rules/{rule_id}/versions": _NO_BODY,
    "GET /api/1/projects/{entity}/{project}/alert-channels": _NO_BODY,
    "GET /api/1/projects/{entity}/{project}/alert-rules": _NO_BODY,
    "GET /api/1/projects/{entity}/{project}/alerts": _NO_BODY,
    "GET /api/1/projects/{entity}/{project}/alerts/count": _NO_BODY,
    "GET /api/1/runs/{run_key}/alerts": _NO_BODY,
    "POST /api/1/projects/{entity}/{project}/alert-channels": (
        "",
        {"kind": "webhook", "name": "a channel", "url": "https://hooks.example/x"},
    ),
    "POST /api/1/projects/{entity}/{project}/alert-channels/{channel_id}/again": ("", {}),
    "POST /api/1/projects/{entity}/{project}/alert-channels/{channel_id}/test": ("", {}),
    "POST /api/1/projects/{entity}/{project}/alert-rules": (
        "",
        {"name": "a rule", "spec": {"condition": {"kind": "not_finite", "key": "loss"}}},
    ),
    "POST /api/1/projects/{entity}/{project}/alert-rules/preview": (
        "",
        {"spec": {"condition": {"kind": "not_finite", "key": "loss"}}},
    ),
    "POST /api/1/projects/{entity}/{project}/alerts/seen": ("", {"ids": ["{alert_id}"]}),
    "PUT /api/1/alert-rules/{rule_id}": ("", {"version": 1, "enabled": False}),
    "PUT /api/1/projects/{entity}/{project}/alert-channels/{channel_id}": ("", {"version": 1, "name": "a channel"}),
    "DELETE /api/1/models/{model_id}": _NO_BODY,
    "DELETE /api/1/models/{model_id}/versions/{number}": _NO_BODY,
    "GET /api/1/models": _NO_BODY,
    "GET /api/1/models/{model_id}": _NO_BODY,
    "GET /api/1/models/{model_id}/events": _NO_BODY,
    "GET /api/1/projects/{entity}/{project}/artifacts": _NO_BODY,
    "GET /api/1/projects/{entity}/{project}/artifacts/{name}": _NO_BODY,
    "GET /api/1/projects/{entity}/{project}/artifacts/{name}/compare": ("?a=v0&b=latest", None),
    "GET /api/1/projects/{entity}/{project}/artifacts/{name}/events": _NO_BODY,
    "GET /api/1/projects/{entity}/{project}/artifacts/{name}/versions/{version}": _NO_BODY,
    "GET /api/1/projects/{entity}/{project}/artifacts/{name}/versions/{version}/blobs/{sha256}": _NO_BODY,
    "GET /api/1/projects/{entity}/{project}/artifacts/{name}/versions/{version}/entries": _NO_BODY,
    "GET /api/1/projects/{entity}/{project}/artifacts/{name}/versions/{version}/lineage": _NO_BODY,
    "GET /api/1/projects/{entity}/{project}/storage": _NO_BODY,
    "GET /api/1/runs/{run_key}/artifacts": _NO_BODY,
    "GET /api/1/runs/{run_key}/artifacts/{record}": _NO_BODY,
    "GET /api/1/runs/{run_key}/lineage": _NO_BODY,
    "GET /api/1/storage": _NO_BODY,
    "PATCH /api/1/projects/{entity}/{project}/artifacts/{name}": ("", {"revision": 1}),
    "PATCH /api/1/projects/{entity}/{project}/artifacts/{name}/versions/{version}": ("", {"add_aliases": ["best"]}),
    "POST /api/1/models": ("", {"entity": "ada", "project": "digits", "name": "{new}"}),
    "POST /api/1/models/{model_id}/promotions": ("", {"alias": "best", "number": 1}),
    "POST /api/1/models/{model_id}/versions": (
        "",
        {"entity": "ada", "project": "digits", "name": "{name}", "version": "v0"},
    ),
    "POST /api/1/projects/{entity}/{project}/artifacts/remove": (
        "",
        {"versions": [{"name": "{name}", "version": 0}], "dry_run": True},
    ),
    "POST /api/1/storage/collect": ("", {"dry_run": True}),
    "PUT /api/1/models/{model_id}": ("", {"version": 1, "description": "a model"}),
    "GET /api/1/origin/{sha256}": _NO_BODY,
    "POST /api/1/origin/parts": ("", {"parts": ["0" * 16]}),
    "DELETE /api/1/runs/{run_key}/lock": _NO_BODY,
    "GET /api/1/runs/{run_key}/lock": _NO_BODY,
    "POST /api/1/runs/{run_key}/lock": ("", {"note": "for the paper"}),
}


def every_route(api: FastAPI) -> list[str]:
    """Return "METHOD path" of each route. HEAD follows GET."""
    return sorted(
        f"{method} {route.path}"
        for route in api.routes
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"
    )


def sample(route: str, **names: str) -> tuple[str, str, Any]:
    """Return method, address and body of a request to *route*, with *names* in place of what is in braces."""
    if route not in SAMPLES:
        raise AssertionError(f"{route} has no request in sample_requests.py: add one, and say who may use the route.")
    method, path = route.split(" ", 1)
    if path == PAGE:
        return method, "/", None
    query, body = SAMPLES[route]
    return method, path.format(**names) + query, _fill(body, names)


def content_type(address: str, body: Any) -> str:
    """Return the content type of a sample's body."""
    return (
        "application/json"
        if not isinstance(body, bytes)
        else BLOB
        if "/blobs/" in address or "/pictures" in address
        else FRAMES
    )


def _fill(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str):
        return value.format(**names) if value.startswith("{") else value
    if isinstance(value, dict):
        return {key: _fill(item, names) for key, item in value.items()}
    return [_fill(item, names) for item in value] if isinstance(value, list) else value
