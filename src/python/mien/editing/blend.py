"""Blend between two takes of the same line."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.editing.documents import EditWriter, Fields
from mien.editing.edits import Application, Edit, Scene
from mien.editing.gradients import COMPOSITIONS, pasted
from mien.editing.joins import blend_of, checked_blend_or_auto
from mien.editing.recipes import (
    Envelope,
    FrameWeights,
    Region,
    checked_envelope,
    checked_region,
    vertex_weights,
)
from mien.editing.sources import check_topology, eased
from mien.editing.times import ALIGNMENTS, checked_features, matched_times, towards_times
from mien.values.performance import Performance

__all__ = ["Blend"]


@dataclasses.dataclass(frozen=True, eq=False)
class Blend(Edit):
    """Mix with the expression of another take, moment for moment: ``current + w e amount (source(time) - current)``.

    Parameters
    ----------
    source : Performance
        Another take of the same line: same topology, any length, dtype and head.
    source_frames : (int, int)
        The half-open range of its frames.
    frames : (int, int)
        The half-open range of this take's frames that say the same.
    amount : float or (F,) floats in [0, 1]
        How much of the other take: a number, or a curve over this take's frames.
    align : {"dtw", "linear"}
        Whether times meet by dynamic time warping, so that what both do happens when this take does it, or evenly.
    features : (N,) integers, optional
        Vertices on which warping compares, such as the lips; by default the region.
    region : (V,) floats in [0, 1] or RegionRecipe, optional
        Vertex weights w; None is everywhere.
    envelope : (F,) floats in [0, 1] or EnvelopeRecipe, optional
        Frame weights e, times the blend.
    blend : int or "auto"
        Frames of ease inside each end; 0 cuts hard. "auto": as few as leave no jump in velocity or acceleration that
        neither take has.
    compose : {"head", "gradients"}
        In head space; or laid on the surface around the region, which must leave some alone, and bent to meet it there:
        then this take's head does not matter, and the other's only between its frames.

    Notes
    -----
    Head and timing stay those of this take. Warped times run at half to twice the speed, and are means over five frames
    of the path that costs least (mean squared difference of the expressions).

    References
    ----------
    Sakoe, Chiba 1978, Dynamic programming algorithm optimization for spoken word recognition, IEEE TASSP 26(1);
    Malleson et al. 2015, FaceDirector: continuous control of facial performance in video, ICCV.
    """

    kind: ClassVar[str] = "blend"

    source: Performance
    _: dataclasses.KW_ONLY
    source_frames: tuple[int, int]
    frames: tuple[int, int]
    amount: float | npt.ArrayLike = 0.5
    align: str = "dtw"
    features: npt.ArrayLike | None = None
    region: Region = None
    envelope: Envelope = None
    blend: int | str = 8
    compose: str = "head"

    def __post_init__(self) -> None:
        _validate.instance("source", self.source, Performance, "a Performance")
        most = np.iinfo(np.int64).max
        own = _validate.frame_range("source_frames", self.source_frames, len(self.source))
        frames = _validate.frame_range("frames", self.frames, most)
        amount: Any
        if np.ndim(self.amount) == 0:
            amount = _validate.number("amount", self.amount, least=0, most=1)
        else:
            amount = _validate.unit_weights("amount", self.amount, "F", len(np.asarray(self.amount))).copy()
            amount.flags.writeable = False
        object.__setattr__(self, "source_frames", own)
        object.__setattr__(self, "frames", frames)
        object.__setattr__(self, "amount", amount)
        object.__setattr__(self, "align", _validate.one_of("align", self.align, ALIGNMENTS[1:]))
        object.__setattr__(self, "features", checked_features(self.features))
        object.__setattr__(self, "compose", _validate.one_of("compose", self.compose, COMPOSITIONS))
        object.__setattr__(self, "region", checked_region(self.region))
        object.__setattr__(self, "envelope", checked_envelope(self.envelope))
        object.__setattr__(self, "blend", checked_blend_or_auto(self.blend, frames[1] - frames[0]))

    @property
    def sources(self) -> tuple[Performance, ...]:
        """The other take."""
        return (self.source,)

    def times(self, performance: Performance) -> npt.NDArray[np.float64]:
        """Return the frame of the source, perhaps between frames, that belongs to each of `frames`."""
        check_topology(self.source, performance)
        frames = _validate.frame_range("frames", self.frames, len(performance))
        weights = vertex_weights(self.region, performance)
        features = self.features
        assert features is None or isinstance(features, tuple)
        return matched_times(
            self.source, performance, self.source_frames, frames, self.align, features, weights
        )

    def apply_to(self, scene: Scene) -> Application:
        """Work the blend out on a performance."""
        performance, n = scene.performance, len(scene.performance)
        times = self.times(performance)
        start, stop = self.frames
        amount: Any = self.amount
        if np.ndim(amount):
            amount = _validate.unit_weights("amount", amount, "F", n)[start:stop]
        weights = vertex_weights(self.region, performance)
        whole = eased(0, self.envelope, start, stop - start, n) * amount
        blend = blend_of(self.blend, self.source, performance, times, start, weights, whole)
        factors = eased(blend, self.envelope, start, stop - start, n)
        if self.compose == "gradients":
            return pasted(scene, self.source, times, weights, FrameWeights(start, stop, factors * amount))
        return Application(
            start,
            stop,
            weights,
            towards_times(self.source, performance, times, start, weights, factors * amount),
        )

    def to_fields(self, writer: EditWriter) -> dict[str, Any]:
        """Return the edit as JSON values."""
        features = {} if self.features is None else {"features": np.asarray(self.features).tolist()}
        return {
            "source": writer.source(self.source),
            "source_frames": [writer.source_frame(self.source, f) for f in self.source_frames],
            "frames": [writer.frame(f) for f in self.frames],
            "amount": writer.curve(self.amount),
            "align": self.align,
            **features,
            "blend": self.blend,
            **({} if self.compose == "head" else {"compose": self.compose}),
            **writer.places(self.region, self.envelope),
        }

    @classmethod
    def from_fields(cls, fields: Fields) -> Blend:
        """Read what `to_fields` gave."""
        name, source = fields.source("source")
        if source is None:
            raise fields.fail("source", "must name another take")
        return cls(
            source,
            source_frames=fields.source_frames("source_frames", name),
            frames=fields.source_frames("frames", "self"),
            amount=fields.curve("amount"),
            align=fields.take("align", "dtw"),
            features=fields.take("features", None),
            region=fields.region(),
            envelope=fields.envelope(),
            blend=fields.take("blend", 8),
            compose=fields.take("compose", "head"),
        )
