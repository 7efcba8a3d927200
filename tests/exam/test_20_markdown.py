"""EXAM 20: notes, reports and comments are a stranger's Markdown: nothing runs, nothing leaves without a click."""

from __future__ import annotations

import pytest

from exam.test_18_stored_xss import tour


@pytest.mark.exam
def test_texts_of_links_forms_and_remote_pictures_are_inert() -> None:
    assert tour("--notes") == "nothing ran on 5 pages"
