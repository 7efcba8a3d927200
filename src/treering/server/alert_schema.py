"""The shapes of the HTTP API that have to do with alerts; see ``schema``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from treering.limits import (
    ALERT_CHANNELS_MAX,
    ALERT_POINTS_MAX,
    ALERT_RECIPIENTS_MAX,
    ALERT_SECRET_MAX_CHARS,
    ALERT_TEXT_MAX_CHARS,
    ALERTS_PAGE_MAX,
    FILTER_MAX_BYTES,
    OUTBOUND_URL_MAX_CHARS,
)

from .schema import MetricKey, Name, Number, Reply, Request

AlertLevel = Literal["INFO", "WARN", "ERROR"]
ConditionKind = Literal["threshold", "change", "unusual", "not_finite", "silent", "plateau", "ended"]
ChannelKind = Literal["email", "slack", "webhook"]
EndState = Literal["finished", "failed", "killed", "preempted", "crashed"]


# ── what was raised ──────────────────────────────────────────────────────────────────────────────────────────────


class AlertRow(Reply):
    """An alert. Times are unix seconds."""

    id: str
    source: Literal["rule", "code"] = Field(description="A rule of the project, or the training's own code.")
    entity: str
    project: str
    run_key: str
    run_id: str
    run_name: str
    run_number: int
    level: AlertLevel
    title: str
    text: str
    kind: str = Field(description="Of condition, or `code`.")
    time: float = Field(description="When the server noticed.")
    at: float = Field(description="When it happened, by the clock of the training's machine.")
    key: str | None
    step: int | None
    value: Number | None
    rule: str | None
    repeats: int = Field(description="Of code: how many of the same title were held back before it.")
    over_at: float | None = Field(description="When the condition ceased to hold.")
    is_open: bool
    seen_by: str | None
    seen_at: float | None
    delivered: dict[str, float] = Field(description="Channel id: when.")
    undelivered: dict[str, str] = Field(description="Channel id: why it was given up.")


class AlertRows(Reply):
    """Alerts, the newest first."""

    alerts: list[AlertRow]
    before: str | None = Field(
        description="Ask with it for those that follow; null at the end. A page may be short and not the last."
    )
    may_edit: bool


class AlertCount(Reply):
    """How many alerts nobody has seen; 100 stands for that many or more."""

    count: int


class AlertsSeen(Request):
    """Alerts that the caller has seen, or wants to be new again."""

    ids: list[str] = Field([], max_length=ALERTS_PAGE_MAX)
    until: float | None = Field(None, ge=0, description="And all new ones whose `time` is not later, of the latest.")
    seen: bool = True


class AlertsChanged(Reply):
    """How many alerts that changed."""

    changed: int


# ── rules ────────────────────────────────────────────────────────────────────────────────────────────────────────


class AlertCondition(Request):
    """
    What a rule watches for; which fields it has depends on its kind.

    ``threshold`` takes ``key``, ``op``, ``value``, ``points`` and ``clear``; ``change`` takes ``key``, ``by``,
    ``steps``, ``direction``, ``relative``, ``points``; ``unusual`` takes ``key``, ``score``, ``side``, ``points``;
    ``not_finite`` takes ``key``, ``what``, ``points``; ``silent`` takes ``key``, ``seconds``; ``plateau`` takes
    ``key``, ``steps``, ``by``, ``goal``; ``ended`` takes ``states``. A key may hold one ``*``.
    """

    kind: ConditionKind
    key: MetricKey | None = None
    op: Literal[">", ">=", "<", "<="] | None = None
    value: float | None = None
    clear: float | None = None
    points: int | None = Field(None, ge=1, le=ALERT_POINTS_MAX)
    by: float | None = None
    steps: int | None = None
    direction: Literal["rise", "fall", "any"] | None = None
    relative: bool | None = None
    score: float | None = None
    side: Literal["above", "below", "any"] | None = None
    what: Literal["nan", "inf", "any"] | None = None
    seconds: float | None = None
    goal: Literal["minimize", "maximize"] | None = None
    states: list[EndState] | None = None

    def data(self) -> dict[str, Any]:
        """Return what was said, as the store takes it."""
        return self.model_dump(exclude_none=True)


class AlertRuleBody(Request):
    """What a rule says."""

    condition: AlertCondition
    filter: str = Field("", max_length=FILTER_MAX_BYTES, description="The runs that it watches; all if empty.")
    level: AlertLevel = "WARN"
    channels: list[str] | None = Field(None, max_length=ALERT_CHANNELS_MAX, description="Ids; null for all.")
    note: str = Field("", max_length=ALERT_TEXT_MAX_CHARS, description="For people: what to do then.")


class NewAlertRule(Request):
    """A rule to save."""

    name: Name
    spec: AlertRuleBody
    enabled: bool = True


class AlertRuleChange(Request):
    """The next version of a rule; what is left out stays."""

    version: int = Field(ge=1, description="The version that this change was made to.")
    name: Name | None = None
    spec: AlertRuleBody | None = None
    enabled: bool | None = None


class AlertRuleTry(Request):
    """A rule to look at before it is saved."""

    spec: AlertRuleBody


class AlertSpec(Reply):
    """What a rule says. ``condition`` is as ``AlertCondition`` has it, without what it does not say."""

    condition: dict[str, Any]
    filter: str
    level: AlertLevel
    channels: list[str] | None
    note: str


class AlertRuleRow(Reply):
    """A rule. Times are unix seconds."""

    id: str
    entity: str
    project: str
    name: str
    enabled: bool
    spec: AlertSpec
    text: str = Field(description="The condition in a few words.")
    created_by: str
    created_at: float
    changed_by: str
    changed_at: float
    version: int


class AlertRuleRows(Reply):
    """The rules of a project, by name."""

    rules: list[AlertRuleRow]
    may_edit: bool


class AlertRuleVersionRow(Reply):
    """A version of a rule."""

    version: int
    time: float
    author: str
    text: str
    enabled: bool
    condition: dict[str, Any]
    filter: str
    level: AlertLevel


class AlertRuleVersions(Reply):
    """The latest versions of a rule, the newest first."""

    versions: list[AlertRuleVersionRow]


class AlertPreviewFire(Reply):
    """One time that a rule would have fired."""

    key: str | None
    step: int | None
    value: Number | None
    at: float
    text: str


class AlertPreviewRun(Reply):
    """What a rule would have said of a run: how often, and the first times."""

    run_key: str
    run_id: str
    run_name: str
    run_number: int
    count: int
    fires: list[AlertPreviewFire]


class AlertRulePreview(Reply):
    """What a rule would have said of the newest runs that it means."""

    runs: int
    fired_runs: int
    count: int
    rows: list[AlertPreviewRun]


# ── channels ─────────────────────────────────────────────────────────────────────────────────────────────────────


class QuietHours(Request):
    """Hours in which nothing is sent; what waited comes in one message then."""

    begin: str = Field(description="HH:MM", max_length=5)
    end: str = Field(description="HH:MM; earlier than `begin` for over midnight", max_length=5)
    zone: str = Field("UTC", max_length=64, description="Of the IANA database, such as Europe/Berlin.")
    days: list[int] = Field([], max_length=7, description="On which a span begins, 0 for Monday; all if empty.")
    urgent: bool = Field(True, description="Alerts of level ERROR come anyway.")


class QuietHoursReply(Reply):
    """Hours in which nothing is sent."""

    begin: str
    end: str
    zone: str
    days: list[int]
    urgent: bool


class ChannelBody(Request):
    """A channel, or what of it is to change; what is left out stays."""

    version: int | None = Field(None, ge=1, description="Of a change: the version that it was made to.")
    kind: ChannelKind | None = Field(None, description="Of a new one.")
    name: Name | None = None
    enabled: bool | None = None
    level: AlertLevel | None = None
    to: list[str] | None = Field(None, max_length=ALERT_RECIPIENTS_MAX)
    url: str | None = Field(None, max_length=OUTBOUND_URL_MAX_CHARS, description="Never shown again.")
    secret: str | None = Field(None, max_length=ALERT_SECRET_MAX_CHARS, description="Never shown again.")
    quiet: QuietHours | Literal["none"] | None = None


class ChannelRow(Reply):
    """A channel. Times are unix seconds. Addresses of webhooks and secrets are not shown."""

    id: str
    name: str
    kind: ChannelKind
    shown: str = Field(description="Where it leads, as far as it may be shown.")
    enabled: bool
    level: AlertLevel
    to: list[str]
    is_signed: bool
    quiet: QuietHoursReply | None
    created_by: str
    created_at: float
    changed_by: str
    changed_at: float
    version: int
    waiting: int = Field(description="Alerts in its queue.")
    quiet_until: float | None
    next_at: float | None = Field(description="The next try after one that failed, or the next message.")
    problem: str = Field(description="Why the last try failed.")
    last_at: float | None = Field(description="When the last message was taken, since the server's start.")


class ChannelRows(Reply):
    """The channels of a project, by name."""

    channels: list[ChannelRow]
    may_edit: bool
    has_mail: bool = Field(description="Whether this server can send mail.")


class ChannelTest(Reply):
    """How a test message went: `step` is `done`, or where it failed. What the other side said is not repeated."""

    step: Literal["address", "name", "connect", "tls", "send", "reply", "done"]
    text: str
    status: int | None


class ChannelAgain(Reply):
    """How many alerts are sent once more."""

    queued: int
