"""Reading commands: the API of a folder, and the run that a person meant."""

from __future__ import annotations

import argparse

from treering.errors import AmbiguousName, RunNotFound
from treering.ids import RUN_KEY
from treering.sdk.api import Api, Run

from .folder import data_folder

__all__ = ["find_run", "open_api", "open_server"]


def open_api(arguments: argparse.Namespace) -> Api:
    """Return the API of the folder that a command is about."""
    return Api(data_folder(arguments.data))


def open_server(arguments: argparse.Namespace) -> Api:
    """Return the API of the folder of --data, or of the server or folder that a run here would go to."""
    return Api(data_folder(arguments.data)) if arguments.data else Api()


def find_run(api: Api, reference: str) -> Run:
    """
    Return the run with this key, path, id or name.

    Raises:
        RunNotFound: there is none.
        AmbiguousName: there are several; the message lists them.
    """
    if RUN_KEY.fullmatch(reference):
        return api.run(reference)
    found = api.find(reference)
    if not found:
        raise RunNotFound(f"No run has the key, id or name {reference!r}. `treering runs ls` lists them.")
    if len(found) > 1:
        lines = [f"  {run.path}  {run.name}  {run.state}" for run in found[:20]]
        more = [f"  … and {len(found) - 20} more"] if len(found) > 20 else []
        raise AmbiguousName("\n".join([f"{len(found)} runs fit {reference!r}; name one of", *lines, *more]))
    return found[0]
