"""What is known of how faces move arrives at the built-in head, however it is turned, cut and measured."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import mien


@pytest.fixture(scope="module")
def face():
    """The front of a procedural head without its insides: topology, neutral (V, 3), shapes (K, V, 3)."""
    head = mien.datasets.head("preview", 5)
    shapes = head.linear_parts[0]
    return cut(
        head.topology, head.neutral, shapes, (head.regions["face"] > 0.2) | (head.regions["forehead"] > 0)
    )


def cut(topology, neutral, shapes, keep):
    number = np.full(len(keep), -1)
    number[keep] = np.arange(keep.sum())
    triangles = topology.triangles[keep[topology.triangles].all(axis=1)]
    return mien.Topology.from_polygons(number[triangles]), neutral[keep], shapes[:, keep]


def moved(neutral, scale, seed):
    turn = Rotation.random(random_state=seed).as_matrix()
    return scale * neutral @ turn.T + scale * np.array([30.0, -100.0, 7.0]), turn


def without_rigid(points, fields):
    about = points - points.mean(axis=0)
    rigid = np.stack(
        [*(np.broadcast_to(e, about.shape) for e in np.eye(3)), *(np.cross(e, about) for e in np.eye(3))]
    )
    q = np.linalg.qr(rigid.reshape(6, -1).T)[0]
    flat = fields.reshape(len(fields), -1)
    return flat - (flat @ q) @ q.T


def explained(points, shapes, basis):
    truth, known = without_rigid(points, shapes), without_rigid(points, basis)
    share = np.linalg.lstsq(known.T, truth.T, rcond=1e-6)[0]
    return 1 - np.sum((truth - (known.T @ share).T) ** 2) / np.sum(truth**2)


@pytest.mark.parametrize(("scale", "seed"), [(10.0, 1), (0.01, 2), (1.0, 3)])
def test_arrives_in_any_space_and_unit(face, scale, seed):
    topology, neutral, shapes = face
    noisy = neutral + np.random.default_rng(seed).normal(0, 0.02, neutral.shape)
    points, turn = moved(noisy, scale, seed)
    prior = mien.carry_prior(topology, points)
    truth = np.sqrt(np.mean(np.sum(shapes**2, axis=2), axis=0)) * scale
    assert np.corrcoef(prior.mobility, truth)[0, 1] > 0.85
    assert 0.5 < np.median(prior.mobility / np.maximum(truth, 0.02 * scale)) < 2
    assert explained(points, scale * shapes @ turn.T, prior.basis) > 0.75
    assert np.median(prior.trust) > 0.5


def test_shapes_and_ranges(face):
    topology, neutral, _ = face
    prior = mien.carry_prior(topology, neutral.astype(np.float32))
    k, v = len(prior.sigma), len(neutral)
    assert prior.mobility.shape == prior.trust.shape == (v,)
    assert prior.basis.shape == (k, v, 3)
    assert prior.trust.min() >= 0
    assert prior.trust.max() <= 1
    assert np.all(np.diff(prior.sigma) <= 0)
    np.testing.assert_allclose(np.mean(np.sum(prior.basis**2, axis=2), axis=1), 1.0)


def test_the_same_every_time_and_in_every_unit(face):
    topology, neutral, _ = face
    once, again = (mien.carry_prior(topology, neutral) for _ in range(2))
    for a, b in zip(once, again, strict=True):
        np.testing.assert_array_equal(a, b)
    large = mien.carry_prior(topology, 1024.0 * neutral)
    np.testing.assert_allclose(large.mobility, 1024 * once.mobility, rtol=1e-6)


def test_loose_points(face):
    _, neutral, shapes = face
    topology = mien.Topology([], [], len(neutral))
    points, _ = moved(neutral, 1.0, 9)
    prior = mien.carry_prior(topology, points)
    truth = np.sqrt(np.mean(np.sum(shapes**2, axis=2), axis=0))
    assert np.corrcoef(prior.mobility, truth)[0, 1] > 0.8


def test_normals_that_point_inwards_are_no_face(face):
    """... unless they are turned: a mesh wound the other way round is mostly a hollow mask, and nothing is invented."""
    topology, neutral, _ = face
    inside_out = mien.Topology.from_polygons(topology.triangles[:, ::-1])
    prior = mien.carry_prior(inside_out, neutral)
    assert prior is None or np.median(prior.trust) < 0.5


def test_a_rig_of_ones_own(face):
    topology, neutral, shapes = face
    other = mien.datasets.head("preview", 8)
    prior = mien.carry_prior(topology, neutral, source=other.rig)
    assert explained(neutral, shapes, prior.basis) > 0.85


def test_landmarks_settle_what_is_hard(face):
    head = mien.datasets.head("preview", 5)
    keep = (head.regions["face"] > 0.2) | (head.regions["forehead"] > 0)
    number = np.cumsum(keep) - 1
    names = [
        n
        for n in ("nose_tip", "eye_outer_left", "eye_outer_right", "mouth_corner_left", "mouth_corner_right")
    ]
    marks = {name: int(number[head.landmarks[name]]) for name in names}
    topology, neutral, shapes = face
    stretched = neutral * [1.5, 1.0, 1.0]  # as wide as no head
    prior = mien.carry_prior(topology, stretched, landmarks=marks)
    truth = np.sqrt(np.mean(np.sum(shapes**2, axis=2), axis=0))
    assert np.corrcoef(prior.mobility, truth)[0, 1] > 0.8


def sphere(n=40):
    u, v = np.meshgrid(np.linspace(0, 2 * np.pi, 2 * n), np.linspace(0.05, np.pi - 0.05, n), indexing="ij")
    index = np.arange(2 * n * n).reshape(2 * n, n)
    quads = np.stack([index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]], axis=-1).reshape(-1, 4)
    points = np.stack([np.cos(u) * np.sin(v), np.sin(u) * np.sin(v), np.cos(v)], axis=-1).reshape(-1, 3)
    return mien.Topology.from_polygons(quads), points


@pytest.mark.parametrize("shape", [(1, 1, 1), (0.75, 1.1, 0.9), (1.0, 1.0, 0.01)])
def test_what_is_no_face_gets_nothing(shape):
    topology, points = sphere()
    assert mien.carry_prior(topology, points * shape) is None


def test_the_back_of_a_head_gets_nothing():
    head = mien.datasets.head("preview", 5)
    keep = (head.regions["skin"] > 0.5) & (head.neutral[:, 2] < 2)
    topology, neutral, _ = cut(head.topology, head.neutral, head.linear_parts[0], keep)
    assert mien.carry_prior(topology, neutral) is None


def test_too_few_vertices_get_nothing():
    assert mien.carry_prior(mien.Topology([], [], 3), np.eye(3)) is None
    assert mien.carry_prior(mien.Topology([], [], 0), np.zeros((0, 3))) is None
    assert mien.carry_prior(mien.Topology([], [], 100), np.ones((100, 3))) is None


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"landmarks": {"nose": 0}}, ValueError, "landmarks.*nose_tip"),
        ({"landmarks": {"nose_tip": 10**6}}, ValueError, "nose_tip"),
        ({"landmarks": [1, 2]}, TypeError, "mapping"),
        ({"source": 3}, TypeError, "Rig"),
    ],
)
def test_what_is_refused(face, options, error, words):
    topology, neutral, _ = face
    with pytest.raises(error, match=words):
        mien.carry_prior(topology, neutral, **options)


def test_the_neutral_must_be_finite(face):
    topology, neutral, _ = face
    broken = neutral.copy()
    broken[7, 1] = np.nan
    with pytest.raises(ValueError, match="vertex 7"):
        mien.carry_prior(topology, broken)


@pytest.mark.parametrize("pitch", [0.0, 20.0, -35.0])
def test_an_estimated_neutral_stands_upright_however_it_is_cropped_and_turned(pitch):
    """A mask without forehead or chin has principal axes of its own; those of the face are found all the same."""
    acted = mien.datasets.performance(n_frames=16, seed=6)
    keep = (acted.neutral[:, 2] > 2.0) & (acted.neutral[:, 1] > acted.neutral[:, 1].mean() - 6)
    number = np.cumsum(keep) - 1
    triangles = acted.take.topology.triangles
    topology = mien.Topology.from_polygons(number[triangles[keep[triangles].all(axis=1)]])
    world = mien.RigidMotion(
        Rotation.from_euler("xyz", [[pitch, 140.0, 10.0]], degrees=True).as_matrix(), [[50.0, 9.0, 300.0]]
    )
    moved = world @ mien.RigidMotion.identity(16)
    take = mien.MeshSequence(topology, moved.apply(acted.take.positions[:, keep].astype(np.float64)))
    found = mien.separate(take)
    gauge = found.head.inverse() @ (world @ acted.head_motion)
    assert np.degrees(np.linalg.norm(gauge.rotation_vectors, axis=1)).max() < 6
