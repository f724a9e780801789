"""Put an expression from other frames over existing ones."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
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
from mien.editing.sources import between_neutrals, check_topology, into_head
from mien.geometry import regions
from mien.values.performance import Performance

__all__ = ["Paste"]

Float64 = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class Paste(Edit):
    """Replace the expression by that of other frames: ``current + w e (source - current)``.

    Parameters
    ----------
    source : Performance, optional
        Where the expression comes from: same topology, any length, dtype and head. None is the performance that is
        edited, as it was captured.
    source_frames : (int, int)
        The half-open range of frames of the source.
    at : int
        The frame that the first of them lands on, zero-based.
    region : (V,) floats in [0, 1] or RegionRecipe, optional
        Vertex weights; None is everywhere.
    envelope : (F,) floats in [0, 1] or EnvelopeRecipe, optional
        Frame weights of this take, times the blend.
    blend : int
        Frames of ease inside each end; 0 cuts hard.

    Raises
    ------
    ValueError
        The range is empty, or shorter than both blends.

    Notes
    -----
    Of another performance it is the departure from its own neutral that is pasted, turned as its neutral is turned
    against this one (robust rigid alignment of the neutrals): neither another head space nor another identity leaks
    in. Where the source has no finite position the expression stays.
    """

    kind: ClassVar[str] = "paste"

    source: Performance | None = None
    _: dataclasses.KW_ONLY
    source_frames: tuple[int, int]
    at: int
    region: Region = None
    envelope: Envelope = None
    blend: int = 8

    def __post_init__(self) -> None:
        if self.source is not None:
            _validate.instance("source", self.source, Performance, "a Performance or None for this one")
        most = np.iinfo(np.int64).max if self.source is None else len(self.source)
        start, stop = _validate.frame_range("source_frames", self.source_frames, most)
        blend = _validate.index("blend", self.blend, least=0)
        if 2 * blend > stop - start:
            raise ValueError(
                f"`blend` must leave room for both ends in {stop - start} frames, at most {(stop - start) // 2}, "
                f"got {blend}"
            )
        object.__setattr__(self, "source_frames", (start, stop))
        object.__setattr__(self, "at", _validate.index("at", self.at, least=0))
        object.__setattr__(self, "region", checked_region(self.region))
        object.__setattr__(self, "envelope", checked_envelope(self.envelope))
        object.__setattr__(self, "blend", blend)

    @property
    def sources(self) -> tuple[Performance, ...]:
        """The performance it pastes from, unless that is the one it changes."""
        return () if self.source is None else (self.source,)

    def apply_to(self, scene: Scene) -> Application:
        """Work the paste out on a performance."""
        performance = scene.performance
        source = performance if self.source is None else self.source
        check_topology(source, performance)
        first, last = _validate.frame_range("source_frames", self.source_frames, len(source))
        start, stop = self.at, self.at + last - first
        if stop > len(performance):
            raise ValueError(
                f"`at` must leave room for {last - first} frames in a take of {len(performance)}, got {self.at}"
            )
        factors = self._factors(len(performance))
        weights = vertex_weights(self.region, performance)
        turn, rest = between_neutrals(source, performance)
        matrix, offset = into_head(source.head[first:last], turn)
        positions = source.take.positions[first:last]

        def add(block: Block) -> None:
            _core.accumulate_towards(
                block.take,
                block.rotation,
                block.translation,
                block.of_frames(start, positions),
                block.of_frames(start, matrix),
                block.of_frames(start, offset),
                rest,
                weights,
                block.of_frames(start, factors),
                block.planes,
            )

        return Application(start, stop, weights, add)

    def _factors(self, n_frames: int) -> Float64:
        """Frame weights of the pasted frames: the blend times the envelope."""
        n = self.source_frames[1] - self.source_frames[0]
        steps = np.arange(1, n + 1) / (self.blend + 1)
        factors = regions.ease(np.minimum(1.0, np.minimum(steps, steps[::-1])))
        if self.envelope is None:
            return factors
        around = frame_weights(self.envelope, n_frames)
        whole = np.zeros(n_frames)
        whole[around.start : around.stop] = around.weights
        factors = factors * whole[self.at : self.at + n]
        if not factors.any():
            raise ValueError(
                f"`envelope` must be above 0 in frames {self.at} to {self.at + n - 1}, got zeros there"
            )
        return factors

    def to_fields(self, writer: EditWriter) -> dict[str, Any]:
        """Return the edit as JSON values."""
        name = writer.source(self.source)
        return {
            "source": name,
            "source_frames": [writer.source_frame(self.source, f) for f in self.source_frames],
            "at": writer.frame(self.at),
            "blend": self.blend,
            **writer.places(self.region, self.envelope),
        }

    @classmethod
    def from_fields(cls, fields: Fields) -> Paste:
        """Read what `to_fields` gave."""
        name, source = fields.source("source")
        return cls(
            source,
            source_frames=fields.source_frames("source_frames", name),
            at=fields.frame("at"),
            blend=fields.take("blend", 8),
            region=fields.region(),
            envelope=fields.envelope(),
        )
