"""Alerts on their way to people: who may do what, what is sent when, and what becomes of what cannot be."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from treering.errors import AccessDenied, EditConflict, InvalidValue, LimitExceeded, UsageError
from treering.limits import (
    ALERT_CHANNELS_MAX,
    DELIVERIES_PER_HOUR,
    DELIVERY_AT_ONCE,
    DELIVERY_QUEUE_MAX,
    DELIVERY_TRIES_MAX,
)
from treering.runlog import records
from treering.server.alerts.channels import Channel, ChannelChange, Channels
from treering.server.alerts.delivery import Delivery
from treering.server.alerts.mail import Mail, MailSettings
from treering.server.alerts.messages import chat_body, headline, mail_text, webhook_body
from treering.server.alerts.quiet_hours import Quiet
from treering.server.outbound import Outbound, Outcome, parse_allowed
from treering.store import Store
from treering.store.alert_rule_documents import RuleSpec
from treering.store.alert_rules import parse_condition
from treering.store.alerting import Alert

from .run_logs import open_run, write_run
from .team import OURS, Team, team

RULE = {"name": "too high", "spec": {"condition": {"kind": "threshold", "key": "loss", "op": ">", "value": 10}}}
RULES = f"/projects/{OURS[0]}/{OURS[1]}/alert-rules"
CHANNELS = f"/projects/{OURS[0]}/{OURS[1]}/alert-channels"
ALERTS = f"/projects/{OURS[0]}/{OURS[1]}/alerts"


class Hook:
    """A webhook's other side: remembers requests, answers with a status."""

    def __init__(self) -> None:
        self.status = 200
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"http://{self.address}/hook"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as file:
                head: dict[str, str] = {}
                file.readline()
                while (line := file.readline().decode().strip()) != "":
                    name, _, value = line.partition(": ")
                    head[name.lower()] = value
                self.requests.append((head, file.read(int(head["content-length"]))))
                connection.sendall(f"HTTP/1.1 {self.status} X\r\nContent-Length: 0\r\n\r\n".encode())

    def close(self) -> None:
        self._listener.close()


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, hook: Hook) -> Iterator[Team]:
    with team(tmp_path_factory.mktemp("team"), webhook_hosts=parse_allowed([hook.address])) as made:
        yield made


def until(ready: Callable[[], Any], seconds: float = 15.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := ready()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
    return found


# ── the whole way ────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_metric_beyond_a_bound_reaches_a_webhook_signed_and_the_page(
    world: Team, hook: Hook, monkeypatch: pytest.MonkeyPatch
):
    # Of the real waits, for more alerts and for the next look, there need be none here.
    monkeypatch.setattr("treering.server.alerts.delivery._TOGETHER_S", 0.05)
    monkeypatch.setattr("treering.server.alerts.service.ALERT_LOOK_S", 0.05)
    admin, member, viewer = world.browser("ada"), world.browser("max"), world.browser("vera")
    channel = admin.call(
        "POST", CHANNELS, {"kind": "webhook", "name": "hook", "url": hook.url, "secret": "between us"}
    ).json
    assert admin.call("POST", f"{CHANNELS}/{channel['id']}/test", {}).json["step"] == "done"
    assert json.loads(hook.requests[-1][1])["event"] == "test"
    rule = member.call("POST", RULES, RULE).json
    assert (rule["text"], rule["created_by"]) == ("loss > 10", "max")
    log = open_run(world.data_dir, "live", entity=OURS[0], project=OURS[1], began_s=time.time())
    for step, loss in enumerate([1.0, float("inf"), 12.0]):
        log.append(records.ROW, [step, time.time_ns(), {"loss": loss}])
    log.append(records.ALERT, [time.time_ns(), {"title": "hello", "text": "a <b> & *c*", "level": "INFO", "step": 2}])

    until(lambda: sum(len(json.loads(body)["alerts"]) for _, body in hook.requests) >= 2)
    head, body = hook.requests[-1]
    expected = hmac.new(b"between us", head["x-treering-timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert head["x-treering-signature"] == f"sha256={expected}"
    sent = [alert for _, body in hook.requests for alert in json.loads(body)["alerts"]]
    by_rule = next(alert for alert in sent if alert["source"] == "rule")
    assert (by_rule["metric"], by_rule["step"], by_rule["value"]) == ("loss", 1, "Infinity")

    def rows() -> list[dict[str, Any]]:
        found = viewer.call("GET", ALERTS).json["alerts"]
        return found if all(row["delivered"] for row in found) and len(found) == 2 else []

    listed = until(rows)
    assert {row["title"] for row in listed} == {"hello", "too high"}
    assert viewer.call("GET", f"{ALERTS}/count").json == {"count": 2}
    ids = [row["id"] for row in listed]
    assert viewer.call("POST", f"{ALERTS}/seen", {"ids": ids}).status == 403
    assert member.call("POST", f"{ALERTS}/seen", {"ids": ids}).json == {"changed": 2}
    assert viewer.call("GET", f"{ALERTS}?only=new").json["alerts"] == []
    assert member.call("POST", f"{ALERTS}/seen", {"ids": ids, "seen": False}).json == {"changed": 2}
    newest = max(row["time"] for row in listed)
    assert viewer.call("POST", f"{ALERTS}/seen", {"until": newest}).status == 403
    assert member.call("POST", f"{ALERTS}/seen", {"until": newest}).json == {"changed": 2}
    for body in ({"ids": ["a\0b"]}, {"ids": [f"{'0' * 32}-{'9' * 18}"]}, {"ids": ["\udcff"]}):
        assert member.call("POST", f"{ALERTS}/seen", body).status in (400, 404, 422)
    assert member.call("POST", f"{ALERTS}/seen", {"until": 1, "seen": False}).code == "invalid_value"
    for before in ("inf", "1e300", "1.x%00", "9" * 20 + ".a-" + "9" * 20):
        assert viewer.call("GET", f"{ALERTS}?before={before}").status in (200, 400)
    assert viewer.call("GET", ALERTS).json["alerts"][0]["seen_by"] == "max"
    run_rows = world.share(listed[0]["run_key"]).call("GET", f"/runs/{listed[0]['run_key']}/alerts").json["alerts"]
    assert [row["seen_by"] for row in run_rows] == [None, None]
    trail = [row["action"] for row in world.browser("rob").call("GET", "/audit").json["lines"]]
    assert {"alert_channel.create", "alert_channel.test", "alert_rule.create"} <= set(trail)
    log.close()


def test_a_preview_says_what_a_rule_would_have_told_of_runs_of_the_past(world: Team):
    write_run(world.data_dir, "past", [{"loss": 1.0}, {"loss": 99.0}], entity=OURS[0], project=OURS[1])
    viewer = world.browser("vera")

    def preview() -> dict[str, Any]:
        found = viewer.call("POST", f"{RULES}/preview", {"spec": RULE["spec"]}).json
        # The run may be known a moment before all of its points are.
        return found if any(row["run_id"] == "past" and row["fires"] for row in found["rows"]) else {}

    row = next(row for row in until(preview)["rows"] if row["run_id"] == "past")
    assert [(fire["step"], fire["value"]) for fire in row["fires"]] == [(1, 99.0)]
    for bad, code in (
        ({"kind": "threshold", "key": "loss"}, "invalid_value"),
        ({"kind": "explode"}, "invalid_request"),
        ({"kind": "threshold", "key": "loss", "op": ">", "value": 1, "steps": 4}, "invalid_value"),
    ):
        reply = viewer.call("POST", f"{RULES}/preview", {"spec": {"condition": bad}})
        assert (reply.status in (400, 422), reply.code) == (True, code)
    reply = viewer.call("POST", f"{RULES}/preview", {"spec": {**RULE["spec"], "filter": "state ="}})
    assert reply.code == "invalid_filter"


def test_rules_are_changed_by_members_and_channels_by_admins(world: Team, hook: Hook):
    admin, member, viewer = world.browser("ada"), world.browser("max"), world.browser("vera")
    rule = member.call("POST", RULES, RULE).json
    path = f"/alert-rules/{rule['id']}"
    assert viewer.call("PUT", path, {"version": 1, "enabled": False}).status == 403
    off = admin.call("PUT", path, {"version": 1, "enabled": False}).json
    assert (off["enabled"], off["version"], off["changed_by"]) == (False, 2, "ada")
    assert member.call("PUT", path, {"version": 1, "name": "x"}).code == "conflict"
    assert [v["version"] for v in viewer.call("GET", f"{path}/versions").json["versions"]] == [2, 1]
    assert member.call("DELETE", path).status == 200
    assert member.call("DELETE", path).status == 404

    assert member.call("POST", CHANNELS, {"kind": "webhook", "name": "x", "url": hook.url}).status == 403
    assert viewer.call("GET", CHANNELS).status == 403
    listed = member.call("GET", CHANNELS).json
    assert (listed["may_edit"], listed["has_mail"]) == (False, False)
    spec = {**RULE["spec"], "channels": ["0" * 16]}
    assert member.call("POST", RULES, {"name": "x", "spec": spec}).status == 404


# ── channels ─────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def channels(tmp_path: Path) -> Channels:
    return Channels(tmp_path / "alert-channels.json", Outbound(), time.time)


def test_what_is_no_channel_is_refused_with_what_is_wrong(channels: Channels):
    for kind, fields, said in (
        ("email", {"to": ("ada@example.org\r\nBcc: x@y.z",)}, "is no e-mail address"),
        ("email", {"to": ("=?utf-8?q?=0d=0aBcc=3Ax?=@y.z",)}, "is no e-mail address"),
        ("email", {"to": ()}, "e-mail goes to 1 to"),
        ("email", {"to": ("a@b.c",), "url": "https://x.example"}, "no address on the web"),
        ("slack", {"url": "https://x.example/", "secret": "s"}, "chats check no signature"),
        ("webhook", {"url": "ftp://x.example/"}, "begins with https"),
        ("webhook", {"url": "http://10.0.0.1/"}, "not on the public internet"),
        ("webhook", {"url": "https://x.example/", "quiet": Quiet("22:00", "7:00")}, "end is a time"),
        ("webhook", {"url": "https://x.example/", "quiet": Quiet("22:00", "07:00", "Mars/Base")}, "no time zone"),
        ("webhook", {"url": "https://x.example/", "name": " "}, "name has 1 to"),
    ):
        with pytest.raises(InvalidValue, match=said):
            channels.create("ada", "digits", kind, "ada", ChannelChange(**{"name": "x", **fields}))
    assert channels.of_project("ada", "digits") == []


def test_channels_survive_a_restart_and_nobody_overwrites_another(channels: Channels, tmp_path: Path):
    made = channels.create("ada", "digits", "webhook", "ada", ChannelChange(name="x", url="https://x.example/secret"))
    changed = channels.change(made, "max", 1, ChannelChange(name="y"))
    with pytest.raises(EditConflict):
        channels.change(made, "vera", 1, ChannelChange(name="z"))
    path = tmp_path / "alert-channels.json"
    again = Channels(path, Outbound(), time.time)
    assert again.of_project("ada", "digits") == [changed]
    assert (changed.url, changed.name, changed.version) == ("https://x.example/secret", "y", 2)
    path.chmod(0o644)
    with pytest.raises(AccessDenied):
        Channels(path, Outbound(), time.time)
    path.chmod(0o600)
    for n in range(ALERT_CHANNELS_MAX - 1):
        again.create("ada", "digits", "email", "ada", ChannelChange(name=str(n), to=("a@b.example",)))
    with pytest.raises(LimitExceeded):
        again.create("ada", "digits", "email", "ada", ChannelChange(name="more", to=("a@b.example",)))


# ── quiet hours ──────────────────────────────────────────────────────────────────────────────────────────────────
def at(text: str, zone: str = "Europe/Berlin") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("quiet", "now", "end"),
    [
        (Quiet("22:00", "07:00", "Europe/Berlin"), "2026-03-10T23:00", "2026-03-11T07:00"),
        (Quiet("22:00", "07:00", "Europe/Berlin"), "2026-03-10T06:59", "2026-03-10T07:00"),
        (Quiet("22:00", "07:00", "Europe/Berlin"), "2026-03-10T07:00", None),
        (Quiet("22:00", "07:00", "Europe/Berlin"), "2026-03-29T03:30", "2026-03-29T07:00"),  # clocks change
        (Quiet("12:00", "13:00", "Europe/Berlin", (0, 1)), "2026-03-10T12:30", "2026-03-10T13:00"),  # a Tuesday
        (Quiet("12:00", "13:00", "Europe/Berlin", (0,)), "2026-03-10T12:30", None),
        (Quiet("22:00", "07:00", "Europe/Berlin", (0,)), "2026-03-10T06:00", "2026-03-10T07:00"),
    ],
)
def test_quiet_hours_are_those_of_their_time_zone(quiet: Quiet, now: str, end: str | None):
    quiet.check()
    assert quiet.until(at(now)) == (None if end is None else at(end))


# ── delivery ─────────────────────────────────────────────────────────────────────────────────────────────────────
class Sent:
    """Stands for the other side: what was sent, and how it goes."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.outcome = Outcome("done", "took it", 200)

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> Outcome:
        self.bodies.append(json.loads(body))
        return self.outcome

    def check(self, url: str) -> None:
        return None


class Deliveries:
    """A delivery with a clock that the test holds and no threads."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.now = 1_800_000_000.0
        self.sent = Sent()
        self.store = store
        outbound: Any = self.sent
        self.channels = Channels(folder / "channels.json", outbound, lambda: self.now)
        self.make()
        self.count = 0

    def make(self) -> None:
        self.delivery = Delivery(lambda: self.store.alerts, self.channels, self.sent, Mail(None), lambda: self.now)  # type: ignore[arg-type]

    def channel(self, **fields: Any) -> Channel:
        change = ChannelChange(**{"name": "c", "url": "https://x.example/", **fields})
        return self.channels.create("ada", "digits", "webhook", "ada", change)

    def alert(self, level: str = "WARN", **fields: Any) -> Alert:
        self.count += 1
        alert_id = f"{'0' * 32}-{self.count}"
        names = ("code", "ada", "digits", "k" * 26, "r", "run", 1)
        outcome = self.store.alerts.log.outcome(alert_id)
        became = {"delivered": dict.fromkeys(outcome.delivered, 1.0), "undelivered": outcome.undelivered}
        return Alert(alert_id, *names, level, f"t{self.count}", "", "code", self.now, self.now, **{**became, **fields})

    def run(self, seconds: float) -> int:
        """Let time pass; return how many messages were sent."""
        before = len(self.sent.bodies)
        for _ in range(max(1, int(seconds))):
            self.now += 1
            for channel, some in self.delivery.due():
                self.delivery.settle(channel, some, self.delivery.send(channel, some))
        return len(self.sent.bodies) - before


@pytest.fixture
def deliveries(tmp_path: Path) -> Iterator[Deliveries]:
    with Store.open(tmp_path / "data") as store:
        yield Deliveries(store, tmp_path)


def test_alerts_that_come_together_are_one_message_and_each_comes_once(deliveries: Deliveries):
    channel = deliveries.channel(level="WARN")
    some = [deliveries.alert(), deliveries.alert("ERROR"), deliveries.alert("INFO")]
    for _ in range(3):
        deliveries.delivery.offer(some)

    assert deliveries.run(1) == 0
    assert deliveries.run(5) == 1
    assert [a["title"] for a in deliveries.sent.bodies[0]["alerts"]] == ["t1", "t2"]
    assert set(deliveries.store.alerts.log.outcome(some[0].id).delivered) == {channel.id}
    assert deliveries.delivery.standing(channel).last_at is not None


def test_what_cannot_be_delivered_is_tried_again_ever_more_rarely_and_then_given_up(deliveries: Deliveries):
    channel = deliveries.channel()
    deliveries.sent.outcome = Outcome("connect", "x does not answer", retry=True)
    alert = deliveries.alert()
    deliveries.delivery.offer([alert])
    deliveries.run(5)
    standing = deliveries.delivery.standing(channel)
    assert (standing.waiting, standing.problem) == (1, "x does not answer")
    assert standing.next_at is not None
    assert standing.next_at > deliveries.now
    deliveries.run(10 + 30 + 120 + 600 + 3_600 + 60)

    assert len(deliveries.sent.bodies) == DELIVERY_TRIES_MAX
    outcome = deliveries.store.alerts.log.outcome(alert.id)
    assert (outcome.delivered, outcome.undelivered) == ({}, {channel.id: "x does not answer"})
    # By hand, once the other side is back.
    deliveries.sent.outcome = Outcome("done", "took it", 200)
    given_up = deliveries.alert(undelivered=outcome.undelivered)
    assert deliveries.delivery.offer_again(channel, [given_up]) == 1
    assert deliveries.run(5) == 1


def test_what_is_refused_for_good_is_not_tried_again(deliveries: Deliveries):
    channel = deliveries.channel()
    deliveries.sent.outcome = Outcome("reply", "x refuses it (HTTP 404).", 404)
    alert = deliveries.alert()
    deliveries.delivery.offer([alert])
    deliveries.run(60)

    assert len(deliveries.sent.bodies) == 1
    assert channel.id in deliveries.store.alerts.log.outcome(alert.id).undelivered


def test_quiet_hours_hold_all_but_errors_back_for_one_message(deliveries: Deliveries):
    deliveries.now = at("2026-03-10T23:00", "UTC")
    deliveries.channel(quiet=Quiet("22:00", "23:10"))
    for level in ("WARN", "INFO", "ERROR", "WARN"):
        deliveries.delivery.offer([deliveries.alert(level)])
    deliveries.run(60)
    assert [len(body["alerts"]) for body in deliveries.sent.bodies] == [1]
    assert deliveries.sent.bodies[0]["alerts"][0]["level"] == "ERROR"
    deliveries.run(600)

    assert [body["event"] for body in deliveries.sent.bodies] == ["alert", "digest"]
    assert len(deliveries.sent.bodies[1]["alerts"]) == 3


def test_a_channel_gets_so_many_messages_an_hour_and_the_rest_in_one(deliveries: Deliveries):
    channel = deliveries.channel()
    for _ in range(DELIVERIES_PER_HOUR + 20):
        deliveries.delivery.offer([deliveries.alert()])
        deliveries.run(4)
    assert len(deliveries.sent.bodies) == DELIVERIES_PER_HOUR
    standing = deliveries.delivery.standing(channel)
    assert (standing.waiting, standing.problem, standing.next_at is not None) == (20, "", True)
    deliveries.run(3_600)

    assert len(deliveries.sent.bodies) == DELIVERIES_PER_HOUR + 1
    assert len(deliveries.sent.bodies[-1]["alerts"]) == 20


def test_a_queue_is_bounded_and_says_what_it_gave_up(deliveries: Deliveries):
    channel = deliveries.channel()
    deliveries.sent.outcome = Outcome("connect", "down", retry=True)
    some = [deliveries.alert() for _ in range(DELIVERY_QUEUE_MAX + 3)]
    deliveries.delivery.offer(some)

    assert deliveries.delivery.standing(channel).waiting == DELIVERY_QUEUE_MAX
    given_up = [one for one in some if deliveries.store.alerts.log.outcome(one.id).undelivered]
    assert [one.id for one in given_up] == [one.id for one in some[-3:]]
    deliveries.sent.outcome = Outcome("done", "took it", 200)
    deliveries.run(5)
    body = deliveries.sent.bodies[-1]
    assert (len(body["alerts"]) + body["more"], len(json.dumps(body)) < 64 * 1024) == (DELIVERY_QUEUE_MAX, True)


def test_a_restart_sends_what_waited_and_not_what_was_sent(deliveries: Deliveries):
    deliveries.channel()
    first = deliveries.alert()
    deliveries.delivery.offer([first])
    deliveries.run(5)
    second = deliveries.alert()
    deliveries.delivery.offer([second])
    deliveries.make()  # killed with the second in its queue
    deliveries.count = 0
    deliveries.delivery.offer([deliveries.alert(), deliveries.alert()])

    assert deliveries.run(5) == 1
    assert [a["title"] for a in deliveries.sent.bodies[-1]["alerts"]] == ["t2"]


def test_a_channel_is_told_nothing_that_was_before_it(deliveries: Deliveries):
    old = deliveries.alert()
    deliveries.now += 60
    deliveries.channel()
    deliveries.delivery.offer([old])

    assert deliveries.run(10) == 0


def test_what_is_offered_while_it_is_being_sent_is_not_sent_twice(
    deliveries: Deliveries, monkeypatch: pytest.MonkeyPatch
):
    deliveries.channel()
    alert = deliveries.alert()
    deliveries.delivery.offer([alert])
    log = deliveries.store.alerts.log
    note = log.note_outcomes

    def note_late(*args: Any, **more: Any) -> None:
        deliveries.delivery.offer([alert])  # read before it was sent, offered after
        note(*args, **more)
        deliveries.delivery.offer([alert])

    monkeypatch.setattr(log, "note_outcomes", note_late)
    deliveries.run(20)
    deliveries.delivery.offer([alert])
    deliveries.run(20)

    assert len(deliveries.sent.bodies) == 1


def test_a_channel_that_is_turned_off_says_what_it_dropped_and_is_told_nothing_of_meanwhile(deliveries: Deliveries):
    channel = deliveries.channel(level="ERROR")
    waits = deliveries.alert("ERROR")
    deliveries.delivery.offer([waits])
    off = deliveries.channels.change(channel, "ada", 1, ChannelChange(enabled=False))
    deliveries.run(3)
    log = deliveries.store.alerts.log
    assert log.outcome(waits.id).undelivered == {channel.id: "the channel was turned off"}
    meanwhile, minor = deliveries.alert("ERROR"), deliveries.alert("INFO")
    deliveries.now += 60
    on = deliveries.channels.change(off, "ada", 2, ChannelChange(enabled=True))
    deliveries.make()  # a restart offers what is in no queue
    deliveries.delivery.offer([meanwhile, minor])
    assert deliveries.run(5) == 0
    deliveries.channels.change(on, "ada", 3, ChannelChange(level="INFO"))
    deliveries.delivery.offer([minor])
    assert deliveries.run(5) == 0
    deliveries.delivery.offer([deliveries.alert("INFO")])
    assert deliveries.run(5) == 1


def test_news_of_a_machine_whose_clock_is_days_off_is_sent(deliveries: Deliveries):
    deliveries.channel()
    off = [msgspec.structs.replace(deliveries.alert(), time=deliveries.now + days * 86_400) for days in (-30, 30)]
    deliveries.delivery.offer(off[:1])
    assert deliveries.run(5) == 0
    deliveries.delivery.offer(off, is_news=True)
    assert deliveries.run(5) == 1
    assert len(deliveries.sent.bodies[0]["alerts"]) == 2


def test_what_a_deleted_rule_raised_is_not_told_to_channels_that_it_did_not_name(deliveries: Deliveries):
    deliveries.channel()
    rules = deliveries.store.alerts.rules
    spec = RuleSpec(parse_condition(RULE["spec"]["condition"]), channels=[])  # type: ignore[index]
    made = rules.create("ada", "digits", "quiet", spec, "ada")
    deliveries.delivery.offer([deliveries.alert(rule=made.id)])
    rules.delete(made.id, "ada")
    deliveries.delivery.offer([deliveries.alert(rule=made.id)])

    assert deliveries.run(10) == 0


def test_a_few_tests_at_once_are_enough(world: Team, monkeypatch: pytest.MonkeyPatch):
    service = world.server.app.api.state.alerts
    channel = Channel("c", *OURS, "c", "webhook", "ada", 0.0, "ada", 0.0, url="https://x.example/")
    inside, go = threading.Semaphore(0), threading.Event()

    def hang(*_: Any) -> Outcome:
        inside.release()
        go.wait(5)
        return Outcome("done", "took it")

    monkeypatch.setattr(service.delivery, "send", hang)
    threads = [threading.Thread(target=service.send_test, args=(channel,)) for _ in range(DELIVERY_AT_ONCE)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert inside.acquire(timeout=5)
    assert "being tested just now" in service.send_test(channel).text
    go.set()
    for thread in threads:
        thread.join()
    assert service.send_test(channel).is_delivered


def test_a_channel_that_cannot_tell_the_time_keeps_no_other_waiting(
    deliveries: Deliveries, monkeypatch: pytest.MonkeyPatch
):
    bad = deliveries.channel(name="bad", quiet=Quiet("22:00", "23:00", "Europe/Berlin"))
    good = deliveries.channel(name="good")
    alert = deliveries.alert()
    zone = Quiet._zone
    monkeypatch.setattr(  # as after an update that has it no more
        Quiet, "_zone", lambda quiet: zone(msgspec.structs.replace(quiet, zone="Gone/Away"))
    )
    deliveries.delivery.offer([alert])

    assert deliveries.run(5) == 1
    assert set(deliveries.store.alerts.log.outcome(alert.id).delivered) == {good.id}
    assert "no time zone" in deliveries.delivery.standing(bad).problem


# ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_messages_name_the_run_and_say_nothing_that_a_chat_takes_for_more(deliveries: Deliveries):
    alert = deliveries.alert("ERROR", step=3, value=float("nan"), repeats=2)
    alert = Alert(**{**{n: getattr(alert, n) for n in alert.__struct_fields__}, "title": "<!channel> & *x* @here"})
    chat = json.loads(chat_body([alert], "https://lab.example/"))["text"]
    assert "<!channel>" not in chat
    assert "@here" not in chat
    assert f"<https://lab.example/r/{'k' * 26}|run>" in chat
    text = mail_text([alert], "")
    assert "step 3" in text
    assert "and 2 of the same title before" in text
    assert json.loads(webhook_body([alert], ""))["alerts"][0]["value"] == "NaN"


class Smtp:
    """An SMTP server that takes everything, and says what it was given."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.said: list[str] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as file:
                connection.sendall(b"220 here\r\n")
                is_data = False
                while line := file.readline():
                    text = line.decode().rstrip("\r\n")
                    self.said.append(text)
                    if is_data and text != ".":
                        continue
                    is_data = text.upper() == "DATA"
                    verb = text.split(" ")[0].upper()
                    connection.sendall({"DATA": b"354 go on\r\n", "EHLO": b"250 here\r\n"}.get(verb, b"250 ok\r\n"))

    def close(self) -> None:
        self._listener.close()


def test_mail_is_handed_in_with_one_message_for_all():
    server = Smtp()
    settings = MailSettings.from_environ(
        {"TREERING_SMTP_URL": f"smtp+plain://127.0.0.1:{server.port}", "TREERING_SMTP_FROM": "treering@lab.example"}
    )
    outcome = Mail(settings).send(["ada@x.example", "max@x.example"], "too\r\nhigh: ünïcode", "loss is ∞\n", "abc")

    assert outcome.is_delivered
    text = "\n".join(server.said)
    assert "To: ada@x.example, max@x.example" in text
    assert server.said.count("data") == 1
    refused = Mail(MailSettings("127.0.0.1", server.port, "smtp", "a@b.example")).send(["c@d.example"], "x", "y", "z")
    assert (refused.step, refused.is_delivered) == ("tls", False)
    server.close()
    with socket.socket() as unused:  # a port at which nobody listens
        unused.bind(("127.0.0.1", 0))
        nowhere = MailSettings("127.0.0.1", unused.getsockname()[1], "smtp+plain", "a@b.example")
    gone = Mail(nowhere, timeout_s=1).send(["ada@x.example"], "x", "y", "z")
    assert (gone.step, gone.retry) == ("connect", True)
    assert Mail(None).send(["a@b.example"], "x", "y", "z").step == "address"


INJECTIONS = (
    "x\r\nBcc: evil@x.example",
    "x\nBcc: evil@x.example",
    "x\u2028Bcc: evil@x.example",
    "x\x85Bcc: evil@x.example",
    "=?utf-8?q?hi=0d=0aBcc: evil@x.example?=",
    "=?utf-8?b?aGkNCkJjYzogZXZpbEB4LmV4YW1wbGU=?=",
    "=?utf-8?q?a?= =?utf-8?q?=0ABcc: evil@x.example?=",
    "a\0b\x1b[31m",
)


def test_no_name_adds_a_header_to_a_mail_or_ends_it(deliveries: Deliveries):
    server = Smtp()
    mail = Mail(MailSettings("127.0.0.1", server.port, "smtp+plain", "t@lab.example"))
    for evil in INJECTIONS:
        names = {"title": evil, "run_name": evil, "text": f"{evil}\r\n.\r\nMAIL FROM:<evil@x.example>", "at": 1e9}
        alert = msgspec.structs.replace(deliveries.alert(), **names)
        begin = len(server.said)
        assert mail.send(["ada@x.example"], headline([alert]), mail_text([alert], ""), "id.1").is_delivered
        said = server.said[begin:]
        head = said[said.index("data") + 1 : said.index("")]
        assert not [line for line in head if line.lower().startswith("bcc")], head
        assert [line.lower() for line in said if line.startswith("mail ")] == ["mail from:<t@lab.example>"]
        assert not any(char in "".join(said) for char in "\0\x1b")
        assert "Message-ID: <id.1@treering.invalid>" in head
    server.close()


def test_a_mail_server_that_drips_is_left_in_time():
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                while True:
                    connection.sendall(b"2")
                    time.sleep(0.02)

    threading.Thread(target=drip, daemon=True).start()
    begin = time.monotonic()
    mail = Mail(MailSettings("127.0.0.1", listener.getsockname()[1], "smtp+plain", "a@b.example"), whole_s=0.3)
    outcome = mail.send(["ada@x.example"], "x", "y", "z")
    assert (outcome.is_delivered, outcome.retry, time.monotonic() - begin < 3) == (False, True, True)
    listener.close()


def test_settings_of_mail_say_what_is_wrong_and_never_the_password(tmp_path: Path):
    file = tmp_path / "smtp"
    file.write_text("smtps://ada:p%40ss@mail.example\n")
    made = MailSettings.from_environ({"TREERING_SMTP_URL_FILE": str(file), "TREERING_SMTP_FROM": "t@lab.example"})
    assert made is not None
    assert (made.host, made.port, made.user, made.password, "p@ss" in repr(made)) == (
        "mail.example",
        465,
        "ada",
        "p@ss",
        False,
    )
    assert MailSettings.from_environ({}) is None
    for environ in (
        {"TREERING_SMTP_URL": "https://ada:geheim@mail.example"},
        {"TREERING_SMTP_URL": "smtp://ada:geheim@mail.example"},
        {"TREERING_SMTP_URL_FILE": str(tmp_path / "none")},
    ):
        with pytest.raises(UsageError) as error:
            MailSettings.from_environ(environ)
        assert "geheim" not in str(error.value)
