"""Edits that make a take longer or shorter: frames inserted, frames removed."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.editing.documents import EditWriter, Fields
from mien.editing.edits import Application, Edit, Scene
from mien.editing.sources import check_topology, checked_blend, read_taken, written_taken
from mien.editing.times import expressions_of
from mien.geometry import regions
from mien.values.performance import Performance
from mien.values.rigid import RigidMotion

__all__ = ["Insert", "Remove", "TimelineEdit", "with_new_frames"]

Float64 = npt.NDArray[np.float64]

_HEADS = ("continue", "pause", "donor")


class TimelineEdit(Edit):
    """An edit after which the take has another number of frames.

    Edits after it count the new frames: the frame that was number 40 is number 52 once 12 were inserted before it, in
    the shot's own numbers as in indices. The take keeps its first frame's number. A paste from the performance itself
    takes from what this edit left.
    """

    @property
    @abc.abstractmethod
    def added_frames(self) -> int:
        """How many frames the take gains; negative when it loses some."""

    @abc.abstractmethod
    def lay_out(self, performance: Performance) -> Performance:
        """Return the performance on its new timeline; frames that stay as they are keep their bits."""

    def origins(self, n_frames: int) -> npt.NDArray[np.int64]:
        """Return for each frame of the new timeline which of the take's `n_frames` it is to the bit; -1 for none.

        For edits that `lay_out` could carry out on such a take. That no frame stays, as here, is always safe to say.
        """
        return np.full(n_frames + self.added_frames, -1, np.int64)

    def apply_to(self, scene: Scene) -> Application:
        """Not possible frame by frame: `mien.recombine` calls `lay_out` instead."""
        raise TypeError(f"{type(self).__name__} changes the timeline and is not applied frame by frame")


@dataclasses.dataclass(frozen=True, eq=False)
class Insert(TimelineEdit):
    """Lengthen the take by an expression from other frames.

    Parameters
    ----------
    source : Performance, optional
        Where the expression comes from: same topology, any length, dtype and head. None is the performance that is
        edited, as the edits before this one leave it.
    source_frames : (int, int)
        The half-open range of frames of the source; there will be as many new frames.
    at : int
        The frame before which they come, zero-based, from 1 to F - 1.
    head : {"continue", "pause", "donor"}
        What the head does in the new frames. It continues on its own path, as it went on after `at` and had come from
        before; it pauses, slowing down within the blend; or it moves as the head of the source did, from where it is.
    blend : int
        Frames at each end over which the new expression takes over from what the face was doing.

    Raises
    ------
    ValueError
        The range is empty, or shorter than both blends.

    Notes
    -----
    What a face was doing goes on for a moment: the blend at the start runs into the frames that really came next, the
    one at the end out of those that really came before, so velocities and accelerations are those of the take. Frames
    that were there keep their bits.
    """

    kind: ClassVar[str] = "insert"

    source: Performance | None = None
    _: dataclasses.KW_ONLY
    source_frames: tuple[int, int]
    at: int
    head: str = "continue"
    blend: int = 8

    def __post_init__(self) -> None:
        if self.source is not None:
            _validate.instance("source", self.source, Performance, "a Performance or None for this one")
        most = np.iinfo(np.int64).max if self.source is None else len(self.source)
        start, stop = _validate.frame_range("source_frames", self.source_frames, most)
        blend = checked_blend(self.blend, stop - start)
        object.__setattr__(self, "source_frames", (start, stop))
        object.__setattr__(self, "at", _validate.index("at", self.at, least=1))
        object.__setattr__(self, "head", _validate.one_of("head", self.head, _HEADS))
        object.__setattr__(self, "blend", blend)

    @property
    def sources(self) -> tuple[Performance, ...]:
        """The performance it takes from, unless that is the one it changes."""
        return () if self.source is None else (self.source,)

    @property
    def added_frames(self) -> int:
        """How many frames the take gains."""
        return self.source_frames[1] - self.source_frames[0]

    def lay_out(self, performance: Performance) -> Performance:
        """Return the performance with the new frames in it."""
        source = performance if self.source is None else self.source
        check_topology(source, performance)
        at = _validate.index("at", self.at, least=1, below=len(performance))
        first, stop = _validate.frame_range("source_frames", self.source_frames, len(source))
        n, last = stop - first, len(performance) - 1
        expression = expressions_of(source, performance)(np.arange(first, stop), slice(None))
        # What really came next, and what had really come before.
        next_frames = np.minimum(np.arange(at, at + n), last)
        previous = np.maximum(np.arange(at - n, at), 0)
        leave, arrive = _ends(n, self.blend)
        for i in np.flatnonzero(leave):
            expression[i] = _between(expression[i], _expression(performance, next_frames[i]), leave[i])
        for i in np.flatnonzero(arrive):
            expression[i] = _between(expression[i], _expression(performance, previous[i]), arrive[i])
        head = self._head_path(performance, source, next_frames, previous)
        confidence = source.confidence[first:stop]
        return _spliced(performance, at, at, expression, head, source.residual[first:stop], confidence)

    def origins(self, n_frames: int) -> npt.NDArray[np.int64]:
        """Return which frame of the take each frame is, -1 for the inserted ones."""
        return _joined(np.arange(n_frames), np.full(self.added_frames, -1, np.int64), self.at, self.at)

    def _head_path(
        self, performance: Performance, source: Performance, after: Any, before: Any
    ) -> RigidMotion:
        n = self.added_frames
        own = performance.head
        onward, back = own[after], own[before]
        over = regions.ease(np.arange(1, n + 1) / (n + 1))
        if self.head == "pause":
            slowing = _slowing(n, max(self.blend, 1))
            onward = own.slerp(np.minimum(self.at - 1 + slowing, len(own) - 1.0))
            back = own.slerp(np.maximum(self.at - slowing[::-1], 0.0))
        if self.head != "donor":
            return _mixed(onward, back, over)
        first, stop = self.source_frames
        path = source.head[first:stop]
        # Carried to where the head is at both ends, and the difference spread over the frames between.
        from_start = _carried(path, path[0], onward[0])
        to_end = _carried(path, path[-1], back[-1])
        return _mixed(from_start, to_end, over)

    def to_fields(self, writer: EditWriter) -> dict[str, Any]:
        """Return the edit as JSON values."""
        return {**written_taken(self, writer), "head": self.head}

    @classmethod
    def from_fields(cls, fields: Fields) -> Insert:
        """Read what `to_fields` gave."""
        return cls(**read_taken(fields), head=fields.take("head", "continue"))


@dataclasses.dataclass(frozen=True, eq=False)
class Remove(TimelineEdit):
    """Shorten the take: frames ``start`` to ``stop - 1`` go.

    Parameters
    ----------
    start, stop : int
        The half-open range of frames, zero-based; a frame must stay on both sides.
    blend : int
        The first frames after the cut, in which expression and head pass from what came next before the cut to what
        comes now; 0 cuts hard. Other frames keep their bits.
    """

    kind: ClassVar[str] = "remove"

    start: int
    stop: int
    _: dataclasses.KW_ONLY
    blend: int = 8

    def __post_init__(self) -> None:
        start, stop = _validate.frame_range("start, stop", (self.start, self.stop), np.iinfo(np.int64).max)
        if start < 1:
            raise ValueError("`start` must be at least 1, so that a frame stays before it, got 0")
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "stop", stop)
        object.__setattr__(self, "blend", _validate.index("blend", self.blend, least=0))

    @property
    def added_frames(self) -> int:
        """How many frames the take loses, below 0."""
        return self.start - self.stop

    def lay_out(self, performance: Performance) -> Performance:
        """Return the performance without the frames."""
        if self.stop >= len(performance):
            raise ValueError(
                f"`stop` must leave a frame after it, at most {len(performance) - 1}, got {self.stop}"
            )
        n = min(self.blend, len(performance) - self.stop)
        now, before = np.arange(self.stop, self.stop + n), np.arange(self.start, self.start + n)
        arrive = regions.ease(np.arange(1, n + 1) / (n + 1))
        expression = expressions_of(performance, performance)(now, slice(None))
        for i in range(n):
            expression[i] = _between(expression[i], _expression(performance, before[i]), 1 - arrive[i])
        head = _mixed(performance.head[before], performance.head[now], arrive)
        kept = slice(self.stop, self.stop + n)
        residual, confidence = performance.residual[kept], performance.confidence[kept]
        return _spliced(performance, self.start, self.stop + n, expression, head, residual, confidence)

    def origins(self, n_frames: int) -> npt.NDArray[np.int64]:
        """Return which frame of the take each frame is, -1 for those that blend after the cut."""
        n = min(self.blend, n_frames - self.stop)
        return _joined(np.arange(n_frames), np.full(n, -1, np.int64), self.start, self.stop + n)

    def to_fields(self, writer: EditWriter) -> dict[str, Any]:
        """Return the edit as JSON values."""
        return {"start": writer.frame(self.start), "stop": writer.frame(self.stop), "blend": self.blend}

    @classmethod
    def from_fields(cls, fields: Fields) -> Remove:
        """Read what `to_fields` gave."""
        return cls(fields.frame("start"), fields.frame("stop"), blend=fields.take("blend", 8))


def with_new_frames(performance: Performance, edits: Iterable[Edit]) -> Performance:
    """Return the performance with frames inserted and removed, and nothing else edited."""
    for edit in edits:
        if isinstance(edit, TimelineEdit):
            performance = edit.lay_out(performance)
    return performance


def _expression(performance: Performance, frame: int) -> Float64:
    positions = performance.take.positions[frame : frame + 1].astype(np.float64)
    out: Float64 = performance.head[frame : frame + 1].apply_inverse(positions)[0]
    return out


def _between(new: Float64, old: Float64, share: float) -> Float64:
    """Return ``new + share (old - new)``; a vertex that one of them misses is where the other has it."""
    mixed = new + share * (old - new)
    out: Float64 = np.where(np.isfinite(mixed), mixed, np.where(np.isfinite(new), new, old))
    return out


def _ends(n: int, blend: int) -> tuple[Float64, Float64]:
    """Return what is left of the old expression at the start and at the end of n new frames."""
    rising = regions.ease(np.minimum(1.0, np.arange(1, n + 1) / (blend + 1)))
    return 1 - rising, (1 - rising)[::-1]


def _slowing(n: int, over: int) -> Float64:
    """Return how far along its path something gets that stops within `over` frames, for n frames; starts at speed 1."""
    t = np.minimum(np.arange(1, n + 1) / (2 * over), 1.0)
    out: Float64 = 2 * over * (t - t**3 + 0.5 * t**4)
    return out


def _mixed(a: RigidMotion, b: RigidMotion, share: Float64) -> RigidMotion:
    """Return the motion on the way from `a` to `b`, frame by frame: the shortest turn, translations straight."""
    if not len(share):
        return a
    between = a.inverse() @ b
    vectors = between.rotation_vectors * share[:, None]
    angle = np.linalg.norm(vectors, axis=1, keepdims=True)
    axis = vectors / np.maximum(angle, np.finfo(float).tiny)
    quaternions = np.concatenate([axis * np.sin(angle / 2), np.cos(angle / 2)], axis=1)
    turned = a @ RigidMotion.from_quaternions(quaternions, np.zeros((len(share), 3)))
    translation = a.translation + share[:, None] * (b.translation - a.translation)
    return RigidMotion(turned.rotation, translation)


def _carried(path: RigidMotion, origin: RigidMotion, goal: RigidMotion) -> RigidMotion:
    """Return `path` as it moves a head that is at `goal` where it was at `origin`."""
    relative = origin.inverse() @ path
    return goal @ relative


def _spliced(
    performance: Performance,
    start: int,
    stop: int,
    expression: Float64,
    head: RigidMotion,
    residual: Float64,
    confidence: Float64,
) -> Performance:
    """Return the performance with new frames in the place of those from `start` to `stop`."""
    positions = performance.take.positions
    middle = head.apply(expression).astype(positions.dtype)
    own = performance.head

    def joined(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return _joined(a, b, start, stop)

    return dataclasses.replace(
        performance,
        take=performance.take.with_positions(joined(positions, middle)),
        head=RigidMotion(joined(own.rotation, head.rotation), joined(own.translation, head.translation)),
        residual=joined(performance.residual, residual),
        confidence=joined(performance.confidence, confidence),
    )


def _joined(a: npt.NDArray[Any], b: npt.NDArray[Any], start: int, stop: int) -> npt.NDArray[Any]:
    """Return `a` with `b` in the place of what is from `start` to `stop`."""
    return np.concatenate([a[:start], b, a[stop:]])
