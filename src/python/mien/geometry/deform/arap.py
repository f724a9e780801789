"""As-rigid-as-possible deformation of single shapes and whole sequences."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien.errors import NumericalError
from mien.values.topology import Topology

__all__ = ["ENERGIES", "WEIGHTS", "ArapDeformer", "Descent"]

Points = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]

ENERGIES = ("spokes", "spokes-and-rims")
WEIGHTS = ("cotangent", "clamped")


class Descent(NamedTuple):
    """A solution and how its energy fell.

    Attributes
    ----------
    positions : (F, V, 3) or (V, 3) floats
        As `ArapDeformer.solve` gives them.
    energy : (F, iterations + 1) or (iterations + 1,) float64
        At the start and after every iteration, in squared scene units; see `ArapDeformer.energy`.
    """

    positions: Points
    energy: Float64


class ArapDeformer:
    """Put handles where they are told and let every small neighbourhood follow by a movement as rigid as can be.

    The Laplacian of the free vertices is factored here, once; `solve` then takes single shapes or whole sequences.

    Parameters
    ----------
    topology : Topology
        Its faces are the surface, as fans of triangles; triangles without area count for nothing.
    neutral : (V, 3) float32 or float64
        The shape that is deformed, scene units.
    handles : (H,) integers
        The vertices that are moved; at least one, each once.
    anchors : (A,) integers or (V,) booleans, optional
        Vertices that stay where the neutral has them, such as the skull. A handle among them is a handle.
    energy : {"spokes", "spokes-and-rims"}
        What must stay rigid around a vertex: the edges at it, or those and the opposite ones of its triangles, which
        bends more like a surface does.
    weights : {"cotangent", "clamped"}
        Of the edges. Cotangents are negative where angles are obtuse; the energy of spokes then has no minimum, and
        shapes drift as iterations go on. "clamped" takes 0 for an angle's negative cotangent.
    dtype : float32 or float64, optional
        In which positions, rotations and the factor are kept; the factor is computed in float64 either way. Defaults
        to the dtype of `neutral`. float32 takes half the memory and follows float64 to 1e-6 of the neutral's diagonal
        where the energy has a minimum: with rims, clamped weights, or no negative cotangents.

    Raises
    ------
    ValueError
        There are no handles, one is named twice or does not exist, or the neutral is not finite.
    NumericalError
        The Laplacian is not positive definite.

    Notes
    -----
    Parts of the surface that no chain of triangles joins to a handle or an anchor stay where the neutral has them.
    Once made, it may be used from many threads at once. Memory O(V log V).

    References
    ----------
    Sorkine, Alexa 2007, As-rigid-as-possible surface modeling, Symposium on Geometry Processing.
    Chao, Pinkall, Sanan, Schröder 2010, A simple geometric model for elastic deformations, ACM Trans. Graph. 29(4).

    Examples
    --------
    >>> import numpy as np
    >>> strip = Topology.from_polygons([[0, 1, 3, 2], [2, 3, 5, 4]])
    >>> rest = np.array([[x, y, 0.0] for x in (0, 1, 2) for y in (0, 1)])
    >>> deformer = ArapDeformer(strip, rest, handles=[4, 5], anchors=[0, 1])
    >>> deformer.solve(rest[4:] + [0, 0, 0.5]).round(2)[2:4, 2].tolist()
    [0.25, 0.25]
    """

    __slots__ = ("_anchors", "_core", "_dtype", "_handles", "_n_vertices")

    def __init__(
        self,
        topology: Topology,
        neutral: npt.ArrayLike,
        handles: npt.ArrayLike,
        *,
        anchors: npt.ArrayLike | None = None,
        energy: str = "spokes",
        weights: str = "cotangent",
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        _validate.instance("topology", topology, Topology, "a Topology")
        n = topology.n_vertices
        shape = _finite("neutral", _validate.points("neutral", neutral, ("V", 3), {"V": n}), "vertex")
        moved = _vertices("handles", handles, n)
        if not len(moved):
            raise ValueError("`handles` must name at least one vertex, got none")
        repeated = np.flatnonzero(np.bincount(moved, minlength=n) > 1)
        if len(repeated):
            raise ValueError(f"`handles` must name each vertex once, got vertex {repeated[0]} more often")
        held = np.empty(0, np.int32) if anchors is None else _vertices("anchors", anchors, n)
        word = _validate.one_of("energy", energy, ENERGIES)
        kind = _validate.one_of("weights", weights, WEIGHTS)
        stored = np.dtype(shape.dtype if dtype is None else dtype)
        if stored not in (np.float32, np.float64):
            raise TypeError(f"`dtype` must be float32 or float64, got {stored}")
        self._handles, self._n_vertices, self._dtype = moved, n, stored
        self._anchors = np.setdiff1d(held, moved)
        try:
            self._core = _core.ArapDeformer(
                shape,
                topology.triangles,
                moved,
                held,
                rims=word == "spokes-and-rims",
                clamp=kind == "clamped",
                is_double=stored == np.float64,
            )
        except NumericalError as error:
            raise NumericalError(
                f"the Laplacian of `neutral` is not positive definite: {error}; weights='clamped' always is"
            ) from error

    @property
    def handles(self) -> npt.NDArray[np.int32]:
        """The vertices that are moved, in the order in which targets are given, (H,) int32."""
        return self._handles

    @property
    def anchors(self) -> npt.NDArray[np.int32]:
        """The vertices that stay, without those that are handles, (A,) int32, ascending."""
        return self._anchors

    @property
    def dtype(self) -> np.dtype[Any]:
        """In which positions, rotations and the factor are kept."""
        return self._dtype

    def solve(
        self,
        targets: npt.ArrayLike,
        iterations: int = 10,
        start: npt.ArrayLike | None = None,
        *,
        warm_iterations: int | None = None,
    ) -> Points:
        """Deform the neutral so that the handles lie at their targets.

        Parameters
        ----------
        targets : (F, H, 3) or (H, 3) float32 or float64
            Where the handles go, frame by frame or in one shape, scene units.
        iterations : int
            How often rotations and positions are found anew in turn, at least 0.
        start : (F, V, 3) or (V, 3) floats, optional
            Positions from which the first rotations are taken; one shape serves all frames. Defaults to the rigid
            placement that suits handles and anchors best, smoothed once with rotations fixed, which costs a
            global step.
        warm_iterations : int, optional
            Frames then follow each other in up to 16 runs of up to 16 frames, and all of a run but its first start
            from the one before and take this many iterations. For sequences that move smoothly 2 or 3 suffice. By
            default frames do not know of each other.

        Returns
        -------
        (F, V, 3) or (V, 3) floats of the dtype of `targets`. Handles equal their targets to the bit, and what is held
        equals the neutral.

        Raises
        ------
        ValueError
            A shape is wrong, or a position is not finite; the first frame and vertex are named.

        Notes
        -----
        Cost O(F V log V) an iteration, frames on threads by sixteens; memory about 640 bytes a vertex and thread in
        float32. The bits depend neither on threads nor on the instruction set.
        """
        moved, single = self._frames("targets", targets, "H", len(self._handles), "handle")
        steps = _validate.index("iterations", iterations, least=0)
        warm = -1 if warm_iterations is None else _validate.index("warm_iterations", warm_iterations, least=0)
        first = None if start is None else self._start(start, len(moved))
        out = np.empty((len(moved), self._n_vertices, 3), moved.dtype)
        if len(moved):
            self._core.solve(moved, first, steps, warm, out, None)
        return out[0] if single else out

    def descend(
        self, targets: npt.ArrayLike, iterations: int = 10, start: npt.ArrayLike | None = None
    ) -> Descent:
        """Do what `solve` does and report the energy at the start and after every iteration.

        The rotations of each reported energy are found anew, in float64, which takes longer than the iteration.
        """
        moved, single = self._frames("targets", targets, "H", len(self._handles), "handle")
        steps = _validate.index("iterations", iterations, least=0)
        first = None if start is None else self._start(start, len(moved))
        out = np.empty((len(moved), self._n_vertices, 3), moved.dtype)
        energy = np.empty((len(moved), steps + 1))
        if len(moved):
            self._core.solve(moved, first, steps, -1, out, energy)
        return Descent(out[0], energy[0]) if single else Descent(out, energy)

    def energy(self, positions: npt.ArrayLike) -> Float64:
        """Measure how far shapes are from rigid.

        Parameters
        ----------
        positions : (F, V, 3) or (V, 3) float32 or float64
            Shapes, scene units.

        Returns
        -------
        (F,) or () float64, squared scene units: the sum over all cells and their edges (a, b) of
        ``w |(x_a - x_b) - R (v_a - v_b)|²`` with each cell's best rotation R, the neutral v and w half the sum of the
        cotangents opposite of the edge (for rims: of the one in the cell's triangle). 0 up to rounding for rigid
        movements; negative weights allow negative values.
        """
        frames, single = self._frames("positions", positions, "V", self._n_vertices, "vertex")
        energy = self._core.energy(frames)
        return energy[0] if single else energy

    def _start(self, start: npt.ArrayLike, n_frames: int) -> Points:
        first, _ = self._frames("start", start, "V", self._n_vertices, "vertex")
        if len(first) not in (1, n_frames):
            raise ValueError(f"`start` must have 1 frame or as many as targets, {n_frames}, got {len(first)}")
        return first

    def _frames(
        self, name: str, value: npt.ArrayLike, letter: str, size: int, noun: str
    ) -> tuple[Points, bool]:
        single = np.ndim(value) == 2
        shape = (letter, 3) if single else ("F", letter, 3)
        out = _finite(name, _validate.points(name, value, shape, {letter: size}), noun)
        return (out[None] if single else out), single

    def __repr__(self) -> str:
        return (
            f"ArapDeformer({self._n_vertices} vertices, {len(self._handles)} handles, "
            f"{self._core.free_vertices} free, {self._dtype})"
        )


def _finite(name: str, points: Points, noun: str) -> Points:
    place = _core.first_non_finite(points)
    if place is not None:
        at = points[place] if points.ndim == 3 else points[place[1]]
        where = f"frame {place[0]}, {noun} {place[1]}" if points.ndim == 3 else f"{noun} {place[1]}"
        raise ValueError(f"`{name}` must be finite, got {at.tolist()} at {where}")
    return points


def _vertices(name: str, value: npt.ArrayLike, n_vertices: int) -> npt.NDArray[np.int32]:
    """Return vertex indices from indices or, where there is one boolean a vertex, from a mask."""
    if isinstance(value, np.ndarray) and value.dtype == bool:
        mask = _validate.array(name, value, ("V",), np.bool_, {"V": n_vertices})
        return np.flatnonzero(mask).astype(np.int32)
    out = _validate.array(name, value, (name[0].upper(),), np.int32)
    if out.size and (out.min() < 0 or out.max() >= n_vertices):
        worst = out.min() if out.min() < 0 else out.max()
        raise ValueError(f"`{name}` must name vertices below V = {n_vertices}, got {worst}")
    return out
