"""
All measurements, one after the other: ``make bench``; ``python bench/all.py WORD…`` runs those with a word in the name.

Writes bench/results.json (every line that a bench printed) and bench/RESULTS.md (the table). Rivals are installed into
.cache/rivals, each in an environment of its own, and measured in the same minutes as treering.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
ROOT = HERE.parent
RIVALS = ROOT / ".cache" / "rivals"
WANDB = "wandb==0.31.0"
ROUNDS = 5


class Row(NamedTuple):
    """One line of the table."""

    what: str
    target: str
    result: str
    command: str


Lines = list[dict[str, Any]]


def lines_of(*command: str, **environ: str) -> Lines:
    """Run a command and return the JSON lines that it printed."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **environ}, check=False)
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if not found:
        raise SystemExit(f"{' '.join(command)} printed no result:\n{done.stdout[-500:]}{done.stderr[-1500:]}")
    return found


def rival_python(name: str, *requirements: str) -> str:
    """Return the interpreter of a rival's own environment, made at the first call."""
    folder = RIVALS / name
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *requirements], check=True)
    return str(python)


def medians(lines: Lines) -> dict[str, float]:
    """The median of each number over several rounds."""
    keys = [key for key, value in lines[0].items() if isinstance(value, (int, float))]
    return {key: statistics.median(line[key] for line in lines) for key in keys}


def log_cost(results: Lines) -> list[Row]:
    """``log()`` beside wandb in alternating rounds; flat out until the uploader syncs; at the pace of a training."""
    script = str(HERE / "log_cost.py")
    wandb = rival_python("wandb", WANDB)
    ours: Lines = []
    theirs: Lines = []
    busy: Lines = []
    wide: Lines = []
    for _ in range(ROUNDS):
        ours += lines_of(sys.executable, script, "treering", "50000", "10")
        theirs += lines_of(wandb, script, "wandb", "10000", "10")
        busy += lines_of(sys.executable, script, "treering", "50000", "10", "--threads", "2")
        wide += lines_of(sys.executable, script, "treering", "5000", "200")
    long = lines_of(sys.executable, script, "treering", "2500000", "10")
    long += lines_of(sys.executable, script, "treering", "2500000", "10")
    paced = lines_of(sys.executable, script, "treering", "50000", "10", "--work", "150")
    results += [{"bench": "log", **line} for line in ours + theirs + busy + wide + long + paced]
    us, them, two, many, synced = (medians(lines) for lines in (ours, theirs, busy, wide, long))
    flat, fsync = "bench/log_cost.py treering 50000 10", "bench/log_cost.py treering 2500000 10"
    pace = f"{paced[0]['log_p50_us']:.2f} / {paced[0]['log_p99_us']:.1f} µs"
    ratio = f"{them['log_p50_us'] / us['log_p50_us']:.0f} ({them['log_p50_us']:.0f} µs : {us['log_p50_us']:.2f} µs)"
    memory = f"{us['rss_added_mb']:.1f} MiB (wandb {them['rss_added_mb']:.1f})"
    return [
        Row("`log()` of 10 floats, median, the uploader fsyncing", "≤ 2.5 µs", f"{synced['log_p50_us']:.2f} µs", fsync),
        Row("… p99", "≤ 25 µs", f"{synced['log_p99_us']:.1f} µs", fsync),
        Row("… median / p99 at one call in 150 µs (colder caches)", "", pace, flat + " --work 150"),
        Row("… p99 beside two busy Python threads", "≤ 200 µs", f"{two['log_p99_us']:.1f} µs", flat + " --threads 2"),
        Row("… median, wandb 0.31 offline : treering", "≥ 25", ratio, "bench/log_cost.py wandb 10000 10"),
        Row(
            "`log()` of 200 floats, median",
            "≤ 15 µs",
            f"{many['log_p50_us']:.1f} µs",
            "bench/log_cost.py treering 5000 200",
        ),
        Row(
            "`import treering`", "≤ 60 ms", f"{us['import_s'] * 1e3:.0f} ms (wandb {them['import_s'] * 1e3:.0f})", flat
        ),
        Row("`init()`", "≤ 40 ms", f"{us['init_s'] * 1e3:.0f} ms (wandb {them['init_s'] * 1e3:.0f})", flat),
        Row("memory added to the training process", "≤ 20 MiB", memory, flat),
        Row("the uploader's own memory", "", f"{us['rss_kids_mb']:.0f} MiB", flat),
        Row("bytes per point in the log, 10 floats", "≤ 30", f"{us['disk_bytes_per_point']:.1f}", flat),
    ]


def kills(results: Lines) -> list[Row]:
    """A thousand kills, as `make exam` does them."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "exam", "tests/exam/test_26_kill_9.py", "-k", "kill_9"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    passed = " passed" in done.stdout and " failed" not in done.stdout
    results.append({"bench": "kills", "passed": passed, "said": done.stdout[-200:]})
    found = "0" if passed else f"FAILED: {done.stdout[-200:]}"
    return [
        Row("acknowledged records lost in 1,000 `kill -9`", "0", found, "pytest -m exam tests/exam/test_26_kill_9.py")
    ]


def store(results: Lines) -> list[Row]:
    """Charts, the runs table, rebuild and size on disk: each line of those benches says its own target."""
    rows = []
    for script in sorted(HERE.glob("store_*.py")):
        for line in lines_of(sys.executable, str(script)):
            results.append({"bench": script.stem, **line})
            rows.append(_row_of(line, f"bench/{script.name}"))
    return rows


def http(results: Lines) -> list[Row]:
    """Trainings on other machines, as fast as the server takes what they send."""
    return _one(results, "http_ingest.py")


def live(results: Lines) -> list[Row]:
    """A thousand trainings on other machines at their own pace, and people who watch."""
    return _one(results, "live_load.py")


def _one(results: Lines, script: str) -> list[Row]:
    (line,) = lines_of(sys.executable, str(HERE / script))[-1:]
    results.append({"bench": script.removesuffix(".py"), **line})
    return [_row_of(line, f"bench/{script}")]


def trouble(results: Lines) -> list[Row]:
    """What a training pays for a server in trouble, and how soon a log is understood after a crash of everything."""
    outage = lines_of(sys.executable, str(HERE / "outage.py"))
    (recovery,) = lines_of(sys.executable, str(HERE / "recovery.py"))
    (catch_up,) = lines_of(sys.executable, str(HERE / "catch_up.py"))
    results += [{"bench": "outage", **line} for line in outage] + [{"bench": "recovery", **recovery}, catch_up]
    offline = statistics.median(line["p99_us"] for line in outage if line["case"] == "offline")
    rows = [
        Row(
            f"`log()` p99 with the server {name} : offline",
            "≤ 2",
            f"{line['p99_us'] / offline:.1f} ({line['p99_us']:.0f} µs : {offline:.0f} µs), "
            f"memory grew {line['grown_mib']} MiB, `init()` {line['init_s']} s",
            "bench/outage.py",
        )
        for line in outage
        if (name := {"hole": "black-holed", "slow": "slow", "500": "answering 500"}.get(line["case"]))
    ]
    found = f"{recovery['recovery_s']} s ({recovery['records']:,} records; SHA-256 {recovery['rival_sha256_s']} s)"
    rows.append(Row("recovery of a 1 GiB run log", "≤ 3 s", found, "bench/recovery.py"))
    return [*rows, _row_of(catch_up, "bench/catch_up.py")]


def media(results: Lines) -> list[Row]:
    """Images and histograms through ``log()``, beside wandb in the same minutes."""
    script = str(HERE / "media.py")
    rival = rival_python("wandb-media", WANDB, "numpy", "pillow")
    us = lines_of(sys.executable, script, "treering")[-1]
    them = lines_of(rival, script, "wandb")[-1]
    results += [{"bench": "media", **us}, {"bench": "media", **them}]
    rows = []
    for key, value in us.items():
        if isinstance(value, (int, float)) and key.startswith(("log_", "all_")) and key in them:
            rows.append(Row(f"media: {key}", "", f"{value} (wandb {them[key]})", "bench/media.py treering"))
    return rows


def artifacts(results: Lines) -> list[Row]:
    """A version of 10 GiB into a local folder and out again, beside ``cp``."""
    line = lines_of(sys.executable, str(HERE / "artifacts.py"))[-1]
    results.append(line)
    gib, command = line["gib"], "bench/artifacts.py"
    return [
        Row(f"artifact of {gib:g} GiB: peak memory", "≤ 200 MiB", f"{line['peak_mib']:g} MiB", command),
        Row("… speed into the record : cp and sync", "≥ 0.6", f"{line['log_ratio']:g}", command),
        Row("… speed of add_dir : cp", "", f"{line['add_ratio']:g}", command),
        Row("… speed of a download : cp", "", f"{line['download_ratio']:g}", command),
    ]


def compare(results: Lines) -> list[Row]:
    """Columns, tables and group statistics over very many runs."""
    lines = lines_of(sys.executable, str(HERE / "compare.py"))
    results += [{"bench": "compare", **line} for line in lines]
    return [_row_of(line, "bench/compare.py") for line in lines]


def corrections(results: Lines) -> list[Row]:
    """What corrections of metrics cost charts and the table of 100,000 runs."""
    lines = lines_of(sys.executable, str(HERE / "corrections.py"))
    results += [{"bench": "corrections", **line} for line in lines]
    return [_row_of(line, "bench/corrections.py") for line in lines]


def ui(results: Lines) -> list[Row]:
    """The page in a real browser, drawn in software."""
    (line,) = lines_of("npm", "--prefix", "web", "run", "--silent", "bench")[-1:]
    results.append({"bench": "ui", **line})
    return [_row_of(line, "npm --prefix web run bench")]


def workspace(results: Lines) -> list[Row]:
    """The page of a real server under load: a large dashboard, very many runs in one chart, parallel coordinates."""
    script = str(ROOT / "web" / "bench" / "workspace.mjs")
    dashboard, many, parallel = lines_of("node", script, PYTHON=sys.executable)
    results += [dashboard, many, parallel]
    screen = f"{dashboard['first_screen_ms']} ms ({dashboard['charts']} charts in view)"
    highlight = (
        f"{many['highlight_p95_ms']} ms (hover {many['hover_p95_ms']} ms; first screen {many['first_screen_ms']} ms)"
    )
    redraw = f"{parallel['redraw_p50_ms']} ms at the median, p95 {parallel['redraw_p95_ms']} ms"
    command = "web/bench/workspace.mjs"
    return [
        Row("500 runs × 60 panels, first screen", "< 2,000 ms", screen, command),
        Row("1,000 runs in one chart, highlight p95", "≤ 80 ms", highlight, command),
        Row("parallel coordinates 5,000 × 8, drawn again", "≤ 60 ms", redraw, command),
    ]


def _row_of(line: dict[str, Any], command: str) -> Row:
    """A line of another bench: its target and its rival stand in it, with the unit in their names."""
    what = str(line.get("case") or line.get("bench") or "")
    target = next(
        (f"{value} ({key.removeprefix('target_') or key})" for key, value in line.items() if "target" in key), ""
    )
    hidden = {"case", "bench", "best_ms", "worst_ms", "cpu_ms", "cpu_s", "lines", "drawn", "runs", "points"}
    shown = {key: value for key, value in line.items() if key not in hidden and "target" not in key}
    return Row(what, target, ", ".join(f"{key} {value}" for key, value in shown.items()), command)


BENCHES: dict[str, Callable[[Lines], list[Row]]] = {
    "log": log_cost,
    "kills": kills,
    "store": store,
    "http": http,
    "live": live,
    "trouble": trouble,
    "media": media,
    "artifacts": artifacts,
    "compare": compare,
    "corrections": corrections,
    "ui": ui,
    "workspace": workspace,
}


def machine() -> str:
    """What this was measured on."""
    about = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in about if "model name" in line), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    where = subprocess.run(
        ["df", "--output=fstype", tempfile.gettempdir()], capture_output=True, text=True, check=False
    )
    return (
        f"{os.cpu_count()} × {model}, {memory:.0f} GiB, {where.stdout.split()[-1] if where.stdout else '?'}, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, {datetime.date.today()}"
    )


def main() -> None:
    """Run the chosen benches and write the table."""
    words = sys.argv[1:]
    unknown = [word for word in words if not any(word in name for name in BENCHES)]
    if unknown:
        raise SystemExit(f"no bench is called {', '.join(unknown)}; there are {', '.join(BENCHES)}.")
    results: Lines = []
    path = HERE / "results.json"
    tables: dict[str, list[list[str]]] = json.loads(path.read_text())["tables"] if path.exists() else {}
    for name, bench in BENCHES.items():
        if not words or any(word in name for word in words):
            print(f"{name} …", flush=True)
            tables[name] = [list(row) for row in bench(results)]
            for row in tables[name]:
                print("  " + " | ".join(row), flush=True)
    path.write_text(json.dumps({"machine": machine(), "tables": tables, "lines": results}, indent=1) + "\n")
    lines = [
        "# Measurements",
        "",
        "Written by `make bench`; each line names its command. Rivals are measured in the same minutes on the same",
        "machine.",
        "Figures of a shared two-core machine vary by a third from run to run: read ratios, not digits.",
        "",
        f"Machine: {machine()}",
        "",
        "| what | to reach | measured | command |",
        "| --- | --- | --- | --- |",
    ]
    lines += ["| " + " | ".join([*row[:3], f"`{row[3]}`"]) + " |" for table in tables.values() for row in table]
    (HERE / "RESULTS.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
