"""Topology, RigidMotion, MeshSequence and Performance: checked, frozen, sharing memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation, Slerp

import mien

QUADS = [[0, 1, 2, 3], [2, 3, 4, -1]]


def random_motion(seed: int, n: int, reach: float = 3.0) -> mien.RigidMotion:
    rng = np.random.default_rng(seed)
    return mien.RigidMotion.from_quaternions(rng.normal(size=(n, 4)), rng.normal(size=(n, 3)) * reach)


def small_take(dtype: type = np.float32, n_frames: int = 10) -> mien.MeshSequence:
    topology = mien.Topology.from_polygons(QUADS)
    positions = np.random.default_rng(1).normal(size=(n_frames, 5, 3)).astype(dtype)
    return mien.MeshSequence(topology, positions, fps=60.0, start_frame=1001)


class TestTopology:
    def test_polygons_stay_as_read(self):
        topology = mien.Topology([4, 3], [0, 1, 2, 3, 2, 3, 4], 5)
        assert topology.face_counts.tolist() == [4, 3]
        assert topology.face_indices.tolist() == [0, 1, 2, 3, 2, 3, 4]
        assert topology == mien.Topology.from_polygons(QUADS)

    def test_triangles_are_fans_in_face_order(self):
        topology = mien.Topology([5, 3], [0, 1, 2, 3, 4, 4, 3, 5], 6)
        assert topology.triangles.tolist() == [[0, 1, 2], [0, 2, 3], [0, 3, 4], [4, 3, 5]]
        assert (topology.face_indices[topology.triangle_corners] == topology.triangles).all()

    def test_edges_once_each(self):
        edges = mien.Topology.from_polygons(QUADS).edges
        assert edges.tolist() == [[0, 1], [0, 3], [1, 2], [2, 3], [2, 4], [3, 4]]

    def test_a_point_cloud_has_no_faces(self):
        cloud = mien.Topology([], [], 7)
        assert (cloud.n_faces, len(cloud.triangles), len(cloud.edges)) == (0, 0, 0)

    def test_equality_is_polygons_and_count_not_uvs(self):
        plain = mien.Topology([3], [0, 1, 2], 3)
        mapped = mien.Topology([3], [0, 1, 2], 3, uvs=[[0, 0], [1, 0], [0, 1]], uv_indices=[0, 1, 2])
        assert plain == mapped
        assert hash(plain) == hash(mapped)
        assert plain != mien.Topology([3], [0, 1, 2], 4)
        assert plain != mien.Topology([3], [0, 2, 1], 3)

    def test_arrays_are_read_only(self):
        topology = mien.Topology.from_polygons(QUADS)
        for array in (topology.face_indices, topology.triangles, topology.edges):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (([2], [0, 1], 3), "at least 3, got 2 for face 0"),
            (([3], [0, 1], 3), r"sum\(face_counts\) = 3 entries, got 2"),
            (([3, 3], [0, 1, 2, 0, 1, 9], 3), "below n_vertices = 3, got 9 in face 1"),
            (([3], [0, -1, 2], 3), "got -1 in face 0"),
            (([3], [0, 1, 2], -1), "`n_vertices` must be at least 0"),
        ],
    )
    def test_bad_polygons_are_named(self, arguments, words):
        with pytest.raises(ValueError, match=words):
            mien.Topology(*arguments)

    def test_bad_uvs_are_named(self):
        with pytest.raises(ValueError, match="together"):
            mien.Topology([3], [0, 1, 2], 3, uvs=[[0, 0]])
        with pytest.raises(ValueError, match="one of the 1 uvs, got 5"):
            mien.Topology([3], [0, 1, 2], 3, uvs=[[0, 0]], uv_indices=[0, 0, 5])
        with pytest.raises(TypeError, match="integers"):
            mien.Topology([3], [0.5, 1, 2], 3)
        with pytest.raises(ValueError, match="-1 only at the end"):
            mien.Topology.from_polygons([[0, -1, 2, 3]])


class TestRigidMotion:
    def test_direction_is_head_to_world(self):
        motion = mien.RigidMotion([[[0, -1, 0], [1, 0, 0], [0, 0, 1]]], [[10, 0, 0]])
        assert motion.apply(np.array([[1.0, 2, 3]])).tolist() == [[[8, 1, 3]]]

    @given(st.integers(0, 10_000), st.sampled_from([np.float32, np.float64]), st.integers(0, 70))
    def test_apply_matches_einsum_and_inverse_undoes_it(self, seed, dtype, n_vertices):
        motion = random_motion(seed, 5)
        points = np.random.default_rng(seed).normal(size=(5, n_vertices, 3)).astype(dtype)
        expected = np.einsum("fij,fvj->fvi", motion.rotation, points) + motion.translation[:, None]
        moved = motion.apply(points)
        bound = 4e-6 if dtype == np.float32 else 1e-14
        assert moved.dtype == dtype
        np.testing.assert_allclose(moved, expected, atol=bound * 4)
        np.testing.assert_allclose(motion.apply_inverse(moved), points, atol=bound * 10)

    def test_apply_takes_strided_frames_and_writes_in_place(self):
        motion = random_motion(3, 4)
        many = np.random.default_rng(0).normal(size=(8, 33, 3))
        expected = motion.apply(many[::2].copy())
        assert (motion.apply(many[::2]) == expected).all()
        inside = many[::2].copy()
        assert motion.apply(inside, out=inside) is inside
        assert (inside == expected).all()

    def test_one_frame_of_points_is_moved_by_every_frame(self):
        motion = random_motion(3, 4)
        neutral = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
        assert (motion.apply(neutral) == motion.apply(np.tile(neutral, (4, 1, 1)))).all()

    def test_quaternions_and_rotation_vectors_match_scipy(self):
        rotations = Rotation.random(200, random_state=4)
        motion = mien.RigidMotion(rotations.as_matrix(), np.zeros((200, 3)))
        assert np.abs(np.abs((motion.quaternions * rotations.as_quat()).sum(1)) - 1).max() < 1e-14
        assert np.abs(motion.rotation_vectors - rotations.as_rotvec()).max() < 1e-12
        assert ((motion.quaternions[1:] * motion.quaternions[:-1]).sum(1) >= 0).all()

    @pytest.mark.parametrize("axis", range(3))
    def test_half_turns_survive(self, axis):
        half = np.diag(np.where(np.arange(3) == axis, 1.0, -1.0))[None]
        motion = mien.RigidMotion(half, np.zeros((1, 3)))
        back = mien.RigidMotion.from_quaternions(motion.quaternions, motion.translation)
        assert np.abs(back.rotation - half).max() < 1e-15
        assert np.linalg.norm(motion.rotation_vectors) == pytest.approx(np.pi)

    @given(st.integers(0, 1000))
    def test_group_laws(self, seed):
        a, b, c = (random_motion(seed + i, 3) for i in range(3))
        points = np.random.default_rng(seed).normal(size=(3, 4, 3))
        assert np.abs((a @ b).apply(points) - a.apply(b.apply(points))).max() < 1e-13
        left, right = (a @ b) @ c, a @ (b @ c)
        assert np.abs(left.translation - right.translation).max() < 1e-13
        unit = a @ a.inverse()
        assert np.abs(unit.rotation - np.eye(3)).max() < 1e-14
        assert np.abs(unit.translation).max() < 1e-13
        assert len(a[:1] @ b) == len(a @ b[0]) == 3

    def test_slerp_matches_scipy_and_meets_its_frames(self):
        motion = random_motion(9, 12)
        at = np.linspace(0, 11, 67)
        expected = Slerp(np.arange(12), Rotation.from_matrix(motion.rotation.copy()))(at).as_matrix()
        assert np.abs(motion.slerp(at).rotation - expected).max() < 1e-13
        assert np.abs(motion.slerp([0, 5, 11]).translation - motion.translation[[0, 5, 11]]).max() == 0
        with pytest.raises(ValueError, match=r"\[0, 11\]"):
            motion.slerp([11.5])

    def test_smoothing_removes_jitter_and_keeps_a_steady_turn(self):
        frames = np.arange(120)
        steady = Rotation.from_rotvec(np.outer(frames * 0.01, [0.2, 1, 0])).as_matrix()
        noise = Rotation.from_rotvec(np.random.default_rng(0).normal(size=(120, 3)) * 0.003).as_matrix()
        noisy = mien.RigidMotion(steady @ noise, np.zeros((120, 3)))
        before = Rotation.from_matrix(noisy.rotation @ steady.transpose(0, 2, 1)).magnitude()[10:-10]
        after = Rotation.from_matrix(noisy.smoothed(3).rotation @ steady.transpose(0, 2, 1)).magnitude()[
            10:-10
        ]
        assert after.mean() < 0.4 * before.mean()
        assert noisy.smoothed(0) is noisy

    def test_scaling_freezes_keeps_and_doubles(self):
        motion = random_motion(2, 6)
        assert np.abs(motion.scaled(1.0, pivot=[1, 2, 3]).translation - motion.translation).max() < 1e-13
        still = motion.scaled(0.0)
        assert np.abs(still.rotation - still.rotation[:1]).max() < 1e-14
        assert np.abs(still.translation - motion.translation.mean(0)).max() < 1e-13
        frames = np.linspace(-0.3, 0.3, 13)
        nod = mien.RigidMotion(
            Rotation.from_rotvec(np.outer(frames, [1, 0, 0])).as_matrix(), np.zeros((13, 3))
        )
        assert np.abs(nod.scaled(2.0).rotation_vectors[:, 0] - 2 * frames).max() < 1e-13

    def test_save_and_load_are_exact(self, tmp_path):
        motion = random_motion(5, 9)
        motion.save(tmp_path / "head.npz")
        loaded = mien.RigidMotion.load(tmp_path / "head.npz")
        assert (loaded.rotation == motion.rotation).all()
        assert (loaded.translation == motion.translation).all()

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a zip at all" * 20])
    def test_load_refuses_other_files(self, tmp_path, content):
        (tmp_path / "x.npz").write_bytes(content)
        with pytest.raises(mien.FormatError, match=r"x\.npz: expected a head motion"):
            mien.RigidMotion.load(tmp_path / "x.npz")

    @pytest.mark.parametrize(
        ("rotation", "words"),
        [
            (-np.eye(3)[None], "at frame 0"),
            (np.stack([np.eye(3), 2 * np.eye(3)]), "at frame 1"),
            (np.full((1, 3, 3), np.nan), "must be finite"),
            (np.eye(3), r"must have shape \(F, 3, 3\)"),
        ],
    )
    def test_matrices_that_do_not_rotate_are_refused(self, rotation, words):
        with pytest.raises(ValueError, match=words):
            mien.RigidMotion(rotation, np.zeros((np.atleast_3d(rotation).shape[0], 3)))

    def test_what_goes_in_is_not_frozen_outside(self):
        rotation, translation = np.tile(np.eye(3), (2, 1, 1)), np.zeros((2, 3))
        motion = mien.RigidMotion(rotation, translation)
        assert rotation.flags.writeable
        assert not motion.rotation.flags.writeable
        assert np.shares_memory(motion[0:1].rotation, rotation)


class TestMeshSequence:
    def test_positions_are_shared_and_read_only(self):
        take = small_take()
        part = take[3:9:2]
        assert np.shares_memory(part.positions, take.positions)
        assert (part.start_frame, part.fps, len(part)) == (1004, 30.0, 3)
        with pytest.raises(ValueError, match="read-only"):
            take.positions[0] = 0

    def test_memory_maps_stay_memory_maps(self, tmp_path):
        np.save(tmp_path / "x.npy", np.zeros((4, 5, 3), np.float32))
        mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
        take = mien.MeshSequence(mien.Topology.from_polygons(QUADS), mapped)
        assert isinstance(take.positions, np.memmap)
        assert isinstance(take[1:3].positions, np.memmap)

    def test_awkward_memory_order_is_copied_not_misread(self):
        positions = np.asfortranarray(np.random.default_rng(0).normal(size=(4, 5, 3)))
        take = mien.MeshSequence(mien.Topology.from_polygons(QUADS), positions)
        assert (take.positions == positions).all()
        assert take.positions.flags.c_contiguous

    @pytest.mark.parametrize(
        ("change", "kind", "words"),
        [
            ({"positions": np.zeros((4, 6, 3))}, ValueError, r"\(F, 5, 3\)|must have shape"),
            ({"positions": np.zeros((4, 5, 3), np.int64)}, TypeError, "float32 or float64"),
            ({"positions": np.zeros((4, 5, 3), ">f4")}, TypeError, "native"),
            ({"fps": 0}, ValueError, "`fps` must be above 0, got 0"),
            ({"fps": "24"}, TypeError, "`fps` must be a number"),
            ({"start_frame": 1.5}, TypeError, "`start_frame` must be an integer"),
            ({"up_axis": "x"}, ValueError, "'y', 'z'"),
            ({"metres_per_unit": -1}, ValueError, "above 0"),
            ({"topology": 5}, TypeError, "a Topology"),
        ],
    )
    def test_bad_values_are_named(self, change, kind, words):
        good = {"topology": mien.Topology.from_polygons(QUADS), "positions": np.zeros((4, 5, 3))}
        with pytest.raises(kind, match=words):
            mien.MeshSequence(**{**good, **change})


class TestPerformance:
    def make(self) -> mien.Performance:
        take = small_take()
        n = len(take)
        return mien.Performance(take, random_motion(1, n), np.zeros((5, 3)), np.arange(n) * 0.1, np.ones(n))

    def test_expression_is_the_take_without_its_head(self):
        perf = self.make()
        assert np.abs(perf.head.apply(perf.expression) - perf.take.positions).max() < 2e-6
        assert perf.expression.dtype == np.float32
        assert perf.expression is perf.expression

    def test_slices_share_memory(self):
        part = self.make()[2:5]
        assert len(part) == len(part.head) == 3
        assert part.residual.tolist() == pytest.approx([0.2, 0.3, 0.4])

    def test_save_and_load(self, tmp_path):
        perf = self.make()
        perf.save(tmp_path / "p.npz")
        loaded = mien.Performance.load(tmp_path / "p.npz", perf.take)
        assert (loaded.head.rotation == perf.head.rotation).all()
        assert (loaded.expression == perf.expression).all()
        other = mien.MeshSequence(mien.Topology([], [], 5), perf.take.positions)
        with pytest.raises(ValueError, match="topology"):
            mien.Performance.load(tmp_path / "p.npz", other)

    def test_a_failed_save_leaves_the_old_file(self, tmp_path, monkeypatch):
        perf = self.make()
        perf.save(tmp_path / "p.npz")
        before = (tmp_path / "p.npz").read_bytes()

        def fail(*_: object, **__: object) -> None:
            raise OSError("disk full")

        monkeypatch.setattr(np, "savez", fail)
        with pytest.raises(OSError, match="disk full"):
            perf.save(tmp_path / "p.npz")
        assert (tmp_path / "p.npz").read_bytes() == before
        assert [p.name for p in tmp_path.iterdir()] == ["p.npz"]

    def test_lengths_must_agree(self):
        perf = self.make()
        with pytest.raises(ValueError, match="`head` must have F = 10 frames, got 9"):
            mien.Performance(perf.take, perf.head[:9], perf.neutral, perf.residual, perf.confidence)
