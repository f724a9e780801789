"""Put an expression from other frames over existing ones."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien.editing.documents import EditWriter, Fields
from mien.editing.edits import Application, Edit, Scene, Steps
from mien.editing.gradients import COMPOSITIONS, pasted
from mien.editing.joins import BlendFrames, blend_of, checked_blend_or_auto
from mien.editing.recipes import (
    Envelope,
    FrameWeights,
    Region,
    checked_envelope,
    checked_region,
    vertex_weights,
)
from mien.editing.sources import (
    between_neutrals,
    check_topology,
    eased,
    into_head,
    read_taken,
    written_taken,
)
from mien.editing.times import ALIGNMENTS, checked_features, matched_times, towards_times
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
    length : int, optional
        How many frames they come to fill; by default as many as they are. Another number needs `align`.
    align : {"none", "linear", "dtw"}
        How their times meet those of the frames they replace: one by one; evenly; or by dynamic time warping, so that
        what both do happens when this take does it.
    features : (N,) integers, optional
        Vertices on which warping compares, such as the lips; by default the region.
    region : (V,) floats in [0, 1] or RegionRecipe, optional
        Vertex weights; None is everywhere.
    envelope : (F,) floats in [0, 1] or EnvelopeRecipe, optional
        Frame weights of this take, times the blend.
    blend : int or "auto"
        Frames of ease inside each end; 0 cuts hard. "auto": as few as leave no jump in velocity or acceleration that
        neither take nor source has.
    compose : {"head", "gradients"}
        The expression is pasted in head space; or laid on the surface around the region, which must leave some alone,
        and bent to meet it there: then neither head matters. Not with `align`.

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
    blend: BlendFrames = 8
    length: int | None = None
    align: str = "none"
    features: npt.ArrayLike | None = None
    compose: str = "head"

    def __post_init__(self) -> None:
        if self.source is not None:
            _validate.instance("source", self.source, Performance, "a Performance or None for this one")
        most = np.iinfo(np.int64).max if self.source is None else len(self.source)
        start, stop = _validate.frame_range("source_frames", self.source_frames, most)
        align = _validate.one_of("align", self.align, ALIGNMENTS)
        n = stop - start if self.length is None else _validate.index("length", self.length, least=1)
        if align == "none" and n != stop - start:
            raise ValueError(
                f"`length` must be {stop - start}, as many as source_frames, unless they are aligned, got {n}"
            )
        compose = _validate.one_of("compose", self.compose, COMPOSITIONS)
        if compose == "gradients" and align != "none":
            raise ValueError(f"`compose` must be 'head' where times are aligned, got {compose!r}")
        object.__setattr__(self, "blend", checked_blend_or_auto(self.blend, n))
        object.__setattr__(self, "source_frames", (start, stop))
        object.__setattr__(self, "features", checked_features(self.features))
        object.__setattr__(self, "at", _validate.index("at", self.at, least=0))
        object.__setattr__(self, "region", checked_region(self.region))
        object.__setattr__(self, "envelope", checked_envelope(self.envelope))

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
        start, stop = self.at, self.at + self._covered()
        if stop > len(performance):
            raise ValueError(
                f"`at` must leave room for {stop - start} frames in a take of {len(performance)}, got {self.at}"
            )
        weights = vertex_weights(self.region, performance)
        times = np.arange(first, last, dtype=np.float64)
        if self.align != "none":
            features = self.features
            assert features is None or isinstance(features, tuple)
            times = matched_times(
                source, performance, (first, last), (start, stop), self.align, features, weights
            )
        whole = eased(0, self.envelope, start, stop - start, len(performance))
        blend = blend_of(self.blend, source, performance, times, start, weights, whole)
        factors = eased(blend, self.envelope, start, stop - start, len(performance))
        if self.align != "none":
            return Application(
                start, stop, weights, towards_times(source, performance, times, start, weights, factors)
            )
        if self.compose == "gradients":
            return pasted(scene, source, times, weights, FrameWeights(start, stop, factors))
        turn, rest = between_neutrals(source, performance)
        matrix, offset = into_head(source.head[first:last], turn)
        positions = source.take.positions[first:last]

        def steps(at: slice) -> list[_core.EditStep]:
            return [
                _core.EditStep.towards_source(
                    positions[at], matrix[at], offset[at], rest, weights, factors[at]
                )
            ]

        return Application(start, stop, weights, Steps(start, steps))

    def _covered(self) -> int:
        return self.source_frames[1] - self.source_frames[0] if self.length is None else self.length

    def to_fields(self, writer: EditWriter) -> dict[str, Any]:
        """Return the edit as JSON values."""
        return {
            **written_taken(self, writer),
            **({} if self.length is None else {"length": self.length}),
            **({} if self.align == "none" else {"align": self.align}),
            **({} if self.features is None else {"features": list(np.asarray(self.features).tolist())}),
            **({} if self.compose == "head" else {"compose": self.compose}),
            **writer.places(self.region, self.envelope),
        }

    @classmethod
    def from_fields(cls, fields: Fields) -> Paste:
        """Read what `to_fields` gave."""
        return cls(
            **read_taken(fields),
            length=fields.take("length", None),
            align=fields.take("align", "none"),
            features=fields.take("features", None),
            compose=fields.take("compose", "head"),
            region=fields.region(),
            envelope=fields.envelope(),
        )
