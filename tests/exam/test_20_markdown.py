"""EXAM 20: notes are Markdown of a stranger: they run nothing, and nothing leaves for another server without a click."""

from __future__ import annotations

from exam.test_18_stored_xss import tour


def test_notes_of_links_forms_and_remote_pictures_are_inert() -> None:
    assert tour("--notes") == "nothing ran on 1 pages"
