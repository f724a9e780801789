"""Blender as a Python module, in an environment of its own: MIEN_BPY names its interpreter."""

from __future__ import annotations

import os
import pathlib
import subprocess

import numpy as np
import pytest

HERE = pathlib.Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.host)


@pytest.fixture(scope="session")
def blender_python() -> str:
    named = os.environ.get("MIEN_BPY")
    if not named:
        pytest.skip("MIEN_BPY does not name a Python that has bpy")
    return named


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

    def read(path: pathlib.Path, fps: float) -> dict[str, np.ndarray]:
        out = tmp_path / "blender.npz"
        blender_runs("blender_dump.py", path, out, fps)
        with np.load(out) as data:
            return {key: data[key] for key in data.files}

    return read
