"""Slow twins of the joint solver: one frame at a time, NumPy, all doubles."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Model(NamedTuple):
    """What `mien._core.JointSolver` takes, by the same names."""

    points: np.ndarray
    weights: np.ndarray
    fields: np.ndarray
    precision: np.ndarray
    scale: np.ndarray
    signs: np.ndarray
    centre: np.ndarray
    radius: float
    freedom: float
    lost: float


def rigid_fields(points: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray:
    """Displacements (3 S, 6) by turns of 1 / radius about the centre, then by shifts of 1."""
    out = np.zeros((len(points), 3, 6))
    for i, axis in enumerate(np.eye(3)):
        out[:, :, i] = np.cross(axis, points - centre) / radius
        out[:, i, 3 + i] = 1
    return out.reshape(-1, 6)


def turned(rotation: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """R times the rotation whose quaternion is along (1, vector / 2)."""
    x, y, z = vector / 2
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return rotation @ np.linalg.solve(np.eye(3) - skew, np.eye(3) + skew)


def spread(model: Model) -> tuple[np.ndarray, np.ndarray]:
    """Posterior covariance (P, P) and gain (3 S, P)."""
    weighted = model.fields * np.repeat(model.weights / model.scale**2, 3)[:, None]
    out = np.linalg.inv(weighted.T @ model.fields + np.diag(model.precision))
    return out, weighted @ out


def solve_frame(
    model: Model,
    frame: np.ndarray,
    rotation: np.ndarray,
    translation: np.ndarray,
    steps: int,
    rounds: int,
    relaxation: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rotation, translation, coefficients (P,), squares (S,) and probes (2,) of one frame (S, 3)."""
    _, gain = spread(model)
    present = np.isfinite(frame).all(axis=1)

    def seen() -> np.ndarray:
        local = (np.where(present[:, None], frame, 0.0) - translation) @ rotation
        return np.where(present[:, None], local - model.points, 0.0)

    def left(x: np.ndarray) -> np.ndarray:
        return (seen() - (model.fields @ x).reshape(-1, 3)) * present[:, None]

    away = seen()
    believed = np.minimum(model.radius**2 / (1e-30 + np.sum(away**2, axis=1)), 1)
    x = (believed[:, None] * away).ravel() @ gain
    for step in range(steps):
        if step:
            x[:6] = 0
        for _ in range(rounds):
            rest = left(x)
            s = np.sum(rest**2, axis=1) / model.scale**2
            weight = np.minimum((model.freedom + 3) / (model.freedom + s), 1)
            told = (model.fields @ x + (weight[:, None] * rest).ravel()) @ gain
            x = x + relaxation * (told - x)
        rest = left(x)
        turn = turned(np.eye(3), x[:3] / model.radius)
        moved = translation + rotation @ (model.centre + x[3:6] - turn @ model.centre)
        rotation, translation = rotation @ turn, moved
    rigid = model.fields[:, :6]
    metric = rigid.T @ rigid / len(frame)
    probes = np.zeros(2)
    for signs in model.signs:
        for i, field in enumerate((rest.ravel(), model.fields[:, 6:] @ x[6:])):
            q = (np.repeat(signs, 3) * field) @ gain[:, :6]
            probes[i] += q @ metric @ q / len(model.signs)
    return rotation, translation, x, np.sum(rest**2, axis=1) / model.scale**2, probes


def residual(model: Model, frame: np.ndarray, rotation: np.ndarray, translation: np.ndarray) -> float:
    """Root mean squared distance of one frame under Geman-McClure weights at its lower quintile."""
    used = np.isfinite(frame).all(axis=1) & (model.weights > 0)
    squares = np.sum((((frame - translation) @ rotation - model.points) ** 2)[used], axis=1)
    if not len(squares):
        return 0.0
    scale = max(np.sort(squares)[len(squares) // 5], 1e-30)
    w = model.weights[used] / (1 + squares / scale) ** 2
    return float(np.sqrt(np.sum(w * squares) / np.sum(w)))
