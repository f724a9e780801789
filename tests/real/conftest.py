"""Real faces and performances, where they lie beside the checkout (or where MIEN_DATA says)."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def find_data() -> pathlib.Path | None:
    named = os.environ.get("MIEN_DATA")
    places = (
        [pathlib.Path(named)] if named else [ROOT.parent / "shared/data", ROOT.parents[1] / "shared/data"]
    )
    return next((place for place in places if (place / "README.md").is_file()), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = pathlib.Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.real)


@pytest.fixture(scope="session")
def data_dir() -> pathlib.Path:
    found = find_data()
    if found is None:
        if os.environ.get("MIEN_REQUIRE_DATA"):
            pytest.fail("MIEN_REQUIRE_DATA is set, but the real face data is not beside the checkout")
        pytest.skip("the real face data is not beside the checkout and MIEN_DATA does not name it")
    return found


@pytest.fixture(scope="session")
def take_file(data_dir: pathlib.Path, tmp_path_factory: pytest.TempPathFactory):
    """Return a function that builds a recipe of sequences/recipes.json once and gives the path of the .npz file."""
    folder = tmp_path_factory.mktemp("takes")

    def build(name: str) -> pathlib.Path:
        path = folder / f"{name}.npz"
        if not path.exists():
            script = data_dir / "sequences/make_sequence.py"
            recipe = ["--recipe", str(script.with_name("recipes.json")), name]
            subprocess.run(
                [sys.executable, str(script), *recipe, "--out", str(path)], check=True, capture_output=True
            )
        return path

    return build


@pytest.fixture(scope="session")
def truth(take_file):
    """Return a function that gives a built take's arrays, truth included, by name."""
    loaded: dict[str, dict[str, np.ndarray]] = {}

    def load(name: str) -> dict[str, np.ndarray]:
        if name not in loaded:
            with np.load(take_file(name)) as data:
                loaded[name] = {key: data[key] for key in data.files}
        return loaded[name]

    return load
