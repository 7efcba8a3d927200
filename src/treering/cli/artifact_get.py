"""``treering artifact get``: write the files of a version into a folder, or check one that was written before."""

from __future__ import annotations

import argparse

from treering.errors import FormatError

from .failure import DAMAGED
from .output import print_json, visible
from .reading import open_server

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Download a version; with --verify only compare a folder with it."""
    references = 0
    with open_server(arguments) as api:
        artifact = api.artifact(arguments.artifact)
        if arguments.verify:
            try:
                artifact.verify(arguments.into)
            except FormatError as error:
                print(visible(str(error)))
                return DAMAGED
            folder = arguments.into or f"artifacts/{artifact.name}"
        else:
            folder = str(artifact.download(arguments.into, path_prefix=arguments.path, references=arguments.references))
            references = sum(entry.ref is not None for entry in artifact.files())
    if arguments.json:
        print_json({"artifact": artifact.qualified_name, "digest": artifact.digest, "folder": str(folder)})
    else:
        print(
            visible(f"{artifact.qualified_name}  {artifact.file_count:,} files  {artifact.size:,} bytes  in {folder}")
        )
        if references and not arguments.references:
            stay = "reference stays where it is" if references == 1 else "references stay where they are"
            print(f"{references:,} {stay}; --references brings what is there")
    return 0
