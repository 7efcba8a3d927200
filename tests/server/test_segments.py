"""Shipping segments over HTTP."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from server.conftest import Reply, Server, start_server
from store.shipping import Piece, frames_of, piece, pieces
from store.world import World
from treering.limits import INGEST_BODY_MAX_BYTES, SEGMENTS_QUERY_MAX, SHIP_EVERY_MAX_S
from treering.runlog import records
from treering.runlog.frames import encode_frame, seed
from treering.runlog.reader import SegmentReader
from treering.runlog.shipment import Held
from treering.server import inflow as inflow_module
from treering.server.disk import Room
from treering.server.inflow import Inflow
from treering.server.run_schema import PastReply, RunDetail
from treering.server.settings import Settings
from treering.server.shipping_schema import SegmentReply, SegmentsReply
from treering.store import Store

FRAMES = "application/x-treering-frames"


class Shipping:
    """A server over an empty store, and a folder elsewhere whose runs are sent to it."""

    def __init__(self, store: Store, server: Server, there: World) -> None:
        self.store, self.server, self.there = store, server, there

    def send(self, part: Piece, **headers: str) -> Reply:
        return self.send_raw(part.segment, part.offset, part.prev, part.body, **headers)

    def send_raw(self, segment: str, offset: object, prev: object, body: bytes, **headers: str) -> Reply:
        sent = {"Authorization": f"Bearer {self.server.token}", "Content-Type": FRAMES, **headers}
        return self.server.send("POST", f"/api/1/segments/{segment}?offset={offset}&prev={prev}", sent, body)

    def query(self, segments: list[str]) -> dict[str, Any]:
        reply = self.server.call("POST", "/segments/query", {"segments": segments})
        SegmentsReply.model_validate(reply.json)
        return dict(reply.json)

    def a_run(self, rows: int = 50, *, end: bool = True, **options: Any) -> Path:
        life = self.there.life(**options)
        for step in range(rows):
            life.log({"loss": 1.0 / (step + 1)}, step)
        if end:
            life.end()
        return life.path


@pytest.fixture
def shipping(tmp_path: Path) -> Iterator[Shipping]:
    here = tmp_path / "here"
    with Store.open(here) as store:
        store.start(wait_s=5)
        server = start_server(store, Settings(here, static_dir=Path("/nonexistent")))
        yield Shipping(store, server, World(tmp_path / "there"))
        server.stop()


def test_a_run_shipped_in_pieces_is_byte_equal_and_on_its_page(shipping: Shipping) -> None:
    path = shipping.a_run()
    for part in pieces(path, 700):
        reply = shipping.send(part)
        assert reply.status == 200, reply.body
        SegmentReply.model_validate(reply.json)
    shipping.store.ingest_now()

    answer = shipping.query([path.stem, "0" * 32])
    (held,) = answer["segments"].values()
    assert held["length"] == held["indexed"] == len(frames_of(path))
    assert held["sealed"]
    assert (answer["store_id"], answer["restores"]) == (shipping.store.about.store_id, 0)
    assert (shipping.store.folder / "runs" / path.parent.name / path.name).read_bytes() == frames_of(path)
    run = shipping.server.call("GET", f"/runs/{path.parent.name}")
    assert RunDetail.model_validate(run.json).guarantee.uploaded
    assert run.json["writers"][0]["files"][0]["received"] is True


def test_a_deflated_body_is_inflated(shipping: Shipping) -> None:
    part = piece(shipping.a_run(rows=3_000))
    reply = shipping.send_raw(part.segment, 0, 0, zlib.compress(part.body), **{"Content-Encoding": "deflate"})

    assert reply.status == 200, reply.body
    assert reply.json["length"] == len(part.body)


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate, deflate", "zstd"])
def test_other_encodings_are_refused(shipping: Shipping, coding: str) -> None:
    reply = shipping.send_raw("0" * 32, 0, 0, zlib.compress(b"x"), **{"Content-Encoding": coding})

    assert (reply.status, reply.code) == (415, "unsupported_media_type")


def test_deflate_is_for_frames_alone(shipping: Shipping) -> None:
    headers = {"Authorization": f"Bearer {shipping.server.token}", "Content-Encoding": "deflate"}
    body = zlib.compress(json.dumps({"segments": []}).encode())

    for path in ("/api/1/segments/query", "/api/1/runs/query"):
        reply = shipping.server.send("POST", path, {**headers, "Content-Type": "application/json"}, body)
        assert reply.status == 415
    reply = shipping.server.send("POST", "/api/1/runs/query", {**headers, "Content-Type": FRAMES}, body)
    assert reply.status == 415


def test_a_bomb_is_refused_before_it_is_inflated(shipping: Shipping) -> None:
    bomb = zlib.compress(bytes(200 << 20), 9)
    reply = shipping.send_raw("0" * 32, 0, 0, bomb, **{"Content-Encoding": "deflate"})

    assert (reply.status, reply.code) == (413, "too_large")


@pytest.mark.parametrize("body", [b"", b"x", zlib.compress(b"abc")[:-1], zlib.compress(b"abc") + b"x"])
def test_what_does_not_inflate_is_malformed(shipping: Shipping, body: bytes) -> None:
    reply = shipping.send_raw("0" * 32, 0, 0, body, **{"Content-Encoding": "deflate"})

    assert (reply.status, reply.code) == (400, "malformed_segment")


def test_a_body_that_says_it_is_too_large_is_not_waited_for(shipping: Shipping) -> None:
    size = {"Content-Length": str(INGEST_BODY_MAX_BYTES + 1)}
    reply = shipping.send_raw("0" * 32, 0, 0, b"x", **size)

    assert (reply.status, reply.code) == (413, "too_large")


def test_conflicts_say_what_is_held(shipping: Shipping) -> None:
    path = shipping.a_run()
    first, second, third, *_ = pieces(path, 700)
    held = shipping.send(first).json
    gap = shipping.send(third)
    diverged = shipping.send(Piece(second.segment, second.offset, second.prev ^ 1, second.body))
    unknown = shipping.send(pieces(shipping.a_run(run_id="other"), 700)[1])

    assert (gap.status, gap.code) == (409, "segment_gap")
    assert gap.json["held"] == {name: held[name] for name in ("length", "chain", "sealed")}
    assert (diverged.status, diverged.code) == (409, "segment_diverged")
    assert diverged.json["held"] == gap.json["held"]
    assert unknown.json["held"] == {"length": 0, "chain": 0, "sealed": False}


def test_malformed_bodies_and_wrong_runs_are_400(shipping: Shipping) -> None:
    path = shipping.a_run()
    whole = piece(path).body

    assert shipping.send_raw("0" * 32, 0, 0, whole).code == "malformed_segment"
    assert shipping.send_raw(path.stem, 0, 0, b"garbage" * 20).code == "malformed_segment"
    assert shipping.send_raw(path.stem, 0, 0, b"").code == "malformed_segment"
    assert shipping.send_raw(path.stem, 0, 0, whole[:100]).code == "malformed_segment"
    assert not (shipping.store.folder / "runs").exists()


@pytest.mark.parametrize(
    ("offset", "prev"), [("", 0), ("-1", 0), ("x", 0), (0, ""), (0, 2**32), (2**63, 0), ("1e3", 0), ("\u0661", 0)]
)
def test_offset_and_chain_are_whole_numbers(shipping: Shipping, offset: object, prev: object) -> None:
    reply = shipping.send_raw("0" * 32, quote(str(offset)), prev, b"x")

    assert (reply.status, reply.code) == (422, "invalid_request")


@pytest.mark.parametrize("segment", ["x", "a" * 31, "A" * 32, "..%2f" * 6, "0" * 33])
def test_a_segment_id_that_is_none_is_not_found(shipping: Shipping, segment: str) -> None:
    assert shipping.send_raw(segment, 0, 0, b"x").status in (404, 405)
    assert not (shipping.store.folder / "runs").exists()


def test_json_is_not_frames_and_a_token_is_needed(shipping: Shipping) -> None:
    part = piece(shipping.a_run())

    assert shipping.send(part, **{"Content-Type": "application/json"}).status == 415
    assert shipping.send(part, **{"Content-Type": "text/plain"}).status == 415
    assert shipping.send(part, Authorization="Bearer x").status == 401


def test_a_query_names_at_most_a_thousand(shipping: Shipping) -> None:
    reply = shipping.server.call("POST", "/segments/query", {"segments": ["0" * 32] * (SEGMENTS_QUERY_MAX + 1)})

    assert reply.status == 422


def test_while_the_disk_is_full_nothing_is_taken_and_everything_is_read(shipping: Shipping) -> None:
    first, second, *_ = pieces(shipping.a_run(), 700)
    shipping.send(first)
    shipping.store.ingest_now()
    key = shipping.store.run_of_segment(first.segment)
    shipping.server.app.api.state.disk._room = lambda folder: room_with(folder, free=10)
    shipping.server.app.api.state.disk.look()
    refused = shipping.send(second)

    assert (refused.status, refused.code) == (507, "disk_full")
    assert int(refused.headers["retry-after"]) > 0
    edit = shipping.server.call("PATCH", f"/runs/{key}", {"name": "x"})
    assert (edit.status, edit.code) == (507, "disk_full")
    assert shipping.server.call("GET", f"/runs/{key}").status == 200
    (notice,) = shipping.server.call("GET", "/session").json["notices"]
    assert (notice["level"], notice["code"]) == ("error", "disk_full")
    assert shipping.server.send("GET", "/readyz").json["status"] == "read_only"

    shipping.server.app.api.state.disk._room = lambda folder: room_with(folder, free=10**12)
    shipping.server.app.api.state.disk.look()
    assert shipping.send(second).status == 200
    assert shipping.server.call("GET", "/session").json["notices"] == []


def room_with(folder: Path, free: int) -> Room:
    return Room(str(folder), 2 * 10**12, free)


def test_more_than_may_be_under_way_is_sent_away_with_a_time(
    shipping: Shipping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inflow_module, "INGEST_IN_FLIGHT_BYTES", 100)
    shipping.server.app.api.state.inflow.in_flight_bytes = 100
    reply = shipping.send(piece(shipping.a_run()))

    assert (reply.status, reply.code) == (503, "too_busy")
    assert int(reply.headers["retry-after"]) > 0


def test_clients_are_asked_to_come_more_rarely_the_more_of_them_there_are() -> None:
    now, lag = 0.0, 0.0
    inflow = Inflow(lambda: lag, lambda: now)
    assert inflow.every_s == 1.0
    for number in range(2_000):
        inflow.note(str(number))
    now = 2.0
    assert inflow.every_s == 5.0
    now = 30.0
    assert inflow.every_s == 1.0
    lag = 7.5
    assert inflow.every_s == 7.5
    lag = 900.0
    assert inflow.every_s == SHIP_EVERY_MAX_S


def test_stop_reaches_the_uploader_in_the_next_reply(shipping: Shipping) -> None:
    life = shipping.there.life()
    life.log({"loss": 1.0}, 0)
    sent = shipping.send(piece(life.path)).json
    assert (sent["stop"], sent["stopped_by"]) == (False, "")
    shipping.store.ingest_now()
    run = shipping.server.call("POST", f"/runs/{life.run_key}/stop", {})
    assert run.status == 200
    assert RunDetail.model_validate(run.json).stopping

    life.log({"loss": 2.0}, 1)
    held = Held(sent["length"], sent["chain"], sent["sealed"])
    assert shipping.send(piece(life.path, held)).json["stop"] is True
    assert shipping.server.call("POST", f"/runs/{'a' * 26}/stop", {}).status == 404


def test_stop_of_a_run_in_this_folder_is_a_record_in_it(shipping: Shipping) -> None:
    life = World(shipping.store.folder).life()
    life.log({"loss": 1.0}, 0)
    shipping.store.ingest_now()
    shipping.server.call("POST", f"/runs/{life.run_key}/stop", {})

    found = []
    for path in life.folder.glob("*.trl"):
        with SegmentReader(path) as reader:
            found += [records.decode(frame)[0] for frame in reader.read() if frame.kind == records.EDIT]
    (edit,) = found
    assert edit.changes["stop"]["time_ns"] == edit.time_ns
    assert edit.author


def test_past_is_what_a_resuming_process_needs(shipping: Shipping) -> None:
    path = shipping.a_run(rows=5)
    shipping.send(piece(path))
    shipping.store.ingest_now()
    reply = shipping.server.call("GET", f"/runs/{path.parent.name}/past?writer=")

    assert PastReply.model_validate(reply.json).last_step == 4
    assert shipping.server.call("GET", f"/runs/{'a' * 26}/past").status == 404


def test_frames_of_unknown_kinds_pass(shipping: Shipping) -> None:
    path = shipping.a_run(end=False)
    sent = shipping.send(piece(path)).json
    unknown = encode_frame(201, b"\x93\x01\x02\x03", first_seq=99, prev=sent["chain"], crc_seed=seed(path.stem))

    assert shipping.send_raw(path.stem, sent["length"], sent["chain"], unknown).status == 200
