"""One served folder for all cases that only look."""

from __future__ import annotations

import pytest

from .worlds import world as make_world


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    with make_world(tmp_path_factory.mktemp("exam")) as made:
        yield made
