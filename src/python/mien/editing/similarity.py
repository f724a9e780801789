"""Find where a take does what it did at one frame, so that one correction mends every such moment."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.editing.edits import Edit
from mien.editing.recipes import Region, SimilarRecipe, checked_region, vertex_weights
from mien.editing.sources import check_topology
from mien.editing.times import expressions_of
from mien.geometry import regions
from mien.values.performance import Performance

__all__ = ["similar_expressions", "with_envelope_worked_out"]

Float64 = npt.NDArray[np.float64]

_BLOCK_BYTES = 16 << 20


def similar_expressions(
    performance: Performance,
    frame: int,
    radius: float,
    *,
    region: Region = None,
    source: Performance | None = None,
    ease: int = 8,
) -> Float64:
    """Weight frames by how much their expression is like that of one frame: an envelope for any edit.

    Parameters
    ----------
    performance : Performance
        The take that is searched, as captured.
    frame : int
        The frame that is looked for, zero-based.
    radius : float
        Distance at which the weight reaches 0, scene units: root mean square of how far apart vertices are, over the
        region, the head taken out.
    region : (V,) floats in [0, 1] or RegionRecipe, optional
        Vertex weights: where expressions are compared; None is everywhere.
    source : Performance, optional
        The take that `frame` is of, when that is another one; its departures from its own neutral are compared.
    ease : int
        Frames over which weights come and go at least, before and after a likeness; 0 weighs each frame by itself.

    Returns
    -------
    (F,) float64 in [0, 1]: 1 where the expression is the same.

    Raises
    ------
    ValueError
        There is no such frame, no vertex of the region is there in it, or the topologies differ.

    Notes
    -----
    O(F N) for N vertices in the region. A vertex that is missing in a frame does not count there.
    """
    _validate.instance("performance", performance, Performance, "a Performance")
    wanted = performance if source is None else source
    _validate.instance("source", wanted, Performance, "a Performance or None")
    check_topology(wanted, performance)
    at = _validate.index("frame", frame, least=0, below=len(wanted))
    reach = _validate.number("radius", radius, above=0)
    weights = vertex_weights(checked_region(region), performance)
    inside = np.arange(performance.take.n_vertices) if weights is None else np.flatnonzero(weights)
    shares = np.ones(len(inside)) if weights is None else weights[inside]
    goal = expressions_of(wanted, performance)(np.array([at]), inside)[0]
    if not np.isfinite(goal).all(axis=1).any():
        raise ValueError(f"`frame` must have a vertex of the region that is there, got {at} without one")
    own = expressions_of(performance, performance)
    n, size = len(performance), max(1, _BLOCK_BYTES // max(24 * len(inside), 1))
    distance = np.empty(n)
    for start in range(0, n, size):
        frames = np.arange(start, min(start + size, n))
        for f, points in zip(frames, own(frames, inside), strict=True):
            distance[f] = _apart(points, goal, shares)
    return _eased(
        regions.ease(np.clip(1 - distance / reach, 0.0, 1.0)), _validate.index("ease", ease, least=0)
    )


def _eased(weights: Float64, frames: int) -> Float64:
    """Let no weight stand alone: around each, at least what eases away from it over some frames."""
    out = weights.copy()
    for step in range(1, min(frames, len(weights) - 1) + 1):
        share = float(regions.ease(np.array(1 - step / (frames + 1))))
        out[step:] = np.maximum(out[step:], share * weights[:-step])
        out[:-step] = np.maximum(out[:-step], share * weights[step:])
    return out


def _apart(points: Float64, goal: Float64, shares: Float64) -> float:
    step = points - goal
    squares = step[:, 0] ** 2 + step[:, 1] ** 2 + step[:, 2] ** 2
    there = np.isfinite(squares)
    total = float(np.add.reduce(np.where(there, shares, 0.0)))
    summed = float(np.add.reduce(np.where(there, shares * np.where(there, squares, 0.0), 0.0)))
    return float(np.sqrt(summed / total)) if total > 0 else np.inf


def with_envelope_worked_out(edit: Edit, performance: Performance) -> Edit:
    """Return the edit with a likeness in place of an envelope turned into weights on this performance."""
    recipe = getattr(edit, "envelope", None)
    if not isinstance(recipe, SimilarRecipe):
        return edit
    weights = similar_expressions(
        performance,
        recipe.frame,
        recipe.radius,
        region=getattr(edit, "region", None),
        source=recipe.source,
        ease=recipe.ease,
    )
    if not weights.any():
        raise ValueError(
            f"`envelope` must find a frame like {recipe.frame} within {recipe.radius:g}, found none"
        )
    return dataclasses.replace(edit, envelope=weights)  # type: ignore[type-var]
