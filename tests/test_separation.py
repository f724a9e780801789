"""separate: laws 1 and 4, known heads, missing vertices, keys, confidence, messages."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import mien
from mien.separation import methods
from mien.separation.gauge import canonical_pose
from mien.separation.neutral import estimate_neutral

ROWS, COLUMNS, FRAMES = 26, 20, 36


@dataclasses.dataclass
class Acted:
    take: mien.MeshSequence
    head: mien.RigidMotion
    neutral: np.ndarray


def mask() -> tuple[mien.Topology, np.ndarray]:
    """A face-like mask in centimetres: wider at the forehead, with a nose, open at the back."""
    v, u = np.meshgrid(np.linspace(-1, 1, ROWS), np.linspace(-1, 1, COLUMNS), indexing="ij")
    x = u * (6 + 1.5 * v)
    y = 10 * v
    z = 7 - 4 * u**2 - 2 * v**2 + 2.5 * np.exp(-8 * (u**2 + (v + 0.1) ** 2))
    index = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS)
    quads = np.stack([index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]], axis=-1)
    return mien.Topology.from_polygons(quads.reshape(-1, 4)), np.stack([x, y, z], axis=-1).reshape(-1, 3)


def smooth(n_frames: int, rng: np.random.Generator, step: float = 6.0) -> np.ndarray:
    """A random curve (F,) of about unit size that changes over `step` frames."""
    knots = rng.normal(0, 1, int(n_frames / step) + 4)
    return np.interp(np.arange(n_frames) / step, np.arange(len(knots)), knots)


def act(rng: np.random.Generator, *, n_frames: int = FRAMES, noise: float = 0.0, jaw: float = 1.5) -> Acted:
    """A performance: the jaw opens, the brow rises, the head turns; the middle of the face is skull."""
    topology, neutral = mask()
    y = neutral[:, 1]
    lower, upper = np.clip((-y - 2) / 4, 0, 1) ** 2, np.clip((y - 6) / 3, 0, 1) ** 2
    opening, raising = np.abs(smooth(n_frames, rng)) * jaw, np.maximum(smooth(n_frames, rng), 0) * 0.6
    local = np.tile(neutral, (n_frames, 1, 1))
    local[:, :, 1] += raising[:, None] * upper - opening[:, None] * lower
    local[:, :, 2] -= 0.4 * opening[:, None] * lower
    local += rng.normal(0, noise, local.shape) if noise else 0
    turn = np.stack([smooth(n_frames, rng) for _ in range(3)], axis=1) * 0.2
    place = np.stack([smooth(n_frames, rng) for _ in range(3)], axis=1) * 3 + [5, 140, -20]
    head = mien.RigidMotion(Rotation.from_rotvec(turn).as_matrix(), place)
    take = mien.MeshSequence(topology, head.apply(local), fps=60.0, start_frame=1001)
    return Acted(take, head, neutral)


def turn_degrees(a: mien.RigidMotion, b: mien.RigidMotion) -> np.ndarray:
    return np.degrees(np.linalg.norm((a.inverse() @ b).rotation_vectors, axis=1))


def world(kind: str) -> mien.RigidMotion:
    turns = {"half turn": [0, np.pi, 0], "oblique": [0.4, -1.1, 0.7], "far": [0.0, 0.3, 0.0]}
    places = {"half turn": [0, 0, 0], "oblique": [30, -20, 50], "far": [2e4, -1e4, 3e4]}
    return mien.RigidMotion(Rotation.from_rotvec([turns[kind]]).as_matrix(), [places[kind]])


# Laws


@pytest.mark.parametrize("method", methods())
def test_the_take_is_kept(rng, method: str) -> None:
    acted = act(rng)
    before = acted.take.positions.copy()
    perf = mien.separate(acted.take, acted.neutral, method=method)
    assert perf.take is acted.take
    assert np.shares_memory(perf.take.positions, acted.take.positions)
    assert np.array_equal(perf.take.positions, before)
    assert perf.method == method
    assert np.array_equal(mien.recombine(perf).positions, before)
    assert np.abs(perf.head.apply(perf.expression) - before).max() < 1e-12 * np.abs(before).max()


@pytest.mark.parametrize("kind", ["half turn", "oblique", "far"])
@pytest.mark.parametrize(
    ("method", "given"), [("procrustes", True), ("robust", True), ("robust", False), ("sequence", True)]
)
def test_the_world_does_not_matter(rng, kind: str, given: bool, method: str) -> None:
    acted, turn = act(rng, noise=0.01), world(kind)
    neutral = acted.neutral if given else None
    there = acted.take.with_positions((turn @ mien.RigidMotion.identity(FRAMES)).apply(acted.take.positions))
    before = mien.separate(acted.take, neutral, method=method)
    after = mien.separate(there, neutral, method=method)
    bound = 1e-6 if kind == "far" else 1e-8  # the moved positions themselves are rounded to 4e-12 and 3e-14
    expected = turn @ before.head
    assert np.abs(after.head.rotation - expected.rotation).max() < bound
    assert np.abs(after.neutral - before.neutral).max() < bound
    assert np.abs(after.expression - before.expression).max() < 100 * bound
    assert np.allclose(after.residual, before.residual, rtol=1e-5)
    assert np.allclose(after.confidence, before.confidence, atol=1e-5)


def test_float32_obeys_law_4_to_its_rounding(rng) -> None:
    acted, turn = act(rng, noise=0.01), world("oblique")
    moved = (turn @ mien.RigidMotion.identity(FRAMES)).apply(acted.take.positions)
    one = mien.separate(acted.take.with_positions(acted.take.positions.astype(np.float32)))
    two = mien.separate(acted.take.with_positions(moved.astype(np.float32)))
    assert one.expression.dtype == one.neutral.dtype == np.float32
    assert np.abs(two.expression - one.expression).max() < 2e-3  # centimetres; positions are rounded to 1e-5


def test_the_bits_do_not_depend_on_blocks_or_threads(rng, run_python, monkeypatch) -> None:
    acted = act(rng, noise=0.01)
    whole = mien.separate(acted.take)
    monkeypatch.setattr("mien.separation.blocks._BLOCK_BYTES", 5 * 24 * acted.take.n_vertices)
    blocks = mien.separate(acted.take)
    for name in ("residual", "confidence", "neutral"):
        assert np.array_equal(getattr(whole, name), getattr(blocks, name))
    assert np.array_equal(whole.head.rotation, blocks.head.rotation)
    program = """
import hashlib, numpy as np, mien
rng = np.random.default_rng(1)
face = rng.normal(0, 9, (300, 3))
take = mien.MeshSequence(mien.Topology([], [], 300), face + rng.normal(0, 0.3, (20, 300, 3)))
perf = mien.separate(take)
parts = (perf.head.rotation, perf.head.translation, perf.residual, perf.confidence, perf.neutral)
print(hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest())
"""
    seen = {run_python(program, MIEN_NUM_THREADS=n, MIEN_ISA=isa) for n in "13" for isa in ("", "base")}
    assert len(seen) == 1


# Quality


def test_a_robust_head_is_closer_than_a_plain_one(rng) -> None:
    acted = act(rng, noise=0.01)
    error = {
        m: turn_degrees(mien.separate(acted.take, acted.neutral, method=m).head, acted.head)
        for m in methods()
    }
    for method in ("robust", "sequence"):
        assert error[method].max() < 0.1
        assert error[method].mean() < 0.03
    assert error["procrustes"].max() > 0.8


def test_weights_point_at_the_skull(rng) -> None:
    acted = act(rng)
    skull = np.abs(acted.neutral[:, 1] - 2) < 3.9
    perf = mien.separate(acted.take, acted.neutral, skull, method="procrustes")
    assert turn_degrees(perf.head, acted.head).max() < 1e-5
    assert perf.residual.max() < 1e-12 * 140 * 100


def test_an_estimated_neutral_is_the_face_at_rest_in_its_own_axes(rng) -> None:
    acted = act(rng, noise=0.005)
    perf = mien.separate(acted.take)
    fit = mien.align_frames(perf.neutral[None], acted.neutral, robust=True)
    skull = np.abs(acted.neutral[:, 1] - 2) < 3.9
    gap = np.linalg.norm(perf.neutral - (acted.neutral @ fit.rotation[0].T + fit.translation[0]), axis=1)
    assert gap[skull].max() < 0.02
    # x stays left, y up and z out of the face, though tilted a little: the axes are those of the whole surface.
    assert np.all(np.diag(fit.rotation[0]) > 0.9)
    # The head is right up to one constant motion.
    constant = perf.head.inverse() @ acted.head
    assert turn_degrees(constant, constant[0]).max() < 0.1


def test_one_frame_is_its_own_neutral(rng) -> None:
    acted = act(rng, n_frames=1)
    perf = mien.separate(acted.take)
    assert np.abs(perf.expression[0] - perf.neutral).max() < 1e-9
    assert perf.confidence[0] > 0.85


@pytest.mark.parametrize("pose", range(4))
def test_axes_of_a_closed_head(rng, pose: int) -> None:
    """A ball with a nose, finer at the front, open at the neck."""
    v, u = np.meshgrid(np.linspace(0.05, 0.8, 20) * np.pi, np.linspace(0, 2, 41)[:-1] * np.pi, indexing="ij")
    u = u - 0.35 * np.sin(u)  # denser towards u = 0, which is the face
    x, y, z = 7 * np.sin(v) * np.sin(u), 11 * np.cos(v), 9 * np.sin(v) * np.cos(u)
    z = z + 3 * np.exp(-10 * ((v - 1.6) ** 2 + np.sin(u / 2) ** 2))
    points = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    index = np.arange(v.size).reshape(v.shape)
    following = np.roll(index, -1, axis=1)
    quads = np.stack([index[:-1], index[1:], following[1:], following[:-1]], axis=-1).reshape(-1, 4)
    topology = mien.Topology.from_polygons(quads, len(points))
    turn = Rotation.random(random_state=pose).as_matrix()
    found = canonical_pose(topology, points @ turn.T + [10, -300, 4])
    assert np.all(np.diag(found.rotation[0] @ turn) > 0.9)


def performed(seed: int, **options: float) -> mien.datasets.SyntheticTake:
    return mien.datasets.performance(n_frames=48, fps=30.0, seed=seed, **options)


def face_of(acted: mien.datasets.SyntheticTake) -> tuple[mien.MeshSequence, np.ndarray]:
    """The face of the built-in head alone: the back of the head would make it easy."""
    keep = np.flatnonzero(acted.head.regions["face"] > 0.5)
    new = np.full(acted.take.n_vertices, -1)
    new[keep] = np.arange(len(keep))
    triangles = new[acted.take.topology.triangles]
    topology = mien.Topology.from_polygons(triangles[(triangles >= 0).all(axis=1)], len(keep))
    take = mien.MeshSequence(topology, np.ascontiguousarray(acted.take.positions[:, keep]))
    return take, acted.neutral[keep]


def gap(perf: mien.Performance, true: mien.RigidMotion, neutral: np.ndarray) -> np.ndarray:
    """Mean displacement of the face a frame, millimetres (heads are in centimetres)."""
    return 10 * np.linalg.norm(perf.head.apply(neutral) - true.apply(neutral), axis=2).mean(axis=1)


def test_a_rig_of_the_actor_takes_the_expression_out(rng) -> None:
    acted = act(rng, noise=0.002)
    y = acted.neutral[:, 1]
    lower, upper = np.clip((-y - 2) / 4, 0, 1) ** 2, np.clip((y - 6) / 3, 0, 1) ** 2
    shapes = np.zeros((2, *acted.neutral.shape))
    shapes[0, :, 1], shapes[0, :, 2], shapes[1, :, 1] = -lower, -0.4 * lower, upper
    rig = mien.Rig(acted.take.topology, acted.neutral, ["jaw", "brow"], shapes)
    plain = mien.separate(acted.take, acted.neutral, method="robust")
    perf = mien.separate(acted.take, rig=rig, method="joint")
    assert gap(perf, acted.head, acted.neutral).mean() < 0.02
    assert gap(plain, acted.head, acted.neutral).mean() > 2 * gap(perf, acted.head, acted.neutral).mean()


def test_joint_outlives_holes_wild_vertices_and_frames_of_something_else(rng) -> None:
    acted = performed(3, missing=0.1, outliers=0.02)
    take, neutral = face_of(acted)
    broken = take.positions.copy()
    broken[20] = rng.normal(0, 10, broken[20].shape)
    perf = mien.separate(take.with_positions(broken), neutral, method="joint")
    error = gap(perf, acted.head_motion, neutral)
    sound = np.delete(np.arange(48), 20)
    assert error[sound].mean() < 0.5
    assert perf.confidence[20] < 0.05
    assert perf.confidence[20] < perf.confidence[sound].min()


# Missing vertices


def test_missing_vertices_are_tolerated(rng) -> None:
    acted = act(rng, noise=0.005)
    holed = acted.take.positions.copy()
    holed[rng.random(holed.shape[:2]) < 0.1] = np.nan
    holed[:, 7] = np.nan
    holed[:-1, 8] = np.nan
    holed[-1, 8] = acted.take.positions[-1, 8]
    take = acted.take.with_positions(holed)
    for neutral in (acted.neutral, None):
        whole, perf = mien.separate(acted.take, neutral), mien.separate(take, neutral)
        constant = perf.head.inverse() @ whole.head
        assert turn_degrees(constant, constant[0]).max() < 0.1
        assert np.array_equal(np.isnan(perf.expression), np.isnan(holed))
        assert np.all(np.isfinite(perf.residual))
        assert np.all(perf.confidence <= 1)
    assert np.isnan(perf.neutral[7]).all()
    assert np.isfinite(np.delete(perf.neutral, 7, axis=0)).all()


@pytest.mark.parametrize("given", [True, False])
def test_a_frame_without_a_face_is_named(rng, given: bool) -> None:
    acted = act(rng)
    holed = acted.take.positions.copy()
    holed[17, 2:] = np.nan
    with pytest.raises(mien.NumericalError, match=r"frame 17 \(shot frame 1018\) .* got 2"):
        mien.separate(acted.take.with_positions(holed), acted.neutral if given else None)


# Confidence


def test_confidence_falls_with_what_goes_wrong(rng) -> None:
    acted = act(rng, noise=0.002)
    broken = acted.take.positions.copy()
    broken[10] += rng.normal(0, 0.5, broken[10].shape)  # a scan that failed
    broken[20, acted.neutral[:, 1] > -8] = np.nan  # only the chin is left
    perf = mien.separate(acted.take.with_positions(broken), acted.neutral)
    sound = np.delete(np.arange(FRAMES), [10, 20])
    assert np.median(perf.confidence[sound]) > 0.7
    assert perf.confidence[10] < 0.2
    assert perf.confidence[20] < 0.3
    assert perf.confidence[[10, 20]].max() < perf.confidence[sound].min()
    assert perf.residual[10] > 5 * np.median(perf.residual)


# What the artist knows


def test_keys_are_met_and_touch_nothing_far_away(rng) -> None:
    acted = act(rng, noise=0.01)
    take = dataclasses.replace(acted.take, fps=10.0)  # half a second is five frames
    free = mien.separate(take, acted.neutral)
    keys = {30: acted.head[30], 4: (acted.head.rotation[4], acted.head.translation[4])}
    perf = mien.separate(take, acted.neutral, keys=keys)
    others = np.delete(np.arange(FRAMES), [4, 30])
    for f in keys:
        assert np.array_equal(perf.head.rotation[f], acted.head.rotation[f])
        assert np.array_equal(perf.head.translation[f], acted.head.translation[f])
        assert perf.confidence[f] == 1
        assert perf.residual[f] == pytest.approx(free.residual[f], rel=0.3)
    far = np.min(np.abs(np.arange(FRAMES)[:, None] - list(keys)), axis=1) > 5
    assert np.array_equal(perf.head.rotation[far], free.head.rotation[far])
    assert np.array_equal(perf.residual[others], free.residual[others])


def test_what_keys_correct_fades_out_around_them(rng) -> None:
    acted = act(rng)
    take = dataclasses.replace(acted.take, fps=16.0)
    free = mien.separate(take, acted.neutral, method="procrustes")
    shift = mien.RigidMotion(np.eye(3)[None], [[0.4, 0.0, 0.0]])
    other = mien.RigidMotion(np.eye(3)[None], [[0.0, -0.2, 0.0]])
    keys = {20: free.head[20] @ shift, 26: free.head[26] @ other}
    perf = mien.separate(take, acted.neutral, method="procrustes", keys=keys)
    step = (free.head.inverse() @ perf.head).translation
    np.testing.assert_allclose(step[[20, 26]], [[0.4, 0, 0], [0, -0.2, 0]], atol=1e-9)
    np.testing.assert_allclose(step[16], [0.2, 0, 0], atol=1e-9)  # a quarter of a second before
    np.testing.assert_allclose(step[[12, 34]], 0, atol=1e-9)
    assert np.all(np.diff(step[12:21, 0]) >= 0)
    assert np.all(np.diff(step[20:27, 0]) <= 0)
    assert np.all(np.diff(step[20:27, 1]) <= 0)
    assert np.abs(np.diff(step, axis=0)).max() < 0.15  # no jump


def test_without_a_neutral_a_key_places_head_space(rng) -> None:
    acted = act(rng, noise=0.005)
    perf = mien.separate(acted.take, keys={9: acted.head[9]})
    assert np.array_equal(perf.head.rotation[9], acted.head.rotation[9])
    assert turn_degrees(perf.head, acted.head).max() < 0.1
    skull = np.abs(acted.neutral[:, 1] - 2) < 3.9
    assert np.linalg.norm(perf.neutral - acted.neutral, axis=1)[skull].max() < 0.05


def test_a_neutral_comes_as_an_array_a_mesh_or_a_rig(rng) -> None:
    acted = act(rng)

    def rig(neutral: np.ndarray, topology: mien.Topology = acted.take.topology) -> mien.Rig:
        return mien.Rig(topology, neutral, ["nothing"], np.zeros((1, *neutral.shape)))

    mesh = mien.MeshSequence(acted.take.topology, acted.neutral[None])
    perfs = [
        mien.separate(acted.take, acted.neutral, method="sequence"),
        mien.separate(acted.take, mesh, method="sequence"),
        mien.separate(acted.take, rig=rig(acted.neutral), method="sequence"),
        mien.separate(acted.take, acted.neutral, rig=rig(acted.neutral + 1), method="sequence"),
    ]
    assert all(np.array_equal(p.head.rotation, perfs[0].head.rotation) for p in perfs)
    with pytest.raises(ValueError, match=r"`rig` must have the topology of the take"):
        mien.separate(acted.take, rig=rig(acted.neutral, mien.Topology([], [], len(acted.neutral))))
    with pytest.raises(TypeError, match=r"`rig` must be a Rig, got ndarray"):
        mien.separate(acted.take, rig=acted.neutral)


# Contracts


def test_maps_and_progress(rng, tmp_path, monkeypatch) -> None:
    acted = act(rng)
    np.save(tmp_path / "take.npy", acted.take.positions)
    mapped = acted.take.with_positions(np.load(tmp_path / "take.npy", mmap_mode="r"))
    monkeypatch.setattr("mien.separation.blocks._BLOCK_BYTES", 20 * 24 * acted.take.n_vertices)
    seen: list[tuple[int, int]] = []
    perf = mien.separate(mapped, acted.neutral, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, FRAMES), (20, FRAMES), (FRAMES, FRAMES)]
    assert np.array_equal(perf.head.rotation, mien.separate(acted.take, acted.neutral).head.rotation)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mien.separate(mapped, acted.neutral, progress=stop)


def test_the_neutral_is_looked_for_in_few_frames(rng, monkeypatch) -> None:
    acted = act(rng, n_frames=30)
    monkeypatch.setattr("mien.separation.typical._BYTES", 24 * acted.take.n_vertices)
    few = estimate_neutral(acted.take, None)  # at least 8 frames are looked at
    assert np.isfinite(few).all()
    assert not np.array_equal(few, estimate_neutral(acted.take[::2], None))


def test_a_take_of_no_frames(rng) -> None:
    acted = act(rng)
    none = acted.take[:0]
    assert len(mien.separate(none, acted.neutral)) == 0
    with pytest.raises(ValueError, match=r"`take` must have at least one frame"):
        mien.separate(none)


# Validity


def test_messages(rng) -> None:
    acted = act(rng, n_frames=3)
    take, neutral = acted.take, acted.neutral
    n = take.n_vertices
    with pytest.raises(
        ValueError, match=r"`method` must be one of 'joint', 'sequence', 'robust', 'procrustes', got 'magic'"
    ):
        mien.separate(take, neutral, method="magic")
    with pytest.raises(TypeError, match=r"`take` must be a MeshSequence, got ndarray"):
        mien.separate(take.positions)
    with pytest.raises(ValueError, match=rf"`neutral` must have shape \(V, 3\) = \({n}, 3\), got \(5, 3\)"):
        mien.separate(take, neutral[:5])
    with pytest.raises(ValueError, match=r"`neutral` must have one frame, got 3"):
        mien.separate(take, take)
    with pytest.raises(ValueError, match=r"`neutral` must be finite, .* at vertex 6"):
        mien.separate(take, np.where(np.arange(n)[:, None] == 6, np.nan, neutral))
    with pytest.raises(ValueError, match=r"`weights` must have shape \(V,\)"):
        mien.separate(take, neutral, np.ones(4))
    with pytest.raises(ValueError, match=r"`weights` must lie in \[0, 1\]"):
        mien.separate(take, neutral, np.full(n, 2.0))
    with pytest.raises(ValueError, match=r"`weights` must be above 0 for at least 3 vertices, got 2"):
        mien.separate(take, neutral, np.arange(n) < 2)
    with pytest.raises(TypeError, match=r"`keys` must be a mapping"):
        mien.separate(take, neutral, keys=[acted.head[0]])
    with pytest.raises(ValueError, match=r"`keys` must be at least 0 and below 3, got 3"):
        mien.separate(take, neutral, keys={3: acted.head[0]})
    with pytest.raises(ValueError, match=r"`keys\[1\]` must have one frame, got 3"):
        mien.separate(take, neutral, keys={1: acted.head})
    with pytest.raises(TypeError, match=r"`keys\[1\]` must be a RigidMotion of one frame or a pair"):
        mien.separate(take, neutral, keys={1: np.eye(4)})
    with pytest.raises(ValueError, match=r"`rotation` must hold rotations"):
        mien.separate(take, neutral, keys={1: (2 * np.eye(3), np.zeros(3))})
