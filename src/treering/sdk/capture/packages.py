"""The packages that the training could import."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import metadata

from treering.limits import PACKAGES_MAX
from treering.sdk.redact import redact_text

__all__ = ["requirements"]


def requirements(path: Sequence[str]) -> bytes:
    """
    Return a requirements file of what is installed on *path* (as in ``sys.path``): one line a package, sorted.

    Packages that were installed from a folder or a repository say from where.
    """
    lines: dict[str, str] = {}
    for found in metadata.distributions(path=list(path)):
        try:
            name, version = _head(found)
        except Exception:  # noqa: S112 - a package without metadata that can be read is one that pip does not know
            continue
        if not name or name.lower() in lines or len(lines) >= PACKAGES_MAX:
            continue  # the first on the path is the one that is imported
        lines[name.lower()] = f"{name}=={version}{_origin(found)}"
    return "".join(f"{lines[name]}\n" for name in sorted(lines)).encode()


def _head(found: metadata.Distribution) -> tuple[str, str]:
    """Return name and version: the first lines of a file that may hold a whole manual."""
    text = found.read_text("METADATA") or found.read_text("PKG-INFO") or ""
    said = [line.partition(":") for line in text.partition("\n\n")[0].splitlines()]
    fields = {name.lower(): value.strip() for name, _, value in reversed(said)}
    return (fields["name"], fields["version"]) if {"name", "version"} <= fields.keys() else ("", "")


def _origin(found: metadata.Distribution) -> str:
    """Return a comment that says where a package came from, if not from an index."""
    try:
        about = json.loads(found.read_text("direct_url.json") or "{}")
    except (OSError, ValueError):
        return ""
    if not isinstance(about, dict) or not isinstance(about.get("url"), str):
        return ""
    commit = about.get("vcs_info", {}).get("commit_id") if isinstance(about.get("vcs_info"), dict) else None
    return redact_text(f"  # from {about['url']}{f' at {commit}' if commit else ''}")
