"""Lips and a lid on its eyeball in a recorded performance: after edits seals hold, and nothing goes in deeper."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree
from tests.oracles import contact as oracle

import mien

SPAN = slice(18, 24, 2)  # lips that close
FACE = 9409
SEALED, GAP, DEEPER = 0.15, 0.2, 0.05  # millimetres
NOT_MET = 0.16  # two vertices of a lid that is shut harder
EDITS = {
    "lips": ("gain 0.6", "gain 1.4", "mouthSmile_L", "mouthPress", "mouthShrugLower", "mirror"),
    "lids": ("gain 0.6", "gain 1.4", "eyeBlink_L", "eyeSquint_L"),
}


@pytest.fixture(scope="module")
def acted(truth, data_dir):
    data = truth("facecap_full")
    with np.load(data_dir / "ict_face/ict_face.npz") as file:
        polygons, marks, names = file["polygons"], file["landmarks68"], file["expression_names"]
        deltas, eye = file["expression_deltas"], file["region_eyeball_left"]
    used = np.union1d(np.arange(FACE), eye)
    number = np.full(len(data["neutral"]), -1)
    number[used] = np.arange(len(used))
    kept = np.isin(polygons, [*used, -1]).all(axis=1) & (polygons[:, :3] >= 0).all(axis=1)
    polygons = np.where(polygons[kept] >= 0, number[polygons[kept]], -1)
    topology = mien.Topology.from_polygons(polygons, len(used))
    head = mien.RigidMotion(data["rotations"][SPAN], data["translations"][SPAN])
    take = mien.MeshSequence(topology, np.ascontiguousarray(data["vertices"][SPAN][:, used]))
    neutral = np.ascontiguousarray(data["neutral"][used])
    perf = mien.Performance(take, head, neutral, np.zeros(len(take)), np.ones(len(take)))
    rig = mien.Rig(topology, neutral, [str(name) for name in names], deltas[:, used])

    def side(row: list[int], other: list[int], reach: float) -> np.ndarray:
        near, far = (mien.geodesic_distance(topology, neutral, number[marks[r]]) for r in (row, other))
        return np.flatnonzero((near < reach) & (near < far))

    upper, lower, lids = [61, 62, 63], [65, 66, 67], ([43, 44], [46, 47])
    lid = np.concatenate([side(*lids, 0.8), side(*lids[::-1], 0.8)])
    front = number[eye][neutral[number[eye], 2] > np.median(neutral[number[eye], 2])]
    return {
        "perf": perf,
        "rig": rig,
        "lips": (side(upper, lower, 1.5), side(lower, upper, 1.5)),
        "lids": (lid, front),
        "mouth": mien.region(topology, neutral, number[marks[[48, 51, 54, 57]]], 3.0),
        "eye": mien.region(topology, neutral, number[marks[[43, 44, 46, 47]]], 2.0),
    }


def edit_of(acted, part: str, name: str) -> mien.editing.Edit:
    if name.startswith("gain"):
        return mien.Gain(float(name[5:]), region=acted["mouth" if part == "lips" else "eye"])
    if name == "mirror":
        return mien.Mirror()
    shapes = {n: 0.5 for n in acted["rig"].names if n.startswith(name)}
    return mien.Offset(acted["rig"], shapes)


def looked_at(acted, part: str, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How far the first side is from sampled points of the second, how far vertices are behind the other side, and
    which of them are: straight behind a surface that they face. Millimetres, (F, n) and (F, m).
    """
    perf, vertices = acted["perf"], acted[part]
    steps = np.array([[i, j, 6 - i - j] for i in range(7) for j in range(7 - i)]) / 6
    sides = []
    for side in vertices:
        row = np.full(perf.take.n_vertices, -1)
        row[side] = np.arange(len(side))
        whole = row[perf.take.topology.triangles]
        sides.append(whole[(whole >= 0).all(axis=1)])
    gaps, behind, counted = [], [], []
    for shape in perf.head.apply_inverse(positions.astype(np.float64)):
        both = [shape[side] for side in vertices]
        normals = [
            oracle.normals_of(oracle.Side(v, t), p) for v, t, p in zip(vertices, sides, both, strict=True)
        ]
        found = []
        for i in (0, 1) if part == "lips" else (0,):
            corners = sides[1 - i]
            points = np.einsum("sk,tkc->tsc", steps, both[1 - i][corners]).reshape(-1, 3)
            away, at = cKDTree(points).query(both[i])
            normal = np.einsum("sk,tkc->tsc", steps, normals[1 - i][corners]).reshape(-1, 3)[at]
            normal /= np.linalg.norm(normal, axis=1)[:, None]
            depth = -((both[i] - points[at]) * normal).sum(axis=1)
            facing = (normals[i] * normal).sum(axis=1) < -0.3
            found.append((10 * depth, facing & (depth > 0.9 * away) & (away < 0.25)))
            if i == 0:
                gaps.append(10 * away)
        behind.append(np.concatenate([depth for depth, _ in found]))
        counted.append(np.concatenate([there for _, there in found]))
    return np.array(gaps), np.array(behind), np.array(counted)


@pytest.mark.parametrize("part", ["lips", "lids"])
def test_seals_hold_and_nothing_goes_deeper(acted, part):
    perf = acted["perf"]
    gap, behind, _ = looked_at(acted, part, perf.take.positions)
    sealed = gap < SEALED
    assert sealed.sum() > 10
    contact = mien.Contact(*acted[part], yields="both" if part == "lips" else "first")
    parted, deepened = 0.0, 0.0
    for name in EDITS[part]:
        edit = edit_of(acted, part, name)
        left, mended = (mien.recombine(perf, e).positions for e in ([edit], [edit, contact]))
        if part == "lids":  # the eye does not yield
            assert mended[:, acted[part][1]].tobytes() == left[:, acted[part][1]].tobytes()
        values = []
        for positions in (left, mended):
            now, depth, there = looked_at(acted, part, positions)
            deeper = np.where(there, depth - np.maximum(behind, 0), 0)
            values.append((now[sealed].max(), deeper.max()))
        (gap_left, deeper_left), (gap_now, deeper) = values
        parted, deepened = max(parted, gap_left), max(deepened, deeper_left)
        assert gap_now <= GAP, name
        assert deeper <= (NOT_MET if (part, name) == ("lids", "gain 1.4") else DEEPER), name
    assert parted > 0.5
    assert deepened > 0.4  # or there was nothing to mend
