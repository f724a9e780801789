"""Corrections of `mien.Contact`, a frame at a time, every triangle looked at for every vertex."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mien.geometry.regions import ease

DEPTH, DEEP, PASSES, ENOUGH = 3.0, 0.05, 12, 1e-3


class Side(NamedTuple):
    """Vertices (n,) of the mesh, and triangles (T, 3) between them as rows of these."""

    vertices: np.ndarray
    triangles: np.ndarray


class Place(NamedTuple):
    """For n points which triangle of the other side they are nearest to (-1: none), and where on it."""

    triangle: np.ndarray
    share: np.ndarray

    def on(self, side: Side, corners: np.ndarray) -> np.ndarray:
        """Return the place's position (n, 3) from rows (m, 3) of a side."""
        return np.asarray((corners[side.triangles[self.triangle]] * self.share[:, :, None]).sum(axis=1))


def corrections(
    sides: tuple[Side, Side], source: np.ndarray, edited: np.ndarray, near: float, unit: float, n_moving: int
) -> np.ndarray:
    """Return how far to move the vertices of the moving sides, one after the other, (n, 3)."""
    before = [source[side.vertices] for side in sides]
    now = [edited[side.vertices] for side in sides]
    given = [positions.copy() for positions in now]
    sealed = [seals(sides, before, i, near) for i in (0, 1)]
    depths = [depth(sides, before, i, unit)[0] for i in (0, 1)]
    half = 1.0 if n_moving == 1 else 0.5
    for _ in range(PASSES):
        wanted = [np.zeros_like(now[i]) for i in (0, 1)]
        for i in (0, 1):
            # Where only the first side gives way, what the second would have to do is done by the corners it meets.
            if i < n_moving:
                wanted[i] += half * _missing(sides, before, now, i, sealed[i], depths[i], unit)
            else:
                _hand_over(sides, before, now, sealed[i], 1 - sealed[0][1], wanted[0])
        for i in range(n_moving):
            now[i] += wanted[i]
        if not any((np.abs(w) > ENOUGH * near).any() for w in wanted):
            break
    moves = np.concatenate([now[i] - given[i] for i in range(n_moving)])
    return np.where(np.isfinite(moves), moves, 0.0)  # missing vertices stay missing


def _nearest(sides: tuple[Side, Side], positions: list[np.ndarray], i: int, reach: float) -> Place:
    points, corners = positions[i], positions[1 - i][sides[1 - i].triangles]
    place = Place(np.full(len(points), -1), np.zeros((len(points), 3)))
    a, ab, ac = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    for p, point in enumerate(points):
        shares = _nearest_shares(point - a, ab, ac)
        distance = np.linalg.norm(point - (corners * shares[:, :, None]).sum(axis=1), axis=1)
        distance = np.where(np.isfinite(distance), distance, np.inf)
        t = distance.argmin()
        if distance[t] < reach:
            place.triangle[p], place.share[p] = t, shares[t]
    return place


def _nearest_shares(ap: np.ndarray, ab: np.ndarray, ac: np.ndarray) -> np.ndarray:
    """Where on each triangle (T, 3) its nearest point lies: the best of the plane's, if inside, and of the edges'."""

    def dot(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (x * y).sum(axis=1)

    def along(to: np.ndarray, edge: np.ndarray) -> np.ndarray:
        return np.clip(dot(to, edge) / np.maximum(dot(edge, edge), 1e-300), 0, 1)

    s, t, u = along(ap, ab), along(ap, ac), along(ap - ab, ac - ab)
    zero = np.zeros(len(ap))
    normal = np.cross(ab, ac)
    area = np.maximum(dot(normal, normal), 1e-300)
    v, w = dot(np.cross(ap, ac), normal) / area, dot(np.cross(ab, ap), normal) / area
    tried = [
        np.stack(x, axis=1) for x in ((1 - s, s, zero), (1 - t, zero, t), (zero, 1 - u, u), (1 - v - w, v, w))
    ]
    far = np.array([dot(f, f) for f in (ap - x[:, 1:2] * ab - x[:, 2:] * ac for x in tried)])
    far[3] = np.where((tried[3] >= 0).all(axis=1) & (area > 1e-300), far[3], np.inf)
    return np.array(tried)[np.where(np.isfinite(far), far, np.inf).argmin(axis=0), np.arange(len(ap))]


def seals(
    sides: tuple[Side, Side], before: list[np.ndarray], i: int, near: float
) -> tuple[Place, np.ndarray]:
    """Return where the vertices of a side touch the other in the take, and how much they do, (n,) in [0, 1]."""
    place = _nearest(sides, before, i, 2 * near)
    gap = np.sqrt(np.sum((before[i] - place.on(sides[1 - i], before[1 - i])) ** 2, axis=1))
    amount = np.where(place.triangle >= 0, 1 - ease(np.clip(gap / near - 1, 0, 1)), 0.0)
    return place, np.asarray(amount)


def _missing(
    sides: tuple[Side, Side],
    before: list[np.ndarray],
    now: list[np.ndarray],
    i: int,
    sealed: tuple[Place, np.ndarray],
    allowed: np.ndarray,
    unit: float,
) -> np.ndarray:
    """Return what would bring a side's vertices to where they touched, and out of the other side, (n, 3)."""
    place, amount = sealed
    other = sides[1 - i]
    was = before[i] - place.on(other, before[1 - i])
    back = amount[:, None] * (was - (now[i] - place.on(other, now[1 - i])))
    deep, normal = depth(sides, now, i, unit)
    out = np.maximum(deep - allowed, 0)
    eased = out * ease(np.minimum(out / (DEEP * unit), 1))
    return np.asarray(np.where(amount[:, None] > 0, back, 0.0) + ((1 - amount) * eased)[:, None] * normal)


def _hand_over(
    sides: tuple[Side, Side],
    before: list[np.ndarray],
    now: list[np.ndarray],
    sealed: tuple[Place, np.ndarray],
    free: np.ndarray,
    wanted: np.ndarray,
) -> None:
    """Add what the first side must do, where it is free to, to keep touching a second side that does not move."""
    place, amount = sealed
    rows = np.flatnonzero(amount)
    if not len(rows):
        return
    first = sides[0]
    was = before[1][rows] - place.on(first, before[0])[rows]
    back = amount[rows, None] * (now[1][rows] - place.on(first, now[0])[rows] - was)
    corners, share = first.triangles[place.triangle[rows]], place.share[rows]
    total, parts = np.zeros(len(wanted)), np.zeros_like(wanted)
    np.add.at(total, corners, share)
    np.add.at(parts, corners, share[:, :, None] * back[:, None])
    held = total > 0
    wanted[held] += 0.5 * free[held, None] * parts[held] / total[held, None]


def depth(
    sides: tuple[Side, Side], positions: list[np.ndarray], i: int, unit: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return how deep vertices lie behind the other side's surface (n,), 0 in front of it, and the way out (n, 3)."""
    other = sides[1 - i]
    place = _nearest(sides, positions, i, DEPTH * unit)
    normals = normals_of(other, positions[1 - i])
    corners = other.triangles[place.triangle]
    normal = _unit((normals[corners] * place.share[:, :, None]).sum(axis=1))
    away = positions[i] - place.on(other, positions[1 - i])
    length = np.sqrt(np.sum(away**2, axis=1))
    behind = -np.sum(away * normal, axis=1)
    # Straight behind, not past a rim: 45 degrees off count half.
    straight = ease(np.clip((behind / np.maximum(length, 1e-300) - 0.5) / 0.4, 0, 1))
    # A surface is not behind one that looks the same way.
    against = -np.sum(normals_of(sides[i], positions[i]) * normal, axis=1)
    counts = straight * ease(np.clip(against / 0.3, 0, 1)) * (place.triangle >= 0)
    deep = np.where(behind > 0, behind, 0.0) * counts
    return np.where(np.isfinite(deep), deep, 0.0), np.where(np.isfinite(normal), normal, 0.0)


def normals_of(side: Side, positions: np.ndarray) -> np.ndarray:
    """Return unit normals (n, 3) at a side's vertices, from its own triangles."""
    corners = np.ascontiguousarray(positions.T)[:, side.triangles]
    (ux, uy, uz), (vx, vy, vz) = (corners[:, :, k] - corners[:, :, 0] for k in (1, 2))
    flat = (uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx)
    rows, n = side.triangles.T.ravel(), len(positions)
    return _unit(np.stack([np.bincount(rows, np.tile(f, 3), n) for f in flat], axis=1))


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.sqrt(np.sum(vectors**2, axis=-1, keepdims=True))
    return np.asarray(vectors / np.maximum(length, 1e-300))
