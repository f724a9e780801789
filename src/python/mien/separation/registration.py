"""A model of faces laid onto a face from a rough pose: its shape coefficients, then smooth bends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core
from mien.separation.face_model import FaceModel, vertex_normals
from mien.separation.placement import Anchors, Laid, Placed, agreement, features, nearest
from mien.separation.surface import Surface

__all__ = ["bend", "fit_shape", "likeness"]

Float64 = npt.NDArray[np.float64]

# Lengths of the model's space, centimetres.
_JUDGE = 0.4  # distance at which half the agreement is lost
_LIKE = 0.15  # distance at which half the likeness is lost
_LANDMARK = 0.15  # how exactly a landmark is given
_SLIDE = 0.03  # how much closest points hold along the surface, beside across it
# So many independent samples is what a whole surface is worth: its points err together.
_SAMPLES = 400.0


class _Pairs(NamedTuple):
    """Model vertices (P,), their places (P, 3) in the model's space, normals (P, 3) there, and weights (P,)."""

    vertices: npt.NDArray[np.integer[Any]]
    places: Float64
    normals: Float64
    weights: Float64


def _pairs(model: FaceModel, laid: Laid, target: Surface, sigma: float) -> tuple[_Pairs, float]:
    """Return closest points both ways, and how well they agree."""
    points = laid.pose.to_model(target.points)
    normals = laid.pose.side * target.normals @ laid.pose.rotation
    own = features(laid.points, laid.normals)
    there = features(points, normals)
    at, squared = nearest(_core.NearestPoints(own), there)
    core = model.core[::3]
    back, squared_core = nearest(_core.NearestPoints(there), own[core])
    vertices = np.concatenate([at, core])
    places = np.concatenate([points, points[back]])
    across = np.concatenate([normals, normals[back]]) + laid.normals[vertices]
    across /= np.maximum(np.sqrt(np.sum(across**2, axis=1)), 1e-12)[:, None]
    given = np.concatenate([target.weights, target.weights[back]])
    share = np.concatenate([np.full(len(at), 1 / len(at)), np.full(len(core), 0.5 / len(core))])
    weights = given * share / (1 + np.concatenate([squared, squared_core]) / sigma**2) ** 2
    agree = 0.5 * agreement(squared, target.weights, _JUDGE) + 0.5 * agreement(
        squared_core, np.ones(len(core)), _JUDGE
    )
    return _Pairs(vertices, places, across, weights), float(agree)


def likeness(model: FaceModel, laid: Laid, target: Surface) -> float:
    """Return how much of the middle of the model's face the target follows in place and slope, in [0, 1]."""
    points = laid.pose.to_model(target.points)
    normals = laid.pose.side * target.normals @ laid.pose.rotation
    own, own_normals = laid.points[model.core], laid.normals[model.core]
    at, _ = nearest(_core.NearestPoints(features(points, normals)), features(own, own_normals))
    gap = own - points[at]
    across = np.sum(gap * normals[at], axis=1)
    along = np.sqrt(np.maximum(np.sum(gap**2, axis=1) - across**2, 0.0))
    slope = np.clip((np.sum(own_normals * normals[at], axis=1) - 0.5) / 0.4, 0.0, 1.0)
    return float(np.mean(slope * (along < 1.0) / (1 + (across / _LIKE) ** 2)))


def fit_shape(
    model: FaceModel,
    target: Surface,
    pose: Placed,
    *,
    sigmas: Sequence[float],
    anchors: Anchors | None = None,
) -> Laid:
    """Fit pose and shape coefficients by point-to-plane steps, one for each of the falling scales `sigmas`.

    Coefficients are held by their own standard deviations; as the surface samples err together rather than each by
    itself, all of them together count as a hundred.
    """
    k = len(model.identity)
    laid = Laid(pose, np.zeros(k), model.points, model.normals, 0.0)
    for sigma in sigmas:
        pairs, agree = _pairs(model, laid, target, sigma)
        x, n = laid.points[pairs.vertices], pairs.normals
        columns = np.empty((len(n), 7 + k))
        columns[:, :3] = np.cross(x, n)
        columns[:, 3:6] = n
        columns[:, 6] = np.sum(x * n, axis=1)
        columns[:, 7:] = np.einsum("kpi,pi->pk", model.identity[:, pairs.vertices], n)
        told = _core.multiply_matrices(np.ascontiguousarray(columns[:, 7:]), laid.shape[:, None])
        gap = np.sum((pairs.places - x) * n, axis=1) + told[:, 0]
        w = pairs.weights * (_SAMPLES / (0.5 * sigma) ** 2 / 1.5)
        transposed = np.ascontiguousarray(columns.T)
        normal = _core.multiply_matrices(transposed, w[:, None] * columns)
        right = _core.multiply_matrices(transposed, (w * gap)[:, None])[:, 0]
        if anchors is not None:
            _add_anchors(normal, right, model, laid, anchors)
        normal[range(7, 7 + k), range(7, 7 + k)] += 1.0
        normal[range(7), range(7)] += 1e-9 * np.trace(normal)
        step = _solved(normal, right)
        laid = _moved(model, laid, step, agree)
    _, agree = _pairs(model, laid, target, sigmas[-1])
    return laid._replace(agreement=agree)


def _add_anchors(normal: Float64, right: Float64, model: FaceModel, laid: Laid, anchors: Anchors) -> None:
    x = laid.points[anchors.vertices]
    k = len(model.identity)
    place = laid.pose.to_model(anchors.places)
    for i in range(3):
        e = np.eye(3)[i]
        columns = np.concatenate(
            [
                np.cross(x, e),
                np.broadcast_to(e, x.shape),
                x[:, i : i + 1],
                model.identity[:, anchors.vertices, i].T,
            ],
            axis=1,
        )
        gap = (place - x)[:, i] + columns[:, 7:] @ laid.shape
        normal += columns.T @ columns / _LANDMARK**2
        right += columns.T @ gap / _LANDMARK**2
    assert normal.shape == (7 + k, 7 + k)


def _moved(model: FaceModel, laid: Laid, step: Float64, agree: float) -> Laid:
    """Return what is laid with a turn, shift and growth of the model (in its own space) and new coefficients."""
    turn, shift, grow, shape = step[:3], step[3:6], step[6], step[7:]
    angle = float(np.sqrt(turn @ turn))
    skew = np.array([[0, -turn[2], turn[1]], [turn[2], 0, -turn[0]], [-turn[1], turn[0], 0]])
    rotation = np.eye(3) + _sinc(angle) * skew + 0.5 * _sinc(angle / 2) ** 2 * skew @ skew
    growth = float(np.exp(np.clip(grow, -0.2, 0.2)))
    pose = laid.pose
    flat = np.ascontiguousarray(model.identity).reshape(len(shape), -1)
    points = model.points + _core.multiply_matrices(shape[None], flat).reshape(-1, 3)
    new = Placed(
        pose.scale * growth,
        pose.rotation @ rotation,
        pose.translation + pose.scale * pose.rotation @ shift,
        pose.side,
    )
    return Laid(new, shape, points, vertex_normals(points, model.triangles), agree)


def _solved(matrix: Float64, right: Float64) -> Float64:
    """Solve a symmetric positive definite system; zero where rounding has left none.

    LAPACK's answer would depend on its threads.
    """
    found = _core.solve_positive(matrix, right[:, None])
    return np.zeros(len(right)) if found is None else found[:, 0]


def _sinc(angle: float) -> float:
    return float(np.sin(angle) / angle) if angle > 1e-12 else 1.0


def bend(
    model: FaceModel,
    target: Surface,
    laid: Laid,
    *,
    sigmas: Sequence[float],
    anchors: Anchors | None = None,
) -> Laid:
    """Bend what is laid smoothly onto the target: a Gaussian process over the model's points (Lüthi et al. 2018)."""
    basis = model.bending
    start = laid.points
    m = basis.shape[1]
    for sigma in sigmas:
        pairs, agree = _pairs(model, laid, target, sigma)
        a = basis[pairs.vertices]
        w = pairs.weights * (_SAMPLES / (0.5 * sigma) ** 2 / 1.5)
        matrices = pairs.normals[:, :, None] * pairs.normals[:, None, :] + _SLIDE * np.eye(3)
        matrices *= w[:, None, None]
        gap = np.einsum("pij,pj->pi", matrices, pairs.places - start[pairs.vertices])
        if anchors is not None:
            a = np.concatenate([a, basis[anchors.vertices]])
            strong = np.tile(np.eye(3) / _LANDMARK**2, (len(anchors.vertices), 1, 1))
            matrices = np.concatenate([matrices, strong])
            away = laid.pose.to_model(anchors.places) - start[anchors.vertices]
            gap = np.concatenate([gap, away / _LANDMARK**2])
        system, transposed = np.empty((3 * m, 3 * m)), np.ascontiguousarray(a.T)
        for i in range(3):
            for j in range(i, 3):
                block = _core.multiply_matrices(transposed, a * matrices[:, i, j, None])
                system[i * m : (i + 1) * m, j * m : (j + 1) * m] = block
                system[j * m : (j + 1) * m, i * m : (i + 1) * m] = block.T
        system[range(3 * m), range(3 * m)] += 1.0
        z = _solved(system, _core.multiply_matrices(transposed, gap).T.ravel()).reshape(3, m)
        points = start + _core.multiply_matrices(basis, np.ascontiguousarray(z.T))
        laid = laid._replace(points=points, normals=vertex_normals(points, model.triangles), agreement=agree)
    _, agree = _pairs(model, laid, target, sigmas[-1])
    return laid._replace(agreement=agree)
