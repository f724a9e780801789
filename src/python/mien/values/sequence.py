"""A take: one topology and its vertices over time."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy.typing as npt

from mien import _validate
from mien.values.topology import Topology

__all__ = ["MeshSequence"]


@dataclasses.dataclass(frozen=True, eq=False)
class MeshSequence:
    """A sequence of meshes that share one topology.

    Parameters
    ----------
    topology : Topology
        How the vertices are joined.
    positions : (F, V, 3) float32 or float64
        Vertices in scene units. May be a memory map. Kept without a copy when every frame is C-contiguous; seen
        through a read-only view. A vertex whose coordinates are NaN is missing in that frame.
    fps : float
        Frames per second.
    start_frame : int
        Number of the first frame in the shot; indices stay zero-based.
    metres_per_unit : float, optional
        Length of a scene unit; None when the source does not say.
    up_axis : {"y", "z"}, optional
        Which way is up; None when the source does not say.
    name : str
        What the object is called in formats that name objects.

    Raises
    ------
    TypeError
        `positions` are not float32 or float64.
    ValueError
        Shapes do not fit, or a rate or unit is not positive.
    """

    topology: Topology
    positions: npt.NDArray[Any]
    fps: float = 24.0
    start_frame: int = 0
    metres_per_unit: float | None = None
    up_axis: str | None = None
    name: str = "take"

    def __post_init__(self) -> None:
        _validate.instance("topology", self.topology, Topology, "a Topology")
        positions = _validate.points(
            "positions", self.positions, ("F", "V", 3), {"V": self.topology.n_vertices}
        ).view()
        positions.flags.writeable = False
        object.__setattr__(self, "positions", positions)
        object.__setattr__(self, "fps", _validate.number("fps", self.fps, above=0))
        object.__setattr__(self, "start_frame", _validate.index("start_frame", self.start_frame))
        if self.metres_per_unit is not None:
            unit = _validate.number("metres_per_unit", self.metres_per_unit, above=0)
            object.__setattr__(self, "metres_per_unit", unit)
        if self.up_axis is not None:
            _validate.one_of("up_axis", self.up_axis, ("y", "z"))

    @property
    def n_frames(self) -> int:
        """How many frames there are."""
        return len(self.positions)

    @property
    def n_vertices(self) -> int:
        """How many vertices each frame has."""
        return self.topology.n_vertices

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, frames: slice) -> MeshSequence:
        """Return a range of frames that shares memory; `start_frame` follows, and `fps` follows the step."""
        _validate.instance("frames", frames, slice, "a slice")
        start, _, step = frames.indices(len(self))
        if step < 1:
            raise ValueError(f"`frames` must have a step of at least 1, got {step}")
        return dataclasses.replace(
            self, positions=self.positions[frames], start_frame=self.start_frame + start, fps=self.fps / step
        )

    def with_positions(self, positions: npt.NDArray[Any]) -> MeshSequence:
        """Return the same take with other positions; rate, unit, axis, names and topology stay."""
        return dataclasses.replace(self, positions=positions)

    def __repr__(self) -> str:
        return f"MeshSequence({len(self)} frames from {self.start_frame}, {self.n_vertices} vertices, {self.fps:g} fps)"
