"""Head and expression estimated together, over a whole take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core
from mien.geometry.alignment import extent
from mien.separation.modes import Modes, rigid_modes
from mien.values.rigid import RigidMotion

__all__ = ["HALF_TRUST", "Refined", "Solver", "learn"]

Float64 = npt.NDArray[np.float64]

_FREEDOM = 4.0  # of Student's distribution of what is left unexplained
_ROUNDS = 5
_STEPS, _STEP_ROUNDS = 2, 2  # linearisations of a frame's head, reweightings in each
_RELAXATION = 1.3  # of reweightings, which by themselves are short
_LEARNING_ROUNDS = 2  # reweightings while learning
_NOISE = 0.05 / 250  # no vertex is believed beyond this, of the extent
_LOST = 25.0  # a frame whose median residual is five standard deviations is not the face
_WAVES = 8
_WAVE_LENGTH = 70 / 250
# Calibration of the predicted error on development takes (docs/algorithms/separation.md).
_UNEXPLAINED, _EXPLAINED = 2.2, 0.3
HALF_TRUST = 0.3 / 250  # predicted error at which confidence is one half: 0.3 mm on a face


class Refined(NamedTuple):
    """Heads of F frames, ``confidence`` (F,) in [0, 1] and ``residual`` (F,) of rigid motion alone, scene units."""

    head: RigidMotion
    confidence: Float64
    residual: Float64


class Solver(NamedTuple):
    """A linear estimator of head and expression, with what it was learned from.

    ``spread`` (P, P) is the posterior covariance of 6 rigid motions and K modes, ``scale`` (S,) how far each vertex
    strays unexplained, ``metric`` (6, 6) the mean squared displacement by a small rigid motion.
    """

    core: _core.JointSolver
    spread: Float64
    scale: Float64
    metric: Float64
    size: float

    def refine(self, positions: npt.NDArray[Any], head: RigidMotion) -> Refined:
        """Correct heads that are nearby, for positions (F, S, 3) of the vertices that the solver knows.

        Two linearisations of two reweightings, O(F S P); no frame's answer depends on the others. Frames that are not
        the face keep the head they came with, at confidence 0.
        """
        rotation, translation, lost, residual, probes, _, _ = self.solve(
            positions, head, _STEPS, _STEP_ROUNDS, _RELAXATION, details=False
        )
        rotation[lost], translation[lost] = head.rotation[lost], head.translation[lost]
        error = _UNEXPLAINED**2 * probes[:, 0] + _EXPLAINED**2 * probes[:, 1]
        error += np.sum(self.metric * self.spread[:6, :6])
        trust = ~lost / (1 + error / (HALF_TRUST * self.size) ** 2)
        return Refined(RigidMotion(rotation, translation), trust, residual)

    def solve(
        self,
        positions: npt.NDArray[Any],
        head: RigidMotion,
        steps: int,
        rounds: int,
        relaxation: float = 1.0,
        *,
        details: bool,
    ) -> tuple[Any, ...]:
        """Return what the core does: heads, lost frames, residuals, probes, and in detail all that was found."""
        return self.core.solve(
            positions,
            np.arange(len(self.scale)),
            np.ascontiguousarray(head.rotation),
            np.ascontiguousarray(head.translation),
            steps,
            rounds,
            relaxation,
            details,
        )


def learn(
    positions: npt.NDArray[Any], points: Float64, weights: Float64, head: RigidMotion, modes: Modes
) -> Solver:
    """Learn from frames (F, S, 3) how large each mode is and how far each vertex strays from what they explain.

    Generalised least squares whose covariance is low rank plus diagonal, both learned by expectation maximisation; the
    diagonal is that of a Student distribution. A basis that does not fit only widens the covariance.
    """
    size = extent(points)
    sigma = modes.sigma.copy()
    scale = np.full(len(points), 4e-3 * size)
    present = np.isfinite(positions).all(axis=2)
    build = _builder(points, weights, modes.basis)
    for round_ in range(_ROUNDS):
        solver = build(sigma, scale)
        rotation, translation, lost, _, _, out, squares = solver.solve(
            positions, head, 1, _LEARNING_ROUNDS, details=True
        )
        face = ~lost if round_ else np.ones(len(positions), bool)
        if not face.any():
            face[:] = True
        used = present & face[:, None]
        student = np.minimum((_FREEDOM + 3) / (_FREEDOM + squares), 3.0) * used
        mean = np.sum(student * squares, axis=0) * scale**2 / np.maximum(used.sum(axis=0), 1)
        scale = np.sqrt(mean / 3 + (_NOISE * size) ** 2)
        power = np.mean(out[face, 6:] ** 2, axis=0) + np.diag(solver.spread)[6:]
        sigma = np.sqrt(np.maximum(power, 1e-4 * modes.sigma**2))
        head = RigidMotion(rotation, translation)
    return build(sigma, scale)


def _builder(points: Float64, weights: Float64, basis: Float64) -> Callable[[Float64, Float64], Solver]:
    """Return what makes a solver of the modes' sizes (K,) and the vertices' scales (S,)."""
    rigid, centre, radius = rigid_modes(points)
    fields = np.concatenate([rigid, basis.transpose(1, 2, 0)], axis=2).reshape(3 * len(points), -1)
    metric = np.einsum("ri,rj->ij", fields[:, :6], fields[:, :6]) / len(points)
    signs, size = _signs(points, centre), extent(points)

    def build(sigma: Float64, scale: Float64) -> Solver:
        precision = np.concatenate([np.zeros(6), 1 / sigma**2])
        core = _core.JointSolver(
            points, weights, fields, precision, scale, signs, centre, radius, _FREEDOM, _LOST
        )
        return Solver(core, core.spread, scale, metric, size)

    return build


def _signs(points: Float64, centre: Float64) -> Float64:
    """Return smooth signs (8, S): the error is what the head would do if residual and expression had these."""
    rng = np.random.default_rng(5)
    waves = rng.normal(size=(_WAVES, 3))
    waves *= 2 * np.pi / (_WAVE_LENGTH * extent(points)) / np.sqrt(np.sum(waves**2, axis=1, keepdims=True))
    phase = np.einsum("wi,si->ws", waves, points - centre) + rng.uniform(0, 2 * np.pi, (_WAVES, 1))
    return np.asarray(np.sqrt(2) * np.sin(phase))
