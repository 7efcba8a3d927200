"""
``treering serve-socket``: what a reading command starts when nobody serves the folder. It detaches, and ends when
idle.
"""

from __future__ import annotations

import argparse
import os
import sys

from .folder import data_folder, index_folder

__all__ = ["run"]

_READY = b"1"


def run(arguments: argparse.Namespace) -> int:
    """Return once the server answers; it goes on in a process of its own session."""
    folder = data_folder(arguments.data)
    ready, answer = os.pipe()
    # Before the server is imported, so that nothing in this process has threads yet.
    child = os.fork()
    if child == 0:
        os.close(ready)
        os.setsid()
        return _serve(folder_text=str(folder), idle_exit_s=arguments.idle_exit, answer=answer)
    os.close(answer)
    with open(ready, "rb") as pipe:
        started = pipe.read(1) == _READY
    if started:
        return 0
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) or 1


def _serve(folder_text: str, idle_exit_s: float, answer: int) -> int:
    from pathlib import Path

    from treering.server.serve import serve_socket
    from treering.server.settings import Settings

    def started() -> None:
        # From here on the caller's output is none of ours; holding it open would keep a pipe's reader waiting.
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.close(null)
        os.write(answer, _READY)
        os.close(answer)

    serve_socket(Settings(Path(folder_text), index_dir=index_folder()), started, idle_exit_s)
    sys.stdout.flush()
    return 0
