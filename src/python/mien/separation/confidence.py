"""How far to trust a frame's head."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien.geometry.alignment import Alignment, extent

__all__ = ["confidence", "lever_arm"]

Float64 = npt.NDArray[np.float64]

# Both from takes with known heads (docs/algorithms/separation.md): the support at which a frame earns half of what it
# can, and the residual, relative to the neutral's extent, at which it loses half.
_HALF_SUPPORT = 0.05
_HALF_RESIDUAL = 4e-3


def lever_arm(neutral: npt.NDArray[Any], weights: Float64 | None) -> float:
    """Root mean square distance of weighted vertices (V, 3) from their own principal axis, scene units."""
    w = np.isfinite(neutral).all(axis=1).astype(np.float64)
    w *= 1.0 if weights is None else weights
    points = np.where(w[:, None] > 0, neutral, 0.0).astype(np.float64)
    points -= np.sum(w[:, None] * points, axis=0) / w.sum()
    covariance = np.sum((w[:, None] * points)[:, :, None] * points[:, None, :], axis=0) / w.sum()
    return float(np.sqrt(max(0.0, np.linalg.eigvalsh(covariance)[:2].sum())))


def confidence(fit: Alignment, neutral: npt.NDArray[Any], weights: Float64 | None) -> Float64:
    """Return for each frame how far to trust its head, (F,) in [0, 1].

    Notes
    -----
    The product of three parts, none of which looks at other frames:

    - support ``s / (s + 0.05)``: how much of the face agrees with the pose to about 0.002 of its extent;
    - residual ``1 / (1 + (r / 0.004 d)²)``, d being the neutral's extent;
    - lever ``min(1, spread / spread of the whole face)``: vertices that agree but lie in a small patch or along a line
      leave a rotation open.

    It grows with support and spread and falls with the residual. It cannot see a wrong pose that many vertices share.
    """
    support = fit.support / (fit.support + _HALF_SUPPORT)
    residual = 1 / (1 + (fit.residual / (_HALF_RESIDUAL * extent(neutral))) ** 2)
    lever = np.minimum(1.0, fit.spread / lever_arm(neutral, weights))
    return np.clip(support * residual * lever, 0.0, 1.0)
