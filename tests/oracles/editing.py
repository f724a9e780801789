"""Recombining in the plainest way: whole arrays in float64, one edit after the other."""

from __future__ import annotations

import numpy as np

import mien
from mien.editing import EnvelopeRecipe, RegionRecipe


def vertex_weights(edit, perf: mien.Performance) -> np.ndarray:
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
    n, pull = len(perf), frame_weights(edit, len(perf))
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
    shape = np.asarray(edit.shape)
    if edit.space == "world":
        shape = (shape - perf.head.translation[edit.frame]) @ perf.head.rotation[edit.frame]
    if edit.envelope is None:
        pull = mien.envelope(n, edit.frame - 8, edit.frame, edit.frame + 8)
    return current + (shape - current[edit.frame]), pull


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
