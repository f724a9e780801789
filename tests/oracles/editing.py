"""Recombining in the plainest way: whole arrays in float64, one edit after the other."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import BPoly
from tests.oracles import laplacian_deformer as plates

import mien
from mien.editing import EnvelopeRecipe, RegionRecipe


def vertex_weights(edit, perf: mien.Performance) -> np.ndarray:
    if isinstance(edit, mien.Drag):
        return following(edit, perf)
    if edit.region is None:
        return np.ones(perf.take.n_vertices)
    return edit.region.weights(perf) if isinstance(edit.region, RegionRecipe) else np.asarray(edit.region)


def frame_weights(edit, n_frames: int) -> np.ndarray:
    if edit.envelope is None:
        return np.ones(n_frames)
    return (
        edit.envelope.weights(n_frames)
        if isinstance(edit.envelope, EnvelopeRecipe)
        else np.asarray(edit.envelope)
    )


def ease(t: np.ndarray) -> np.ndarray:
    return 6 * t**5 - 15 * t**4 + 10 * t**3


def kabsch(reference: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """The rotation that takes `reference` closest to `positions`."""
    good = np.isfinite(reference).all(1) & np.isfinite(positions).all(1)
    a, b = reference[good] - reference[good].mean(0), positions[good] - positions[good].mean(0)
    u, _, vt = np.linalg.svd(b.T @ a)
    return u @ np.diag([1, 1, np.sign(np.linalg.det(u @ vt))]) @ vt


def expression(perf: mien.Performance) -> np.ndarray:
    world = perf.take.positions.astype(np.float64)
    return np.einsum("fji,fvj->fvi", perf.head.rotation, world - perf.head.translation[:, None])


def target(edit, perf: mien.Performance, current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the edit pulls towards (F, V, 3), and by how much in every frame (F,)."""
    n = len(perf)
    if isinstance(edit, mien.Retime):
        inside = np.arange(n)
        return retimed(edit, current), ((inside > edit.keys[0][0]) & (inside < edit.keys[-1][0])).astype(
            float
        )
    pull = frame_weights(edit, n)
    if isinstance(edit, mien.Gain):
        return perf.neutral + edit.gain * (current - perf.neutral), pull
    if isinstance(edit, mien.Paste):
        source = perf if edit.source is None else edit.source
        turn = kabsch(source.neutral, perf.neutral)
        first, last = edit.source_frames
        moved = (expression(source)[first:last] - source.neutral) @ turn.T + perf.neutral
        goal = current.copy()
        goal[edit.at : edit.at + last - first] = moved
        blend = np.zeros(n)
        for i in range(last - first):
            blend[edit.at + i] = ease(
                min(1.0, (i + 1) / (edit.blend + 1), (last - first - i) / (edit.blend + 1))
            )
        return goal, pull * blend
    if isinstance(edit, mien.Mirror):
        return mirrored(edit, perf, current), pull
    if isinstance(edit, mien.Drag):
        return dragged(edit, perf, current)
    shape = np.asarray(edit.shape)
    if edit.space == "world":
        shape = (shape - perf.head.translation[edit.frame]) @ perf.head.rotation[edit.frame]
    if edit.envelope is None:
        pull = mien.envelope(n, edit.frame - 8, edit.frame, edit.frame + 8)
    return current + (shape - current[edit.frame]), pull


def following(edit: mien.Drag, perf: mien.Performance) -> np.ndarray:
    """How far every vertex follows its handles."""
    if edit.region is not None:
        given = np.asarray(
            edit.region.weights(perf) if isinstance(edit.region, RegionRecipe) else edit.region
        )
        weights = np.minimum(1, given / given[edit.handles].min())
    elif edit.anchors is not None:
        weights = np.ones(len(perf.neutral))
    else:
        reach = 0.15 * np.linalg.norm(np.ptp(perf.neutral, axis=0))
        weights = mien.region(perf.take.topology, perf.neutral, edit.handles, reach)
    if edit.anchors is not None:
        weights[edit.anchors] = 0
    return weights


def dragged(edit: mien.Drag, perf: mien.Performance, current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Dense plates at the frames of the path, and SciPy's polynomials between them."""
    keys = np.atleast_1d(edit.frame)
    targets = np.reshape(edit.targets, (len(keys), -1, 3))
    held = following(edit, perf) == 0
    found = []
    for key, goal in zip(keys, targets, strict=True):
        missing = np.isnan(current[key]).any(axis=1, keepdims=True)
        base = np.where(missing, perf.neutral, current[key])
        if edit.space == "world":
            goal = (goal - perf.head.translation[key]) @ perf.head.rotation[key]
        if edit.space == "offset":
            goal = base[edit.handles] + goal
        hard, passes = np.full(len(goal), np.inf), 2 if edit.solver == "laplacian" else 0
        triangles = perf.take.topology.triangles
        moved = plates.deform(
            triangles, perf.neutral, edit.handles, goal, held, hard, "bilaplacian", base, passes
        )
        found.append(moved - base)
    values, n = np.array(found), len(perf)
    if edit.envelope is None:
        pull = mien.envelope(n, keys[0] - 8, (keys[0], keys[-1]), keys[-1] + 8)
    else:
        pull = frame_weights(edit, n)
    if len(keys) == 1:
        return current + values[0], pull
    speed = np.zeros_like(values)
    for i in range(1, len(keys) - 1):  # of the parabola through three frames
        parabola = np.polyfit(keys[i - 1 : i + 2] - keys[i], values[i - 1 : i + 2].reshape(3, -1), 2)
        speed[i] = parabola[1].reshape(values[i].shape)
    path = BPoly.from_derivatives(
        keys, [[p, v, np.zeros_like(p)] for p, v in zip(values, speed, strict=True)]
    )
    return current + path(np.clip(np.arange(n), keys[0], keys[-1])), pull


def mirrored(edit: mien.Mirror, perf: mien.Performance, current: np.ndarray) -> np.ndarray:
    found = mien.symmetry(perf.take.topology, perf.neutral)
    away = found.offset - perf.neutral @ found.normal
    goal = current.copy()
    for v, partner in enumerate(found.partner):
        departure = current[:, partner] - perf.neutral[partner]
        flipped = perf.neutral[v] + departure - 2 * (departure @ found.normal)[:, None] * found.normal
        share = 1.0
        if edit.side is not None:
            across = away[v] * -np.sign(away[edit.side]) * (v != partner)
            seam = 0.05 * np.ptp(away) if edit.seam is None else edit.seam
            share = ease(np.clip(0.5 + across / seam, 0, 1)) if seam else 0.5 + 0.5 * np.sign(across)
        if partner >= 0:
            goal[:, v] += share * (flipped - current[:, v])
    return goal


def retimed(edit: mien.Retime, current: np.ndarray) -> np.ndarray:
    goal = current.copy()
    padded = np.concatenate([current[:1], current, current[-1:], current[-1:]])
    for frame, time in enumerate(edit.times(), edit.keys[0][0]):
        f = int(np.floor(time))
        a, b, c, d = padded[f : f + 4]
        weights = cubic_weights(time - f)
        a, d = np.where(np.isnan(a), 2 * b - c, a), np.where(np.isnan(d), 2 * c - b, d)
        goal[frame] = sum(w * x for w, x in zip(weights, (a, b, c, d), strict=True)) if time != f else b
    return goal


def cubic_weights(t: float) -> np.ndarray:
    """Catmull-Rom's matrix form."""
    matrix = 0.5 * np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]])
    return np.array([1, t, t * t, t**3]) @ matrix


def recombine(perf: mien.Performance, edits) -> tuple[np.ndarray, np.ndarray]:
    """Return positions (F, V, 3) float64, and where an edit may reach (F, V)."""
    start = expression(perf)
    current, reached = start.copy(), np.zeros(start.shape[:2], bool)
    for edit in edits:
        goal, pull = target(edit, perf, current)
        weights = pull[:, None] * vertex_weights(edit, perf)
        step = weights[..., None] * (goal - current)
        step[~np.isfinite(step).all(axis=2)] = 0
        current = current + step
        reached |= weights != 0
    moved = np.einsum("fij,fvj->fvi", perf.head.rotation, current - start)
    return perf.take.positions + moved, reached
