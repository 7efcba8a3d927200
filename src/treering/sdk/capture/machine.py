"""The machine that a run runs on: processor, memory, GPUs, driver, and the few variables that change results."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import psutil

from treering.sdk.redact import is_secret_name, redact_text

__all__ = ["ENVIRONMENT", "environment", "hardware"]

# Variables that say something about results or speed, and never a secret.
ENVIRONMENT: Final = frozenset(
    "CUDA_VISIBLE_DEVICES NVIDIA_VISIBLE_DEVICES HIP_VISIBLE_DEVICES ROCR_VISIBLE_DEVICES OMP_NUM_THREADS "
    "MKL_NUM_THREADS OPENBLAS_NUM_THREADS NUMEXPR_NUM_THREADS PYTHONHASHSEED PYTHONOPTIMIZE "
    "CUBLAS_WORKSPACE_CONFIG CUDA_LAUNCH_BLOCKING CUDA_DEVICE_ORDER TORCH_CUDNN_V8_API_ENABLED TORCH_LOGS "
    "PYTORCH_CUDA_ALLOC_CONF PYTORCH_ENABLE_MPS_FALLBACK TOKENIZERS_PARALLELISM XLA_FLAGS "
    "XLA_PYTHON_CLIENT_PREALLOCATE XLA_PYTHON_CLIENT_MEM_FRACTION JAX_PLATFORMS JAX_ENABLE_X64 "
    "TF_DETERMINISTIC_OPS TF_CUDNN_DETERMINISTIC TF_XLA_FLAGS NCCL_DEBUG NCCL_P2P_DISABLE NCCL_IB_DISABLE "
    "NCCL_SOCKET_IFNAME CONDA_DEFAULT_ENV CUDA_HOME WORLD_SIZE RANK LOCAL_RANK MASTER_ADDR".split()
)
_VALUE_MAX_CHARS: Final = 1_000


def hardware() -> dict[str, Any]:
    """Return what the machine is made of; sizes in bytes."""
    found: dict[str, Any] = {
        "cpu": _cpu_model(),
        "cpu_count": os.cpu_count() or 0,
        "cpu_cores": psutil.cpu_count(logical=False) or 0,
        "memory_bytes": psutil.virtual_memory().total,
        "machine": platform.machine(),
    }
    found.update(_gpus())
    return found


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in ("model name", "Model", "cpu model"):
                return value.strip()
    except OSError:
        pass
    return platform.processor()


def _gpus() -> dict[str, Any]:
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:
        return {"gpus": []}
    try:
        gpus = []
        for number in range(pynvml.nvmlDeviceGetCount()):
            device = pynvml.nvmlDeviceGetHandleByIndex(number)
            name = pynvml.nvmlDeviceGetName(device)
            gpus.append(
                {
                    "name": name.decode() if isinstance(name, bytes) else str(name),
                    "memory_bytes": int(pynvml.nvmlDeviceGetMemoryInfo(device).total),
                }
            )
        version = int(pynvml.nvmlSystemGetCudaDriverVersion())
        driver = pynvml.nvmlSystemGetDriverVersion()
        return {
            "gpus": gpus,
            "driver": driver.decode() if isinstance(driver, bytes) else str(driver),
            "cuda": f"{version // 1000}.{version % 1000 // 10}",
        }
    except Exception:
        return {"gpus": []}
    finally:
        pynvml.nvmlShutdown()


def environment(environ: Mapping[str, str], more: Sequence[str]) -> dict[str, str]:
    """
    Return the variables of the allow-list that are set, and those that *more* names.

    One that is named like a secret shows that it is set, and not to what.
    """
    names = sorted(ENVIRONMENT | set(more))
    return {
        name: "[redacted]" if is_secret_name(name.lower()) else redact_text(environ[name][:_VALUE_MAX_CHARS])
        for name in names
        if name in environ
    }
