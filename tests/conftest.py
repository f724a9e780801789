"""What every test may use."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import settings

import mien

settings.register_profile("suite", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("suite")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261121)


@pytest.fixture
def run_python(tmp_path: pathlib.Path):
    """Run a Python program in a fresh process, with environment variables, and return what it printed."""

    def run(code: str, **environment: str) -> str:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("MIEN_")}
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            env={**clean, **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


def instruction_sets() -> list[str]:
    """Return the paths this processor can run; every one must give the same bits."""
    paths = ["base", "avx2", "avx512"]
    return paths[: paths.index(mien._core.instruction_set()) + 1] if sys.platform != "win32" else ["base"]


@pytest.fixture(params=["base", "avx2", "avx512"])
def instruction_set(request: pytest.FixtureRequest) -> str:
    if request.param not in instruction_sets():
        pytest.skip(f"this processor or build has no {request.param} path")
    return str(request.param)
