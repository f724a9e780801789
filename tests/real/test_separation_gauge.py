"""Head space of a neutral that is estimated: the axes of a face, however it is cropped, turned and placed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import mien

N_VERTICES = {"face": 9409, "mask": 6706}


@pytest.fixture(scope="module")
def model(data_dir):
    with np.load(data_dir / "ict_face/ict_face.npz") as file:
        neutral, triangles = file["neutral"].astype(np.float64), file["triangles"]
    with np.load(data_dir / "ict_face/ict_identity.npz") as file:
        return neutral, triangles, file["identity_deltas"]


@pytest.mark.parametrize("crop", N_VERTICES)
@pytest.mark.parametrize("seed", range(2))
def test_head_space_has_the_axes_of_the_face(model, crop, seed):
    """Principal axes of these are pitched by 5 to 12 degrees."""
    neutral, triangles, identity = model
    n = N_VERTICES[crop]
    rng = np.random.default_rng(seed)
    face = neutral[:n] + np.tensordot(rng.normal(size=len(identity)), identity[:, :n], 1)
    turns = Rotation.random(12, random_state=seed).as_matrix()
    placed = mien.RigidMotion(turns, rng.normal(size=(12, 3)) * 100)
    topology = mien.Topology.from_polygons(triangles[(triangles < n).all(axis=1)])
    take = mien.MeshSequence(topology, placed.apply(face))
    perf = mien.separate(take, method="robust")
    gauge = perf.head.rotation.transpose(0, 2, 1) @ turns
    assert np.degrees(np.linalg.norm(Rotation.from_matrix(gauge).as_rotvec(), axis=1)).max() < 4
    assert np.linalg.norm(perf.neutral.mean(axis=0)) < 2  # the origin is in the face
