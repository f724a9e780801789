"""What this machine is and can do at most, measured in the process that runs the benchmarks."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import mien
from mien import _core

PEERS = (
    *("numpy", "scipy", "numba", "libigl", "cholespy", "scikit-sparse", "pypardiso", "potpourri3d"),
    *("robust-laplacian", "roma", "torch", "open3d", "daqp", "quadprog", "osqp", "trimesh"),
)


def best(work: Callable[[], object], rounds: int = 5) -> float:
    """Return the least seconds that this thread had of a processor in a few calls."""
    times = []
    for _ in range(rounds):
        started = time.thread_time()
        work()
        times.append(time.thread_time() - started)
    return min(times)


def versions() -> dict[str, str]:
    """Return the versions of this library and of every peer that is installed."""
    found = {"mien": mien.__version__, "python": platform.python_version()}
    for name in PEERS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def processor() -> str:
    """Return the processor's name as the system gives it."""
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def facts(megabytes: int = 256) -> dict[str, Any]:
    """Return names, versions and what memory and arithmetic reach with one thread, in bytes and flops a second.

    `read` is NumPy's largest element of an array that fits no cache, `copy` counts what is read and what is written,
    `multiply` is NumPy's float32 matrix product, as good as its BLAS is.
    """
    array = np.ones(megabytes * 1_000_000 // 4, np.float32)
    target = np.empty_like(array)
    target[:] = 0
    square = np.ones((1024, 1024), np.float32)
    return {
        "processor": processor(),
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "instruction_set": _core.instruction_set(),
        "threads": _core.thread_count(),
        "blas_threads": os.environ.get("OPENBLAS_NUM_THREADS", "not set"),
        "read": array.nbytes / best(array.max),
        "copy": 2 * array.nbytes / best(lambda: np.copyto(target, array)),
        "multiply": 2 * 1024**3 / best(lambda: square @ square),
        "versions": versions(),
    }
