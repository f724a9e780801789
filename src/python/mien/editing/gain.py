"""Scale the expression: hold it back or push it."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien.editing.components import amounts, principal_component, rig_component
from mien.editing.documents import EditWriter, Fields
from mien.editing.edits import Application, Block, Edit, Scene, Steps
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
from mien.values.performance import Performance
from mien.values.rig import Rig

__all__ = ["Gain"]

Float64 = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class Gain(Edit):
    """Scale the departure from the neutral: ``current + w e (1 - gain) (neutral - current)``.

    Along one component it is ``current + w e (gain - 1) a component``, where ``a`` is how far the departure goes
    along it.

    Parameters
    ----------
    gain : float
        How much of the expression is left: 0.4 keeps 40 %, 1 changes nothing, 1.5 pushes.
    region : (V,) floats in [0, 1] or RegionRecipe, optional
        Vertex weights w; None is everywhere.
    envelope : (F,) floats in [0, 1] or EnvelopeRecipe, optional
        Frame weights e; None is always.
    component : str, int or (V, 3) floats, optional
        What alone is scaled: a shape of `rig` by its name, a principal component of the take by its rank from 0 on, or
        displacements in head space. None is the whole expression.
    rig : Rig, optional
        Same topology; needed for a component by name, and laid over the neutral as in `Offset`.
    compose : {"head", "gradients"}
        In head space; or laid on the surface around the region, which must leave some alone, and bent to meet it there:
        then the head does not matter. Not along a component.

    Notes
    -----
    ``a`` is found by least squares over the region, for each frame by itself. Components that lie along others share
    what the face does: a jaw takes the lower lip's part with it.
    """

    kind: ClassVar[str] = "gain"

    gain: float
    _: dataclasses.KW_ONLY
    region: Region = None
    envelope: Envelope = None
    component: str | int | npt.ArrayLike | None = None
    rig: Rig | None = None
    compose: str = "head"

    def __post_init__(self) -> None:
        object.__setattr__(self, "gain", _validate.number("gain", self.gain))
        object.__setattr__(self, "region", checked_region(self.region))
        object.__setattr__(self, "envelope", checked_envelope(self.envelope))
        if self.rig is not None:
            _validate.instance("rig", self.rig, Rig, "a Rig")
        if isinstance(self.component, str):
            if self.rig is None:
                raise ValueError(f"`rig` must be given where `component` is a name, {self.component!r}")
            self.rig.index(self.component)
        elif self.rig is not None:
            raise ValueError("`rig` must come with the name of a shape as `component`")
        elif self.component is not None and np.ndim(self.component) == 0:
            object.__setattr__(self, "component", _validate.index("component", self.component, least=0))
        elif self.component is not None:
            component = _validate.floats("component", self.component, ("V", 3)).copy()
            if not component.any():
                raise ValueError("`component` must move something, got only zeros")
            component.flags.writeable = False
            object.__setattr__(self, "component", component)
        object.__setattr__(self, "compose", _validate.one_of("compose", self.compose, COMPOSITIONS))
        if self.compose == "gradients" and self.component is not None:
            raise ValueError("`compose` must be 'head' along a component, got 'gradients'")

    @property
    def sources(self) -> tuple[Rig, ...]:
        """The rig, where a component is named."""
        return () if self.rig is None else (self.rig,)

    def apply_to(self, scene: Scene) -> Application:
        """Work the gain out on a performance."""
        performance = scene.performance
        weights = vertex_weights(self.region, performance)
        start, stop, factors = frame_weights(self.envelope, len(performance))
        if self.component is not None:
            return self._along(self._direction(performance), performance, weights, start, stop, factors)
        if self.compose == "gradients":
            rest = performance.neutral.astype(np.float64)
            frames = FrameWeights(start, stop, factors)
            return relaid(scene, weights, frames, lambda shape: rest + self.gain * (shape - rest))
        neutral = np.ascontiguousarray(performance.neutral.T, dtype=np.float64)
        pull = factors * (1 - self.gain)

        def steps(at: slice) -> list[_core.EditStep]:
            return [_core.EditStep.towards_shape(neutral, weights, pull[at])]

        return Application(start, stop, weights, Steps(start, steps))

    def _direction(self, performance: Performance) -> Float64:
        if isinstance(self.component, str):
            assert self.rig is not None
            return rig_component(self.rig, self.component, performance)
        if isinstance(self.component, int):
            return principal_component(performance, self.component)
        assert self.component is not None
        return _validate.floats("component", self.component, ("V", 3), {"V": performance.take.n_vertices})

    def _along(
        self,
        direction: Float64,
        performance: Performance,
        weights: Float64 | None,
        start: int,
        stop: int,
        factors: Float64,
    ) -> Application:
        moved = np.where(direction.any(axis=1), 1.0, 0.0)
        reached = moved if weights is None else moved * weights
        displacement = np.ascontiguousarray(direction.T)
        neutral = performance.neutral.astype(np.float64)

        def add(block: Block) -> None:
            scale = block.of_frames(start, factors) * (self.gain - 1)
            scale = scale * amounts(block.current() - neutral, direction, reached)
            _core.accumulate_displacement(displacement, reached, scale, block.planes)

        return Application(start, stop, reached, add)

    def to_fields(self, writer: EditWriter) -> dict[str, Any]:
        """Return the edit as JSON values."""
        fields: dict[str, Any] = {"gain": self.gain, **writer.places(self.region, self.envelope)}
        if self.component is not None:
            fields["component"] = (
                self.component
                if isinstance(self.component, (str, int))
                else np.asarray(self.component).tolist()
            )
        if self.rig is not None:
            fields["rig"] = writer.source(self.rig)
        if self.compose != "head":
            fields["compose"] = self.compose
        return fields

    @classmethod
    def from_fields(cls, fields: Fields) -> Gain:
        """Read what `to_fields` gave."""
        gain, region, envelope = fields.take("gain"), fields.region(), fields.envelope()
        component = fields.take("component", None)
        return cls(
            gain,
            region=region,
            envelope=envelope,
            component=component,
            rig=fields.rig("rig") if isinstance(component, str) else None,
            compose=fields.take("compose", "head"),
        )
