"""Take noise out of the expression, and leave blinks and plosives."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.editing.documents import EditWriter, Fields
from mien.editing.edits import Application, Block, Edit, Scene
from mien.editing.recipes import (
    Envelope,
    Region,
    checked_envelope,
    checked_region,
    frame_weights,
    vertex_weights,
)
from mien.geometry.smoothing import (
    SMOOTHERS,
    Neighbours,
    NoiseLevel,
    frames_for,
    noise_level,
    odd_window,
    smooth_in_place,
)

__all__ = ["Smooth"]

Float64 = npt.NDArray[np.float64]

# Frames are filtered in groups that begin at multiples of this, whatever blocks they are asked for in.
_GROUP = 32


@dataclasses.dataclass(frozen=True, eq=False)
class Smooth(Edit):
    """Filter the expression in time: ``current + w e (smoothed - current)``.

    Parameters
    ----------
    method : {"savgol", "bilateral", "variational"}
        See `mien.smooth_frames`.
    window : int
        Frames that take part, odd, at least 5.
    noise : float, optional
        Standard deviation of a coordinate's noise, scene units; by default measured on the take as captured. What is
        faster than noise stays: a larger number smooths away more.
    region : (V,) floats in [0, 1] or RegionRecipe, optional
        Vertex weights w; None is everywhere.
    envelope : (F,) floats in [0, 1] or EnvelopeRecipe, optional
        Frame weights e; None is always.

    Notes
    -----
    Edits before this one are seen. Only frames within half a window (two windows for the variational method) are held
    in memory.
    """

    kind: ClassVar[str] = "smooth"

    method: str = "savgol"
    _: dataclasses.KW_ONLY
    window: int = 25
    noise: float | None = None
    region: Region = None
    envelope: Envelope = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "method", _validate.one_of("method", self.method, SMOOTHERS))
        object.__setattr__(self, "window", odd_window("window", self.window))
        if self.noise is not None:
            object.__setattr__(self, "noise", _validate.number("noise", self.noise, least=0))
        object.__setattr__(self, "region", checked_region(self.region))
        object.__setattr__(self, "envelope", checked_envelope(self.envelope))

    def apply_to(self, scene: Scene) -> Application:
        """Work the smoothing out on a performance."""
        performance = scene.performance
        weights = vertex_weights(self.region, performance)
        start, stop, factors = frame_weights(self.envelope, len(performance))
        neighbours = Neighbours.of(performance.take.topology)
        level = noise_level(performance.take.positions, performance.head, neighbours, self.noise)
        groups = _Groups(scene, self.method, self.window, level, weights, neighbours)

        def add(block: Block) -> None:
            shares = block.of_frames(start, factors)
            for i in np.flatnonzero(shares):
                step = shares[i] * groups.step(block.start + int(i))
                if weights is not None:
                    step *= weights[groups.inside, None]
                block.planes[i][:, groups.inside] += np.where(
                    np.isfinite(step).all(axis=1, keepdims=True), step, 0
                ).T

        return Application(start, stop, weights, add)

    def to_fields(self, writer: EditWriter) -> dict[str, Any]:
        """Return the edit as JSON values."""
        noise = {} if self.noise is None else {"noise": self.noise}
        return {
            "method": self.method,
            "window": self.window,
            **noise,
            **writer.places(self.region, self.envelope),
        }

    @classmethod
    def from_fields(cls, fields: Fields) -> Smooth:
        """Read what `to_fields` gave."""
        return cls(
            fields.take("method", "savgol"),
            window=fields.take("window", 25),
            noise=fields.take("noise", None),
            region=fields.region(),
            envelope=fields.envelope(),
        )


class _Groups:
    """What smoothing adds to each frame inside the region; the last groups and the frames around them are kept."""

    def __init__(
        self,
        scene: Scene,
        method: str,
        window: int,
        level: NoiseLevel,
        weights: Float64 | None,
        neighbours: Neighbours,
    ) -> None:
        within = np.ones(scene.performance.take.n_vertices, bool) if weights is None else weights > 0
        around = neighbours.around(within)
        self.inside = np.flatnonzero(within)
        self._scene, self._method, self._window, self._level = scene, method, window, level
        self._around = np.flatnonzero(around)
        self._own = within[self._around]
        self._neighbours = neighbours.among(around)
        self._frames: collections.OrderedDict[int, Float64] = collections.OrderedDict()
        self._steps: collections.OrderedDict[int, Float64] = collections.OrderedDict()

    def step(self, frame: int) -> Float64:
        """Return smoothed minus current at a frame, for the vertices inside."""
        group = frame // _GROUP
        if group not in self._steps:
            self._steps[group] = self._computed(group)
            if len(self._steps) > 2:
                self._steps.popitem(last=False)
        out: Float64 = self._steps[group][frame - group * _GROUP]
        return out

    def _computed(self, group: int) -> Float64:
        n = len(self._scene.performance)
        begin, end = group * _GROUP, min((group + 1) * _GROUP, n)
        first, last = frames_for(begin, end, n, self._window, self._method)
        smoothed = np.stack([self._frame(f) for f in range(first, last)])
        before = smoothed[begin - first : end - first][:, self._own]
        smooth_in_place(smoothed, self._neighbours, self._method, self._window, self._level)
        for f in [f for f in self._frames if not first <= f < last]:
            del self._frames[f]
        out: Float64 = smoothed[begin - first : end - first][:, self._own] - before
        return out

    def _frame(self, frame: int) -> Float64:
        if frame not in self._frames:
            self._frames[frame] = self._scene.current(frame)[self._around]
        return self._frames[frame]
