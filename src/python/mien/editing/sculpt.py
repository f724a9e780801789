"""A corrected shape for one frame, carried to the frames around it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien.editing.documents import EditWriter, Fields
from mien.editing.edits import Application, Block, Edit, Scene, Steps
from mien.editing.gradients import COMPOSITIONS, carried
from mien.editing.recipes import (
    Envelope,
    EnvelopeRecipe,
    Region,
    checked_envelope,
    checked_region,
    frame_weights,
    vertex_weights,
)
from mien.editing.surface_frames import SurfaceFrames, combined
from mien.values.performance import Performance

__all__ = ["Sculpt"]

Float64 = npt.NDArray[np.float64]

_SPACES = ("world", "head", "surface")
# Without an envelope the shape comes and goes over this many frames on each side.
_EASE_FRAMES = 8


@dataclasses.dataclass(frozen=True, eq=False)
class Sculpt(Edit):
    """Meet a shape at one frame, and carry the difference to other frames: ``current + w e (shape - current_frame)``.

    Parameters
    ----------
    frame : int
        The frame at which the shape is met, zero-based.
    shape : (V, 3) floats
        What the face shall look like there.
    envelope : (F,) floats in [0, 1] or EnvelopeRecipe, optional
        Frame weights, 1 at `frame`; by default 8 frames of ease on each side.
    region : (V,) floats in [0, 1] or RegionRecipe, optional
        Vertex weights; None is everywhere.
    space : {"world", "head", "surface"}
        Where the shape lies: with the head of that frame, or without. With "surface" it lies in the world, and the
        difference turns with the skin: a wrinkle stays upright on a cheek that swings out.
    compose : {"head", "gradients"}
        Other frames get the displacement of this one in head space; or every triangle of the shape is stretched and
        turned as the take's is against this frame, anchored on the vertices that are not sculpted: the correction
        turns with the skin under it, and neither depends on the head.

    Notes
    -----
    The difference is a displacement in head space (with "surface": in each vertex's own frame of normal and tangents,
    of the expression as it is at each frame), found after the edits before this one. Vertices that are missing
    at `frame` are not displaced.
    """

    kind: ClassVar[str] = "sculpt"

    frame: int
    shape: npt.ArrayLike
    _: dataclasses.KW_ONLY
    envelope: Envelope = None
    region: Region = None
    space: str = "world"
    compose: str = "head"

    def __post_init__(self) -> None:
        object.__setattr__(self, "frame", _validate.index("frame", self.frame, least=0))
        shape = _validate.floats("shape", self.shape, ("V", 3)).copy()
        shape.flags.writeable = False
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "envelope", checked_envelope(self.envelope))
        object.__setattr__(self, "region", checked_region(self.region))
        object.__setattr__(self, "space", _validate.one_of("space", self.space, _SPACES))
        object.__setattr__(self, "compose", _validate.one_of("compose", self.compose, COMPOSITIONS))

    def apply_to(self, scene: Scene) -> Application:
        """Work the sculpt out on a performance."""
        performance, n = scene.performance, len(scene.performance)
        frame = _validate.index("frame", self.frame, least=0, below=n)
        shape = _validate.floats("shape", self.shape, ("V", 3), {"V": performance.take.n_vertices})
        envelope = self.envelope
        if envelope is None:
            envelope = EnvelopeRecipe(frame - _EASE_FRAMES, frame, frame + _EASE_FRAMES)
        start, stop, factors = frame_weights(envelope, n)
        there = factors[frame - start] if start <= frame < stop else 0.0
        if there != 1:
            raise ValueError(f"`envelope` must be 1 at frame {frame}, where the shape is met, got {there:g}")
        weights = vertex_weights(self.region, performance)
        if self.space != "head":
            shape = performance.head[frame].apply_inverse(shape)[0]
        if self.compose == "gradients":
            source = scene.current(frame)
            target = shape if weights is None else source + weights[:, None] * (shape - source)
            return carried(scene, source, [target], start, stop, factors[:, None])
        displacement = np.ascontiguousarray((shape - scene.current(frame)).T)

        if self.space == "surface":
            return Application(
                start, stop, weights, self._riding(performance, scene, displacement, weights, start, factors)
            )

        def steps(at: slice) -> list[_core.EditStep]:
            return [_core.EditStep.displacement(displacement, weights, factors[at])]

        return Application(start, stop, weights, Steps(start, steps))

    def _riding(
        self,
        performance: Performance,
        scene: Scene,
        displacement: Float64,
        weights: Float64 | None,
        start: int,
        factors: Float64,
    ) -> Callable[[Block], None]:
        moved = np.isfinite(displacement).all(axis=0) & displacement.any(axis=0)
        vertices = np.flatnonzero(moved if weights is None else moved & (weights > 0))
        frames = SurfaceFrames(performance.take.topology, performance.neutral, vertices)
        here = frames.at(scene.current(self.frame))
        inside = np.ascontiguousarray(displacement[:, vertices].T)
        share = np.ones(len(vertices)) if weights is None else weights[vertices]

        def add(block: Block) -> None:
            scale, current = block.of_frames(start, factors), block.current()
            for i in np.flatnonzero(scale):
                turns = frames.turns(here, frames.at(current[i]))
                step = combined(turns.transpose(0, 2, 1), inside)
                step = np.where(np.isfinite(step).all(axis=1, keepdims=True), step, 0.0)
                block.planes[i][:, vertices] += (scale[i] * share[:, None] * step).T

        return add

    def to_fields(self, writer: EditWriter) -> dict[str, Any]:
        """Return the edit as JSON values."""
        return {
            "frame": writer.frame(self.frame),
            "space": self.space,
            **({} if self.compose == "head" else {"compose": self.compose}),
            **writer.places(self.region, self.envelope),
            "shape": np.asarray(self.shape).tolist(),
        }

    @classmethod
    def from_fields(cls, fields: Fields) -> Sculpt:
        """Read what `to_fields` gave."""
        return cls(
            fields.frame("frame"),
            fields.numbers("shape"),
            space=fields.take("space", "world"),
            compose=fields.take("compose", "head"),
            region=fields.region(),
            envelope=fields.envelope(),
        )
