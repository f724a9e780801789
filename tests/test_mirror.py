"""Mirror: the sides of the built-in face, whose left and right shapes are known."""

from __future__ import annotations

import numpy as np
import pytest
from tests.performances import performance

import mien
from mien.editing import mirror


@pytest.fixture(scope="module")
def smirk():
    """One side of the mouth smiles and one eye closes, under a moving head."""
    head = mien.datasets.head("preview")
    names = head.rig.names
    weights = np.zeros((12, len(names)))
    weights[:, names.index("mouthSmileLeft")] = np.sin(np.linspace(0, np.pi, 12))
    weights[:, names.index("eyeBlinkLeft")] = 0.5
    expression = head.rig.evaluate(weights).positions.astype(np.float64)
    weights = weights[:, [names.index(swapped(name)) for name in names]]
    other = head.rig.evaluate(weights).positions.astype(np.float64)
    turn = np.stack([[0.02 * i, 0.1, -0.01 * i, 1.0] for i in range(12)])
    motion = mien.RigidMotion.from_quaternions(turn, np.zeros((12, 3)))
    take = mien.MeshSequence(head.topology, motion.apply(expression), fps=60.0)
    perf = mien.Performance(take, motion, head.neutral.astype(np.float64), np.zeros(12), np.ones(12))
    return head, perf, expression, other


def swapped(name: str) -> str:
    if name.endswith("Left"):
        return name[:-4] + "Right"
    return name[:-5] + "Left" if name.endswith("Right") else name


def in_head(perf, result):
    return perf.head.apply_inverse(result.positions)


def test_swapping_sides_is_the_other_shapes(smirk):
    _, perf, expression, other = smirk
    result = in_head(perf, mien.recombine(perf, [mien.Mirror()]))
    moved = np.abs(other - expression).max()
    assert np.abs(result - other).max() < 1e-3 * moved
    twice = in_head(perf, mien.recombine(perf, [mien.Mirror(), mien.Mirror()]))
    np.testing.assert_allclose(twice, expression, atol=1e-9)


@pytest.mark.parametrize("smiling", [True, False])
def test_one_side_goes_to_both(smirk, smiling):
    head, perf, expression, other = smirk
    left = head.neutral[:, 0] > 1.0
    side = int(np.argmax(head.neutral[:, 0])) if smiling else int(np.argmin(head.neutral[:, 0]))
    result = in_head(perf, mien.recombine(perf, [mien.Mirror(side)]))
    if smiling:
        np.testing.assert_allclose(result[:, left], expression[:, left], atol=1e-12)
        assert np.abs(result[:, head.neutral[:, 0] < -1.0] - other[:, head.neutral[:, 0] < -1.0]).max() < 2e-3
    else:
        assert np.abs(result[:, left] - head.neutral[left]).max() < 2e-3
    found = mien.symmetry(head.topology, head.neutral)
    np.testing.assert_allclose(found.reflect(result)[:, found.partner], result, atol=5e-3)


def test_the_seam_is_smooth(smirk):
    head, perf, _, _ = smirk
    side = int(np.argmax(head.neutral[:, 0]))
    triangles = head.topology.triangles
    edges = np.unique(np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0)
    rest = np.linalg.norm(head.neutral[edges[:, 0]] - head.neutral[edges[:, 1]], axis=1)

    def stretch(positions):
        return np.abs(
            np.linalg.norm(positions[:, edges[:, 0]] - positions[:, edges[:, 1]], axis=2) / rest - 1
        )

    result = mien.recombine(perf, [mien.Mirror(side)]).positions
    assert stretch(result).max() <= 1.2 * stretch(perf.take.positions).max()


def test_messages(smirk):
    head, perf, _, _ = smirk
    middle = int(np.argmin(np.abs(head.neutral[:, 0])))
    with pytest.raises(ValueError, match=r"edits\[0\] \(mirror\): `side` must be a vertex to one side"):
        mien.recombine(perf, [mien.Mirror(middle)])
    with pytest.raises(ValueError, match=r"`side` must be .* below 5649, got 9999"):
        mien.recombine(perf, [mien.Mirror(9999)])
    with pytest.raises(ValueError, match="`method` must be one of"):
        mien.Mirror(method="guess")


def test_the_symmetry_is_found_once_for_a_face(monkeypatch):
    perf, count = performance(), []
    found = mirror.symmetry
    monkeypatch.setattr(mirror, "symmetry", lambda *a, **k: count.append(1) or found(*a, **k))
    edit = mien.Mirror()
    first = mien.recombine(perf, [edit]).positions
    assert (mien.recombine(perf, [edit]).positions == first).all()
    assert len(count) == 1
    wider = mien.Performance(perf.take, perf.head, perf.neutral * [1.1, 1, 1], perf.residual, perf.confidence)
    other = mien.recombine(wider, [edit]).positions
    assert len(count) == 2
    assert (other == mien.recombine(wider, [mien.Mirror()]).positions).all()
