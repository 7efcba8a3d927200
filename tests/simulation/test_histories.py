"""Thousands of histories of failing disks, networks and processes; and what happens when a rule is switched off."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from simulation.history import Broken, play
from simulation.server import ModelServer, StoreServer
from treering.limits import SHIP_RECHECK_S
from treering.runlog.shipment import NOTHING, Held
from treering.sdk.parcel import DONE, SHIP
from treering.sdk.shipping import Shipper

EACH = 250  # seeds of one test, so that several run side by side


def play_many(seeds: range, **options: Any) -> None:
    for seed in seeds:
        play(seed, **options)


@pytest.mark.parametrize("begin", range(0, 2_000, EACH))
def test_every_acknowledged_byte_stays_and_each_record_arrives_once(begin: int) -> None:
    play_many(range(begin, begin + EACH), make_server=StoreServer)


@pytest.mark.exam
@pytest.mark.parametrize("begin", range(2_000, 102_000, 5_000))
def test_a_hundred_thousand_histories(begin: int) -> None:
    play_many(range(begin, begin + 5_000), make_server=StoreServer)


def test_the_protocol_holds_for_its_smallest_implementation_too() -> None:
    play_many(range(500))


# ── a harness that never fails proves nothing ────────────────────────────────────────────────────────────────────


class LengthOnly(Shipper):
    """Takes a length for a proof."""

    def _decide(self, part: Any, length: int, chain: int) -> None:
        super()._decide(part, length, part.remote.chain)


class NoCheckAfterRestore(Shipper):
    """Believes that a restored store holds what it held."""

    def check_everything(self) -> None:
        pass

    def _recheck(self, now: float) -> bool:
        self._recheck_at = now + SHIP_RECHECK_S
        return False


class NoSalvage(Shipper):
    """Stops at damage."""

    def _make_forks(self, part: Any, first: Any, why: Any) -> None:
        part.phase, part.end = DONE, True


class Optimist(Shipper):
    """Goes on from where it believes to be, whatever it is told."""

    def _stumble(self, part: Any, held: Held) -> None:
        part.phase = SHIP

    def _learn(self, part: Any, held: Held, indexed: int) -> None:
        super()._learn(part, NOTHING if part.at == NOTHING else held, indexed)


def broken_server(rule: str) -> Callable[..., Any]:
    return partial(ModelServer, broken=frozenset({rule}))


RULES: dict[str, dict[str, Any]] = {
    "the server checks no offset": {"make_server": broken_server("offset")},
    "the server compares no chain": {"make_server": broken_server("chain")},
    "the server answers before it syncs": {"make_server": broken_server("sync")},
    "the server does not cut a torn tail": {"make_server": broken_server("cut")},
    "the shipper takes a length for a proof": {"shipper": LengthOnly},
    "the shipper does not check again after a restore": {"shipper": NoCheckAfterRestore},
    "the shipper stops at damage": {"shipper": NoSalvage},
    "the shipper does not go where the server is": {"shipper": Optimist},
}


@pytest.mark.parametrize("options", RULES.values(), ids=RULES.keys())
def test_a_rule_that_is_switched_off_is_noticed(options: dict[str, Any]) -> None:
    with pytest.raises(Broken, match="seed "):
        play_many(range(1_000), **options)
