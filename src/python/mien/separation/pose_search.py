"""Where a face is, how it is turned, and how large: the search that starts from nothing."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core
from mien.separation.face_model import FaceModel
from mien.separation.placement import NORMAL_REACH, Anchors, Placed, agreement, features, nearest
from mien.separation.surface import Surface

__all__ = ["find_poses"]

Float64 = npt.NDArray[np.float64]

# Rounds, places of the target looked at, and how many starts go on.
_SEARCH = ((3, 80, 32), (4, 120, 12), (5, 200, 4), (6, 200, 3))


def find_poses(model: FaceModel, target: Surface, anchors: Anchors | None = None) -> list[Placed]:
    """Return the most promising poses, best first, no two alike.

    Every start runs a few rounds of closest points, both ways: the target onto the model, and the middle of the
    model's face onto the target, so that neither can hide in a part of the other. Those that agree least drop out.
    Three landmarks are a pose.
    """
    poses = (
        _starts(model, target)
        if anchors is None or not anchors.are_a_pose()
        else _landmark_pose(model, anchors)
    )
    if not target.oriented:
        flipped = poses._replace(side=-poses.side)
        poses = Placed(*(np.concatenate(pair) for pair in zip(poses, flipped, strict=True)))
    size = _moments(target.points)[1]
    sigma, score = 4.0, np.zeros(0)
    for rounds, n_points, kept in _SEARCH:
        step = _Search.of(model, target, n_points, size / 8.0)
        for _ in range(rounds):
            poses, score = step.improve(poses, sigma)
            sigma = max(1.0, sigma * 0.9)
        best = np.argsort(-score, kind="stable")[:kept]
        poses, score = poses.take(best), score[best]
    chosen: list[int] = []
    for i in range(len(score)):
        if score[i] > 0.8 * score[0] and not any(poses.alike(i, j) for j in chosen):
            chosen.append(i)
    return [poses.take(i) for i in chosen]


def _landmark_pose(model: FaceModel, anchors: Anchors) -> Placed:
    model_places = model.points[anchors.vertices][None]
    placed = _similarity(model_places, anchors.places[None], np.ones((1, len(anchors.vertices))))
    return placed


class _Search(NamedTuple):
    """What a round of the search for a pose looks at."""

    model: FaceModel
    tree: _core.NearestPoints
    points: Float64
    normals: Float64
    weights: Float64
    core: npt.NDArray[np.int64]
    target: Surface
    trees: dict[float, _core.NearestPoints]
    reach: float

    @classmethod
    def of(cls, model: FaceModel, target: Surface, n_points: int, unit: float) -> _Search:
        """Return a search by `n_points` of the target, where `unit` is about a centimetre."""
        some = np.linspace(0, len(target.points) - 1, min(n_points, len(target.points))).astype(int)
        core = model.core[:: max(1, 2 * len(model.core) // n_points)]
        reach = unit * NORMAL_REACH
        sides = (1.0,) if target.oriented else (1.0, -1.0)
        trees = {
            side: _core.NearestPoints(features(target.points, side * target.normals, reach)) for side in sides
        }
        tree = _core.NearestPoints(features(model.points, model.normals))
        return cls(
            model,
            tree,
            target.points[some],
            target.normals[some],
            target.weights[some],
            core,
            target,
            trees,
            reach,
        )

    def improve(self, poses: Placed, sigma: float) -> tuple[Placed, Float64]:
        """Return poses after one round of closest points, and how well they agreed before it."""
        model, b, n = self.model, len(poses.scale), len(self.core)
        side = poses.side[:, None, None]
        own, own_normals = model.points[self.core], model.normals[self.core]
        moved = poses.to_model(self.points)
        at, squared = nearest(self.tree, features(moved, (side * self.normals) @ poses.rotation))
        back = features(
            poses.to_target(own), np.matmul(own_normals, np.swapaxes(poses.rotation, 1, 2)), self.reach
        )
        found = np.empty((b, n), np.int32)
        for which, tree in self.trees.items():
            mine = poses.side == which
            found[mine], _ = nearest(tree, back[mine])
        there = poses.to_model(self.target.points[found])
        turned = (side * self.target.normals[found]) @ poses.rotation
        squared_core = np.sum((there - own) ** 2, axis=-1)
        squared_core += NORMAL_REACH**2 * np.sum((turned - own_normals) ** 2, axis=-1)
        weights = np.broadcast_to(self.weights, squared.shape)
        score = (agreement(squared, weights, 1.0) + agreement(squared_core, np.ones((b, n)), 1.0)) / 2
        robust = weights / (1 + squared / sigma**2) ** 2 / len(self.points)
        robust_core = self.target.weights[found] / (1 + squared_core / sigma**2) ** 2 / n
        places = [model.points[at], np.broadcast_to(own, (b, n, 3))]
        to = [np.broadcast_to(self.points, moved.shape), self.target.points[found]]
        new = _similarity(
            np.concatenate(places, axis=1),
            np.concatenate(to, axis=1),
            np.concatenate([robust, robust_core], axis=1) + 1e-12,
        )
        return new._replace(side=poses.side), score


def _similarity(model: Float64, target: Float64, weight: Float64) -> Placed:
    """Return the poses (B,) that lay (B, N, 3) on (B, N, 3); the scale favours neither (Horn 1987)."""
    total = weight.sum(axis=1)[:, None]
    a = np.einsum("bn,bni->bi", weight, model) / total
    b = np.einsum("bn,bni->bi", weight, target) / total
    about_a, about_b = model - a[:, None], target - b[:, None]
    u, _, vt = np.linalg.svd(np.einsum("bn,bni,bnj->bij", weight, about_b, about_a))
    u[:, :, 2] *= np.sign(np.linalg.det(u) * np.linalg.det(vt))[:, None]
    rotation = u @ vt
    scale = np.sqrt(
        np.einsum("bn,bni,bni->b", weight, about_b, about_b)
        / np.maximum(np.einsum("bn,bni,bni->b", weight, about_a, about_a), 1e-300)
    )
    shift = b - scale[:, None] * np.einsum("bij,bj->bi", rotation, a)
    return Placed(scale, rotation, shift, np.ones(len(scale)))


def _starts(model: FaceModel, target: Surface) -> Placed:
    """Return poses to start from: each crop of the model, its principal axes laid on the target's in every way."""
    flips = []
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1.0, -1.0), repeat=3):
            matrix = np.zeros((3, 3))
            matrix[np.arange(3), order] = signs
            if np.linalg.det(matrix) > 0:
                flips.append(matrix)
    centre, size, axes = _moments(target.points)
    poses = []
    for crop in model.crops:
        own_centre, own_size, own_axes = _moments(model.points[crop])
        for flip in flips:
            rotation = axes @ flip @ own_axes.T
            scale = size / own_size
            poses.append((scale, rotation, centre - scale * rotation @ own_centre, 1.0))
    return Placed(*(np.array(part) for part in zip(*poses, strict=True)))


def _moments(points: Float64) -> tuple[Float64, float, Float64]:
    centre = points.mean(axis=0)
    about = points - centre
    _, axes = np.linalg.eigh(about.T @ about)
    axes[:, 0] *= np.linalg.det(axes)
    return centre, float(np.sqrt(np.mean(np.sum(about**2, axis=1)))), axes
