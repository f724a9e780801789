"""What every edit is: data that says what should change, and an application of it to a performance.

An edit never holds positions of the take it changes. Applied, it adds displacements in head space to a block of frames
(`Block.delta`); `mien.recombine` puts them under the head. A new kind of edit is one module with one subclass of `Edit`
and one line in `edit_list.KINDS`.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core
from mien.editing.documents import EditWriter, Fields
from mien.values.performance import Performance
from mien.values.rig import Rig

__all__ = ["Application", "Block", "Edit", "Scene", "Steps"]

Float64 = npt.NDArray[np.float64]


class Block(NamedTuple):
    """Frames ``start ...`` of a take under their head, and what edits have added to them so far.

    Attributes
    ----------
    start : int
        Index of the first frame in the take.
    take : (n, V, 3) float32 or float64
        Positions in world space.
    rotation, translation : (n, 3, 3) and (n, 3) float64
        Head → world.
    planes : (n, 3, V) float64
        Displacements in head space, for each frame all x, then y, then z, as the kernels want them. An application
        adds to them, only within its own frames and weights.
    """

    start: int
    take: npt.NDArray[Any]
    rotation: Float64
    translation: Float64
    planes: Float64

    @classmethod
    def of(cls, performance: Performance, start: int, stop: int, planes: Float64) -> Block:
        """Return a range of frames, sharing memory; `planes` has room for them and holds zeros."""
        head = performance.head
        return cls(
            start,
            performance.take.positions[start:stop],
            head.rotation[start:stop],
            head.translation[start:stop],
            planes[: stop - start],
        )

    @property
    def delta(self) -> Float64:
        """The displacements as vectors, (n, V, 3): a view to add to."""
        return self.planes.transpose(0, 2, 1)

    def of_frames(self, start: int, per_frame: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return what belongs to this block's frames out of values for frames ``start ...`` of the take."""
        first = self.start - start
        return per_frame[first : first + len(self.take)]

    def current(self) -> Float64:
        """Return the expression as edits so far have left it, (n, V, 3) in head space; a copy."""
        expression = np.empty(self.take.shape)
        _core.apply_rigid_inverse(self.take.astype(np.float64), self.rotation, self.translation, expression)
        return expression + self.delta


@dataclasses.dataclass(frozen=True)
class Steps:
    """The `add` of an application that is made of steps of the core, which one pass over the take can carry out.

    Parameters
    ----------
    start : int
        The application's first frame.
    of : callable
        Gives the steps for a range of the application's frames, counted from `start`.
    made : bool
        Whether arrays are made for the steps, frame by frame, so that they are best asked for in small blocks.
    """

    start: int
    of: Callable[[slice], Sequence[_core.EditStep]]
    made: bool = False

    def between(self, start: int, stop: int) -> Sequence[_core.EditStep]:
        """Return the steps for frames of the take."""
        return self.of(slice(start - self.start, stop - self.start))

    def __call__(self, block: Block) -> None:
        """Add the steps to a block."""
        for step in self.between(block.start, block.start + len(block.take)):
            _core.accumulate(block.take, block.rotation, block.translation, step, block.planes)


@dataclasses.dataclass(frozen=True)
class Application:
    """An edit worked out on one performance.

    Parameters
    ----------
    start, stop : int
        The half-open range of frames it may touch.
    weights : (V,) float64 or None
        Zero for the vertices it never touches; None when it may touch all.
    add : callable
        Called with blocks that lie in the range, in any order; adds to ``block.delta``. What it adds to a frame must
        not depend on which other frames are in the block. `Steps` are fastest.
    """

    start: int
    stop: int
    weights: Float64 | None
    add: Callable[[Block], None]


class Scene(NamedTuple):
    """What an edit may look at when it is worked out.

    Attributes
    ----------
    performance : Performance
        What is edited.
    current : callable
        Gives the expression at a frame as the edits before this one leave it, (V, 3) float64 in head space.
    """

    performance: Performance
    current: Callable[[int], Float64]


class Edit(abc.ABC):
    """One change to a performance. Immutable; checked when made as far as it can be, and fully when applied."""

    kind: ClassVar[str]
    """What the edit is called in files."""

    @property
    def sources(self) -> tuple[Performance | Rig, ...]:
        """Performances and rigs it reads besides the performance it changes."""
        return ()

    @abc.abstractmethod
    def apply_to(self, scene: Scene) -> Application:
        """Work the edit out on a performance.

        Raises
        ------
        ValueError
            The edit does not fit the performance.
        """

    @abc.abstractmethod
    def to_fields(self, writer: EditWriter) -> dict[str, Any]:
        """Return the edit's fields as JSON values, without its kind; frames and places go through `writer`."""

    @classmethod
    @abc.abstractmethod
    def from_fields(cls, fields: Fields) -> Edit:
        """Read what `to_fields` gave, from fields that also name the place in the file."""
