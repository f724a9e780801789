"""Laplacian and bi-Laplacian deformation: handles move, the surface follows smoothly."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien.values.topology import Topology

__all__ = ["LaplacianDeformer"]

Float64 = npt.NDArray[np.float64]

KINDS = ("laplacian", "bilaplacian")
METHODS = ("auto", "response", "solve")
DTYPES = ("float32", "float64")


class LaplacianDeformer:
    """Let a surface follow a few of its vertices; factored once, solved for a frame or a whole take.

    Parameters
    ----------
    topology : Topology
        Faces with more than three corners are taken as fans of triangles.
    neutral : (V, 3) float32 or float64
        The face at rest, scene units. Stiffness is measured on it.
    handles : (H,) integers, or (V,) booleans
        Vertices that get targets, in the order of the targets.
    anchors : (A,) integers or (V,) booleans, optional
        Vertices that stay where the base has them, to the bit.
    kind : {"laplacian", "bilaplacian"}
        "laplacian" bends at handles and anchors like a membrane; "bilaplacian" passes them smoothly like a thin plate.
    weights : float or (H,) floats, optional
        How strongly handles are pulled, above 0; ``inf`` (the default) puts a handle exactly at its target. The energy
        is ``d Q d / 2 + Σ w |d_h - (target - base)|² / 2``: for "laplacian" a weight is compared with the cotangent
        weights of the edges (about 1), for "bilaplacian" with those divided by the area around a vertex.
    region : (V,) floats or booleans, optional
        Vertices with 0 stay as they are, to the bit, and cost nothing. Weights above 0 all mean free: fade the edit
        itself by the weights.
    rotation_passes : int
        How often the differential coordinates are turned by the local rotations of the result and solved for again.
        0 is linear: large turns shear. 1 or 2 keep details upright.
    intrinsic : bool
        Measure stiffness after flipping bad triangles within the surface, see `mien.laplacian`.
    method : {"auto", "response", "solve"}
        "response" finds a matrix from handles to vertices once and multiplies; "solve" substitutes back for every
        frame. "auto" takes what costs less a frame: the product for up to about 5 nnz(L) / V (120 to 300) handles.
    dtype : float32 or float64, optional
        Precision of the displacement; the default is the neutral's. The bi-Laplacian is always solved in float64.

    Raises
    ------
    TypeError
        `topology` is not a Topology, an array is not made of the right kind of numbers.
    ValueError
        A handle or anchor does not exist, is named twice, or is both; there are no handles; a weight is not above 0; a
        piece of the surface has neither handle nor anchor.
    NumericalError
        The system is not positive definite, as with triangles that have no area.

    Notes
    -----
    ``Q = L`` or ``L M⁻¹ L`` with the cotangent Laplacian and Voronoi mass of the neutral. Only free vertices of the
    region are unknowns; vertices of no face stay. What is solved for is the displacement from a base, so details of the
    base are kept and a take's own frames can be edited. Set-up O(V^1.5), a frame O(H V) or O(V log V). A deformer may
    be used from many threads at once; the bits of the result depend neither on threads nor on the instruction set.

    References
    ----------
    Botsch, Kobbelt 2004, An intuitive framework for real-time freeform modeling, ACM TOG 23(3).
    Lipman, Sorkine, Cohen-Or, Levin, Rössl, Seidel 2004, Differential coordinates for interactive mesh editing, SMI.

    Examples
    --------
    >>> import numpy as np
    >>> strip = Topology.from_polygons([[0, 1, 3, 2], [2, 3, 5, 4], [4, 5, 7, 6]])
    >>> rest = np.array([[x, y, 0.0] for x in range(4) for y in range(2)])
    >>> deformer = LaplacianDeformer(strip, rest, handles=[6, 7], anchors=[0, 1])
    >>> deformer.solve(rest[[6, 7]] + [0, 0, 3])[:, 2].round(6).tolist()
    [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0]
    """

    __slots__ = ("_core", "_handles", "_neutral", "_rotation_passes", "_topology")

    def __init__(
        self,
        topology: Topology,
        neutral: npt.ArrayLike,
        handles: npt.ArrayLike,
        anchors: npt.ArrayLike | None = None,
        *,
        kind: str = "laplacian",
        weights: npt.ArrayLike | None = None,
        region: npt.ArrayLike | None = None,
        rotation_passes: int = 0,
        intrinsic: bool = False,
        method: str = "auto",
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        _validate.instance("topology", topology, Topology, "a Topology")
        n = topology.n_vertices
        rest = _finite("neutral", _validate.points("neutral", neutral, ("V", 3), {"V": n}))
        self._handles = _vertices("handles", handles, n)
        if not len(self._handles):
            raise ValueError("`handles` must name at least one vertex, got none")
        held = np.zeros(n, np.uint8)
        if anchors is not None:
            held[_vertices("anchors", anchors, n)] = 1
            _none_of("anchors", self._handles, held)
        word = _validate.one_of("kind", kind, KINDS)
        strengths = _strengths(weights, len(self._handles))
        if region is not None:
            outside = _validate.unit_weights("region", region, "V", n) == 0
            _none_of("region", self._handles, outside)
            held[outside] = 1
        self._rotation_passes = _validate.index("rotation_passes", rotation_passes, least=0)
        way = _validate.one_of("method", method, METHODS)
        if way == "response" and self._rotation_passes:
            raise ValueError("`method` must be 'auto' or 'solve' with rotation passes, got 'response'")
        precision = rest.dtype if dtype is None else np.dtype(dtype)
        _validate.one_of("dtype", precision.name, DTYPES)
        self._topology, self._neutral = topology, rest
        self._core = _core.LaplacianDeformer(
            topology.triangles,
            rest,
            self._handles,
            strengths,
            held,
            word == "bilaplacian",
            bool(intrinsic),
            self._rotation_passes,
            way,
            precision == np.float32,
        )

    @property
    def topology(self) -> Topology:
        """The surface it deforms."""
        return self._topology

    @property
    def handles(self) -> npt.NDArray[np.int32]:
        """Vertices that get targets, (H,) int32, in the order of the targets."""
        return self._handles

    @property
    def n_free(self) -> int:
        """How many vertices are unknown."""
        return self._core.free_count

    @property
    def method(self) -> str:
        """How frames are solved: "response" or "solve"."""
        return self._core.method

    @property
    def nbytes(self) -> int:
        """Bytes that the factor and the response hold."""
        return self._core.memory

    def solve(
        self,
        targets: npt.ArrayLike,
        base: npt.ArrayLike | None = None,
        *,
        out: npt.NDArray[Any] | None = None,
    ) -> npt.NDArray[Any]:
        """Move the handles to their targets and let the rest follow.

        Parameters
        ----------
        targets : (H, 3) or (F, H, 3) float32 or float64
            Where the handles should be, scene units, in the space of the base.
        base : (V, 3) or (F, V, 3) float32 or float64, optional
            What is deformed: the neutral by default, or a take's own frames. Vertices that are not finite spoil only
            themselves, unless they are handles or there are rotation passes.
        out : (V, 3) or (F, V, 3), optional
            Where to write; of the base's dtype, not overlapping it.

        Returns
        -------
        (V, 3) or (F, V, 3) of the base's dtype
            One frame where both `targets` and `base` are one frame. Hard handles are the targets rounded to that dtype;
            anchors and what is outside the region are the base, bit for bit.

        Raises
        ------
        ValueError
            A shape is wrong, or a target (or the base at a handle) is not finite; frame and vertex are named.
        """
        n, count = self._topology.n_vertices, len(self._handles)
        goal = _frames("targets", targets, "H", count)
        shape = self._neutral if base is None else _frames("base", base, "V", n)
        if goal.ndim == shape.ndim == 3 and len(goal) != len(shape):
            raise ValueError(f"`base` must have F = {len(goal)} frames, as `targets` have, got {len(shape)}")
        self._require_finite(goal, shape)
        many = goal if goal.ndim == 3 else shape if shape.ndim == 3 else None
        result = _room(out, (n, 3) if many is None else (len(many), n, 3), shape)
        full = result if result.ndim == 3 else result[None]
        if len(full):
            if goal.ndim == 2:
                goal = np.broadcast_to(goal, (len(full), count, 3))
            self._core.solve(goal, shape, full)
        return result

    def _require_finite(self, goal: npt.NDArray[Any], base: npt.NDArray[Any]) -> None:
        place = _core.first_non_finite(goal)
        if place is not None:
            got = goal.reshape(-1, len(self._handles), 3)[place].tolist()
            raise ValueError(
                f"`targets` must be finite, got {got} at frame {place[0]}, handle {place[1]} "
                f"(vertex {self._handles[place[1]]})"
            )
        if self._rotation_passes:
            _finite("base", base)
            return
        place = _core.first_non_finite(np.ascontiguousarray(base[..., self._handles, :]))
        if place is not None:
            raise ValueError(
                f"`base` must be finite at handles, got a vertex that is not at frame {place[0]}, "
                f"vertex {self._handles[place[1]]}"
            )


def _vertices(name: str, value: npt.ArrayLike, n_vertices: int) -> npt.NDArray[np.int32]:
    given = np.asarray(value)
    if given.dtype == np.bool_:
        mask = _validate.array(name, given, ("V",), np.bool_, {"V": n_vertices})
        return np.flatnonzero(mask).astype(np.int32)
    found = _validate.array(name, given, (name[0].upper(),), np.int32)
    if found.size and (found.min() < 0 or found.max() >= n_vertices):
        worst = found.min() if found.min() < 0 else found.max()
        raise ValueError(f"`{name}` must name vertices below V = {n_vertices}, got {worst}")
    ordered = np.sort(found)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if twice.size:
        raise ValueError(f"`{name}` must name every vertex once, got vertex {twice[0]} twice")
    found = found.copy()
    found.flags.writeable = False
    return found


def _none_of(name: str, handles: npt.NDArray[np.int32], held: npt.NDArray[Any]) -> None:
    both = handles[held[handles] != 0]
    if both.size:
        what = "must not name handles" if name == "anchors" else "must be above 0 at handles"
        raise ValueError(f"`{name}` {what}, got vertex {both[0]}")


def _strengths(weights: npt.ArrayLike | None, count: int) -> Float64:
    if weights is None:
        return np.full(count, np.inf)
    given = np.asarray(weights)
    if given.ndim == 0:
        given = np.full(count, given)
    out = _validate.array("weights", given, ("H",), np.float64, {"H": count})
    if not (out > 0).all():
        worst = int(np.argmax(~(out > 0)))
        raise ValueError(f"`weights` must be above 0 (inf for hard), got {out[worst]:g} for handle {worst}")
    return out


def _frames(name: str, value: npt.ArrayLike, letter: str, size: int) -> npt.NDArray[Any]:
    return _validate.points(
        name, value, (letter, 3) if np.ndim(value) == 2 else ("F", letter, 3), {letter: size}
    )


def _finite(name: str, points: npt.NDArray[Any]) -> npt.NDArray[Any]:
    place = _core.first_non_finite(points)
    if place is not None:
        where = f"vertex {place[1]}" if points.ndim == 2 else f"frame {place[0]}, vertex {place[1]}"
        got = (points if points.ndim == 2 else points[place[0]])[place[1]].tolist()
        raise ValueError(f"`{name}` must be finite, got {got} at {where}")
    return points


def _room(out: npt.NDArray[Any] | None, shape: tuple[int, ...], base: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if out is None:
        return np.empty(shape, base.dtype)
    if not isinstance(out, np.ndarray) or out.shape != shape or out.dtype != base.dtype:
        got = f"{out.dtype} of shape {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        raise ValueError(f"`out` must be a {base.dtype} array of shape {shape}, got {got}")
    rows = 3 * out.itemsize
    if not out.flags.writeable or (out.size and out.strides[-2:] != (rows, out.itemsize)):
        raise ValueError("`out` must be writable with contiguous frames, got an array that is not")
    if np.may_share_memory(out, base):
        raise ValueError("`out` must not overlap `base`, got arrays that share memory")
    return out
