"""Offset: shapes of the built-in rig, by name and by curve, from a rig in another pose and size; files; messages."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.performances import performance

import mien

N = 10


@pytest.fixture(scope="module")
def rig():
    return mien.datasets.head("preview").rig


def acted(rig, weights):
    """A performance of the rig under a moving head, everything known."""
    expression = rig.evaluate(weights, dtype=np.float64).positions
    motion = mien.RigidMotion.from_quaternions(
        [[0.05 * i, 0.1, -0.03 * i, 1.0] for i in range(N)], [[i, 150.0, -i] for i in range(N)]
    )
    take = mien.MeshSequence(rig.topology, motion.apply(expression), fps=60.0, start_frame=1001)
    return mien.Performance(take, motion, rig.neutral.astype(np.float64), np.zeros(N), np.ones(N))


def column(rig, name, values):
    table = np.zeros((N, rig.n_shapes))
    table[:, rig.index(name)] = values
    return table


def test_a_shape_is_added_by_name(rig):
    base = column(rig, "jawOpen", 0.3)
    perf = acted(rig, base)
    envelope = mien.envelope(N, 1, 4, 8)
    result = mien.recombine(perf, [mien.Offset(rig, {"browInnerUp": 0.5}, envelope=envelope)]).positions
    expected = acted(rig, base + column(rig, "browInnerUp", 0.5 * envelope)).take.positions
    np.testing.assert_allclose(result, expected, atol=1e-6)
    still = np.ones(rig.n_vertices, bool)
    still[rig.sparse("browInnerUp").vertices] = False
    assert (result[:, still] == perf.take.positions[:, still]).all()
    assert (result[[0, 1, 8, 9]] == perf.take.positions[[0, 1, 8, 9]]).all()


def test_curves_and_correctives(rig):
    drivers = next(c.drivers for c in rig.correctives if len(c.drivers) == 2 and len(set(c.drivers)) == 2)
    curve = np.linspace(0, 1, N)
    result = mien.recombine(
        acted(rig, np.zeros((N, rig.n_shapes))), [mien.Offset(rig, {drivers[0]: curve, drivers[1]: 0.7})]
    )
    expected = acted(rig, column(rig, drivers[0], curve) + column(rig, drivers[1], 0.7)).take.positions
    np.testing.assert_allclose(result.positions, expected, atol=1e-5)


def test_a_rig_in_another_pose_and_unit(rig):
    perf = acted(rig, np.zeros((N, rig.n_shapes)))
    turn = mien.RigidMotion.from_quaternions([[0.4, 0.2, -0.1, 0.8]], [[3.0, -40.0, 2.0]])
    deltas = [
        turn.rotation[0] @ rig.delta(name).T.astype(np.float64) * 10 for name in ("mouthPucker", "jawOpen")
    ]
    moved = mien.Rig(
        rig.topology,
        turn.apply(rig.neutral.astype(np.float64) * 10)[0],
        ["pucker", "jaw"],
        np.stack([d.T for d in deltas]),
    )
    here = mien.recombine(perf, [mien.Offset(rig.subset(["mouthPucker"]), {"mouthPucker": 0.8})]).positions
    there = mien.recombine(perf, [mien.Offset(moved, {"pucker": 0.8})]).positions
    np.testing.assert_allclose(there, here, atol=1e-5)


def test_a_region_limits_it(rig):
    perf = acted(rig, np.zeros((N, rig.n_shapes)))
    left = (rig.neutral[:, 0] > 0).astype(np.float64)
    result = mien.recombine(perf, [mien.Offset(rig, {"mouthPucker": 1.0}, region=left)]).positions
    assert (result[:, left == 0] == perf.take.positions[:, left == 0]).all()
    assert not (result == perf.take.positions).all()


def test_files_name_the_rig(rig, tmp_path):
    perf = acted(rig, np.zeros((N, rig.n_shapes)))
    curve = np.array([0, 0, 0.25, 0.5, 0, 0, 0, 0, 0, 0])
    edits = mien.EditList([mien.Offset(rig, {"jawOpen": 0.2, "mouthPucker": curve})])
    edits.save(tmp_path / "fix.json", perf, sources={"hero": rig})
    document = json.loads((tmp_path / "fix.json").read_text())
    (written,) = document["edits"]
    assert written["rig"] == "hero"
    assert written["shapes"]["jawOpen"] == 0.2
    assert written["shapes"]["mouthPucker"] == {"size": N, "first": 1003, "values": [0.25, 0.5]}
    again = mien.EditList.load(tmp_path / "fix.json", perf, sources={"hero": rig})
    one, two = mien.recombine(perf, edits).positions, mien.recombine(perf, again).positions
    assert (one == two).all()
    for wrong, message in (
        ({"hero": perf}, "'hero', which is not a rig; rig sources are none"),
        ({}, "'hero', which was not given; rig sources are none"),
    ):
        with pytest.raises(mien.FormatError, match=message):
            mien.EditList.load(tmp_path / "fix.json", perf, sources=wrong)


def test_messages(rig):
    with pytest.raises(ValueError, match="must be a shape of the rig, got 'smirk'"):
        mien.Offset(rig, {"smirk": 1.0})
    with pytest.raises(ValueError, match="`shapes` must name at least one shape"):
        mien.Offset(rig, {})
    with pytest.raises(TypeError, match="`rig` must be a Rig, got str"):
        mien.Offset("rig", {"jawOpen": 1.0})
    with pytest.raises(ValueError, match=r"edits\[0\] \(offset\): `rig` must have the topology"):
        mien.recombine(performance(), [mien.Offset(rig, {"jawOpen": 1.0})])
    with pytest.raises(ValueError, match=f"`shapes` must have curves of F = {N} frames, got 7"):
        mien.recombine(acted(rig, np.zeros((N, rig.n_shapes))), [mien.Offset(rig, {"jawOpen": np.ones(7)})])
