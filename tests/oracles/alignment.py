"""Slow twins of mien.geometry.alignment: one frame after the other, in NumPy, by singular values."""

from __future__ import annotations

import numpy as np


def kabsch(p: np.ndarray, q: np.ndarray, w: np.ndarray, scale: bool) -> tuple[np.ndarray, np.ndarray, float]:
    """Rotation, translation and scale with p ~ s R q + t (Kabsch 1976, Umeyama 1991)."""
    a, b = w @ p / w.sum(), w @ q / w.sum()
    cross = (p - a).T @ (w[:, None] * (q - b))
    u, s, vt = np.linalg.svd(cross)
    sign = np.array([1, 1, np.linalg.det(u) * np.linalg.det(vt)])
    rotation = (u * sign) @ vt
    factor = float((s * sign).sum() / (w @ ((q - b) ** 2).sum(1))) if scale else 1.0
    return rotation, a - factor * rotation @ b, factor


def weighted_quantile(values: np.ndarray, weights: np.ndarray, level: float) -> float:
    order = np.argsort(values, kind="stable")
    order = order[weights[order] > 0]
    place = np.searchsorted(np.cumsum(weights[order]), level * weights.sum())
    return float(values[order][min(place, len(order) - 1)])


def spread(q: np.ndarray, w: np.ndarray) -> float:
    centred = q - w @ q / w.sum()
    values = np.linalg.eigvalsh(centred.T @ (w[:, None] * centred) / w.sum())
    return float(np.sqrt(values[0] + values[1]))


def kept(r: np.ndarray, sigma: float, loss: str) -> np.ndarray:
    """The part of its weight that a vertex at distance r keeps."""
    if loss == "huber":
        return np.minimum(1, sigma / np.maximum(r, 1e-300))
    if loss == "tukey":
        return np.maximum(0, 1 - (r / sigma) ** 2) ** 2
    return 1 / (1 + (r / sigma) ** 2) ** 2


def align(
    positions: np.ndarray,
    reference: np.ndarray,
    weights: np.ndarray | None = None,
    robust: bool = False,
    scale: bool = False,
    *,
    loss: str = "geman-mcclure",
    sigma: float | None = None,
    level: float = 0.2,
    floor: float = 1e-6,
    shrink: float = 1.4,
    tolerance: float = 1e-9,
    most: int = 200,
) -> dict[str, np.ndarray]:
    prior = np.ones(len(reference)) if weights is None else np.asarray(weights, np.float64)
    prior = np.broadcast_to(prior, positions.shape[:2])
    known = reference[np.isfinite(reference).all(1)].astype(np.float64)
    extent = np.sqrt(12 * np.var(known, axis=0).sum())
    rows = [
        align_one(
            frame.astype(np.float64),
            reference.astype(np.float64),
            w,
            robust,
            scale,
            extent,
            loss,
            sigma,
            level,
            floor,
            shrink,
            tolerance,
            most,
        )
        for frame, w in zip(positions, prior, strict=True)
    ]
    names = ("rotation", "translation", "scale", "residual", "support", "spread", "sigma", "iterations")
    return {name: np.array([row[i] for row in rows]) for i, name in enumerate(names)}


def align_one(p, q, prior, robust, scale, extent, loss, given, level, floor, shrink, tolerance, most):
    usable = np.isfinite(p).all(1) & np.isfinite(q).all(1)
    total = prior[np.isfinite(q).all(1)].sum()
    p, q, w = p[usable], q[usable], prior[usable]
    rotation, t, s = kabsch(p, q, w, scale)

    def distances() -> np.ndarray:
        return np.linalg.norm(p - (s * q @ rotation.T + t), axis=1)

    g, sigma, count = np.ones(len(w)), np.inf, 0
    if robust:
        level = max(level, min(1, 6 / np.count_nonzero(w)))
        r = distances()
        reach = np.sqrt(2) if loss == "tukey" else 1.0
        target = given or max(floor * extent, reach * weighted_quantile(r, w, level))
        sigma = max(target, 4 * np.sqrt(w @ r**2 / w.sum()))
        centre = w @ q / w.sum()
        radius = np.sqrt(w @ ((q - centre) ** 2).sum(1) / w.sum())
        settled = False
        while count < most:
            count += 1
            arrived = not settled and sigma <= target
            r = distances()
            before = s * rotation, s * rotation @ centre + t
            rotation, t, s = kabsch(p, q, w * kept(r, sigma, loss), scale)
            moved = np.linalg.norm(before[0] - s * rotation) * radius
            moved += np.linalg.norm(before[1] - (s * rotation @ centre + t))
            if settled:
                if moved <= tolerance * extent:
                    break
                continue
            if arrived:
                if not given:
                    target = min(sigma, max(floor * extent, reach * weighted_quantile(r, w, level)))
                settled = target > 0.9 * sigma
            sigma = target if settled else max(target, sigma / shrink)
        g = kept(distances(), sigma, loss)
    r = distances()
    residual = np.sqrt((w * g) @ r**2 / (w @ g))
    agrees = w / (1 + (r / (2e-3 * extent)) ** 2) ** 2 if robust else w
    return rotation, t, s, residual, agrees.sum() / total, spread(q, agrees), sigma, count
