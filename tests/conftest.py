"""What every test may use."""

from __future__ import annotations

import hashlib
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import settings

import mien
from mien.separation import prior
from mien.separation.face_model import builtin_face_model

settings.register_profile("suite", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("suite")


_lay = prior.lay
_laid: dict[tuple[object, ...], object] = {}


def _laid_once(model, topology, points, anchors):
    """`lay`, which depends on its arguments alone, once for each of them and count of threads."""
    if anchors is not None or model is not builtin_face_model():
        return _lay(model, topology, points, anchors)
    arrays = (topology.face_counts, topology.face_indices, points)
    key = (mien._core.thread_count(), *(np.asarray(a).tobytes() for a in arrays))
    key = (key[0], hashlib.sha256(b"|".join(key[1:])).digest())
    if key not in _laid:
        _laid[key] = _lay(model, topology, points, anchors)
    return _laid[key]


@pytest.fixture(autouse=True, scope="session")
def _faces_are_laid_once():
    """Separations of the same face share what the model of faces finds on it, which takes 0.4 s."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prior, "lay", _laid_once)
        yield


@pytest.fixture(autouse=True)
def _each_time_anew(request, monkeypatch):
    """Where the carrying itself is tested nothing is remembered."""
    if request.module.__name__.endswith("test_face_prior"):
        monkeypatch.setattr(prior, "lay", _lay)


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
