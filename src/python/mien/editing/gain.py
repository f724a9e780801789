"""Scale the expression: hold it back or push it."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np

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

__all__ = ["Gain"]


@dataclasses.dataclass(frozen=True, eq=False)
class Gain(Edit):
    """Scale the departure from the neutral: ``current + w e (1 - gain) (neutral - current)``.

    Parameters
    ----------
    gain : float
        How much of the expression is left: 0.4 keeps 40 %, 1 changes nothing, 1.5 pushes.
    region : (V,) floats in [0, 1] or RegionRecipe, optional
        Vertex weights w; None is everywhere.
    envelope : (F,) floats in [0, 1] or EnvelopeRecipe, optional
        Frame weights e; None is always.
    """

    kind: ClassVar[str] = "gain"

    gain: float
    _: dataclasses.KW_ONLY
    region: Region = None
    envelope: Envelope = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "gain", _validate.number("gain", self.gain))
        object.__setattr__(self, "region", checked_region(self.region))
        object.__setattr__(self, "envelope", checked_envelope(self.envelope))

    def apply_to(self, scene: Scene) -> Application:
        """Work the gain out on a performance."""
        performance = scene.performance
        weights = vertex_weights(self.region, performance)
        start, stop, factors = frame_weights(self.envelope, len(performance))
        neutral = np.ascontiguousarray(performance.neutral.T, dtype=np.float64)
        pull = factors * (1 - self.gain)

        def add(block: Block) -> None:
            _core.accumulate_towards_shape(
                block.take,
                block.rotation,
                block.translation,
                neutral,
                weights,
                block.of_frames(start, pull),
                block.planes,
            )

        return Application(start, stop, weights, add)

    def to_fields(self, writer: EditWriter) -> dict[str, Any]:
        """Return the edit as JSON values."""
        return {"gain": self.gain, **writer.places(self.region, self.envelope)}

    @classmethod
    def from_fields(cls, fields: Fields) -> Gain:
        """Read what `to_fields` gave."""
        return cls(fields.take("gain"), region=fields.region(), envelope=fields.envelope())
