"""``treering artifact put``: make a version of a file or a folder, in a run of its own."""

from __future__ import annotations

import argparse
from pathlib import Path

from treering.errors import InvalidValue
from treering.ids import clean_name
from treering.sdk.artifacts.artifact import Artifact
from treering.sdk.lifecycle import init

from .output import print_json, visible

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Log a file or a folder as a version, and wait until all of it is there."""
    path = Path(arguments.path)
    if not path.exists():
        raise InvalidValue(f"{arguments.path!r} does not exist.")
    name = arguments.name or clean_name(path.resolve().name, "files")
    settings = {"console": "off", "silent": True, "sample_s": 0.0}
    begun = init(arguments.project, name=f"put {name}", job_type="upload", dir=arguments.data, settings=settings)
    with begun:
        artifact = Artifact(name, arguments.type, description=arguments.description)
        artifact.add_dir(path) if path.is_dir() else artifact.add_file(path)
        begun.log_artifact(artifact, aliases=arguments.alias)
        artifact.wait()
    if arguments.json:
        print_json({"artifact": artifact.qualified_name, "digest": artifact.digest, "bytes": artifact.size})
    else:
        print(visible(f"{artifact.qualified_name}  {artifact.file_count:,} files  {artifact.size:,} bytes"))
    return 0
