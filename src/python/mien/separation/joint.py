"""Head and expression estimated together, over a whole take."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mien.geometry.alignment import extent
from mien.separation.modes import Modes, rigid_modes
from mien.values.rigid import RigidMotion

__all__ = ["Solver", "learn"]

Float64 = npt.NDArray[np.float64]

_FREEDOM = 4.0  # of Student's distribution of what is left unexplained
_ROUNDS = 5
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

    ``fields`` (3S, P) are 6 rigid motions and K modes, ``gain`` (3S, P) takes a displacement to their coefficients,
    ``spread`` (P, P) is the posterior covariance, ``scale`` (S,) how far each vertex strays unexplained.
    """

    points: Float64
    fields: Float64
    gain: Float64
    spread: Float64
    scale: Float64
    centre: Float64
    radius: float

    def step(self, local: Float64) -> tuple[Float64, Float64, Float64]:
        """Return coefficients (F, P), what they leave (F, S, 3) and squared standardised residuals (F, S).

        Reweighting without factoring anew: what Student's weights hold back is put in place of the observation
        (Huber 1981, modified residuals). Missing vertices are NaN and count as explained.
        """
        shape = local.shape
        present = np.asarray(np.isfinite(local).all(axis=2))
        seen = np.where(present[..., None], local - self.points, 0.0).reshape(len(local), -1)
        out = seen @ self.gain
        for _ in range(_INNER):
            told = out @ self.fields.T
            left = (seen - told).reshape(shape)
            weight = self._weight(left) * present
            out = (told + (left * weight[..., None]).reshape(seen.shape)) @ self.gain
        left = (seen - out @ self.fields.T).reshape(shape) * present[..., None]
        return out, left, np.sum(left**2, axis=2) / self.scale**2

    def _weight(self, left: Float64) -> Float64:
        squares = np.sum(left**2, axis=2) / self.scale**2
        return np.asarray(np.minimum((_FREEDOM + 3) / (_FREEDOM + squares), 1.0))

    def moved(self, head: RigidMotion, coefficients: Float64) -> RigidMotion:
        """Return the head corrected by the rigid coefficients."""
        turn = _exponential(coefficients[:, :3] / self.radius)
        shift = self.centre + coefficients[:, 3:6] - np.einsum("fij,j->fi", turn, self.centre)
        return head @ RigidMotion(turn, shift)

    def refine(self, positions: Float64, head: RigidMotion) -> tuple[RigidMotion, Float64]:
        """Return heads (F,) and confidence (F,) for positions (F, S, 3) from nearby heads."""
        begin = head
        for _ in range(2):
            out, left, squares = self.step(head.apply_inverse(positions))
            head = self.moved(head, out)
        lost = np.median(squares, axis=1) > _LOST
        rotation = np.where(lost[:, None, None], begin.rotation, head.rotation)
        translation = np.where(lost[:, None], begin.translation, head.translation)
        return RigidMotion(rotation, translation), self._confidence(out, left) * ~lost

    def _confidence(self, out: Float64, left: Float64) -> Float64:
        """Predict the error by what the head would do if residual and expression had other signs, smoothly in space."""
        size = extent(self.points)
        rng = np.random.default_rng(5)
        waves = rng.normal(size=(_WAVES, 3))
        waves *= 2 * np.pi / (_WAVE_LENGTH * size) / np.sqrt(np.sum(waves**2, axis=1, keepdims=True))
        signs = np.sqrt(2) * np.sin((self.points - self.centre) @ waves.T + rng.uniform(0, 2 * np.pi, _WAVES))
        gain = self.gain[:, :6].reshape(-1, 3, 6)
        probes = (signs.T[:, :, None, None] * gain).reshape(_WAVES, -1, 6)
        rigid = self.fields[:, :6]
        metric = rigid.T @ rigid / len(self.points)

        def squared(field: Float64) -> Float64:
            q = np.stack([field @ probe for probe in probes])
            return np.asarray(np.einsum("jfi,ik,jfk->f", q, metric, q) / _WAVES)

        told = out[:, 6:] @ self.fields[:, 6:].T
        error = _UNEXPLAINED**2 * squared(left.reshape(len(left), -1)) + _EXPLAINED**2 * squared(told)
        error += np.trace(metric @ self.spread[:6, :6])
        return np.asarray(1 / (1 + error / (_HALF_TRUST * size) ** 2))


def learn(positions: Float64, points: Float64, weights: Float64, head: RigidMotion, modes: Modes) -> Solver:
    """Learn from frames (F, S, 3) how large each mode is and how far each vertex strays from what they explain.

    Generalised least squares whose covariance is low rank plus diagonal, both learned by expectation maximisation; the
    diagonal is that of a Student distribution. A basis that does not fit only widens the covariance.
    """
    size = extent(points)
    sigma = modes.sigma.copy()
    scale = np.full(len(points), 4e-3 * size)
    for round_ in range(_ROUNDS + 1):
        solver = _solver(points, weights, modes.basis, sigma, scale)
        if round_ == _ROUNDS:
            break
        out, left, squares = solver.step(head.apply_inverse(positions))
        present = np.isfinite(positions).all(axis=2)
        face = np.median(squares, axis=1) < _LOST if round_ else np.ones(len(positions), bool)
        if not face.any():
            face[:] = True
        used = present & face[:, None]
        student = np.minimum((_FREEDOM + 3) / (_FREEDOM + squares), 3.0) * used
        mean = np.sum(student * np.sum(left**2, axis=2), axis=0) / np.maximum(used.sum(axis=0), 1)
        scale = np.sqrt(mean / 3 + (_NOISE * size) ** 2)
        power = np.mean(out[face, 6:] ** 2, axis=0) + np.diag(solver.spread)[6:]
        sigma = np.sqrt(np.maximum(power, 1e-4 * modes.sigma**2))
        head = solver.moved(head, out)
    return solver


def _solver(points: Float64, weights: Float64, basis: Float64, sigma: Float64, scale: Float64) -> Solver:
    rigid, centre, radius = rigid_modes(points)
    fields = np.concatenate([rigid, basis.transpose(1, 2, 0)], axis=2).reshape(3 * len(points), -1)
    weighted = fields * np.repeat(weights / scale**2, 3)[:, None]
    precision = np.concatenate([np.zeros(6), 1 / sigma**2])
    spread = np.linalg.inv(weighted.T @ fields + np.diag(precision))
    return Solver(points, fields, weighted @ spread, spread, scale, centre, radius)


def _exponential(vectors: Float64) -> Float64:
    """Return rotations (F, 3, 3) of rotation vectors (F, 3), by Rodrigues' formula."""
    angle = np.sqrt(np.sum(vectors**2, axis=1))[:, None, None]
    x, y, z = vectors.T
    zero = np.zeros(len(vectors))
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(-1, 3, 3)
    sine = np.sinc(angle / np.pi)
    cosine = np.sinc(angle / (2 * np.pi)) ** 2 / 2
    return np.asarray(np.eye(3) + sine * cross + cosine * (cross @ cross))
