"""Handles are moved and the surface follows, at a frame or along a path."""

from __future__ import annotations

import collections
import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien.editing.documents import EditWriter, Fields
from mien.editing.edits import Application, Edit, Scene, Steps
from mien.editing.recipes import (
    Envelope,
    EnvelopeRecipe,
    Region,
    checked_envelope,
    checked_region,
    checked_vertices,
    frame_weights,
    vertex_weights,
)
from mien.geometry import regions
from mien.geometry.deform.arap import ArapDeformer
from mien.geometry.deform.laplacian import LaplacianDeformer
from mien.values.performance import Performance
from mien.values.topology import Topology

__all__ = ["Drag"]

Float64 = npt.NDArray[np.float64]

_SOLVERS = ("laplacian", "biharmonic", "arap")
_SPACES = ("offset", "head", "world")
# Without an envelope the drag comes and goes over this many frames before the first and after the last frame.
_EASE_FRAMES = 8
# Without region and anchors, how far from the handles the surface follows, relative to the neutral's diagonal.
_REACH = 0.15
_ROTATION_PASSES = 2
_ARAP_ITERATIONS = 20
_KEPT_FIELDS = 8


class _Surface(NamedTuple):
    """What depends on the face and not on the targets: how far each vertex follows, and a factorisation."""

    topology: Topology
    neutral: Float64
    weights: Float64
    deformer: LaplacianDeformer | None


class _Kept:
    """The last factorisations, shared by drags that differ in their targets only."""

    def __init__(self) -> None:
        self.surface: _Surface | None = None
        self.arap: tuple[Float64, ArapDeformer] | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Drag(Edit):
    """Move handles; the surface around them follows and anchors hold: ``current + w e displacement``.

    Parameters
    ----------
    frame : int or (K,) int
        The frame at which the handles are moved, zero-based; or K rising frames of a path.
    handles : (H,) int
        Vertices that are moved.
    targets : (H, 3) floats, or (K, H, 3) for a path
        How far each handle is moved, scene units in head space; or where to, see `space`.
    anchors : (A,) int or (V,) bool, optional
        Vertices that stay.
    region : (V,) floats in [0, 1] or RegionRecipe, optional
        Vertex weights: where the surface follows, and how far. They are scaled so that the handles come to 1. Without
        region and anchors the surface follows up to 0.15 of the neutral's diagonal away from the handles.
    envelope : (F,) floats in [0, 1] or EnvelopeRecipe, optional
        Frame weights, 1 wherever handles are moved; by default 8 frames of ease before the first and after the last.
    solver : {"laplacian", "biharmonic", "arap"}
        "biharmonic": a thin plate is bent; linear in the targets. "laplacian": likewise, but details turn with the
        surface. "arap": as rigid as possible, the slowest and the best for large turns.
    space : {"offset", "head", "world"}
        What targets are: displacements in head space, or positions without or with the head of their frame.

    Raises
    ------
    TypeError, ValueError
        Frames do not rise, handles repeat or are anchors, targets are not finite or do not have one point a handle.

    Notes
    -----
    Each frame of the path is solved once, on the expression that the edits before left there (what is missing is
    taken from the neutral); the frames between and around get combinations of these displacements: along quintics
    through the path's frames with the velocities of Catmull and Rom, which rest at both ends. Handles are met
    exactly. Parts of the surface that are not joined to a handle stay.

    The factorisation is made when the drag is first applied, and kept for `with_targets`: so a mouse move costs
    back-substitutions only. "arap" factors once for each frame of the path.

    References
    ----------
    Botsch, Kobbelt 2004, An intuitive framework for real-time freeform modeling, ACM TOG 23(3).
    Lipman, Sorkine, Cohen-Or, Levin, Rössl, Seidel 2004, Differential coordinates for interactive mesh editing, SMI.
    Sorkine, Alexa 2007, As-rigid-as-possible surface modeling, Symposium on Geometry Processing.
    """

    kind: ClassVar[str] = "drag"

    frame: int | Sequence[int]
    handles: npt.ArrayLike
    targets: npt.ArrayLike
    _: dataclasses.KW_ONLY
    anchors: npt.ArrayLike | None = None
    region: Region = None
    envelope: Envelope = None
    solver: str = "laplacian"
    space: str = "offset"

    def __post_init__(self) -> None:
        object.__setattr__(self, "frame", _checked_frame(self.frame))
        handles = checked_vertices("handles", "H", self.handles)
        if not len(handles):
            raise ValueError("`handles` must name at least one vertex, got none")
        object.__setattr__(self, "handles", handles)
        object.__setattr__(self, "targets", self._checked_targets(handles))
        if self.anchors is not None:
            anchors = checked_vertices("anchors", "A", self.anchors)
            both = np.intersect1d(handles, anchors)
            if both.size:
                raise ValueError(f"`anchors` must not name handles, got vertex {both[0]}")
            object.__setattr__(self, "anchors", anchors)
        object.__setattr__(self, "region", checked_region(self.region))
        object.__setattr__(self, "envelope", checked_envelope(self.envelope))
        object.__setattr__(self, "solver", _validate.one_of("solver", self.solver, _SOLVERS))
        object.__setattr__(self, "space", _validate.one_of("space", self.space, _SPACES))

    def _checked_targets(self, handles: npt.NDArray[np.int32]) -> Float64:
        sizes = {"H": len(handles)}
        if isinstance(self.frame, int):
            targets = _validate.array("targets", self.targets, ("H", 3), np.float64, sizes)
        else:
            sizes["K"] = len(self.frame)
            targets = _validate.array("targets", self.targets, ("K", "H", 3), np.float64, sizes)
        wrong = np.argwhere(~np.isfinite(targets).all(axis=-1))
        if wrong.size:
            k, h = (0, *wrong[0])[-2:]
            raise ValueError(
                f"`targets` must be finite, got {targets.reshape(-1, len(handles), 3)[k, h].tolist()} at frame "
                f"{self._frames()[k]} for handle {h} (vertex {handles[h]})"
            )
        targets = targets.copy()
        targets.flags.writeable = False
        return targets

    def _frames(self) -> tuple[int, ...]:
        return (self.frame,) if isinstance(self.frame, int) else tuple(self.frame)

    def with_targets(self, targets: npt.ArrayLike) -> Drag:
        """Return this drag with other targets, sharing its factorisation: for every move of the mouse."""
        moved = dataclasses.replace(self, targets=targets)
        moved.__dict__["_factors"] = self._kept
        return moved

    @property
    def _kept(self) -> _Kept:
        kept: _Kept = self.__dict__.setdefault("_factors", _Kept())
        return kept

    def apply_to(self, scene: Scene) -> Application:
        """Work the drag out on a performance."""
        performance, n = scene.performance, len(scene.performance)
        frames = self._frames()
        for frame in frames:
            _validate.index("frame", frame, least=0, below=n)
        envelope = self.envelope
        if envelope is None:
            envelope = EnvelopeRecipe(
                frames[0] - _EASE_FRAMES, (frames[0], frames[-1]), frames[-1] + _EASE_FRAMES
            )
        start, stop, factors = frame_weights(envelope, n)
        for frame in frames:
            there = factors[frame - start] if start <= frame < stop else 0.0
            if there != 1:
                raise ValueError(
                    f"`envelope` must be 1 at frame {frame}, where handles are moved, got {there:g}"
                )
        shares = factors[:, None] * _path(np.array(frames, np.float64), np.arange(start, stop))
        surface = self._surface(performance)
        field = _kept(lambda k: np.ascontiguousarray(self._displacement(scene, surface, k).T))

        def steps(at: slice) -> list[_core.EditStep]:
            table = shares[at]
            return [
                _core.EditStep.displacement(field(int(k)), surface.weights, np.ascontiguousarray(table[:, k]))
                for k in np.flatnonzero(table.any(axis=0))
            ]

        return Application(start, stop, surface.weights, Steps(start, steps))

    def displacements(self, scene: Scene) -> Float64:
        """Return what the drag adds at each of its frames, (K, V, 3) in head space: what to show under the mouse."""
        surface = self._surface(scene.performance)
        found = np.empty((len(self._frames()), *surface.neutral.shape))
        for k, field in enumerate(found):
            np.multiply(self._displacement(scene, surface, k), surface.weights[:, None], out=field)
        return found

    def _surface(self, performance: Performance) -> _Surface:
        kept, topology = self._kept.surface, performance.take.topology
        if (
            kept is not None
            and kept.topology == topology
            and np.array_equal(kept.neutral, performance.neutral)
        ):
            return kept
        neutral = np.ascontiguousarray(performance.neutral, np.float64)
        weights = self._weights(performance, neutral)
        deformer = None
        if self.solver != "arap":
            deformer = LaplacianDeformer(
                topology,
                neutral,
                self.handles,
                weights == 0,
                kind="bilaplacian",
                rotation_passes=_ROTATION_PASSES if self.solver == "laplacian" else 0,
            )
        self._kept.surface = _Surface(topology, neutral, weights, deformer)
        return self._kept.surface

    def _weights(self, performance: Performance, neutral: Float64) -> Float64:
        """Return how far each vertex follows: 1 at handles, 0 at anchors and where nothing can reach."""
        topology, handles = performance.take.topology, np.asarray(self.handles)
        for name in ("handles", "anchors"):
            vertices = getattr(self, name)
            if vertices is not None and len(vertices) and vertices.max() >= topology.n_vertices:
                raise ValueError(
                    f"`{name}` must name vertices below V = {topology.n_vertices}, got {vertices.max()}"
                )
        given = vertex_weights(self.region, performance)
        if given is not None:
            there = given[handles]
            if not there.all():
                raise ValueError(
                    f"`region` must be above 0 at handles, got 0 at vertex {handles[int(np.argmin(there))]}"
                )
            weights = np.minimum(given / there.min(), 1.0)
        elif self.anchors is None:
            diagonal = float(np.linalg.norm(np.nanmax(neutral, axis=0) - np.nanmin(neutral, axis=0)))
            weights = regions.region(topology, neutral, handles, _REACH * diagonal)
        else:
            weights = np.ones(topology.n_vertices)
        joined = np.isfinite(regions.geodesic_distance(topology, neutral, handles))
        weights = np.where(joined, weights, 0.0)
        if self.anchors is not None:
            weights[np.asarray(self.anchors)] = 0.0
        return weights

    def _displacement(self, scene: Scene, surface: _Surface, k: int) -> Float64:
        """Return how far every vertex is moved at the k-th frame before weights, (V, 3)."""
        handles, frame = np.asarray(self.handles), self._frames()[k]
        moves = np.asarray(self.targets).reshape(-1, len(handles), 3)[k]
        if self.solver == "biharmonic" and self.space == "offset":
            base = surface.neutral
        else:
            current = scene.current(frame)
            there = np.isfinite(current)
            base = (
                current
                if there.all()
                else np.where(there.all(axis=1, keepdims=True), current, surface.neutral)
            )
        if self.space == "world":
            moves = scene.performance.head[frame].apply_inverse(moves)[0]
        if self.space != "offset":
            moves = moves - base[handles]
        if self.solver == "biharmonic":
            assert surface.deformer is not None
            out: Float64 = surface.deformer.solve(moves, np.zeros_like(base))
            return out
        goal = base[handles] + moves
        moved = (
            surface.deformer.solve(goal, base)
            if surface.deformer
            else self._arap(surface, base).solve(goal, _ARAP_ITERATIONS)
        )
        moved -= base
        moved[handles] = moves
        return moved

    def _arap(self, surface: _Surface, base: Float64) -> ArapDeformer:
        kept = self._kept.arap
        if kept is not None and np.array_equal(kept[0], base):
            return kept[1]
        deformer = ArapDeformer(
            surface.topology,
            base,
            self.handles,
            anchors=surface.weights == 0,
            weights="clamped",
        )
        self._kept.arap = base, deformer
        return deformer

    def to_fields(self, writer: EditWriter) -> dict[str, Any]:
        """Return the edit as JSON values."""
        frames = [writer.frame(f) for f in self._frames()]
        fields: dict[str, Any] = {
            "frame": frames[0] if isinstance(self.frame, int) else frames,
            "solver": self.solver,
            "space": self.space,
            "handles": np.asarray(self.handles).tolist(),
            "targets": np.asarray(self.targets).tolist(),
        }
        if self.anchors is not None:
            fields["anchors"] = np.asarray(self.anchors).tolist()
        return {**fields, **writer.places(self.region, self.envelope)}

    @classmethod
    def from_fields(cls, fields: Fields) -> Drag:
        """Read what `to_fields` gave."""
        return cls(
            fields.frames("frame"),
            fields.numbers("handles"),
            fields.numbers("targets"),
            anchors=fields.numbers("anchors", None),
            region=fields.region(),
            envelope=fields.envelope(),
            solver=fields.take("solver", "laplacian"),
            space=fields.take("space", "offset"),
        )


def _checked_frame(frame: int | Sequence[int]) -> int | tuple[int, ...]:
    if np.ndim(frame) == 0:
        return _validate.index("frame", frame, least=0)
    frames = tuple(_validate.index(f"frame[{i}]", f, least=0) for i, f in enumerate(frame))  # type: ignore[arg-type]
    if not frames or any(b <= a for a, b in itertools.pairwise(frames)):
        raise ValueError(f"`frame` must be a frame or frames that rise, got {list(frames)}")
    return frames


def _path(keys: Float64, frames: npt.NDArray[Any]) -> Float64:
    """Return what each key's value counts for at each frame, (n, K): quintics between keys, constant outside them."""
    count = len(keys)
    values = np.eye(count)
    if count == 1:
        return np.ones((len(frames), 1))
    width = np.diff(keys)[:, None]
    secant = np.diff(values, axis=0) / width
    velocity = np.zeros((count, count))
    before, after = width[:-1], width[1:]
    velocity[1:-1] = (after * secant[:-1] + before * secant[1:]) / (before + after)
    at = np.clip(frames, keys[0], keys[-1])
    i = np.clip(np.searchsorted(keys, at, side="right") - 1, 0, count - 2)
    t = (at[:, None] - keys[i][:, None]) / width[i]
    cube = t**3
    there = cube * (10 + t * (6 * t - 15))
    leave, arrive = t + cube * (t * (8 - 3 * t) - 6), cube * (t * (7 - 3 * t) - 4)
    bends = leave * velocity[i] + arrive * velocity[i + 1]
    shares: Float64 = (1 - there) * values[i] + there * values[i + 1] + width[i] * bends
    return shares


def _kept(make: Callable[[int], Float64]) -> Callable[[int], Float64]:
    """Return `make` with its last few results kept."""
    fields: collections.OrderedDict[int, Float64] = collections.OrderedDict()

    def get(k: int) -> Float64:
        if k not in fields:
            fields[k] = make(k)
            if len(fields) > _KEPT_FIELDS:
                fields.popitem(last=False)
        return fields[k]

    return get
