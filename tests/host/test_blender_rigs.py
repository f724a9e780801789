"""What Blender makes of rigs written here, and of glTF files of others: the same shapes, weights and places."""

from __future__ import annotations

import json
import pathlib
import struct

import numpy as np
import pytest

import mien
from mien.values.shapes import Corrective

FPS, START = 30.0, 11


def turned(points: np.ndarray) -> np.ndarray:
    """Points with y up as Blender's glTF importer turns them: (x, y, z) becomes (x, -z, y)."""
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1)


def grid_rig(rng: np.random.Generator, **more) -> mien.Rig:
    """A sheet of quads with texture coordinates, three shapes of which one moves a single vertex, and a corrective."""
    n = 7
    v = np.arange(n * n).reshape(n, n)
    quads = np.stack([v[:-1, :-1], v[1:, :-1], v[1:, 1:], v[:-1, 1:]], axis=-1).reshape(-1, 4)
    uvs = rng.random((n * n, 2)).astype(np.float32)
    topology = mien.Topology(
        np.full(len(quads), 4), quads.reshape(-1), n * n, uvs=uvs, uv_indices=quads.reshape(-1)
    )
    neutral = rng.normal(0, 10, (n * n, 3)).astype(np.float32)
    deltas = rng.normal(0, 1, (3, n * n, 3)).astype(np.float32)
    deltas[1, 1:] = 0
    deltas[2, ::2] = 0
    correctives = [Corrective("jawOpen_smile", ["jawOpen", "smileLeft"], deltas[0][::-1].copy())]
    return mien.Rig(
        topology, neutral, ["jawOpen", "oneVertex", "smileLeft"], deltas, correctives, name="face", **more
    )


@pytest.mark.parametrize(("unit", "axis"), [(1.0, "y"), (0.01, "y"), (0.01, "z")])
def test_a_rig_with_its_animation(rng, tmp_path: pathlib.Path, blender_reads, unit, axis):
    rig = grid_rig(rng, metres_per_unit=unit, up_axis=axis)
    weights = rng.integers(0, 17, (20, 3)) / 16
    mien.write_rig(tmp_path / "face.glb", rig, weights, fps=FPS, start_frame=START)
    found = blender_reads(tmp_path / "face.glb", FPS, frames=[START, START + 19])

    assert found["names"].tolist() == ["face", "face"]
    assert found["key_names"].tolist() == ["Basis", *rig.names, "jawOpen_smile"]
    shapes = [*rig.deltas, np.zeros_like(rig.neutral)]
    shapes[3][rig.correctives[0].sparse.vertices] = rig.correctives[0].sparse.offsets
    np.testing.assert_array_equal(found["key_points"][0], turned(rig.neutral))
    np.testing.assert_array_equal(found["key_points"][1:], turned(rig.neutral + np.array(shapes)))
    np.testing.assert_array_equal(found["key_values"][:, 1:4], weights)
    np.testing.assert_array_equal(found["key_values"][:, 4], weights[:, 0] * weights[:, 2])

    take = rig.evaluate(weights)
    # Blender adds shapes in float32, one after the other; points lie within 50 units.
    assert np.abs(found["vertices"] - turned(take.positions)).max() < 2e-5
    world = np.einsum("ij,fvj->fvi", found["matrices"][0, :3, :3], found["vertices"].astype(float))
    upright = turned(take.positions) if axis == "y" else take.positions
    np.testing.assert_allclose(world, unit * upright.astype(float), atol=2e-5 * unit + 1e-6)

    np.testing.assert_array_equal(found["face_indices"].reshape(-1, 3), rig.topology.triangles)
    corners = rig.topology.uvs[rig.topology.uv_indices[rig.topology.triangle_corners.reshape(-1)]]
    np.testing.assert_allclose(found["corner_uvs"], corners, atol=6e-8)  # 1 - v twice


@pytest.mark.real
@pytest.mark.parametrize(("mesh", "bones"), [("Head", False), ("Foot.L", False), ("Hand.R", True)])
def test_others_files_stand_where_blender_puts_them(
    data_dir, tmp_path: pathlib.Path, blender_reads, mesh, bones
):
    """A character with a deep hierarchy, a scale of 100 and a skin, at rest: Blender's world against ours.

    Blender hangs meshes below a bone from the bone's other end, and misses their place by that; so what hangs below
    bones is compared in a file without skins, where they are plain nodes, and what is bound to them in one with.
    """
    blob = (data_dir / "characters/RobotExpressive.glb").read_bytes()
    (size,) = struct.unpack_from("<I", blob, 12)
    root = json.loads(blob[20 : 20 + size])
    del root["animations"]
    if not bones:
        del root["skins"]
        for node in root["nodes"]:
            node.pop("skin", None)
    path = tmp_path / "robot.glb"
    path.write_bytes(blob[:20] + json.dumps(root).encode().ljust(size) + blob[20 + size :])
    found = blender_reads(path, FPS, frames=[1, 1], mesh=mesh)
    matrix = found["matrices"][0]
    world = found["vertices"][0].astype(float) @ matrix[:3, :3].T + matrix[:3, 3]
    rig = mien.read_rig(path, node=mesh)
    assert world.shape == rig.neutral.shape
    np.testing.assert_allclose(turned(rig.neutral), world, atol=2e-5)
    theirs, ours = (
        map(tuple, rows) for rows in (found["face_indices"].reshape(-1, 3), rig.topology.triangles)
    )
    assert set(theirs) <= set(ours)  # Blender drops a triangle that comes twice
