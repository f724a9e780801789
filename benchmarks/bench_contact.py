"""Lips kept in contact after an edit: the whole of `Contact` against the nearest-point queries of its passes in libigl.

MIEN_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 pytest benchmarks/bench_contact.py

The procedural head smiles harder than it did, which parts its lips. Times are those of one frame. The peer answers only
what the passes ask: both sides' nearest points on each other, twelve times, without what is done with them.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

import mien

FRAMES = 60


def smiling() -> tuple[mien.Performance, tuple[np.ndarray, np.ndarray], list[mien.editing.Edit]]:
    """Return a face that smiles, the two sides of its lips, and edits that part them."""
    head = mien.datasets.head("preview")
    weights = np.zeros((FRAMES, len(head.names)))
    for name in ("mouthSmileLeft", "mouthSmileRight"):
        weights[:, head.names.index(name)] = np.linspace(0, 0.6, FRAMES)
    still = mien.RigidMotion(np.tile(np.eye(3), (FRAMES, 1, 1)), np.zeros((FRAMES, 3)))
    take = mien.MeshSequence(head.topology, head.evaluate(weights).astype(np.float64))
    perf = mien.Performance(take, still, head.neutral, np.zeros(FRAMES), np.ones(FRAMES))
    up, low = (
        mien.geodesic_distance(head.topology, head.neutral, head.loops[f"{row}_lip"])
        for row in ("upper", "lower")
    )
    sides = np.flatnonzero((up < 1) & (up < low)), np.flatnonzero((low < 1) & (low < up))
    lifted = take.positions[10] + (np.clip(1 - up / 1.5, 0, 1) * (up < low))[:, None] * [0, 0.15, 0]
    return perf, sides, [mien.Sculpt(10, lifted, envelope=np.ones(FRAMES), space="head")]


def gaps(sides: tuple[np.ndarray, np.ndarray], take: np.ndarray, result: np.ndarray) -> np.ndarray:
    """Return by how much pairs that touch in the take have parted or met, scene units."""
    pairs = np.linalg.norm(take[:, sides[0], None] - take[:, None, sides[1]], axis=3).argmin(axis=2)
    there = np.take_along_axis(take[:, sides[1]], pairs[:, :, None], axis=1)
    now = np.take_along_axis(result[:, sides[1]], pairs[:, :, None], axis=1)
    before, after = (
        np.linalg.norm(a - b, axis=2) for a, b in ((take[:, sides[0]], there), (result[:, sides[0]], now))
    )
    return np.abs(after - before)[before < 0.015]


def test_lips(compare: Any) -> None:
    perf, sides, edits = smiling()
    listed = [*edits, mien.Contact(*sides)]
    parted = gaps(sides, perf.take.positions, mien.recombine(perf, edits).positions)
    assert len(parted) > 200
    assert parted.max() > 0.1  # centimetres

    def check(name: str, answer: Any) -> None:
        if name.startswith("mien"):
            assert gaps(sides, perf.take.positions, answer.positions).max() < 0.005

    rows = {"mien": lambda: mien.recombine(perf, listed), "libigl": None}
    try:
        igl = importlib.import_module("igl")
    except ImportError:
        pass
    else:
        triangles = perf.take.topology.triangles
        faces = [triangles[np.isin(triangles, side).all(axis=1)].astype(np.int64) for side in sides]

        def nearest() -> None:
            for shape in perf.take.positions:
                for _ in range(12):
                    for i in (0, 1):
                        igl.point_mesh_squared_distance(shape[sides[i]], shape, faces[1 - i])

        rows["libigl"] = nearest
    parts = dict.fromkeys(rows, FRAMES)
    compare(
        "lips in contact, a frame", rows, size=f"{sum(map(len, sides))}", check=check, parts=parts, rounds=5
    )
