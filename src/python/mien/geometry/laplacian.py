"""Differential operators of a triangle mesh: Laplacian, mass and gradient."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien.values.topology import Topology

__all__ = ["LaplacianPattern", "SparseMatrix", "gradient", "laplacian", "mass"]

Float64 = npt.NDArray[np.float64]

LAPLACIANS = ("cotangent", "uniform")
MASSES = ("voronoi", "barycentric")


class SparseMatrix(NamedTuple):
    """A sparse matrix by compressed columns; in SciPy: ``scipy.sparse.csc_array(matrix[:3], shape=matrix.shape)``.

    Attributes
    ----------
    data : (N,) float64
        The stored entries, column after column.
    indices : (N,) int32
        The row of each entry, ascending within a column.
    indptr : (columns + 1,) int64
        Column ``j`` holds the entries ``indptr[j]`` to ``indptr[j + 1]``.
    shape : (int, int)
        Rows and columns.
    """

    data: Float64
    indices: npt.NDArray[np.int32]
    indptr: npt.NDArray[np.int64]
    shape: tuple[int, int]


class LaplacianPattern:
    """Where a topology's operators have entries, found once; the numbers are then filled in frame by frame.

    Parameters
    ----------
    topology : Topology
        Faces with more than three corners are taken as fans of triangles.

    Notes
    -----
    `refill` costs one pass over the triangles and one over the entries. A pattern may be used from many threads at
    once. The bits of the results depend neither on the number of threads nor on the instruction set.

    Examples
    --------
    >>> import numpy as np
    >>> pattern = LaplacianPattern(Topology([3], [0, 1, 2], 3))
    >>> pattern.refill(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])).data.tolist()
    [1.0, -0.5, -0.5, -0.5, 0.5, 0.0, -0.5, 0.0, 0.5]
    """

    __slots__ = ("_core", "_indices", "_indptr", "_topology")

    def __init__(self, topology: Topology) -> None:
        _validate.instance("topology", topology, Topology, "a Topology")
        self._topology = topology
        self._core = _core.LaplacianPattern(topology.triangles, topology.n_vertices)
        self._indptr, self._indices = self._core.indptr, self._core.indices

    @property
    def topology(self) -> Topology:
        """The topology it belongs to."""
        return self._topology

    def refill(
        self, positions: npt.ArrayLike, *, kind: str = "cotangent", out: Float64 | None = None
    ) -> SparseMatrix:
        """Return the Laplacian (V, V) of one frame; see `laplacian`, which it equals bit for bit.

        Parameters
        ----------
        positions : (V, 3) float32 or float64
            One frame, scene units.
        kind : {"cotangent", "uniform"}
            See `laplacian`.
        out : (N,) float64, optional
            Where to write the entries: the ``data`` of an earlier result.

        Returns
        -------
        SparseMatrix
            Its ``indices`` and ``indptr`` are shared by all frames and read-only.
        """
        word = _validate.one_of("kind", kind, LAPLACIANS)
        data = _room(out, len(self._indices))
        points = self._points(positions)
        if word == "uniform":
            self._core.uniform(data)
        else:
            self._core.cotangent(points, data)
        n = self._topology.n_vertices
        return SparseMatrix(data, self._indices, self._indptr, (n, n))

    def mass(
        self, positions: npt.ArrayLike, *, kind: str = "voronoi", out: Float64 | None = None
    ) -> SparseMatrix:
        """Return the diagonal mass matrix (V, V) of one frame; see `mass`."""
        voronoi = _validate.one_of("kind", kind, MASSES) == "voronoi"
        data = _room(out, self._topology.n_vertices)
        self._core.mass(self._points(positions), voronoi, data)
        return _diagonal(data)

    def gradient(self, positions: npt.ArrayLike) -> SparseMatrix:
        """Return the gradient operator (3T, V) of one frame; see `gradient`."""
        points = self._points(positions)
        indptr, indices = self._core.gradient_pattern()
        data = np.empty(len(indices))
        self._core.gradient(points, data)
        return SparseMatrix(
            data, indices, indptr, (3 * len(self._topology.triangles), self._topology.n_vertices)
        )

    def _points(self, positions: npt.ArrayLike) -> npt.NDArray[Any]:
        return _finite_frame("positions", positions, self._topology.n_vertices)


def laplacian(
    topology: Topology, positions: npt.ArrayLike, *, kind: str = "cotangent", intrinsic: bool = False
) -> SparseMatrix:
    """Build the Laplacian of a mesh: symmetric, positive semi-definite, rows sum to zero.

    Parameters
    ----------
    topology : Topology
        Faces with more than three corners are taken as fans of triangles.
    positions : (V, 3) float32 or float64
        Vertices, scene units, finite.
    kind : {"cotangent", "uniform"}
        Cotangent: half the sum of the cotangents opposite an edge is its weight (linear finite elements; has no unit).
        Uniform: every edge of a triangle has weight 1.
    intrinsic : bool
        Flip edges within the surface first, until no cotangent weight is negative. The pattern then follows from the
        positions, not from the topology alone. With "uniform" it counts the neighbours after flipping.

    Returns
    -------
    SparseMatrix
        (V, V) float64. Every diagonal entry is stored; a vertex without triangles has only that, and it is 0.

    Raises
    ------
    TypeError
        `topology` is not a Topology, or `positions` are not floats.
    ValueError
        A shape or word is wrong, or a position is not finite; the vertex is named.

    Notes
    -----
    ``L[i, j] = -(cot a + cot b) / 2`` with the angles opposite the edge; on an edge of more triangles all cotangents
    are summed. Where a triangle's doubled area is below 1e-6 of half its summed squared edges (about 1e-6 of the
    longest edge squared), cotangents are divided by the latter, so that nothing is infinite and the matrix stays
    semi-definite; a triangle that is one point gives nothing. O(V); for many frames use `LaplacianPattern`.

    References
    ----------
    Pinkall, Polthier 1993, Computing discrete minimal surfaces and their conjugates, Experimental Mathematics 2(1).
    Bobenko, Springborn 2007, A discrete Laplace-Beltrami operator for simplicial surfaces, Discrete Comput. Geom. 38.
    Sharp, Crane 2020, A Laplacian for nonmanifold triangle meshes, Computer Graphics Forum 39(5).

    Examples
    --------
    >>> import numpy as np
    >>> corners = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    >>> laplacian(Topology([4], [0, 1, 2, 3], 4), corners).data[:4].tolist()
    [1.0, -0.5, 0.0, -0.5]
    """
    _validate.instance("topology", topology, Topology, "a Topology")
    word = _validate.one_of("kind", kind, LAPLACIANS)
    if not intrinsic:
        matrix = LaplacianPattern(topology).refill(positions, kind=word)
        return matrix._replace(indices=matrix.indices.copy(), indptr=matrix.indptr.copy())
    n = topology.n_vertices
    pattern, lengths = _flipped(topology, positions)
    indices = pattern.indices.copy()
    data = np.empty(len(indices))
    if word == "uniform":
        pattern.uniform(data)
    else:
        pattern.cotangent_from_lengths(lengths, data)
        data *= 0.5  # the surface is there twice
    return SparseMatrix(data, indices, pattern.indptr.copy(), (n, n))


def mass(
    topology: Topology, positions: npt.ArrayLike, *, kind: str = "voronoi", intrinsic: bool = False
) -> SparseMatrix:
    """Build the diagonal mass matrix of a mesh: how much of the surface belongs to each vertex.

    Parameters
    ----------
    topology : Topology
        Faces with more than three corners are taken as fans of triangles.
    positions : (V, 3) float32 or float64
        Vertices, scene units, finite.
    kind : {"voronoi", "barycentric"}
        Voronoi: what lies nearest to the vertex; of an obtuse triangle half to the obtuse corner and a quarter to the
        others. Barycentric: a third of every triangle.
    intrinsic : bool
        Flip edges within the surface first, as in `laplacian`.

    Returns
    -------
    SparseMatrix
        (V, V) float64, square scene units; the diagonal is its ``data``. It sums to the surface's area.

    Raises
    ------
    TypeError, ValueError
        As in `laplacian`.

    References
    ----------
    Meyer, Desbrun, Schröder, Barr 2003, Discrete differential-geometry operators for triangulated 2-manifolds,
    Visualization and Mathematics III.
    """
    _validate.instance("topology", topology, Topology, "a Topology")
    word = _validate.one_of("kind", kind, MASSES)
    if not intrinsic:
        return LaplacianPattern(topology).mass(positions, kind=word)
    pattern, lengths = _flipped(topology, positions)
    data = np.empty(topology.n_vertices)
    pattern.mass_from_lengths(lengths, word == "voronoi", data)
    data *= 0.5  # the surface is there twice
    return _diagonal(data)


def gradient(topology: Topology, positions: npt.ArrayLike) -> SparseMatrix:
    """Build the operator that takes the gradient, on every triangle, of a function given at the vertices.

    Parameters
    ----------
    topology : Topology
        Faces with more than three corners are taken as fans of triangles: T of them.
    positions : (V, 3) float32 or float64
        Vertices, scene units, finite.

    Returns
    -------
    SparseMatrix
        (3T, V) float64, one over scene units. Row ``3 t + c`` is component c on triangle t, so that
        ``(G @ values).reshape(T, 3)`` holds one vector a triangle.

    Raises
    ------
    TypeError, ValueError
        As in `laplacian`.

    Notes
    -----
    Gradients lie in the plane of their triangle. ``Gᵀ A G``, with the triangles' areas three times each on the diagonal
    of A, is the cotangent Laplacian (slivers aside, which are widened as there).
    """
    return LaplacianPattern(topology).gradient(positions)


def _flipped(topology: Topology, positions: npt.ArrayLike) -> tuple[_core.LaplacianPattern, Float64]:
    points = _finite_frame("positions", positions, topology.n_vertices)
    triangles, lengths, _, _ = _core.intrinsic_delaunay(points, topology.triangles)
    return _core.LaplacianPattern(triangles, topology.n_vertices), lengths


def _finite_frame(name: str, value: npt.ArrayLike, n_vertices: int) -> npt.NDArray[Any]:
    points = _validate.points(name, value, ("V", 3), {"V": n_vertices})
    place = _core.first_non_finite(points)
    if place is not None:
        raise ValueError(f"`{name}` must be finite, got {points[place[1]].tolist()} at vertex {place[1]}")
    return points


def _room(out: Float64 | None, size: int) -> Float64:
    if out is None:
        return np.empty(size)
    if not isinstance(out, np.ndarray) or out.dtype != np.float64 or out.shape != (size,):
        raise ValueError(f"`out` must be a float64 array of shape ({size},), got {_described(out)}")
    if not out.flags.c_contiguous or not out.flags.writeable:
        raise ValueError("`out` must be contiguous and writable, got an array that is not")
    return out


def _described(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} of shape {value.shape}"
    return type(value).__name__


def _diagonal(data: Float64) -> SparseMatrix:
    n = len(data)
    return SparseMatrix(data, np.arange(n, dtype=np.int32), np.arange(n + 1, dtype=np.int64), (n, n))
