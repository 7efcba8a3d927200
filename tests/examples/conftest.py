"""The examples run in the same surroundings as the integrations."""

from __future__ import annotations

from integrations.conftest import data, no_run_left_over, recorded

__all__ = ["data", "no_run_left_over", "recorded"]
