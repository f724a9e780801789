"""Blender as a Python module (bpy), in an environment of its own, which .ci/host makes.

The tests run there; or anywhere else, when the environment variable MIEN_BPY names that environment's Python. Blender
is always started in a process of its own.
"""

from __future__ import annotations

import importlib.util
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

HERE = pathlib.Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.host)


@pytest.fixture(scope="session")
def blender_python() -> str:
    named = os.environ.get("MIEN_BPY") or (sys.executable if importlib.util.find_spec("bpy") else None)
    if named is None:
        pytest.skip("this environment has no bpy, and MIEN_BPY does not name a Python that has; see .ci/host")
    return named


@pytest.fixture(scope="session")
def data_dir() -> pathlib.Path:
    named = os.environ.get("MIEN_DATA")
    root = HERE.parents[1]
    places = (
        [pathlib.Path(named)] if named else [root.parent / "shared/data", root.parents[1] / "shared/data"]
    )
    found = next((place for place in places if (place / "README.md").is_file()), None)
    if found is None:
        pytest.skip("the real face data is not beside the checkout and MIEN_DATA does not name it")
    return found


@pytest.fixture
def blender_runs(blender_python: str):
    """Return a function that runs a script of this folder in Blender's Python."""

    def run(script: str, *arguments: object) -> str:
        done = subprocess.run(
            [blender_python, str(HERE / script), *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def blender_reads(blender_runs, tmp_path: pathlib.Path):
    """Return a function that gives what Blender imports from a file, as `blender_dump.py` saves it."""

    def read(path: pathlib.Path, fps: float, **base: object) -> dict[str, np.ndarray]:
        out, given = tmp_path / "blender.npz", tmp_path / "base.npz"
        np.savez(given, **base)
        blender_runs("blender_dump.py", path, out, fps, given)
        with np.load(out) as data:
            return {key: data[key] for key in data.files}

    return read
