"""Drag on a recorded performance of a real face: handles met, bone at rest, no flips, no jumps."""

from __future__ import annotations

import numpy as np
import pytest

import mien
from mien.editing import RegionRecipe
from mien.geometry.temporal import speed_statistics

FRAMES, FRAME = 48, 24
CORNER, CHIN = 48, 8  # of the 68 landmarks


@pytest.fixture(scope="module")
def recorded(truth, data_dir):
    """Forty-eight frames with the true head, and the model's vertex lists."""
    data = truth("facecap_id_a")
    with np.load(data_dir / "ict_face/ict_face.npz") as file:
        lists = {name: file[name] for name in ("polygons", "landmarks68", "rigid_vertices")}
    positions = np.ascontiguousarray(data["vertices"][:FRAMES])
    n = positions.shape[1]  # the skin, which the model begins with
    topology = mien.Topology.from_polygons(lists["polygons"][(lists["polygons"] < n).all(axis=1)], n)
    head = mien.RigidMotion(data["rotations"][:FRAMES], data["translations"][:FRAMES])
    take = mien.MeshSequence(topology, positions, fps=60.0)
    return mien.Performance(take, head, data["neutral"], np.zeros(FRAMES), np.ones(FRAMES)), lists


def normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (points[triangles[:, k]].astype(np.float64) for k in range(3))
    return np.cross(b - a, c - a)


@pytest.mark.parametrize("solver", ["laplacian", "biharmonic", "arap"])
@pytest.mark.parametrize(("mark", "move"), [(CORNER, [-0.2, 0.3, 0.0]), (CHIN, [0.0, -0.4, 0.2])])
def test_a_real_face_is_dragged(recorded, solver, mark, move) -> None:
    perf, lists = recorded
    handle = int(lists["landmarks68"][mark])
    bone = lists["rigid_vertices"]
    anchors = np.setdiff1d(bone[bone < perf.take.n_vertices], [handle])
    region = RegionRecipe([handle], 5.0)
    drag = mien.Drag(FRAME, [handle], [move], anchors=anchors, region=region, solver=solver)
    take, result = perf.take.positions, mien.recombine(perf, [drag]).positions
    change = perf.head.rotation[FRAME].T @ (result[FRAME, handle].astype(np.float64) - take[FRAME, handle])
    assert np.abs(change - move).max() < 1e-4
    held = drag.region.weights(perf) == 0
    held[anchors] = True
    assert result[:, held].tobytes() == take[:, held].tobytes()
    outside = [*range(FRAME - 7), *range(FRAME + 8, FRAMES)]
    assert result[outside].tobytes() == take[outside].tobytes()
    for f in (FRAME - 4, FRAME, FRAME + 4):
        before, after = (normals(p[f], perf.take.topology.triangles) for p in (take, result))
        flipped = (before * after).sum(axis=1) < 0
        size = np.linalg.norm(before, axis=1)
        assert flipped[size > 1e-3 * np.median(size)].sum() <= 20 * (
            solver == "arap"
        )  # at the point of its spike
    joins = np.array([FRAME - 8, FRAME - 7, FRAME + 7, FRAME + 8]) - 1  # jump[i] is the one at frame i + 1
    assert speed_statistics(result).jump[joins].max() <= 1.05 * speed_statistics(take).jump_p99
