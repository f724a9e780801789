"""Corrections at a few key frames, carried through the take by a solve over time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien.editing.documents import EditWriter, Fields
from mien.editing.edits import Application, Block, Edit, Scene
from mien.editing.recipes import Region, SimilarRecipe, checked_region, vertex_weights
from mien.editing.similarity import with_envelope_worked_out
from mien.editing.surface_frames import SurfaceFrames, combined
from mien.editing.timeline import TimelineEdit
from mien.editing.times import expressions_of
from mien.errors import NumericalError
from mien.geometry.keys import STIFFNESS, carry_keys
from mien.values.performance import Performance
from mien.values.rig import Rig

__all__ = ["Propagate"]

Float64 = npt.NDArray[np.float64]

_SPACES = ("head", "surface")


class _Carried(NamedTuple):
    """The frames that get something, from `start` on, and how much of each key's displacement: (n, K)."""

    start: int
    shares: Float64


@dataclasses.dataclass(frozen=True, eq=False)
class Propagate(Edit):
    """Carry what edits do at key frames to the frames between, so that velocities stay as near as can be.

    Parameters
    ----------
    keys : mapping of int to Edit, or to iterable of Edit
        For each key frame, zero-based, the edits that make it right, in order; they act on that frame alone. No edits:
        the face stays as it is at that frame.
    start, end : int, optional
        The last frame before and the first frame after those that change; they may lie outside the take. None goes on
        to the take's first or last frame.
    region : (V,) floats in [0, 1] or RegionRecipe, optional
        Vertex weights, times those of the edits; None is everywhere.
    space : {"head", "surface"}
        Whether a correction keeps its direction in head space, or turns with the skin on the frames around its key.
    stiffness : float
        In frames, over about how long changes set in; see `mien.carry_keys`.
    hide : float
        How much more a change may happen while the face moves fast, where it shows least: 0 is not at all, and with 10
        a change costs 11 times as much while nothing moves as at the mean speed.

    Raises
    ------
    TypeError, ValueError
        There is no key, one lies outside of `start` and `end`, or has an edit that lengthens or shortens the take.

    Notes
    -----
    What is added changes the velocities and accelerations of the take, in head space, by the least sum of squares that
    meets every key; see `mien.carry_keys`. One small factor in time serves all vertices: O(F K) for it, and for each
    frame as many additions of a displacement as there are keys. Speeds for `hide` are those of the vertices that
    change, in the take as captured. A vertex that is missing at a key is not displaced there.

    References
    ----------
    Xu, Zhou, Yu, Tan, Peng, Guo 2007, Gradient domain editing of deforming mesh sequences, ACM TOG 26(3).
    Seol, Lewis, Seo, Choi, Anjyo, Noh 2012, Spacetime expression cloning for blendshapes, ACM TOG 31(2).
    """

    kind: ClassVar[str] = "propagate"

    keys: Mapping[int, Edit | Iterable[Edit]]
    _: dataclasses.KW_ONLY
    start: int | None = None
    end: int | None = None
    region: Region = None
    space: str = "head"
    stiffness: float = STIFFNESS
    hide: float = 0.0

    def __post_init__(self) -> None:
        _validate.instance("keys", self.keys, Mapping, "a mapping of frames to edits")
        kept = {_validate.index("keys", frame, least=0): self.keys[frame] for frame in self.keys}
        listed = {frame: _edits_of(frame, kept[frame]) for frame in sorted(kept)}
        if not any(listed.values()):
            raise ValueError("`keys` must have a frame with an edit, got none")
        object.__setattr__(self, "keys", listed)
        for name in ("start", "end"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _validate.index(name, getattr(self, name)))
        if (self.start is not None and self.start >= min(listed)) or (
            self.end is not None and self.end <= max(listed)
        ):
            raise ValueError(
                f"`start` and `end` must enclose the keys {min(listed)} to {max(listed)}, "
                f"got {self.start} and {self.end}"
            )
        object.__setattr__(self, "region", checked_region(self.region))
        object.__setattr__(self, "space", _validate.one_of("space", self.space, _SPACES))
        object.__setattr__(self, "stiffness", _validate.number("stiffness", self.stiffness, least=0))
        object.__setattr__(self, "hide", _validate.number("hide", self.hide, least=0))

    @property
    def _listed(self) -> dict[int, tuple[Edit, ...]]:
        return self.keys  # type: ignore[return-value]

    @property
    def sources(self) -> tuple[Performance | Rig, ...]:
        """What the edits at the keys read."""
        inner = [edit for edits in self._listed.values() for edit in edits]
        envelopes = [getattr(edit, "envelope", None) for edit in inner]
        likenesses = [e.source for e in envelopes if isinstance(e, SimilarRecipe) and e.source is not None]
        return tuple({id(s): s for s in [*(s for e in inner for s in e.sources), *likenesses]}.values())

    def apply_to(self, scene: Scene) -> Application:
        """Work the corrections out at their frames, and how much of each every frame gets."""
        performance = scene.performance
        n = len(performance)
        for frame in self._listed:
            _validate.index("keys", frame, least=0, below=n)
        found = np.stack([_displacement(scene, frame, edits) for frame, edits in self._listed.items()])
        weights = np.where(found.any(axis=(0, 1)), 1.0, 0.0)
        region = vertex_weights(self.region, performance)
        weights = weights if region is None else weights * region
        carried = self._carried(performance, np.flatnonzero(weights))
        start, stop = carried.start, carried.start + len(carried.shares)
        if self.space == "surface":
            return self._riding(scene, found, weights, carried)

        def add(block: Block) -> None:
            table = block.of_frames(start, carried.shares)
            for k in np.flatnonzero(table.any(axis=0)):
                scale = np.ascontiguousarray(table[:, k])
                _core.accumulate_displacement(found[k], weights, scale, block.planes)

        return Application(start, stop, weights, add)

    def _carried(self, performance: Performance, vertices: npt.NDArray[np.int64]) -> _Carried:
        n = len(performance)
        cost = None
        if self.hide and n > 1:
            first = 0 if self.start is None else max(self.start, 0)
            last = n if self.end is None else min(self.end + 1, n)
            cost = np.ones(n - 1)
            cost[first : last - 1] = _costs(performance, vertices, first, last, self.hide)
        shares = carry_keys(
            n, list(self._listed), start=self.start, end=self.end, stiffness=self.stiffness, cost=cost
        )
        used = np.flatnonzero(shares.any(axis=1))
        return _Carried(int(used[0]), shares[used[0] : used[-1] + 1])

    def _riding(self, scene: Scene, found: Float64, weights: Float64, carried: _Carried) -> Application:
        performance, vertices = scene.performance, np.flatnonzero(weights)
        frames = SurfaceFrames(performance.take.topology, performance.neutral, vertices)
        here = [frames.at(scene.current(frame)) for frame in self._listed]
        inside = [np.ascontiguousarray(displacement[:, vertices].T) for displacement in found]
        pull = weights[vertices, None]

        def add(block: Block) -> None:
            table, current = block.of_frames(carried.start, carried.shares), block.current()
            for i in np.flatnonzero(table.any(axis=1)):
                now = frames.at(current[i])
                step = np.zeros((len(vertices), 3))
                for k in np.flatnonzero(table[i]):
                    turns = frames.turns(here[k], now)
                    step += table[i, k] * combined(turns.transpose(0, 2, 1), inside[k])
                step = np.where(np.isfinite(step).all(axis=1, keepdims=True), step, 0.0)
                block.planes[i][:, vertices] += (pull * step).T

        return Application(carried.start, carried.start + len(carried.shares), weights, add)

    def to_fields(self, writer: EditWriter) -> dict[str, Any]:
        """Return the edit as JSON values."""
        fields: dict[str, Any] = {
            name: writer.frame(getattr(self, name))
            for name in ("start", "end")
            if getattr(self, name) is not None
        }
        if self.space != "head":
            fields["space"] = self.space
        if self.stiffness != STIFFNESS:
            fields["stiffness"] = self.stiffness
        if self.hide:
            fields["hide"] = self.hide
        keys = [
            {
                "frame": writer.frame(frame),
                "edits": [{"edit": edit.kind, **edit.to_fields(writer)} for edit in edits],
            }
            for frame, edits in self._listed.items()
        ]
        return {**fields, **writer.places(self.region, None), "keys": keys}

    @classmethod
    def from_fields(cls, fields: Fields) -> Propagate:
        """Read what `to_fields` gave."""
        listed, begin = fields.take("keys"), fields.frame_zero()
        if not isinstance(listed, list):
            raise fields.fail("keys", "must be a list")
        keys: dict[int, Iterable[Edit]] = {}
        for i, value in enumerate(listed):
            key = Fields(f"{fields.place}.keys[{i}]", value)
            frame, edits = key.integer("frame") - begin, key.take("edits")
            if not isinstance(edits, list):
                raise key.fail("edits", "must be a list")
            if frame in keys:
                raise key.fail("frame", f"is {frame + begin}, which is there twice")
            key.done()
            keys[frame] = [fields.edit(f"keys[{i}].edits[{j}]", edit) for j, edit in enumerate(edits)]
        ends = {
            name: None if value is None else value - begin
            for name in ("start", "end")
            for value in [fields.integer(name, None)]
        }
        return cls(
            keys,
            **ends,
            region=fields.region(),
            space=fields.take("space", "head"),
            stiffness=fields.take("stiffness", STIFFNESS),
            hide=fields.take("hide", 0.0),
        )


def _edits_of(frame: int, given: Edit | Iterable[Edit]) -> tuple[Edit, ...]:
    edits = (given,) if isinstance(given, Edit) else tuple(given)
    for i, edit in enumerate(edits):
        _validate.instance(f"keys[{frame}][{i}]", edit, Edit, "an edit such as Sculpt, Drag or Offset")
        if isinstance(edit, TimelineEdit):
            raise ValueError(f"`keys` must have edits of a frame, got {edit.kind} at {frame}")
    return edits


def _displacement(scene: Scene, frame: int, edits: tuple[Edit, ...]) -> Float64:
    """Return what edits add at a frame, (3, V) in head space; zero where they add nothing or a vertex is missing."""
    performance = scene.performance

    def done(at: int, applied: tuple[Application, ...]) -> tuple[Block, Float64]:
        block = Block.of(performance, at, at + 1, np.zeros((1, 3, performance.take.n_vertices)))
        before = (scene.current(at) - block.current()[0]).T
        before = np.where(np.isfinite(before), before, 0.0)
        block.planes[0] = before
        for application in applied:
            if application.start <= at < application.stop:
                application.add(block)
        return block, before

    applied: tuple[Application, ...] = ()
    for i, edit in enumerate(edits):

        def current(at: int, so_far: tuple[Application, ...] = applied) -> Float64:
            expression: Float64 = done(at, so_far)[0].current()[0]
            return expression

        try:
            application = with_envelope_worked_out(edit, performance).apply_to(Scene(performance, current))
        except (NumericalError, ValueError) as error:
            kind = NumericalError if isinstance(error, NumericalError) else ValueError
            raise kind(f"keys[{frame}][{i}] ({edit.kind}): {error}") from error
        if not application.start <= frame < application.stop:
            raise ValueError(
                f"keys[{frame}][{i}] ({edit.kind}) must act on frame {frame}, "
                f"got one for frames {application.start} to {application.stop - 1}"
            )
        applied = (*applied, application)
    block, before = done(frame, applied)
    moved = block.planes[0] - before
    return np.ascontiguousarray(np.where(np.isfinite(moved).all(axis=0), moved, 0.0))


def _costs(
    performance: Performance, vertices: npt.NDArray[np.int64], first: int, last: int, hide: float
) -> Float64:
    """Return how dear changes between frames from `first` to `last` are, by how fast vertices move."""
    own = expressions_of(performance, performance)
    squares = np.zeros(max(last - first - 1, 0))
    before = own(np.array([first]), vertices)[0]
    for f in range(first + 1, last):
        here = own(np.array([f]), vertices)[0]
        step = here - before
        moved = step[:, 0] ** 2 + step[:, 1] ** 2 + step[:, 2] ** 2
        there = np.isfinite(moved)
        squares[f - first - 1] = np.add.reduce(np.where(there, moved, 0.0)) / max(int(there.sum()), 1)
        before = here
    mean = float(np.add.reduce(squares)) / max(len(squares), 1)
    if mean == 0:
        return np.ones(len(squares))
    return (1 + hide) / (1 + hide * (squares / mean))
