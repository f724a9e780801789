"""Swap left and right of the expression, or put one side on both."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.editing.documents import EditWriter, Fields
from mien.editing.edits import Application, Block, Edit, Scene
from mien.editing.gradients import COMPOSITIONS, relaid
from mien.editing.recipes import (
    Envelope,
    FrameWeights,
    Region,
    checked_envelope,
    checked_region,
    frame_weights,
    vertex_weights,
)
from mien.geometry import regions
from mien.geometry.symmetry import METHODS, Symmetry, symmetry
from mien.values.topology import Topology

__all__ = ["Mirror"]

Float64 = npt.NDArray[np.float64]

# The seam between an original and a mirrored half, as a share of the face's width.
_SEAM = 0.05


@dataclasses.dataclass(frozen=True, eq=False)
class Mirror(Edit):
    """Mirror the departure from the neutral: ``current + w e (neutral + mirrored departure - current)``.

    Parameters
    ----------
    side : int, optional
        A vertex on the side that is put on both; None swaps the sides.
    region : (V,) floats in [0, 1] or RegionRecipe, optional
        Vertex weights: where the mirrored expression goes; None is everywhere.
    envelope : (F,) floats in [0, 1] or EnvelopeRecipe, optional
        Frame weights; None is always.
    seam : float, optional
        With `side`: over how wide a strip in the middle the sides run into each other, scene units; by default a
        twentieth of the face's width.
    method : {"auto", "topology", "position"}
        How left and right are found on the neutral; see `mien.symmetry`.
    compose : {"head", "gradients"}
        In head space; or laid on the surface around what changes, which must leave some alone (`side` or `region`), and
        bent to meet it there: then the head does not matter.

    Notes
    -----
    Only the departure from the neutral is mirrored: a crooked nose stays crooked. Vertices without a partner keep what
    they do.
    """

    kind: ClassVar[str] = "mirror"

    side: int | None = None
    _: dataclasses.KW_ONLY
    region: Region = None
    envelope: Envelope = None
    seam: float | None = None
    method: str = "auto"
    compose: str = "head"

    def __post_init__(self) -> None:
        if self.side is not None:
            object.__setattr__(self, "side", _validate.index("side", self.side, least=0))
        if self.seam is not None:
            object.__setattr__(self, "seam", _validate.number("seam", self.seam, least=0))
        object.__setattr__(self, "method", _validate.one_of("method", self.method, METHODS))
        object.__setattr__(self, "compose", _validate.one_of("compose", self.compose, COMPOSITIONS))
        object.__setattr__(self, "region", checked_region(self.region))
        object.__setattr__(self, "envelope", checked_envelope(self.envelope))

    def apply_to(self, scene: Scene) -> Application:
        """Work the mirroring out on a performance."""
        performance = scene.performance
        neutral = performance.neutral.astype(np.float64)
        found = self._symmetry(performance.take.topology, neutral)
        weights = np.where(found.partner >= 0, 1.0, 0.0)
        within = vertex_weights(self.region, performance)
        if within is not None:
            weights = weights * within
        if self.side is not None:
            weights = weights * self._receiving(found, neutral, self.side)
        start, stop, factors = frame_weights(self.envelope, len(performance))
        if self.compose == "gradients":

            def goal(shape: Float64) -> Float64:
                departure = shape - neutral
                mirrored = shape + (found.mirror(departure[None])[0] - departure)
                return np.where((found.partner >= 0)[:, None], mirrored, shape)

            return relaid(scene, weights, FrameWeights(start, stop, factors), goal)
        reached = np.flatnonzero(weights)
        pull = weights[reached, None]

        def add(block: Block) -> None:
            departure = block.current() - neutral
            step = found.mirror(departure)[:, reached] - departure[:, reached]
            step *= pull * block.of_frames(start, factors)[:, None, None]
            block.delta[:, reached] += np.where(np.isfinite(step).all(axis=2, keepdims=True), step, 0.0)

        return Application(start, stop, weights, add)

    def _symmetry(self, topology: Topology, neutral: Float64) -> Symmetry:
        """Find left and right, or take what this edit found when it was last applied; nothing takes longer."""
        kept: tuple[Topology, Float64, Symmetry] | None = self.__dict__.get("_found")
        if kept is None or kept[0] != topology or not np.array_equal(kept[1], neutral):
            kept = topology, neutral, symmetry(topology, neutral, method=self.method)
            self.__dict__["_found"] = kept
        return kept[2]

    def _receiving(self, found: Symmetry, neutral: Float64, side: int) -> Float64:
        """Weight the vertices that take over from the other side: 1 there, a half in the middle, 0 on `side`."""
        side = _validate.index("side", side, least=0, below=len(neutral))
        away = found.offset - neutral @ found.normal
        if not np.isfinite(away[side]) or found.partner[side] in (-1, side):
            raise ValueError(f"`side` must be a vertex to one side of the middle with a partner, got {side}")
        if away[side] > 0:
            away = -away
        seam = _SEAM * float(np.nanmax(away) - np.nanmin(away)) if self.seam is None else self.seam
        away = np.where(found.partner == np.arange(len(away)), 0.0, away)
        reach = np.sign(away) if seam == 0 else np.clip(2 * away / seam, -1.0, 1.0)
        return np.where(np.isfinite(reach), regions.ease(0.5 + 0.5 * np.nan_to_num(reach)), 0.0)

    def to_fields(self, writer: EditWriter) -> dict[str, Any]:
        """Return the edit as JSON values."""
        fields: dict[str, Any] = {} if self.side is None else {"side": self.side}
        if self.seam is not None:
            fields["seam"] = self.seam
        if self.method != "auto":
            fields["method"] = self.method
        if self.compose != "head":
            fields["compose"] = self.compose
        return {**fields, **writer.places(self.region, self.envelope)}

    @classmethod
    def from_fields(cls, fields: Fields) -> Mirror:
        """Read what `to_fields` gave."""
        return cls(
            fields.take("side", None),
            region=fields.region(),
            envelope=fields.envelope(),
            seam=fields.take("seam", None),
            method=fields.take("method", "auto"),
            compose=fields.take("compose", "head"),
        )
