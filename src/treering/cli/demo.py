"""``treering demo``: serve first, then train a grid of small real models, so that the page is seen live."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from treering.errors import MissingExtra, ServerUnavailable

__all__ = ["run"]

_AT_ONCE: Final = 4  # trainings side by side: enough to see several lines grow, few enough for two cores
_START_S: Final = 30.0


def _grid() -> list[list[str]]:
    """Return the arguments of each training: twelve that learn, one that diverges, one that crashes."""
    grid = [
        ["--lr", str(rate), "--width", str(width), "--seed", str(seed)]
        for seed in (0, 1)
        for rate in (0.01, 0.05, 0.2)
        for width in (16, 128)
    ]
    grid.insert(2, ["--lr", "12", "--width", "128", "--momentum", "0.99", "--seed", "0", "--tag", "demo-diverges"])
    grid.insert(5, ["--lr", "0.05", "--width", "64", "--seed", "2", "--fail-at-epoch", "25", "--tag", "demo-crashes"])
    return grid


def run(arguments: argparse.Namespace) -> int:
    """Serve *arguments.data*, train for about *arguments.seconds*, then stay up unless *arguments.exit*."""
    try:
        import sklearn.datasets  # noqa: F401
    except ImportError:
        raise MissingExtra(
            "The demo trains on scikit-learn's digits. Install them: pip install 'treering[demo]'"
        ) from None
    # A service manager's TERM ends the server and the trainings too, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(arguments.data or "treering-demo").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    server = _serve(folder, arguments)
    try:
        failed = _train(folder, arguments.seconds)
        print(f"\nTrained. {failed} of {len(_grid())} ended with an error (one is meant to).", flush=True)
        if arguments.exit:
            return 0
        print("The server stays up; Ctrl-C ends it.", flush=True)
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()


def _serve(folder: Path, arguments: argparse.Namespace) -> subprocess.Popen[bytes]:
    """Start the server and wait until it answers; it prints its own address."""
    command = [sys.executable, "-m", "treering.cli", "ui", "--data", str(folder)]
    if arguments.port is not None:
        command += ["--port", str(arguments.port)]
    if arguments.no_browser or arguments.exit:
        command.append("--no-browser")
    server = subprocess.Popen(command)
    limit = time.monotonic() + _START_S
    while time.monotonic() < limit:
        if server.poll() is not None:
            raise ServerUnavailable(f"the server ended at once with code {server.returncode}; its message is above.")
        try:
            if json.loads((folder / "server.json").read_text(encoding="utf-8")).get("pid") == server.pid:
                return server
        except (OSError, ValueError):
            pass
        time.sleep(0.1)
    server.kill()
    raise ServerUnavailable(f"the server did not answer within {_START_S:.0f} s.")


def _train(folder: Path, seconds: float) -> int:
    """Run the grid, a few at a time; return how many ended with an error."""
    waiting = _grid()
    waves = -(-len(waiting) // _AT_ONCE)
    each_s = max(2.0, (seconds - 3 * waves) / waves)
    environment = {**os.environ, "TREERING_DIR": str(folder), "TREERING_SILENT": "1", "OMP_NUM_THREADS": "1"}
    for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[variable] = "1"
    log = (folder / "demo-trainings.log").open("ab")
    running: list[subprocess.Popen[bytes]] = []
    failed = done = 0
    total = len(waiting)
    try:
        while waiting or running:
            while waiting and len(running) < _AT_ONCE:
                command = [
                    sys.executable,
                    "-m",
                    "treering.cli.demo_training",
                    *waiting.pop(0),
                    "--seconds",
                    f"{each_s:.1f}",
                ]
                running.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
            time.sleep(0.2)
            for process in [process for process in running if process.poll() is not None]:
                running.remove(process)
                done += 1
                failed += process.returncode != 0
                print(f"\rtraining: {done} of {total} done, {len(running)} running ", end="", flush=True)
    finally:
        for process in running:
            process.terminate()
        log.close()
    return failed
