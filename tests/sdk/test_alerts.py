"""Alerts that code raises: recorded at once, held back by title, and never in the training's way."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import treering as tr
from treering.errors import InvalidValue, UsageError
from treering.limits import ALERT_TEXT_MAX_CHARS, ALERT_TITLE_MAX_CHARS, ALERTS_MAX_PER_RUN
from treering.runlog import records
from treering.runlog.reader import SegmentReader
from treering.sdk.alerts import AlertLevel, RaisedAlerts


def raised(folder: Path) -> list[dict[str, Any]]:
    found = []
    for path in folder.glob("runs/*/*.trl"):
        with SegmentReader(path) as reader:
            while frames := reader.read(whole=True):
                found += [one.data for frame in frames if frame.kind == records.ALERT for one in records.decode(frame)]
    return found


def test_an_alert_is_a_record_of_the_run_with_its_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with tr.init(project="p", dir=tmp_path) as run:
        run.log({"loss": 1.0})
        run.log({"loss": 2.0})
        run.alert("loss rises", text="from 1 to 2, key sk-" + "a" * 48, level=tr.AlertLevel.WARN)
        tr.alert("said by the module", level="error")
        run.alert("loss rises")
        with pytest.raises(InvalidValue, match="level is INFO"):
            run.alert("x", level="LOUD")
        with pytest.raises(InvalidValue, match="needs a title"):
            run.alert(" ")
        with pytest.raises(InvalidValue, match="wait_duration"):
            run.alert("x", wait_duration="soon")
    run.alert("too late")
    found = raised(tmp_path)

    assert [(one["title"], one["level"], one["step"], one["repeats"]) for one in found] == [
        ("loss rises", "WARN", 1, 0),
        ("said by the module", "ERROR", 1, 0),
    ]
    assert "aaaa" not in found[0]["text"]


def test_one_title_is_raised_again_after_its_time_with_how_many_were_held_back():
    alerts, warned = RaisedAlerts(), []

    def at(now_s: float, title: str = "t", wait: Any = 10) -> int | None:
        body = alerts.body(title, "", "INFO", wait, None, now_s, lambda *said: warned.append(said))
        return None if body is None else body["repeats"]

    assert [at(0), at(9), at(9.9), at(10), at(11), at(11, wait=0), at(12, "other")] == [0, None, None, 2, None, 1, 0]
    assert at(100, "late", timedelta(minutes=1)) == 0
    assert at(159, "late", timedelta(minutes=1)) is None
    for n in range(ALERTS_MAX_PER_RUN * 2):
        at(200.0 + n, f"loss is {n}")
    assert len(alerts._last_s) <= 1_000
    assert "further ones are left out" in warned[-1][1]


def test_long_texts_are_cut_and_levels_are_names():
    warned: list[Any] = []
    body = RaisedAlerts().body(
        "t" * 999, "x" * 9_999, AlertLevel.ERROR, None, 3, 0.0, lambda *said: warned.append(said)
    )

    assert body is not None
    assert (len(body["title"]), len(body["text"]), body["level"]) == (
        ALERT_TITLE_MAX_CHARS,
        ALERT_TEXT_MAX_CHARS,
        "ERROR",
    )
    assert len(warned) == 2


def test_a_disabled_run_takes_alerts_and_none_is_active_before_init():
    with tr.init(mode="disabled") as run:
        run.alert("t", "x", level="WARN", wait_duration=3)
    with pytest.raises(UsageError):
        tr.alert("t")
