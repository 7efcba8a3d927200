"""Which versions go: by an artifact's rule, or since their time is over."""

from __future__ import annotations

import math
from collections.abc import Callable

from .artifact_book import Collection, Version

__all__ = ["expired", "superseded"]

Protected = Callable[[Collection, Version], list[str]]
"""Says why no rule removes a version, in words."""


def superseded(collection: Collection, protected: Protected) -> list[tuple[Version, str]]:
    """
    Return the versions that an artifact's rule does not keep, and why each goes.

    The newest version stays whatever the rule says, and so do protected ones, beside those that the rule counts. Of a
    rule by a metric, a version whose run had no such value when it was logged is not judged; NaN is the worst value.
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
        going = [(version, f"{rule}, where it has {value:g}") for version, value in judged[rule.count :]]
    newest = alive[-1].number
    return [(version, why) for version, why in going if version.number != newest and not protected(collection, version)]


def expired(collection: Collection, now_ns: int, protected: Protected) -> list[tuple[Version, str]]:
    """Return the versions whose time is over and that nothing protects, and why each goes."""
    found = []
    for version in collection.alive:
        end_ns = collection.expires_ns(version)
        if end_ns is not None and end_ns <= now_ns and not protected(collection, version):
            found.append((version, f"kept for {collection.ttl_of(version):g} days"))
    return found
