"""The user that the server runs as: the author of edits without accounts, and the first account where there are."""

from __future__ import annotations

import getpass
import os

from treering.ids import clean_name

__all__ = ["os_user"]


def os_user() -> str:
    """Return the name of the user that this process runs as, in a form that an entity may have."""
    try:
        return clean_name(getpass.getuser(), "me")
    except (KeyError, OSError):  # a container's user without a name
        return f"user{os.getuid()}"
