"""Where and when an edit acts: arrays, or recipes that are worked out on the performance they are applied to."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.geometry import regions
from mien.values.performance import Performance

__all__ = [
    "Envelope",
    "EnvelopeRecipe",
    "FrameWeights",
    "Region",
    "RegionRecipe",
    "SimilarRecipe",
    "checked_envelope",
    "checked_region",
    "checked_vertices",
    "frame_weights",
    "vertex_weights",
]

Float64 = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class RegionRecipe:
    """A region by its seeds and radius, worked out on the neutral; see `mien.region`.

    Parameters
    ----------
    seeds : sequence of int
        Vertices in the middle of the region.
    radius : float
        Where the weight reaches 0, scene units, along the surface.
    falloff : {"smooth", "linear"}
        How it falls.
    hold : float
        Distance up to which the weight stays 1.
    """

    seeds: Sequence[int]
    radius: float
    falloff: str = "smooth"
    hold: float = 0.0

    def __post_init__(self) -> None:
        seeds = _validate.array("seeds", self.seeds, ("S",), np.int32)
        if seeds.size == 0 or seeds.min() < 0:
            raise ValueError(f"`seeds` must name at least one vertex, got {seeds.tolist()}")
        object.__setattr__(self, "seeds", tuple(seeds.tolist()))
        object.__setattr__(self, "radius", _validate.number("radius", self.radius, above=0))
        object.__setattr__(self, "falloff", _validate.one_of("falloff", self.falloff, regions.FALLOFFS))
        object.__setattr__(self, "hold", _validate.number("hold", self.hold, least=0))
        if self.hold >= self.radius:
            raise ValueError(f"`hold` must be below radius = {self.radius:g}, got {self.hold:g}")

    def weights(self, performance: Performance) -> Float64:
        """Return the region on a performance's neutral, (V,)."""
        return regions.region(
            performance.take.topology,
            performance.neutral,
            self.seeds,
            self.radius,
            falloff=self.falloff,
            hold=self.hold,
        )


@dataclasses.dataclass(frozen=True)
class EnvelopeRecipe:
    """An envelope by its frames, worked out on the length of the take; see `mien.envelope`.

    Parameters
    ----------
    start, end : int
        The last frame before and the first frame after the envelope, zero-based; may lie outside the take.
    peak : int or pair of int
        Where the weight is 1: one frame, or a range from its first to its last frame.
    """

    start: int
    peak: int | tuple[int, int]
    end: int

    def __post_init__(self) -> None:
        start, end = _validate.index("start", self.start), _validate.index("end", self.end)
        peak: int | tuple[int, int]
        if isinstance(self.peak, Sequence):
            if len(self.peak) != 2:
                raise ValueError(f"`peak` must be a frame or a pair of frames, got {len(self.peak)} values")
            peak = (_validate.index("peak[0]", self.peak[0]), _validate.index("peak[1]", self.peak[1]))
            first, last = peak
        else:
            first = last = peak = _validate.index("peak", self.peak)
        if not start < first <= last < end:
            raise ValueError(
                f"`start`, `peak` and `end` must be in order, got {start}, {self.peak} and {end}"
            )
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "peak", peak)
        object.__setattr__(self, "end", end)

    def weights(self, n_frames: int) -> Float64:
        """Return the envelope on a take of `n_frames`, (F,)."""
        return regions.envelope(n_frames, self.start, self.peak, self.end)


@dataclasses.dataclass(frozen=True, eq=False)
class SimilarRecipe:
    """An envelope by likeness: all frames whose expression, in the edit's region, is like that of one frame.

    Worked out on the take as captured, when the edit is applied; see `mien.similar_expressions`.

    Parameters
    ----------
    frame : int
        The frame that is looked for, zero-based.
    radius : float
        Root mean square distance at which the weight reaches 0, scene units.
    source : Performance, optional
        The take that the frame is of, when it is not the one that is edited.
    ease : int
        Frames over which the weight comes and goes at least.
    """

    frame: int
    radius: float
    source: Performance | None = None
    ease: int = 8

    def __post_init__(self) -> None:
        object.__setattr__(self, "frame", _validate.index("frame", self.frame, least=0))
        object.__setattr__(self, "radius", _validate.number("radius", self.radius, above=0))
        object.__setattr__(self, "ease", _validate.index("ease", self.ease, least=0))
        if self.source is not None:
            _validate.instance("source", self.source, Performance, "a Performance or None for this one")


Region: TypeAlias = npt.ArrayLike | RegionRecipe | None
Envelope: TypeAlias = npt.ArrayLike | EnvelopeRecipe | SimilarRecipe | None


class FrameWeights(NamedTuple):
    """The half-open range of frames an edit touches, and their weights."""

    start: int
    stop: int
    weights: Float64


def _checked(name: str, letter: str, value: npt.ArrayLike) -> Float64:
    weights = _validate.unit_weights(name, value, letter, len(np.atleast_1d(np.asarray(value)))).copy()
    if not weights.any():
        raise ValueError(f"`{name}` must have a weight above 0 somewhere, got only zeros")
    weights.flags.writeable = False
    return weights


def checked_region(value: Region) -> Float64 | RegionRecipe | None:
    """Return a region as an edit keeps it: an array of its own that nobody can write to."""
    return value if value is None or isinstance(value, RegionRecipe) else _checked("region", "V", value)


def checked_envelope(value: Envelope) -> Float64 | EnvelopeRecipe | SimilarRecipe | None:
    """Return an envelope as an edit keeps it: an array of its own that nobody can write to."""
    if value is None or isinstance(value, (EnvelopeRecipe, SimilarRecipe)):
        return value
    return _checked("envelope", "F", value)


def checked_vertices(name: str, letter: str, value: npt.ArrayLike) -> npt.NDArray[np.int32]:
    """Return vertices, given by number or as (V,) booleans, as an edit keeps them; each once, from 0 on."""
    given = np.asarray(value)
    if given.dtype == np.bool_ and given.ndim == 1:
        given = np.flatnonzero(given)
    elif given.size == 0:
        given = given.astype(np.int32)
    found = _validate.array(name, given, (letter,), np.int32).copy()
    if found.size and found.min() < 0:
        raise ValueError(f"`{name}` must name vertices from 0 on, got {found.min()}")
    unique, count = np.unique(found, return_counts=True)
    if (count > 1).any():
        raise ValueError(f"`{name}` must name every vertex once, got vertex {unique[count > 1][0]} twice")
    found.flags.writeable = False
    return found


def vertex_weights(region: Region, performance: Performance) -> Float64 | None:
    """Work a region out on a performance: (V,), or None for everywhere."""
    if region is None:
        return None
    if isinstance(region, RegionRecipe):
        return region.weights(performance)
    return _validate.unit_weights("region", region, "V", performance.take.n_vertices)


def frame_weights(envelope: Envelope, n_frames: int) -> FrameWeights:
    """Work an envelope out on a take of `n_frames`."""
    if envelope is None:
        return FrameWeights(0, n_frames, np.ones(n_frames))
    if isinstance(envelope, EnvelopeRecipe):
        weights = envelope.weights(n_frames)
    elif isinstance(envelope, SimilarRecipe):
        raise TypeError("a likeness is turned into weights by `mien.recombine` before an edit is worked out")
    else:
        weights = _validate.unit_weights("envelope", envelope, "F", n_frames)
    touched = np.flatnonzero(weights)
    start, stop = int(touched[0]), int(touched[-1]) + 1
    return FrameWeights(start, stop, weights[start:stop])
