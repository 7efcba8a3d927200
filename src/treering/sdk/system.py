"""
What the machine does while a run trains: CPU, memory, disk, network and NVIDIA GPUs, for the whole node and for the
training process with its children. Runs in the uploader, never in the training process.
"""

from __future__ import annotations

import math
import os
import time
from typing import Any, Final

import psutil

__all__ = ["UNITS", "Sampler", "Window"]

_GB: Final = 1e9

# Unit of each key's last part; also recorded, so that the charts can show it.
UNITS: Final = {
    "util": "%",
    "memory_gb": "GB",
    "memory_used_gb": "GB",
    "memory_util": "%",
    "process_memory_gb": "GB",
    "used_gb": "GB",
    "read_mbps": "MB/s",
    "write_mbps": "MB/s",
    "sent_mbps": "MB/s",
    "received_mbps": "MB/s",
    "power_w": "W",
    "temperature_c": "°C",
    "cpu": "%",
}


class Sampler:
    """
    Takes one look at the machine at a time.

    Args:
        pid: the training process; its children are counted with it.
        folder: the disk that this folder is on is the one that is reported.
        node: False leaves out the node's own figures (another rank of the same node reports them).
    """

    def __init__(self, pid: int, folder: str, *, node: bool = True) -> None:
        self._folder = folder
        self._node = node
        self._processes: dict[int, psutil.Process] = {}
        self._cpu_before: dict[int, tuple[float, float]] = {}
        self._counters: dict[str, float] = {}
        self._counted_at = time.monotonic()
        self._gpus = _Gpus()
        try:
            self._root: psutil.Process | None = psutil.Process(pid)
        except psutil.Error:
            self._root = None
        if node:
            psutil.cpu_percent()
            self._rates()
        self._process_tree({})

    def sample(self) -> dict[str, float]:
        """Return key → value now; what cannot be read is left out. Percentages of a process count one core as 100."""
        values: dict[str, float] = {}
        if self._node:
            for read in (self._node_load, self._disk, self._network_and_io):
                try:
                    read(values)
                except (OSError, psutil.Error, ValueError):
                    continue
        family = self._process_tree(values)
        self._gpus.read(values, family, node=self._node)
        return {f"system/{key}": value for key, value in values.items() if math.isfinite(value)}

    def _node_load(self, values: dict[str, float]) -> None:
        values["cpu.util"] = psutil.cpu_percent()
        memory = psutil.virtual_memory()
        values["memory.util"] = memory.percent
        values["memory.used_gb"] = (memory.total - memory.available) / _GB

    def _disk(self, values: dict[str, float]) -> None:
        usage = psutil.disk_usage(self._folder)
        values["disk.util"] = usage.percent
        values["disk.used_gb"] = usage.used / _GB

    def _network_and_io(self, values: dict[str, float]) -> None:
        values.update(self._rates())

    def _rates(self) -> dict[str, float]:
        """Return MB/s since the last look."""
        now = time.monotonic()
        span, self._counted_at = now - self._counted_at, now
        counters: dict[str, float] = {}
        network = psutil.net_io_counters()
        if network is not None:
            counters["network.sent_mbps"] = network.bytes_sent / 1e6
            counters["network.received_mbps"] = network.bytes_recv / 1e6
        disk = psutil.disk_io_counters()
        if disk is not None:
            counters["disk.read_mbps"] = disk.read_bytes / 1e6
            counters["disk.write_mbps"] = disk.write_bytes / 1e6
        before, self._counters = self._counters, counters
        if span <= 0:
            return {}
        return {key: max(0.0, value - before[key]) / span for key, value in counters.items() if key in before}

    def _process_tree(self, values: dict[str, float]) -> set[int]:
        """Sum CPU, memory and threads over the training process and its children; return their ids."""
        if self._root is None:
            return set()
        try:
            family = [self._root, *self._root.children(recursive=True)]
        except psutil.Error:
            return set()
        known, self._processes = self._processes, {}
        cpu = memory = threads = 0.0
        now = time.monotonic()
        for found in family:
            if found.pid == os.getpid():
                continue  # the uploader itself is a child, and not the training
            process = known.get(found.pid, found)
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    used = times.user + times.system
                    memory += process.memory_info().rss
                    threads += process.num_threads()
            except psutil.Error:
                continue
            before = self._cpu_before.get(process.pid)
            if before is not None and now > before[0]:
                cpu += max(0.0, used - before[1]) / (now - before[0]) * 100
            self._cpu_before[process.pid] = (now, used)
            self._processes[process.pid] = process
        self._cpu_before = {pid: value for pid, value in self._cpu_before.items() if pid in self._processes}
        values["process.cpu"] = cpu
        values["process.memory_gb"] = memory / _GB
        values["process.threads"] = threads
        return set(self._processes)


class _Gpus:
    """NVIDIA GPUs through NVML; no driver or no GPU means no values."""

    def __init__(self) -> None:
        self._nvml: Any = None
        self._handles: list[Any] = []
        try:
            import pynvml

            pynvml.nvmlInit()
            self._handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
            self._nvml = pynvml
        except Exception:  # a missing, broken or foreign driver library may raise anything
            self._handles = []

    def read(self, values: dict[str, float], family: set[int], *, node: bool) -> None:
        """Add ``gpu.<index>.…``; without *node* only GPUs that the training process uses."""
        for index, handle in enumerate(self._handles):
            own = self._of_processes(handle, family)
            if own is None and not node:
                continue
            name = f"gpu.{index}"
            if own is not None:
                values[f"{name}.process_memory_gb"] = own / _GB
            for read in (self._load, self._power, self._temperature, self._memory):
                try:
                    figures = read(handle)
                except Exception:  # noqa: S112 - a figure that this card does not give is left out
                    continue
                values.update({f"{name}.{key}": value for key, value in figures.items()})

    def _load(self, handle: Any) -> dict[str, float]:
        return {"util": float(self._nvml.nvmlDeviceGetUtilizationRates(handle).gpu)}

    def _power(self, handle: Any) -> dict[str, float]:
        return {"power_w": self._nvml.nvmlDeviceGetPowerUsage(handle) / 1000}

    def _temperature(self, handle: Any) -> dict[str, float]:
        return {"temperature_c": float(self._nvml.nvmlDeviceGetTemperature(handle, 0))}  # 0: of the chip

    def _memory(self, handle: Any) -> dict[str, float]:
        memory = self._nvml.nvmlDeviceGetMemoryInfo(handle)
        return {"memory_gb": memory.used / _GB, "memory_util": 100 * memory.used / memory.total}

    def _of_processes(self, handle: Any, family: set[int]) -> float | None:
        """Return GPU memory of the training's processes in bytes; None if they use none of it."""
        try:
            users = self._nvml.nvmlDeviceGetComputeRunningProcesses(handle)
        except Exception:
            return None
        own = [user.usedGpuMemory or 0 for user in users if user.pid in family]
        return float(sum(own)) if own else None


class Window:
    """Collects samples into ``[min, mean, max, n]`` per key."""

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = {}

    def add(self, sample: dict[str, float]) -> None:
        """Count one sample."""
        for key, value in sample.items():
            self._values.setdefault(key, []).append(value)

    def take(self) -> dict[str, list[float]]:
        """Return what was collected since the last call."""
        values, self._values = self._values, {}
        return {key: [min(v), math.fsum(v) / len(v), max(v), len(v)] for key, v in values.items()}
