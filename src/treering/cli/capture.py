"""``treering doctor --capture``: what a run that is started in this folder would record of how it came about."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from treering.sdk.capture.capture import capture
from treering.sdk.plan import Plan
from treering.sdk.settings import Settings, current_folder

from .output import print_json, visible

__all__ = ["show_capture"]


class Preview:
    """Takes what would be recorded and keeps no bytes of it."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}
        self.files: list[dict[str, Any]] = []

    def fact(self, topic: str, value: Any) -> None:
        """Note something about the run."""
        self.facts[topic] = value

    def file(self, path: str, data: bytes, about: dict[str, Any]) -> None:
        """Note a file that would be stored."""
        self.files.append({"path": path, "bytes": len(data), **about})

    def is_over(self) -> bool:
        """There is no run, and there is time."""
        return False


def show_capture(data_dir: Path, *, as_json: bool) -> int:
    """Print what would be recorded, and what would be hidden or left out."""
    settings = Settings.resolve({}, os.environ, current_folder())
    preview = Preview()
    capture(Plan.here(settings, data_dir, [""]), preview, os.environ)
    if as_json:
        print_json({"facts": preview.facts, "files": preview.files})
        return 0
    for topic, value in preview.facts.items():
        if topic in ("code", "hidden"):
            continue
        print(topic)
        for name, one in value.items() if isinstance(value, dict) else [("", value)]:
            if one not in (None, "", [], {}):
                print(f"  {name:<14} {visible(str(one))}")
    code = preview.facts.get("code", {})
    print(f"files ({code.get('kind', 'none')})")
    for file in preview.files:
        hidden = f", {file['redacted']} secrets hidden" if file.get("redacted") else ""
        print(f"  {file['bytes']:>10,}  {visible(file['path'])}{hidden}")
    for one in code.get("skipped", ()):
        print(f"     left out  {visible(one['path'])}: {visible(one['reason'])}")
    print("Switch parts of it off: TREERING_DISABLE_GIT, TREERING_DISABLE_CODE, TREERING_CAPTURE_ARGUMENTS=no,")
    print("TREERING_CONSOLE=off. Let a file be: name it in .gitignore.")
    return 0
