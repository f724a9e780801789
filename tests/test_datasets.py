"""The procedural head and its performances: anatomy, non-linear truth, seeds and corruptions."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mien import datasets

NAMES = datasets.head().names


@pytest.fixture(scope="module")
def preview() -> datasets.Head:
    return datasets.head()


@pytest.fixture(scope="module")
def acted(preview: datasets.Head) -> datasets.SyntheticTake:
    return datasets.performance(preview, 150, 60.0, seed=3)


def quads(head: datasets.Head) -> np.ndarray:
    assert (head.topology.face_counts == 4).all()
    return head.topology.face_indices.reshape(-1, 4).astype(np.int64)


def cross(positions: np.ndarray, faces: np.ndarray) -> np.ndarray:
    corner = positions[faces]
    return np.cross(corner[:, 2] - corner[:, 0], corner[:, 3] - corner[:, 1])


def weight(**values: float) -> np.ndarray:
    out = np.zeros((1, len(NAMES)))
    for name, value in values.items():
        out[0, NAMES.index(name)] = value
    return out


def lengths(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt((vectors**2).sum(-1))


# -- the mesh ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resolution", "least", "most"),
    [("preview", 4800, 5800), ("shot", 24_000, 27_500), ("hero", 98_000, 108_000)],
)
def test_mesh_is_a_valid_surface_of_the_promised_size(resolution: str, least: int, most: int) -> None:
    head = datasets.head(resolution)
    assert least <= head.n_vertices <= most
    assert head.neutral.shape == (head.topology.n_vertices, 3)
    assert np.isfinite(head.neutral).all()
    faces = quads(head)
    assert len(np.unique(faces)) == head.n_vertices
    directed = np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2)
    # Two faces that run along an edge in the same direction would have opposite windings.
    assert len(np.unique(directed @ [head.n_vertices, 1])) == len(directed)
    _, uses = np.unique(np.sort(directed, axis=1) @ [head.n_vertices, 1], return_counts=True)
    assert uses.max() == 2
    area = lengths(cross(head.neutral, faces)) / 2
    assert area.min() > 0.01 * np.median(area)
    edge = lengths(head.neutral[directed[:, 0]] - head.neutral[directed[:, 1]])
    assert edge.min() > 0.05 * np.median(edge)


def test_parts_are_separate_and_wound_outwards(preview: datasets.Head) -> None:
    label = np.arange(preview.n_vertices)
    for _ in range(200):
        low = label.copy()
        np.minimum.at(low, preview.topology.edges.ravel(), label[preview.topology.edges[:, ::-1].ravel()])
        low = low[low]
        if (low == label).all():
            break
        label = low
    assert len(np.unique(label)) == 5  # skin, two eyeballs, upper and lower teeth
    for name in ("upper_teeth", "lower_teeth"):
        assert len(np.unique(label[preview.regions[name] > 0])) == 1
    faces = quads(preview)
    normal, middle = cross(preview.neutral, faces), preview.neutral[faces].mean(1)
    for centre in preview.eye_centres:
        ball = (preview.regions["eyeballs"][faces] > 0).all(1) & (middle[:, 0] * centre[0] > 0)
        assert ball.any()
        assert ((normal[ball] * (middle[ball] - centre)).sum(-1) > 0).all()
    scalp = (preview.regions["scalp"][faces] > 0).all(1)
    assert ((normal[scalp] * (middle[scalp] - [0.0, 2.0, -0.5])).sum(-1) > 0).all()
    face = (preview.regions["face"][faces] > 0.9).all(1)
    assert np.mean(normal[face][:, 2] > 0) > 0.97


def test_head_is_symmetric(preview: datasets.Head) -> None:
    mirror = preview.mirror
    np.testing.assert_array_equal(mirror[mirror], np.arange(preview.n_vertices))
    np.testing.assert_array_equal(preview.neutral[mirror] * [-1, 1, 1], preview.neutral)
    faces = {tuple(np.sort(face)) for face in quads(preview)}
    assert faces == {tuple(np.sort(face)) for face in mirror[quads(preview)]}
    left, right = preview.evaluate(np.concatenate([weight(mouthSmileLeft=0.7), weight(mouthSmileRight=0.7)]))
    np.testing.assert_allclose(left[mirror] * [-1, 1, 1], right, atol=1e-12)


def test_texture_coordinates_fill_the_square(preview: datasets.Head) -> None:
    uvs, corners = preview.topology.uvs, preview.topology.uv_indices
    assert uvs is not None
    assert corners is not None
    assert uvs.min() >= 0
    assert uvs.max() <= 1
    corner = uvs[corners.reshape(-1, 4)].astype(np.float64)
    along, across = corner[:, 2] - corner[:, 0], corner[:, 3] - corner[:, 1]
    area = (along[:, 0] * across[:, 1] - along[:, 1] * across[:, 0]) / 2
    assert np.mean(area > 0) > 0.98
    skin = (preview.regions["skin"][quads(preview)] > 0).all(1)
    assert np.mean(area[skin] > 0) > 0.98
    assert area[skin].sum() > 0.6
    assert np.ptp(corner, axis=1)[skin].max() < 0.2  # no face spans a seam


def test_proportions_are_those_of_a_head(preview: datasets.Head) -> None:
    at = {name: preview.neutral[vertex] for name, vertex in preview.landmarks.items()}
    size = np.ptp(preview.neutral[preview.regions["neck"] == 0], axis=0)
    assert 14 < size[0] < 19  # with ears
    assert 20 < size[1] < 25
    assert 5.5 < 2 * preview.eye_centres[0, 0] < 7
    assert 4.5 < lengths(at["mouth_corner_left"] - at["mouth_corner_right"]) < 5.6
    assert at["forehead"][1] > at["brow_middle_left"][1] > at["eye_outer_left"][1] > at["nose_tip"][1]
    assert at["nose_tip"][1] > at["upper_lip"][1] > at["lower_lip"][1] > at["chin"][1] > at["menton"][1]
    assert at["nose_tip"][2] == preview.neutral[:, 2].max()


def test_identities_differ_but_share_layout(preview: datasets.Head) -> None:
    others = [datasets.head(identity=i) for i in (1, 2)]
    for other in others:
        assert other.topology == preview.topology
        assert np.isfinite(other.neutral).all()
        assert 0.1 < lengths(other.neutral - preview.neutral).mean() < 2.0
        np.testing.assert_array_equal(other.skull, preview.skull)
    assert lengths(others[0].neutral - others[1].neutral).mean() > 0.1
    np.testing.assert_array_equal(others[0].neutral, datasets.head(identity=1).neutral)


# -- the non-linear truth ------------------------------------------------------------------------------------


def test_names_are_arkit_names() -> None:
    assert len(NAMES) == len(set(NAMES)) == 51
    for name in (
        "jawOpen",
        "eyeBlinkLeft",
        "browInnerUp",
        "mouthSmileRight",
        "cheekPuff",
        "mouthClose",
        "noseSneerLeft",
    ):
        assert name in NAMES
    assert "tongueOut" not in NAMES


def test_neutral_weights_give_the_neutral(preview: datasets.Head) -> None:
    np.testing.assert_allclose(preview.evaluate(weight())[0], preview.neutral, atol=1e-12)


def test_every_shape_does_something_local_and_sane(preview: datasets.Head) -> None:
    shapes = preview.evaluate(np.eye(len(NAMES)))
    faces = quads(preview)
    rest = cross(preview.neutral, faces)
    for name, shape in zip(NAMES, shapes, strict=True):
        moved = lengths(shape - preview.neutral)
        if name == "mouthClose":  # only with an open jaw
            assert moved.max() < 1e-12
            continue
        assert 0.15 < moved.max() < 5.0, name
        # Faces that turn over are folds through one another: a handful inside the mouth and under the lids at most.
        turned = (cross(shape, faces) * rest).sum(-1) < -0.5 * lengths(cross(shape, faces)) * lengths(rest)
        assert turned.mean() < 0.006, name
    lips = preview.regions["lips"] > 0.5
    side = NAMES.index("mouthSmileLeft")
    corner = preview.landmarks["mouth_corner_left"]
    x, y, z = shapes[side][corner] - preview.neutral[corner]
    assert x > 0.5
    assert y > 0.5
    assert z < -0.1  # up, out and back around the teeth
    pucker = shapes[NAMES.index("mouthPucker")]
    assert np.ptp(pucker[lips, 0]) < 0.75 * np.ptp(preview.neutral[lips, 0])
    assert pucker[lips, 2].mean() > preview.neutral[lips, 2].mean() + 0.3


def test_random_expressions_stay_finite_and_bounded(preview: datasets.Head) -> None:
    weights = np.random.default_rng(0).uniform(0, 1, (20, len(NAMES)))
    moved = lengths(preview.evaluate(weights) - preview.neutral)
    assert np.isfinite(moved).all()
    assert moved.max() < 9.0


def test_skull_never_moves(preview: datasets.Head) -> None:
    weights = np.concatenate([np.eye(len(NAMES)), np.random.default_rng(1).uniform(0, 1, (10, len(NAMES)))])
    moved = preview.evaluate(weights)[:, preview.skull]
    np.testing.assert_array_equal(moved, np.broadcast_to(preview.neutral[preview.skull], moved.shape))
    assert preview.skull[preview.regions["upper_teeth"] > 0].all()
    assert 0.2 < preview.skull.mean() < 0.6


@pytest.mark.parametrize("identity", [0, 1, 4])
def test_blink_shuts_the_eye_and_follows_the_eyeball(identity: int) -> None:
    head = datasets.head(identity=identity)
    others = (
        "eyeWide",
        "eyeSquint",
        "cheekSquint",
        "eyeLookDown",
        "eyeLookUp",
        "browDown",
        "noseSneer",
        "mouthSmile",
    )
    rows = [weight(eyeBlinkLeft=1.0)]
    for name in others:
        rows += [weight(**{"eyeBlinkLeft": b, f"{name}Left": 1.0}) for b in (0.0, 0.25, 0.5, 0.75, 1.0)]
    weights = np.concatenate([*rows, np.random.default_rng(2).uniform(0, 1, (20, len(NAMES)))])
    posed = head.evaluate(weights)
    upper, lower = posed[:, head.loops["upper_lid_left"]], posed[:, head.loops["lower_lid_left"]]
    gap = lengths(upper - lower)
    assert gap[weights[:, NAMES.index("eyeBlinkLeft")] == 1.0].max() < 1e-6  # centimetres
    assert (
        lengths(head.neutral[head.loops["upper_lid_left"]] - head.neutral[head.loops["lower_lid_left"]]).max()
        > 0.6
    )
    assert (upper[..., 1] - lower[..., 1]).min() > -1e-6  # lids never pass one another
    centre = head.eye_centres[0]
    near = (head.regions["skin"] > 0) & (lengths(head.neutral - centre) < 2.5)
    faces = head.topology.triangles[near[head.topology.triangles].all(1)]
    inside = np.random.default_rng(3).dirichlet((1.0, 1.0, 1.0), 6)
    for frame in posed:
        distance = lengths(np.einsum("tij,si->tsj", frame[faces], inside) - centre)
        assert distance.min() > head.eye_radius + 0.05


def test_blink_is_an_arc_not_a_line(preview: datasets.Head) -> None:
    lid = preview.landmarks["upper_lid_left"]
    path = preview.evaluate(np.concatenate([weight(eyeBlinkLeft=b) for b in np.linspace(0, 1, 9)]))[:, lid]
    distance = lengths(path - preview.eye_centres[0])
    assert np.ptp(distance) < 0.01
    chord = path[0] + np.linspace(0, 1, 9)[:, None] * (path[-1] - path[0])
    assert lengths(path - chord).max() > 0.05


def test_eyeballs_turn_rigidly(preview: datasets.Head) -> None:
    left = (preview.regions["eyeballs"] > 0) & (preview.neutral[:, 0] > 0)
    turned = preview.evaluate(weight(eyeLookOutLeft=1.0, eyeLookUpLeft=0.5))[0, left]
    np.testing.assert_allclose(lengths(turned - preview.eye_centres[0]), preview.eye_radius, atol=1e-12)
    pupil = np.argmax(preview.neutral[left, 2])
    assert turned[pupil, 0] > preview.neutral[left][pupil, 0] + 0.3
    assert turned[pupil, 1] > preview.neutral[left][pupil, 1] + 0.1


def test_jaw_turns_on_an_arc(preview: datasets.Head) -> None:
    teeth = preview.regions["lower_teeth"] > 0
    opened = preview.evaluate(np.concatenate([weight(jawOpen=w) for w in np.linspace(0, 1, 6)]))[:, teeth]
    rest = preview.neutral[teeth]
    radius = np.hypot(*(rest - preview.jaw_hinge)[:, 1:].T)
    for frame in opened:
        np.testing.assert_allclose(np.hypot(*(frame - preview.jaw_hinge)[:, 1:].T), radius, atol=1e-12)
        np.testing.assert_allclose(frame[:, 0], rest[:, 0], atol=1e-12)
    drop = opened[:, np.argmax(rest[:, 2]), 1]
    assert drop[0] - drop[-1] > 2.3
    every = preview.evaluate(
        weight(jawOpen=0.7, jawLeft=0.8, jawForward=0.5, mouthSmileLeft=1.0, mouthClose=0.3)
    )[0, teeth]
    gram = (rest - rest.mean(0)) @ (rest - rest.mean(0)).T
    np.testing.assert_allclose((every - every.mean(0)) @ (every - every.mean(0)).T, gram, atol=1e-9)


def test_lips_are_sealed_and_mouth_close_cancels_jaw_open(preview: datasets.Head) -> None:
    upper, lower = preview.loops["upper_lip"], preview.loops["lower_lip"]
    assert lengths(preview.neutral[upper] - preview.neutral[lower]).max() < 0.002
    for amount in (0.2, 0.5, 1.0):
        opened = preview.evaluate(weight(jawOpen=amount))[0]
        closed = preview.evaluate(weight(jawOpen=amount, mouthClose=amount))[0]
        assert lengths(opened[upper] - opened[lower]).max() > 2.5 * amount
        assert lengths(closed[upper] - closed[lower]).max() < 0.05
        chin = preview.landmarks["chin"]
        assert lengths(closed[chin] - opened[chin]) < 0.05 * amount


def test_raised_brow_slides_over_the_forehead(preview: datasets.Head) -> None:
    brow = np.flatnonzero((preview.regions["brows"] > 0.8) & (preview.neutral[:, 1] > 2.0))
    moved = preview.evaluate(weight(browInnerUp=1.0, browOuterUpLeft=1.0, browOuterUpRight=1.0))[0]
    assert lengths(moved - preview.neutral)[brow].max() > 0.6
    skin = np.flatnonzero(preview.regions["face"] + preview.regions["forehead"] > 0)
    faces = quads(preview)
    normals = np.zeros((preview.n_vertices, 3))
    np.add.at(normals, faces.ravel(), np.repeat(cross(preview.neutral, faces), 4, axis=0))
    normals /= np.maximum(lengths(normals), 1e-12)[:, None]
    nearest = skin[np.argmin(lengths(moved[brow][:, None] - preview.neutral[skin]), axis=1)]
    height = ((moved[brow] - preview.neutral[nearest]) * normals[nearest]).sum(-1)
    assert np.abs(height).max() < 0.2  # rides on the ridge's own relief, does not cut into the forehead


def test_linear_rig_is_exact_at_its_shapes_and_close_between(preview: datasets.Head) -> None:
    deltas, pairs = preview.linear_parts
    assert len(pairs) >= 12
    n = len(NAMES)
    single = [k for k in range(n) if NAMES[k] != "mouthClose"]
    np.testing.assert_allclose(
        preview.evaluate(np.eye(n)[single]), preview.neutral + deltas[single], atol=1e-8
    )
    for pair, delta in pairs.items():
        both = preview.evaluate(weight(**dict.fromkeys(pair, 1.0)))[0]
        summed = preview.neutral + deltas[[NAMES.index(name) for name in pair]].sum(0) + delta
        np.testing.assert_allclose(both, summed, atol=1e-8)
        assert lengths(delta).max() > 0.01, pair
    half = preview.evaluate(0.5 * np.eye(n)[single]) - preview.neutral - 0.5 * deltas[single]
    worst = lengths(half).max(1)
    assert worst.max() < 0.25
    assert worst.max() > 0.1  # the truth bends: a linear rig cannot be exact
    assert np.median(worst) < 0.05


# -- performances --------------------------------------------------------------------------------------------


def test_take_recombines_from_its_truth(acted: datasets.SyntheticTake, preview: datasets.Head) -> None:
    world = acted.head_motion.apply(acted.expression.astype(np.float64))
    np.testing.assert_allclose(acted.take.positions, world, atol=4e-6)
    np.testing.assert_array_equal(
        acted.clean().positions.view(np.uint32), acted.take.positions.view(np.uint32)
    )
    np.testing.assert_array_equal(acted.expression, preview.evaluate(acted.weights).astype(np.float32))
    assert acted.take.positions.dtype == np.float32
    assert (acted.take.metres_per_unit, acted.take.up_axis, acted.take.start_frame) == (0.01, "y", 1001)
    assert acted.valid.all()
    assert not acted.outlier.any()


def test_same_seed_same_bits(preview: datasets.Head, acted: datasets.SyntheticTake) -> None:
    again = datasets.performance(preview, 150, 60.0, seed=3)
    np.testing.assert_array_equal(again.take.positions.view(np.uint32), acted.take.positions.view(np.uint32))
    other = datasets.performance(preview, 150, 60.0, seed=4)
    assert np.abs(other.weights - acted.weights).max() > 0.2
    assert np.abs(other.head_motion.rotation - acted.head_motion.rotation).max() > 0.02


@pytest.mark.parametrize("seed", range(4))
def test_performance_is_alive(preview: datasets.Head, seed: int) -> None:
    take = datasets.performance(preview, 360, 60.0, seed=seed, resolution="preview")
    weights = dict(zip(take.names, take.weights.T, strict=True))
    assert take.weights.min() >= 0
    assert take.weights.max() <= 1
    blink = weights["eyeBlinkLeft"]
    assert np.sum((blink[1:] >= 0.999) & (blink[:-1] < 0.999)) >= 1
    assert weights["jawOpen"].max() > 0.25
    closed = (weights["mouthClose"] > 0.9 * weights["jawOpen"]) & (weights["jawOpen"] > 0.03)
    assert closed.any()  # plosives
    assert max(weights["mouthSmileLeft"].max(), weights["mouthSmileRight"].max()) > 0.3
    assert np.abs(weights["mouthSmileLeft"] - weights["mouthSmileRight"]).max() > 0.003
    assert max(weights[n].max() for n in ("browInnerUp", "browDownLeft", "noseSneerLeft")) > 0.2
    turn = np.degrees(
        np.arccos(np.clip((np.trace(take.head_motion.rotation, axis1=1, axis2=2) - 1) / 2, -1, 1))
    )
    assert 4 < turn.max() < 34
    step = lengths(np.diff(take.expression.astype(np.float64), axis=0))
    assert step.max() < 0.75  # a blink's fastest frame


def test_rate_samples_the_same_performance(preview: datasets.Head) -> None:
    fast = datasets.performance(preview, 120, 60.0, seed=5)
    slow = datasets.performance(preview, 60, 30.0, seed=5)
    keep = [k for k, name in enumerate(NAMES) if not name.startswith("eyeBlink")]  # blinks are put on frames
    np.testing.assert_allclose(slow.weights[:, keep], fast.weights[::2, keep], atol=0.02)
    np.testing.assert_allclose(slow.head_motion.rotation, fast.head_motion.rotation[::2], atol=1e-12)


def test_neck_follows_partly(preview: datasets.Head) -> None:
    take = datasets.performance(preview, 60, seed=1, neck=True)
    share = take.rigid_weight
    x = take.expression.astype(np.float64)
    world = share[:, None] * take.head_motion.apply(x) + (1 - share[:, None]) * x
    np.testing.assert_allclose(take.take.positions, world, atol=4e-6)
    base = np.argmin(preview.neutral[:, 1])
    assert share[base] < 1e-3
    assert (share[preview.skull] == 1).all()
    assert (datasets.performance(preview, 2, seed=1).rigid_weight == 1).all()


def test_noise_has_the_sigma_asked_for(preview: datasets.Head) -> None:
    for length in (0.0, 1.0):
        noisy = datasets.performance(preview, 40, seed=2, noise=0.3, noise_length=length)
        error = noisy.take.positions - noisy.clean().positions
        assert error.std() == pytest.approx(0.03, rel=0.06)
        edges = preview.topology.edges
        along = np.mean(error[:, edges[:, 0]] * error[:, edges[:, 1]]) / error.var()
        assert (along > 0.6) if length else (abs(along) < 0.02)


def test_scalp_slip_moves_only_the_scalp(preview: datasets.Head) -> None:
    slipped = datasets.performance(preview, 60, seed=2, scalp_slip=4.0)
    shift = lengths(slipped.take.positions.astype(np.float64) - slipped.clean().positions)
    assert shift.max() == pytest.approx(0.4, rel=1e-3)
    assert shift[:, preview.regions["scalp"] == 0].max() == 0
    assert np.abs(np.diff(shift, axis=0)).max() < 0.05


def test_outliers_and_missing_have_their_shares(preview: datasets.Head) -> None:
    take = datasets.performance(preview, 80, seed=2, outliers=0.03, missing=0.12)
    assert (~take.valid).mean() == pytest.approx(0.12, abs=0.01)
    assert (take.outlier.sum() / take.valid.sum()) == pytest.approx(0.03, abs=0.002)
    np.testing.assert_array_equal(np.isnan(take.take.positions).all(-1), ~take.valid)
    np.testing.assert_array_equal(np.isnan(take.take.positions).any(-1), ~take.valid)
    error = lengths(take.take.positions - take.clean().positions)
    assert error[take.outlier].min() > 0.49
    assert error[take.outlier].max() < 5.01
    assert error[take.valid & ~take.outlier].max() == 0
    # Missing vertices lie together: a neighbour of one is missing far more often than any vertex.
    edges = preview.topology.edges
    gone = ~take.valid
    assert np.mean(gone[:, edges[:, 1]][gone[:, edges[:, 0]]]) > 3 * 0.12


def test_corruptions_do_not_disturb_each_other(preview: datasets.Head) -> None:
    plain = datasets.performance(preview, 20, seed=6, noise=0.2)
    more = datasets.performance(preview, 20, seed=6, noise=0.2, missing=0.1)
    np.testing.assert_array_equal(more.take.positions[more.valid], plain.take.positions[more.valid])
    np.testing.assert_array_equal(more.expression, plain.expression)


# -- validity ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda h: datasets.head("huge"), "`resolution` must be one of 'preview', 'shot', 'hero'"),
        (lambda h: datasets.head(identity=-1), "`identity` must be at least 0"),
        (lambda h: datasets.performance(h, 0), "`n_frames` must be at least 1"),
        (lambda h: datasets.performance(h, 2, 0.0), "`fps` must be above 0"),
        (lambda h: datasets.performance(h, 2, noise=-1.0), "`noise` must be at least 0"),
        (lambda h: datasets.performance(h, 2, missing=1.5), "`missing` must be at least 0 and at most 0.9"),
        (
            lambda h: h.evaluate(np.zeros((2, 50))),
            r"`weights` must have shape \(F, K\) = \(2, 51\)|must have shape",
        ),
        (lambda h: h.evaluate(np.full((1, 51), np.nan)), "`weights` must be finite"),
        (lambda h: h.weights(smile=1.0), "`name` must be one of"),
    ],
)
def test_wrong_arguments_are_named(preview: datasets.Head, call, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call(preview)


def test_wrong_kinds_are_named() -> None:
    with pytest.raises(TypeError, match="`head` must be a Head"):
        datasets.performance("face")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="`seed` must be an integer"):
        datasets.performance(None, 2, seed=1.5)  # type: ignore[arg-type]


def test_values_are_frozen(preview: datasets.Head, acted: datasets.SyntheticTake) -> None:
    for array in (
        preview.neutral,
        preview.skull,
        preview.colors,
        acted.expression,
        acted.weights,
        acted.take.positions,
    ):
        assert not array.flags.writeable
    with pytest.raises(dataclasses.FrozenInstanceError):
        preview.identity = 3  # type: ignore[misc]
