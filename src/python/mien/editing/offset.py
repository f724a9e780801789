"""Add shapes of a rig by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.editing.components import onto_performance
from mien.editing.documents import EditWriter, Fields
from mien.editing.edits import Application, Block, Edit, Scene
from mien.editing.gradients import COMPOSITIONS, carried
from mien.editing.recipes import (
    Envelope,
    Region,
    checked_envelope,
    checked_region,
    frame_weights,
    vertex_weights,
)
from mien.values.rig import Rig

__all__ = ["Offset"]

Float64 = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class Offset(Edit):
    """Add blendshapes to the expression: ``current + w turn (rig(e weights) - rig neutral)``.

    Parameters
    ----------
    rig : Rig
        Same topology as the performance; its own neutral, pose and size of head do not matter.
    shapes : mapping of str to float or (F,) floats
        How much of each shape is added: a number, or a curve over the take's frames. Negative takes away.
    region : (V,) floats in [0, 1] or RegionRecipe, optional
        Vertex weights w; None is everywhere.
    envelope : (F,) floats in [0, 1] or EnvelopeRecipe, optional
        Frame weights e, which scale the weights of the shapes; None is always.
    compose : {"head", "gradients"}
        In head space; or every triangle of a shape on the neutral is stretched and turned as the take's is against the
        neutral: what is added turns with the skin under it, and does not depend on the head.

    Raises
    ------
    ValueError
        The rig has no such shape, or curves differ in length.

    Notes
    -----
    Correctives of the rig act by what is added, as the take's own weights are not known. The rig's neutral is laid over
    the performance's by robust rigid alignment with scale, which turns and sizes what is added.
    """

    kind: ClassVar[str] = "offset"

    rig: Rig
    shapes: Mapping[str, float | npt.ArrayLike]
    _: dataclasses.KW_ONLY
    region: Region = None
    envelope: Envelope = None
    compose: str = "head"

    def __post_init__(self) -> None:
        _validate.instance("rig", self.rig, Rig, "a Rig")
        _validate.instance("shapes", self.shapes, Mapping, "a mapping of names to weights")
        if not self.shapes:
            raise ValueError("`shapes` must name at least one shape, got none")
        table = self.rig.weights(self.shapes)
        kept: dict[str, Any] = {}
        for name, curve in self.shapes.items():
            column = table[:, self.rig.index(name)]
            kept[name] = float(column[0]) if np.ndim(curve) == 0 else column.copy()
            if np.ndim(curve):
                kept[name].flags.writeable = False
        object.__setattr__(self, "shapes", kept)
        object.__setattr__(self, "region", checked_region(self.region))
        object.__setattr__(self, "envelope", checked_envelope(self.envelope))
        object.__setattr__(self, "compose", _validate.one_of("compose", self.compose, COMPOSITIONS))

    @property
    def sources(self) -> tuple[Rig, ...]:
        """The rig."""
        return (self.rig,)

    def apply_to(self, scene: Scene) -> Application:
        """Work the offset out on a performance."""
        performance, n = scene.performance, len(scene.performance)
        turn = onto_performance(self.rig, performance)
        table = self.rig.weights(self.shapes)
        if len(table) not in (1, n):
            raise ValueError(f"`shapes` must have curves of F = {n} frames, got {len(table)}")
        start, stop, factors = frame_weights(self.envelope, n)
        table = np.broadcast_to(table, (n, table.shape[1]))[start:stop] * factors[:, None]
        reached = self._reached(vertex_weights(self.region, performance))
        if self.compose == "gradients":
            return self._carried(scene, turn, reached, start, factors)
        moving = self.rig.subset(self._involved()).with_neutral(np.zeros_like(self.rig.neutral))
        columns = [self.rig.index(name) for name in moving.names]

        def add(block: Block) -> None:
            weights = block.of_frames(start, table)[:, columns]
            added = moving.evaluate(weights, dtype=np.float64).positions
            for k in range(3):  # by elements: a BLAS product differs between machines in the last bit
                along = added[..., 0] * turn[k, 0] + added[..., 1] * turn[k, 1] + added[..., 2] * turn[k, 2]
                block.planes[:, k] += along * reached

        return Application(start, stop, reached, add)

    def _carried(
        self, scene: Scene, turn: Float64, reached: Float64, start: int, factors: Float64
    ) -> Application:
        """Act the take with the shapes added to the neutral: all in one where they are numbers, else one by one."""
        neutral, stop = scene.performance.neutral.astype(np.float64), start + len(factors)
        table = self.rig.weights(self.shapes)
        names = self._involved()
        if len(table) == 1:
            shapes, shares = table, factors[:, None]
        elif any(set(corrective.drivers) <= set(names) for corrective in self.rig.correctives):
            raise ValueError(
                "`shapes` must be numbers for gradients where the rig has correctives, got curves"
            )
        else:
            columns = [self.rig.index(name) for name in names]
            shapes = np.zeros((len(names), table.shape[1]))
            shapes[range(len(names)), columns] = 1.0
            shares = table[start:stop, columns] * factors[:, None]
        rest = self.rig.with_neutral(np.zeros_like(self.rig.neutral))
        targets = []
        for added in rest.evaluate(shapes, dtype=np.float64).positions:
            turned = [sum(added[:, j] * turn[k, j] for j in range(3)) * reached for k in range(3)]
            targets.append(neutral + np.stack(turned, axis=1))
        return carried(scene, neutral, targets, start, stop, shares)

    def _involved(self) -> list[str]:
        return [name for name in self.rig.names if name in self.shapes]

    def _reached(self, weights: npt.NDArray[np.float64] | None) -> npt.NDArray[np.float64]:
        """Return the region cut down to the vertices that the shapes and their correctives move."""
        moved = np.zeros(self.rig.n_vertices)
        involved = self._involved()
        for name in involved:
            moved[self.rig.sparse(name).vertices] = 1.0
        for corrective in self.rig.correctives:
            if all(driver in involved for driver in corrective.drivers):
                moved[corrective.sparse.vertices] = 1.0
        return moved if weights is None else moved * weights

    def to_fields(self, writer: EditWriter) -> dict[str, Any]:
        """Return the edit as JSON values."""
        return {
            "rig": writer.source(self.rig),
            "shapes": {name: writer.curve(curve) for name, curve in self.shapes.items()},
            **({} if self.compose == "head" else {"compose": self.compose}),
            **writer.places(self.region, self.envelope),
        }

    @classmethod
    def from_fields(cls, fields: Fields) -> Offset:
        """Read what `to_fields` gave."""
        return cls(
            fields.rig("rig"),
            fields.curves("shapes"),
            region=fields.region(),
            envelope=fields.envelope(),
            compose=fields.take("compose", "head"),
        )
