"""Put the performance on a changed neutral: an aged or younger sculpt, another face."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.editing.documents import EditWriter, Fields
from mien.editing.edits import Application, Edit, Scene
from mien.editing.gradients import carried
from mien.editing.recipes import (
    Envelope,
    Region,
    checked_envelope,
    checked_region,
    frame_weights,
    vertex_weights,
)
from mien.geometry.alignment import align_frames

__all__ = ["Neutral"]

Float64 = npt.NDArray[np.float64]

_ALIGNMENTS = ("none", "rigid", "similarity")


@dataclasses.dataclass(frozen=True, eq=False)
class Neutral(Edit):
    """Act the performance with another face: ``current + e (carried - current)``.

    Parameters
    ----------
    neutral : (V, 3) floats
        The changed neutral, of the same topology: a sculpt over the performance's own, or another actor's.
    region : (V,) floats in [0, 1] or RegionRecipe, optional
        How much of the change of each vertex is taken; None is all of it.
    envelope : (F,) floats in [0, 1] or EnvelopeRecipe, optional
        Frame weights; None is always.
    align : {"none", "rigid", "similarity"}
        The changed neutral lies in this head space already; or it is moved onto the performance's neutral, robustly,
        and with "similarity" made as large.

    Notes
    -----
    Deformation transfer: every triangle of the changed neutral is stretched and turned as the take's is against the
    performance's neutral, so details follow the surface and sizes scale with the face. Vertices where both neutrals
    are the same (to 1e-6 of the diagonal) keep their bits and anchor the rest; connected parts without any move as far
    as they did, times the ratio of the faces' sizes. Every vertex must be there in every frame.

    References
    ----------
    Sumner, Popović 2004, Deformation transfer for triangle meshes, ACM Trans. Graph. 23(3).
    """

    kind: ClassVar[str] = "neutral"

    neutral: npt.ArrayLike
    _: dataclasses.KW_ONLY
    region: Region = None
    envelope: Envelope = None
    align: str = "none"

    def __post_init__(self) -> None:
        shape = _validate.floats("neutral", self.neutral, ("V", 3)).copy()
        shape.flags.writeable = False
        object.__setattr__(self, "neutral", shape)
        object.__setattr__(self, "region", checked_region(self.region))
        object.__setattr__(self, "envelope", checked_envelope(self.envelope))
        object.__setattr__(self, "align", _validate.one_of("align", self.align, _ALIGNMENTS))

    def apply_to(self, scene: Scene) -> Application:
        """Work the change out on a performance."""
        source = scene.performance.neutral.astype(np.float64)
        target = self._target(source, vertex_weights(self.region, scene.performance))
        start, stop, factors = frame_weights(self.envelope, len(scene.performance))
        return carried(scene, source, [target], start, stop, factors[:, None])

    def _target(self, source: Float64, weights: Float64 | None) -> Float64:
        """Return the neutral that is acted: the changed one, aligned, as far as the region goes."""
        shape: Float64 = _validate.floats("neutral", self.neutral, ("V", 3), {"V": len(source)})
        if self.align != "none":
            fit = align_frames(
                shape[None], source, robust=True, missing=True, scale=self.align == "similarity"
            )
            # shape = scale rotation source + translation, undone; by elements, as BLAS differs between machines.
            apart = shape - fit.translation[0]
            turn = fit.rotation[0] / (fit.scale[0] if self.align == "similarity" else 1.0)
            shape = apart[:, :1] * turn[0] + apart[:, 1:2] * turn[1] + apart[:, 2:] * turn[2]
        return shape if weights is None else source + weights[:, None] * (shape - source)

    def to_fields(self, writer: EditWriter) -> dict[str, Any]:
        """Return the edit as JSON values."""
        return {
            "align": self.align,
            **writer.places(self.region, self.envelope),
            "neutral": np.asarray(self.neutral).tolist(),
        }

    @classmethod
    def from_fields(cls, fields: Fields) -> Neutral:
        """Read what `to_fields` gave."""
        return cls(
            fields.numbers("neutral"),
            align=fields.take("align", "none"),
            region=fields.region(),
            envelope=fields.envelope(),
        )
