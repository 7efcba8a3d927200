"""The process beside the training: samples, beats, fsyncs, GPUs."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest

import treering as tr
from sdk.conftest import Folder, wait_until
from treering.runlog import records

# As much of NVML as the sampler asks for: two cards, one of them used by the training process.
_FAKE_NVML = """
import os
class Rates: gpu = 87
class Memory: used = 6_000_000_000; total = 8_000_000_000
class Process:
    def __init__(self, pid): self.pid, self.usedGpuMemory = pid, 2_500_000_000
def nvmlInit(): pass
def nvmlDeviceGetCount(): return 2
def nvmlDeviceGetHandleByIndex(i): return i
def nvmlDeviceGetUtilizationRates(h): return Rates
def nvmlDeviceGetMemoryInfo(h): return Memory
def nvmlDeviceGetPowerUsage(h): return 250_500
def nvmlDeviceGetTemperature(h, kind):
    if h == 1: raise RuntimeError('Not Supported')
    return 61
def nvmlDeviceGetComputeRunningProcesses(h): return [Process(int(os.environ['TRAINER']))] if h == 0 else []
"""


def system_values(folder: Folder) -> dict[str, list[float]]:
    merged: dict[str, list[float]] = {}
    for record in folder.records(records.SYSTEM, "system"):
        merged.update(record.data)
    return merged


def test_the_machine_and_the_process_are_sampled_from_the_first_second(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TREERING_SAMPLE_S", "0.2")
    run = tr.init(project="p", settings={"silent": True})
    wait_until(lambda: len(folder.records(records.SYSTEM, "system")) >= 1)
    limit = time.monotonic() + 1
    while time.monotonic() < limit:  # burn one core, so that there is something to see
        pass
    run.finish()

    values = system_values(folder)
    assert {"system/cpu.util", "system/memory.util", "system/disk.util", "system/network.sent_mbps"} <= set(values)
    low, mean, high, count = values["system/process.cpu"]
    assert low <= mean <= high
    assert count >= 2
    assert high > 30
    assert 0.005 < values["system/process.memory_gb"][1] < 2
    assert 0 <= values["system/memory.util"][1] <= 100
    units = {record.data["name"]: record.data["unit"] for record in folder.records(records.DEFINE, "system")}
    assert units["system/cpu.util"] == "%"
    assert units["system/process.memory_gb"] == "GB"


def test_gpus_are_sampled_through_nvml(tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fake").mkdir()
    (tmp_path / "fake" / "pynvml.py").write_text(_FAKE_NVML)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "fake"))
    monkeypatch.setenv("TRAINER", str(psutil.Process().pid))
    monkeypatch.setenv("TREERING_SAMPLE_S", "0.2")
    run = tr.init(project="p", settings={"silent": True})
    wait_until(lambda: len(folder.records(records.SYSTEM, "system")) >= 1)
    run.finish()

    values = system_values(folder)
    assert values["system/gpu.0.util"][1] == 87
    assert values["system/gpu.0.memory_gb"][1] == pytest.approx(6)
    assert values["system/gpu.0.memory_util"][1] == 75
    assert values["system/gpu.1.power_w"][1] == 250.5
    assert values["system/gpu.0.temperature_c"][1] == 61
    assert "system/gpu.1.temperature_c" not in values, "a figure that a card does not give is left out"
    assert values["system/gpu.0.process_memory_gb"][1] == pytest.approx(2.5)
    assert "system/gpu.1.process_memory_gb" not in values


def test_what_is_on_the_disk_is_named_in_the_beats(folder: Folder) -> None:
    run = tr.init(project="p", settings={"silent": True})
    for i in range(100):
        run.log({"a": i})
    run.finish()

    last = folder.records(records.BEAT, "system")[-1]
    (segment,) = run._writer.segments
    assert last.data["synced"] == {segment: (Path(run.dir) / f"{segment}.trl").stat().st_size}
    assert last.data["failed"] == {}


def test_sampling_can_be_turned_off(folder: Folder) -> None:
    run = tr.init(project="p", settings={"silent": True, "sample_s": 0})
    wait_until(lambda: bool(folder.records(records.BEAT, "system")))
    run.finish()

    assert folder.records(records.SYSTEM, "system") == []


def test_a_dead_uploader_does_not_disturb_the_training(folder: Folder) -> None:
    run = tr.init(project="p", settings={"silent": True})
    psutil.Process(run._uploader.pid).kill()
    for i in range(100):
        run.log({"a": i})
    began = time.monotonic()
    run.finish()

    assert time.monotonic() - began < 5
    assert len(folder.rows()) == 100
    assert folder.end()["state"] == "finished"
