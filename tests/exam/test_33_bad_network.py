"""A bad network between a real training and a real server: every byte arrives, once, and training does not notice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from exam.network import BadNetwork, Weather, bad_network
from sdk.servers import Receiving, receiving, same_bytes, segments_of

_TRAINING = """
import json, resource, sys, time
import treering as tr
rows, slow_s, size = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
begun = time.monotonic()
run = tr.init(project="p", id=sys.argv[4], settings={"silent": True, "sample_s": 0.0, "finish_timeout_s": 60.0})
init_s = time.monotonic() - begun
text = "x" * size
row = {f"metric{k}": 0.5 for k in range(10)}
clock = time.perf_counter_ns
took = []
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for step in range(rows):
    data = {**row, "loss": 1 / (step + 1)}
    if size:
        data["note"] = text
    t = clock()
    run.log(data)
    took.append(clock() - t)
    if slow_s:
        time.sleep(slow_s)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - grown
took.sort()
print(json.dumps({"init_s": init_s, "median_us": took[len(took) // 2] / 1e3, "p99_us": took[len(took) * 99 // 100] / 1e3, "grown_kb": grown, "key": run.key}), flush=True)
run.finish()
"""


class Training:
    """A training process, its data folder, and what it said of its own speed."""

    def __init__(
        self, place: Path, url: str, key: str, *, rows: int, slow_s: float = 0.0, size: int = 0, run_id: str = "r"
    ) -> None:
        self.data = place / "data"
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("TREERING_", "WANDB_"))},
            "TREERING_DIR": str(self.data),
            "TREERING_ENTITY": "ada",
            "TREERING_BASE_URL": url,
            "TREERING_API_KEY": key,
        }
        if not url:
            del environ["TREERING_BASE_URL"]
        place.mkdir(parents=True, exist_ok=True)
        arguments = [str(rows), str(slow_s), str(size), run_id]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _TRAINING, *arguments], stdout=subprocess.PIPE, text=True, env=environ, cwd=place
        )

    def said(self) -> dict[str, Any]:
        """What it printed when the last row was logged."""
        assert self._process.stdout is not None
        line: dict[str, Any] = json.loads(self._process.stdout.readline())
        return line

    def finish(self, timeout_s: float = 120) -> None:
        self._process.communicate(timeout=timeout_s)
        assert self._process.returncode == 0


def sync(place: Path, url: str, key: str) -> subprocess.CompletedProcess[str]:
    """Send what is left, as a person would."""
    return subprocess.run(
        [sys.executable, "-m", "treering.cli", "sync", str(place / "data"), "--to", url],
        env={**os.environ, "TREERING_API_KEY": key},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def assert_whole(server: Receiving, training: Training, run_key: str, rows: int) -> None:
    ours = segments_of(training.data)
    assert len(ours) >= 2
    assert same_bytes(ours, server.segments())
    server.store.ingest_now()
    run = server.run(run_key)
    assert run["metrics"]["loss"]["n"] == rows
    assert run["loss"] is None
    assert run["guarantee"]["uploaded"]


WEATHERS = {
    "a tenth of all requests is dropped": Weather(drop=0.1),
    "requests and replies are cut anywhere": Weather(cut=0.3),
    "replies are lost": Weather(lost_reply=0.3),
    "requests arrive twice": Weather(duplicate=0.5),
    "pages of HTML instead of replies": Weather(bad_gateway=0.3),
    "replies come a byte at a time": Weather(trickle=0.3),
    "everything at once": Weather(0.05, 0.05, 0.05, 0.05, 0.05, 0.05),
}


OFTEN = ("requests arrive twice",)  # the others need not be tried each time


@pytest.mark.parametrize(
    "weather",
    [
        pytest.param(weather, id=name, marks=() if name in OFTEN else pytest.mark.exam)
        for name, weather in WEATHERS.items()
    ],
)
def test_every_byte_arrives_once_although(tmp_path: Path, weather: Weather) -> None:
    with receiving(tmp_path / "server") as server, bad_network(server.server.port, seed=33) as network:
        network.weather = weather
        training = Training(tmp_path, network.url, server.key, rows=400, slow_s=0.02)
        said = training.said()
        training.finish()
        network.weather = Weather()
        # It may have stopped waiting, and said so: then its uploader goes on, and whoever comes later can help.
        give_up = time.monotonic() + 60
        while not same_bytes(segments_of(training.data), server.segments()):
            done = sync(tmp_path, network.url, server.key)
            if done.returncode == 0:
                break  # it says that all is there, which is looked at below
            assert time.monotonic() < give_up, done.stdout + done.stderr

        assert_whole(server, training, said["key"], 400)
        assert network.seen.faults


@pytest.mark.exam
def test_two_senders_at_once_are_one(tmp_path: Path) -> None:
    with receiving(tmp_path / "server") as server, bad_network(server.server.port, seed=1) as network:
        network.weather = Weather(lost_reply=0.2, duplicate=0.2)
        training = Training(tmp_path, network.url, server.key, rows=300, slow_s=0.02)
        others = [
            subprocess.Popen(
                [sys.executable, "-m", "treering.cli", "sync", str(tmp_path / "data"), "--to", url],
                env={**os.environ, "TREERING_API_KEY": server.key},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for url in (network.url, server.url, server.url)
        ]
        said = training.said()
        training.finish()
        for other in others:
            other.wait(60)
        assert sync(tmp_path, server.url, server.key).returncode == 0

        assert_whole(server, training, said["key"], 300)


@pytest.mark.exam
def test_a_server_that_nobody_reaches_costs_init_5_seconds_and_log_nothing(tmp_path: Path) -> None:
    with receiving(tmp_path / "server") as server, bad_network(server.server.port) as network:
        network.weather = Weather(down=True)
        training = Training(tmp_path, network.url, server.key, rows=3_000, slow_s=0.001)
        said = training.said()
        assert said["init_s"] < 6.0  # 5, and a busy machine
        assert said["grown_kb"] < 32 * 1024
        asked = network.seen.requests
        assert asked <= 2 + said["init_s"] + 30
        network.weather = Weather()
        training.finish()
        if not same_bytes(segments_of(training.data), server.segments()):
            assert sync(tmp_path, server.url, server.key).returncode == 0

        assert_whole(server, training, said["key"], 3_000)


def requests_a_second(network: BadNetwork, seconds: float) -> float:
    before, begin = network.seen.requests, time.monotonic()
    time.sleep(seconds)
    return (network.seen.requests - before) / (time.monotonic() - begin)


@pytest.mark.exam
def test_while_the_server_is_down_a_run_asks_at_most_once_a_second_and_catches_up_by_itself(tmp_path: Path) -> None:
    with receiving(tmp_path / "server") as server, bad_network(server.server.port) as network:
        training = Training(tmp_path, network.url, server.key, rows=600, slow_s=0.02)
        time.sleep(3)
        network.weather = Weather(bad_gateway=1.0)
        assert requests_a_second(network, 6) <= 1.0
        network.weather = Weather()
        said = training.said()
        training.finish()

        assert_whole(server, training, said["key"], 600)


@pytest.mark.exam
def test_after_an_outage_a_run_catches_up_with_5_megabytes_a_second(tmp_path: Path) -> None:
    with receiving(tmp_path / "server") as server, bad_network(server.server.port) as network:
        network.weather = Weather(refuse=True)
        training = Training(tmp_path, network.url, server.key, rows=40_000, size=4_000)
        training.said()
        size = sum(map(len, segments_of(training.data).values()))
        assert size > 150_000_000
        network.weather = Weather()
        begin = time.monotonic()
        training.finish(300)
        took_s = time.monotonic() - begin
        if not same_bytes(segments_of(training.data), server.segments()):
            assert sync(tmp_path, server.url, server.key).returncode == 0
            took_s = time.monotonic() - begin

        print(f"{size / 1e6:.0f} MB in {took_s:.1f} s")
        assert size / took_s > 5e6
