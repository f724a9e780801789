"""The one file that says whether a wheel works."""

from __future__ import annotations

import importlib.metadata

import numpy as np

import mien


def test_version_is_the_wheels():
    assert mien.__version__ == importlib.metadata.version("mien")


def test_every_public_name_loads():
    for name in mien.__all__:
        assert getattr(mien, name) is not None


def test_the_core_moves_points():
    quarter_turn = np.array([[[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]])
    motion = mien.RigidMotion(quarter_turn, [[0, 0, 5]])
    assert motion.apply(np.array([[1.0, 0, 0]])).tolist() == [[[0, 1, 5]]]


def test_import_brings_neither_numba_nor_extras(run_python):
    heavy = "numba matplotlib pxr scipy click tqdm"
    loaded = run_python(f"import sys, mien; print([m for m in '{heavy}'.split() if m in sys.modules])")
    assert loaded == "[]"
