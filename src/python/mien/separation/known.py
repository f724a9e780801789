"""What an artist knows of a take: bone, vertices never to trust, places that are missing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.values.sequence import MeshSequence

__all__ = ["hide", "known_weights"]

Float64 = npt.NDArray[np.float64]

# What all skin together counts beside all known bone: it moves by 2 mm and more where a scanner errs by less than
# 0.1, and from farther out, so that it turns a head that a few teeth hold. Where bone leaves a turn open, skin
# decides it, however little it counts.
_SKIN = 1e-3


def known_weights(
    n_vertices: int, weights: Float64 | None, static: npt.ArrayLike | None, ignore: npt.ArrayLike | None
) -> Float64 | None:
    """Return the weights (V,) that `weights`, `static` and `ignore` come to; None where nothing is known.

    Raises
    ------
    ValueError
        A mask has the wrong shape or values, or fewer than three vertices are left.
    """
    if static is None and ignore is None:
        return weights
    out = np.ones(n_vertices) if weights is None else weights.copy()
    if static is not None:
        bone = _validate.unit_weights("static", static, "V", n_vertices)
        if 0 < np.count_nonzero(bone) < 3:
            raise ValueError(f"`static` must hold at least 3 vertices or none, got {np.count_nonzero(bone)}")
        skin = min(1.0, _SKIN * float(bone @ out) / max(float((1 - bone) @ out), 1e-300))
        if skin > 0:
            out *= skin + (1 - skin) * bone
    if ignore is not None:
        out *= 1 - _validate.unit_weights("ignore", ignore, "V", n_vertices)
    if np.count_nonzero(out) < 3:
        raise ValueError(f"`ignore` must leave at least 3 vertices with weight, got {np.count_nonzero(out)}")
    return out


def hide(take: MeshSequence, valid: npt.ArrayLike | None) -> MeshSequence:
    """Return the take with NaN where `valid` (F, V) is False: a copy, unless everything is valid."""
    if valid is None:
        return take
    seen = np.asarray(valid)
    shape = (len(take), take.n_vertices)
    if seen.dtype != np.bool_:
        raise TypeError(f"`valid` must hold booleans, got {seen.dtype} values")
    if seen.shape != shape:
        raise ValueError(f"`valid` must have shape (F, V) = {shape}, got {seen.shape}")
    if seen.all():
        return take
    positions = np.array(take.positions)
    positions[~seen] = np.nan
    return take.with_positions(positions)
