"""Head and expression estimated together, over a whole take."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core
from mien.geometry.alignment import extent
from mien.separation.modes import Modes, rigid_modes
from mien.values.rigid import RigidMotion

__all__ = ["Solver", "learn"]

Float64 = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]

_FREEDOM = 4.0  # of Student's distribution of what is left unexplained
_ROUNDS = 5
_STEPS = 2
_INNER = 3
_NOISE = 0.05 / 250  # no vertex is believed beyond this, of the extent
_LOST = 25.0  # a frame whose median residual is five standard deviations is not the face
_WAVES = 8
_WAVE_LENGTH = 70 / 250
# Calibration of the predicted error on development takes (docs/algorithms/separation.md).
_UNEXPLAINED, _EXPLAINED = 2.2, 0.3
_HALF_TRUST = 0.3 / 250  # predicted error at which confidence is one half: 0.3 mm on a face


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

    def refine(
        self, positions: npt.NDArray[Any], head: RigidMotion, index: Index | None = None
    ) -> tuple[RigidMotion, Float64]:
        """Return heads (F,) and confidence (F,) for positions (F, V, 3) from nearby heads.

        `index` (S,) are the vertices that the solver knows; without it all are. Two linearisations of four products
        each, O(F S P); no frame's answer depends on the others.
        """
        rotation, translation, lost, probes, _, _ = self._solved(
            positions, head, index, _STEPS, details=False
        )
        rotation[lost], translation[lost] = head.rotation[lost], head.translation[lost]
        error = _UNEXPLAINED**2 * probes[:, 0] + _EXPLAINED**2 * probes[:, 1]
        error += np.sum(self.metric * self.spread[:6, :6])
        return RigidMotion(rotation, translation), ~lost / (1 + error / (_HALF_TRUST * self.size) ** 2)

    def _solved(
        self,
        positions: npt.NDArray[Any],
        head: RigidMotion,
        index: Index | None,
        steps: int,
        *,
        details: bool,
    ) -> Any:
        at = np.arange(len(self.scale)) if index is None else index
        return self.core.solve(
            positions,
            at,
            np.ascontiguousarray(head.rotation),
            np.ascontiguousarray(head.translation),
            steps,
            _INNER,
            details,
        )


def learn(
    positions: npt.NDArray[Any],
    points: Float64,
    weights: Float64,
    head: RigidMotion,
    modes: Modes,
    index: Index | None = None,
) -> Solver:
    """Learn from frames (F, V, 3) how large each mode is and how far each vertex strays from what they explain.

    `points` (S, 3), `weights` (S,) and `modes` are of the vertices `index`, or of all. Generalised least squares whose
    covariance is low rank plus diagonal, both learned by expectation maximisation; the diagonal is that of a Student
    distribution. A basis that does not fit only widens the covariance.
    """
    size = extent(points)
    sigma = modes.sigma.copy()
    scale = np.full(len(points), 4e-3 * size)
    seen = positions if index is None else positions[:, index]
    present = np.isfinite(seen).all(axis=2)
    for round_ in range(_ROUNDS + 1):
        solver = _solver(points, weights, modes.basis, sigma, scale)
        if round_ == _ROUNDS:
            break
        found = solver._solved(positions, head, index, 1, details=True)
        rotation, translation, lost, _, out, squares = found
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
    return solver


def _solver(points: Float64, weights: Float64, basis: Float64, sigma: Float64, scale: Float64) -> Solver:
    rigid, centre, radius = rigid_modes(points)
    fields = np.concatenate([rigid, basis.transpose(1, 2, 0)], axis=2).reshape(3 * len(points), -1)
    core = _core.JointSolver(
        points,
        weights,
        fields,
        np.concatenate([np.zeros(6), 1 / sigma**2]),
        scale,
        _signs(points, centre),
        centre,
        radius,
        _FREEDOM,
        _LOST,
    )
    metric = np.einsum("ri,rj->ij", fields[:, :6], fields[:, :6]) / len(points)
    return Solver(core, core.spread, scale, metric, extent(points))


def _signs(points: Float64, centre: Float64) -> Float64:
    """Return smooth signs (8, S): the error is what the head would do if residual and expression had these."""
    rng = np.random.default_rng(5)
    waves = rng.normal(size=(_WAVES, 3))
    waves *= 2 * np.pi / (_WAVE_LENGTH * extent(points)) / np.sqrt(np.sum(waves**2, axis=1, keepdims=True))
    phase = np.einsum("wi,si->ws", waves, points - centre) + rng.uniform(0, 2 * np.pi, (_WAVES, 1))
    return np.asarray(np.sqrt(2) * np.sin(phase))
