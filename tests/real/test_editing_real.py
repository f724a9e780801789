"""Edits on recorded performances and on a character: untouched bits, joins, and no triangle that turns over."""

from __future__ import annotations

import numpy as np
import pytest

import mien
from mien.geometry.temporal import speed_statistics

NAMES = ("facecap_full", "rom_id_b_neck", "mh_toon_child")
FRAMES, FRAME = 56, 28
FACE = 9409  # the first vertices of the face model
MOUTH = (48, 54)  # the corners among its 68 landmarks


def performed(topology, positions, rotations, translations, neutral, corners):
    n = len(positions)
    take = mien.MeshSequence(topology, np.ascontiguousarray(positions), fps=30.0, start_frame=1001)
    head = mien.RigidMotion(rotations, translations)
    return mien.Performance(take, head, neutral, np.zeros(n), np.ones(n)), corners


def recorded(truth, data_dir, name):
    """The face of a recorded take under its true head."""
    data = truth(name)
    with np.load(data_dir / "ict_face/ict_face.npz") as file:
        polygons, marks = file["polygons"], file["landmarks68"]
    topology = mien.Topology.from_polygons(polygons[(polygons < FACE).all(axis=1)], FACE)
    span = slice(0, FRAMES)
    return performed(
        topology,
        data["vertices"][span, :FACE],
        data["rotations"][span],
        data["translations"][span],
        np.ascontiguousarray(data["neutral"][:FACE]),
        [int(marks[k]) for k in MOUTH],
    )


def character(data_dir):
    """The cartoon child with a smile and an open mouth, under the recorded head of the Face Cap take."""
    rig = mien.read_rig(data_dir / "characters/mh_toon_child.npz")
    with np.load(data_dir / "captures/facecap.npz") as data:
        span = slice(170, 170 + FRAMES)
        rotations, translations = data["head_rotation"][span], data["head_translation"][span]
    time = np.arange(FRAMES) / FRAMES
    shapes = {
        "mouth-corner-puller": 0.5 - 0.5 * np.cos(2 * np.pi * time),
        "mouth-open": 0.25 - 0.25 * np.cos(6 * np.pi * time),
    }
    expression = rig.evaluate(rig.weights(shapes), dtype=np.float64).positions
    world = mien.RigidMotion(rotations, translations).apply(expression).astype(np.float32)
    moved = np.linalg.norm(rig.delta("mouth-corner-puller"), axis=1)
    left = rig.neutral[:, 0] > 0
    corners = [int(np.where(side, moved, 0).argmax()) for side in (left, ~left)]
    return performed(rig.topology, world, rotations, translations, np.asarray(rig.neutral), corners)


@pytest.fixture(scope="module", params=NAMES)
def face(request, data_dir, truth):
    if request.param == "mh_toon_child":
        return character(data_dir)
    return recorded(truth, data_dir, request.param)


@pytest.fixture(scope="module")
def rig(face, data_dir):
    """The shapes of the face, on the actor's own neutral."""
    perf, _ = face
    if perf.take.n_vertices != FACE:
        return mien.read_rig(data_dir / "characters/mh_toon_child.npz")
    with np.load(data_dir / "ict_face/ict_face.npz") as file:
        names = [str(name) for name in file["expression_names"]]
        deltas = np.ascontiguousarray(file["expression_deltas"][:, :FACE])
    return mien.Rig(perf.take.topology, perf.neutral, names, deltas)


@pytest.fixture(scope="module")
def partner(face):
    """Each vertex's mirror image, -1 where there is none."""
    perf, _ = face
    return mien.symmetry(perf.take.topology, perf.neutral).partner


@pytest.fixture(scope="module")
def mouth(face):
    perf, corners = face
    size = float(np.ptp(perf.neutral[:, 0]))
    return mien.region(perf.take.topology, perf.neutral, corners, radius=0.4 * size)


EDITS = {
    "gain": lambda perf, mouth, corners, e: mien.Gain(0.5, region=mouth, envelope=e),
    "paste": lambda perf, mouth, corners, e: mien.Paste(
        source_frames=(2, 30), at=FRAME - 14, region=mouth, blend=12
    ),
    "retime": lambda perf, mouth, corners, e: mien.Retime(
        [(FRAME - 14, FRAME - 14), (FRAME, FRAME + 2), (FRAME + 14, FRAME + 14)], region=mouth
    ),
    "sculpt": lambda perf, mouth, corners, e: mien.Sculpt(
        FRAME, perf.take.positions[FRAME] + 0.2 * mouth[:, None] * perf.head.rotation[FRAME][:, 1], envelope=e
    ),
    "drag": lambda perf, mouth, corners, e: mien.Drag(
        FRAME, corners[:1], [[0.0, 0.2, 0.0]], region=mouth, envelope=e
    ),
    "smooth": lambda perf, mouth, corners, e: mien.Smooth("savgol", window=7, region=mouth, envelope=e),
}


MORE_EDITS = {
    "mirror": lambda perf, mouth, rig, e: mien.Mirror(envelope=e),
    "offset": lambda perf, mouth, rig, e: mien.Offset(rig, {smile(rig): 0.3}, envelope=e),
    "blend": lambda perf, mouth, rig, e: mien.Blend(
        backwards(perf),
        source_frames=(FRAME - 14, FRAME + 14),
        frames=(FRAME - 14, FRAME + 14),
        blend=12,
        region=mouth,
    ),
    "neutral": lambda perf, mouth, rig, e: mien.Neutral(older(perf, mouth), envelope=e),
}


# A rig's shapes, added up, turn a few triangles over between the lips at some frames, as they do in the rig itself.
TURNED = {"offset": 6, "mirror": 2}


def smile(rig: mien.Rig) -> str:
    return next(name for name in rig.names if name in ("mouthSmile_L", "mouth-corner-puller"))


def backwards(perf: mien.Performance) -> mien.Performance:
    """The same expressions in reverse, under the head as it was."""
    shapes = perf.head.inverse().apply(perf.take.positions.astype(np.float64))
    take = perf.take.with_positions(np.ascontiguousarray(perf.head.apply(shapes[::-1]), np.float32))
    return mien.Performance(take, perf.head, perf.neutral, perf.residual, perf.confidence)


def older(perf: mien.Performance, mouth: np.ndarray) -> np.ndarray:
    """A neutral whose mouth hangs by 4 thousandths of the face's width."""
    width = float(np.ptp(perf.neutral[:, 0]))
    return perf.neutral + mouth[:, None] * np.array([0.0, -0.004 * width, 0.0])


def normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (points[triangles[:, k]].astype(np.float64) for k in range(3))
    return np.cross(b - a, c - a)


def in_head(perf: mien.Performance, positions: np.ndarray) -> np.ndarray:
    return perf.head.inverse().apply(positions.astype(np.float64))


def over(perf, positions, triangles, rest, first=0, step=1) -> np.ndarray:
    """Which triangles have turned over, frame by frame, (F, T)."""
    head = perf.head[first : first + step * len(positions) : step]
    shapes = head.inverse().apply(positions.astype(np.float64))
    return np.array([(normals(shape, triangles) * rest).sum(axis=1) < 0 for shape in shapes])


@pytest.mark.parametrize("kind", [*EDITS, *MORE_EDITS])
def test_an_edit_on_a_real_face(face, mouth, rig, kind, request):
    perf, corners = face
    rise = mien.envelope(FRAMES, FRAME - 10, (FRAME - 1, FRAME + 1), FRAME + 10)
    take = perf.take.positions
    edit = (
        EDITS[kind](perf, mouth, corners, rise) if kind in EDITS else MORE_EDITS[kind](perf, mouth, rig, rise)
    )
    result = mien.recombine(perf, [edit]).positions
    assert (result != take).any()
    if kind in (
        "mirror",
        "offset",
    ):  # a region that cuts through them may turn skin over: they are for whole faces
        mouth = np.ones(perf.take.n_vertices)
    assert result[:, mouth == 0].tobytes() == take[:, mouth == 0].tobytes()
    outside = [*range(FRAME - 14), *range(FRAME + 15, FRAMES)]
    assert result[outside].tobytes() == take[outside].tobytes()

    changed = np.flatnonzero((result != take).any(axis=(1, 2)))
    joins = np.array([changed[0] - 1, changed[0], changed[-1], changed[-1] + 1])
    before, after = (speed_statistics(in_head(perf, p)[:, mouth > 0]) for p in (take, result))
    assert after.jump[joins - 1].max() <= 1.05 * before.jump_p99  # jump[i] is the one at frame i + 1
    assert after.largest[joins - 1].max() <= 1.05 * before.largest_p99

    # Turned over against the neutral, in the head, where the take turns over at no frame.
    triangles = perf.take.topology.triangles
    triangles = triangles[(mouth[triangles] > 0).any(axis=1)]
    rest = normals(perf.neutral, triangles)
    size = np.linalg.norm(rest, axis=1)
    ever = over(perf, take, triangles, rest).any(axis=0)
    if kind == "mirror":
        other = request.getfixturevalue("partner")[triangles[ever]]
        ever |= np.isin(triangles, other).all(axis=1)
    facing = (size > 1e-2 * np.median(size)) & ~ever
    assert facing.sum() > 500
    turned = over(perf, result[FRAME - 10 : FRAME + 11 : 5], triangles, rest, FRAME - 10, 5)[:, facing].sum()
    assert turned <= TURNED.get(kind, 0)


def test_edits_that_do_nothing_change_no_bit(face, mouth):
    perf, corners = face
    nothing = [
        mien.Gain(1.0, region=mouth),
        mien.Paste(source_frames=(8, 30), at=8, region=mouth),
        mien.Drag(FRAME, corners[:1], [[0.0, 0.0, 0.0]], region=mouth),
        mien.Retime([(8, 8), (20, 20), (30, 30)], region=mouth),
    ]
    assert mien.recombine(perf, nothing).positions.tobytes() == perf.take.positions.tobytes()
    edits = [EDITS[k](perf, mouth, corners, mien.envelope(FRAMES, 18, 28, 38)) for k in ("gain", "paste")]
    first = mien.recombine(perf, edits[:1]).positions
    recombiner = mien.Recombiner(perf)
    recombiner.apply(edits)
    undone = recombiner.apply(edits[:1])
    assert getattr(undone, "positions", undone).tobytes() == first.tobytes()


def test_frames_come_and_go(face):
    perf, _ = face
    longer = mien.recombine(perf, [mien.Insert(source_frames=(2, 14), at=FRAME, blend=4)])
    shorter = mien.recombine(perf, [mien.Remove(FRAME, FRAME + 8, blend=4)])
    take = perf.take.positions
    assert (len(longer), len(shorter)) == (FRAMES + 12, FRAMES - 8)
    for result in (longer, shorter):
        assert result.positions[: FRAME - 8].tobytes() == take[: FRAME - 8].tobytes()
        assert (
            result.positions[FRAME + 24 :].tobytes()
            == take[FRAME + 24 + FRAMES - len(result.positions) :].tobytes()
        )


def test_a_mirrored_face_does_on_the_right_what_it_did_on_the_left(face, partner):
    perf, _ = face
    span = slice(FRAME, FRAME + 4)
    part = mien.Performance(
        perf.take[span], perf.head[span], perf.neutral, perf.residual[span], perf.confidence[span]
    )
    swapped = in_head(part, mien.recombine(part, [mien.Mirror()]).positions) - perf.neutral
    acted = in_head(part, part.take.positions) - perf.neutral
    there = np.flatnonzero(partner >= 0)
    assert len(there) > 0.9 * perf.take.n_vertices
    # Across the plane of the face, which is x = 0 in these models to a few degrees of the actor's own asymmetry.
    expected = acted[:, partner[there]] * [-1, 1, 1]
    size = np.linalg.norm(acted, axis=2).max()
    assert np.abs(swapped[:, there] - expected).max() < 0.05 * size


def test_an_offset_adds_the_shape_it_names(face, rig):
    perf, _ = face
    curve = np.zeros(FRAMES)
    curve[20:30] = 0.3
    result = mien.recombine(perf, [mien.Offset(rig, {smile(rig): 1.0}, envelope=curve)]).positions
    moved = in_head(perf, result) - in_head(perf, perf.take.positions)
    shape = rig.delta(smile(rig))
    np.testing.assert_allclose(moved, curve[:, None, None] * shape, atol=2e-5 * np.ptp(perf.neutral))
    still = ~shape.any(axis=1)
    assert still.any()
    assert result[:, still].tobytes() == perf.take.positions[:, still].tobytes()


def test_a_whole_blend_is_the_other_take_under_this_head(face):
    perf, _ = face
    other = backwards(perf)
    blend = mien.Blend(
        other, source_frames=(0, FRAMES), frames=(0, FRAMES), amount=1.0, align="linear", blend=0
    )
    result = mien.recombine(perf, [blend]).positions
    np.testing.assert_allclose(
        in_head(perf, result), in_head(perf, other.take.positions), atol=2e-5 * np.ptp(perf.neutral)
    )


def test_a_larger_neutral_acts_larger(face):
    perf, _ = face
    span = slice(FRAME, FRAME + 3)
    part = mien.Performance(
        perf.take[span], perf.head[span], perf.neutral, perf.residual[span], perf.confidence[span]
    )
    result = in_head(part, mien.recombine(part, [mien.Neutral(1.2 * perf.neutral)]).positions)
    wanted = 1.2 * in_head(part, part.take.positions)
    off = result - wanted
    off -= off.mean(axis=1, keepdims=True)
    assert np.percentile(np.linalg.norm(off, axis=2), 99) < 0.005 * np.ptp(perf.neutral[:, 0])


def test_a_repeated_expression_is_found(face, mouth):
    perf, _ = face
    shapes = in_head(perf, perf.take.positions)
    shapes[FRAME + 8 :] = shapes[
        : FRAMES - FRAME - 8
    ]  # what happens at f happens again at f + 36, under another head
    take = perf.take.with_positions(np.ascontiguousarray(perf.head.apply(shapes), np.float32))
    again = mien.Performance(take, perf.head, perf.neutral, perf.residual, perf.confidence)
    frame = 12
    apart = np.sqrt(
        ((shapes - shapes[frame]) ** 2).sum(axis=2) @ mouth / mouth.sum()
    )  # what the weights are made of
    radius = float(np.median(apart))
    weights = mien.similar_expressions(again, frame, radius, region=mouth, ease=0)
    assert weights[frame] == 1
    assert weights[frame + FRAME + 8] > 1 - 1e-4
    assert (weights[apart > 1.001 * radius] == 0).all()
    assert (np.diff(weights[np.argsort(apart)]) <= 1e-4).all()
