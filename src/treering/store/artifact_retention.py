"""Which versions are to go: by an artifact's rule, or since their time is over. What holds one is not asked here."""

from __future__ import annotations

import math

from .artifact_book import Collection, Version

__all__ = ["expired", "superseded"]


def superseded(collection: Collection) -> list[tuple[Version, str]]:
    """
    Return the versions that an artifact's rule does not keep, and why each is to go.

    The newest version stays whatever the rule says, beside those that the rule counts. Of a rule by a metric, a version
    whose run had no such value when it was logged is not judged; NaN is the worst value, and of equal ones the newer
    is the better.
    """
    rule = collection.keep
    alive = collection.alive
    if rule is None or not alive:
        return []
    if rule.kind == "last":
        kept = {version.number for version in alive[-rule.count :]}
        going = [(version, f"{rule}") for version in alive if version.number not in kept]
    else:
        sign, metric = -1.0 if rule.goal == "maximize" else 1.0, str(rule.metric)
        judged = [(version, version.values[metric]) for version in alive if metric in version.values]
        judged.sort(key=lambda one: (math.isnan(one[1]), 0.0 if math.isnan(one[1]) else sign * one[1], -one[0].number))
        going = [(version, f"{rule}, where it has {_spelled(value)}") for version, value in judged[rule.count :]]
    newest = alive[-1].number
    return [(version, why) for version, why in going if version.number != newest]


def expired(collection: Collection, now_ns: int) -> list[tuple[Version, str]]:
    """Return the versions whose time is over, and why each is to go."""
    found = []
    for version in collection.alive:
        end_ns = collection.expires_ns(version)
        if end_ns is not None and end_ns <= now_ns:
            found.append((version, f"kept for {collection.ttl_of(version):g} days"))
    return found


def _spelled(value: float) -> str:
    return "NaN" if math.isnan(value) else f"{value:g}"
