"""Carry the expression of one face to another by how it stretches and turns the skin."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien.errors import NumericalError
from mien.values.topology import Topology

__all__ = ["DeformationTransfer"]

Points = npt.NDArray[Any]


class DeformationTransfer:
    """Carry expressions of a source face to a target face, triangle by triangle.

    The target's Laplacian is factored here, once; calling the object takes single shapes or whole sequences.

    Parameters
    ----------
    source_topology, target_topology : Topology
        Faces with more than three corners are taken as fans of triangles, `Topology.triangles`.
    source_neutral, target_neutral : (V, 3) float32 or float64
        The two faces at rest, in their own scene units, turned the same way.
    correspondence : (T,) integers, optional
        For each triangle of the target the triangle of the source that it follows, or -1: it keeps its shape. By
        default the triangles of both must be the same, and each follows its own.
    anchors : (A,) integers or (V,) booleans, optional
        Vertices of the target that stay where its neutral has them. Gradients do not say where a face is, so every
        connected part of the target without an anchor is shifted as a whole: its triangles then move on average (by
        area) as far as those that they follow, times the ratio of the sizes of the two faces.
    dtype : float32 or float64, optional
        In which displacements and the factor are kept; the factor is computed in float64 either way. Defaults to the
        dtype of `target_neutral`.

    Raises
    ------
    ValueError
        A shape or an index is wrong, a neutral is not finite, or the triangles differ without a `correspondence`.
    NumericalError
        The target's Laplacian is not positive definite.

    Notes
    -----
    Minimises ``sum_t area_t |∇x - S_t|²`` over the target's positions x, where S_t is the source triangle's
    deformation gradient with its normal as fourth vertex; the target's fourth vertices are eliminated, which leaves
    the cotangent Laplacian. Solved for displacements, so the neutral gives the neutral, bit for bit.

    References
    ----------
    Sumner, Popović 2004, Deformation transfer for triangle meshes, ACM Trans. Graph. 23(3).
    Botsch, Sumner, Pauly, Gross 2006, Deformation transfer for detail-preserving surface editing, VMV.

    Examples
    --------
    >>> import numpy as np
    >>> sheet = Topology.from_polygons([[0, 1, 3, 2]])
    >>> rest = np.array([[x, y, 0.0] for x in (0, 1) for y in (0, 1)])
    >>> twice = DeformationTransfer(sheet, rest, sheet, 2 * rest)
    >>> bool(abs(twice(1.5 * rest) - 3 * rest).max() < 1e-12)
    True
    """

    __slots__ = ("_core", "_dtype", "_n_source", "_n_target")

    def __init__(
        self,
        source_topology: Topology,
        source_neutral: npt.ArrayLike,
        target_topology: Topology,
        target_neutral: npt.ArrayLike,
        correspondence: npt.ArrayLike | None = None,
        *,
        anchors: npt.ArrayLike | None = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        _validate.instance("source_topology", source_topology, Topology, "a Topology")
        self._n_source = source_topology.n_vertices
        source = _shape("source_neutral", source_neutral, self._n_source)
        _validate.instance("target_topology", target_topology, Topology, "a Topology")
        self._n_target = target_topology.n_vertices
        target = _shape("target_neutral", target_neutral, self._n_target)
        follow = _correspondence(correspondence, source_topology.triangles, target_topology.triangles)
        held = _anchors(anchors, self._n_target)
        self._dtype = np.dtype(target.dtype if dtype is None else dtype)
        if self._dtype not in (np.float32, np.float64):
            raise TypeError(f"`dtype` must be float32 or float64, got {self._dtype}")
        try:
            self._core = _core.DeformationTransfer(
                source,
                source_topology.triangles,
                target,
                target_topology.triangles,
                follow,
                held,
                is_double=self._dtype == np.float64,
            )
        except NumericalError as error:
            raise NumericalError(
                f"the Laplacian of `target_neutral` is not positive definite: {error}"
            ) from error

    def __call__(self, expression: npt.ArrayLike) -> Points:
        """Deform the target as the source is deformed.

        Parameters
        ----------
        expression : (F, V, 3) or (V, 3) float32 or float64
            The source's expressions in head space, scene units of the source.

        Returns
        -------
        (F, V, 3) or (V, 3) floats of the dtype of `expression`, V being the target's vertices.

        Raises
        ------
        ValueError
            A shape is wrong, or a position is not finite; the first frame and vertex are named.

        Notes
        -----
        Cost O(F V log V), frames on threads by sixteens. The bits depend neither on threads nor on the instruction set
        nor on the other frames.
        """
        single = np.ndim(expression) == 2
        shape = ("V", 3) if single else ("F", "V", 3)
        frames = _validate.points("expression", expression, shape, {"V": self._n_source})
        _finite("expression", frames)
        view = frames[None] if single else frames
        out = np.empty((len(view), self._n_target, 3), view.dtype)
        if len(view):
            self._core.apply(view, out)
        return out[0] if single else out

    def __repr__(self) -> str:
        return f"DeformationTransfer({self._n_source} → {self._n_target} vertices, {self._dtype})"


def _shape(name: str, value: npt.ArrayLike, n_vertices: int) -> Points:
    return _finite(name, _validate.points(name, value, ("V", 3), {"V": n_vertices}))


def _finite(name: str, points: Points) -> Points:
    place = _core.first_non_finite(points)
    if place is not None:
        at = points[place] if points.ndim == 3 else points[place[1]]
        where = f"frame {place[0]}, vertex {place[1]}" if points.ndim == 3 else f"vertex {place[1]}"
        raise ValueError(f"`{name}` must be finite, got {at.tolist()} at {where}")
    return points


def _correspondence(
    value: npt.ArrayLike | None, source: npt.NDArray[np.int32], target: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32] | None:
    if value is None:
        if not np.array_equal(source, target):
            raise ValueError(
                "`correspondence` must be given where source and target have other triangles, "
                f"got None for {len(source)} and {len(target)}"
            )
        return None
    out = _validate.array("correspondence", value, ("T",), np.int32, {"T": len(target)})
    if out.size and (out.min() < -1 or out.max() >= len(source)):
        worst = out.min() if out.min() < -1 else out.max()
        raise ValueError(
            f"`correspondence` must name source triangles below {len(source)} or -1, got {worst}"
        )
    return out


def _anchors(value: npt.ArrayLike | None, n_vertices: int) -> npt.NDArray[np.int32]:
    if value is None:
        return np.empty(0, np.int32)
    if isinstance(value, np.ndarray) and value.dtype == bool:
        mask = _validate.array("anchors", value, ("V",), np.bool_, {"V": n_vertices})
        return np.flatnonzero(mask).astype(np.int32)
    out = _validate.array("anchors", value, ("A",), np.int32)
    if out.size and (out.min() < 0 or out.max() >= n_vertices):
        worst = out.min() if out.min() < 0 else out.max()
        raise ValueError(f"`anchors` must name vertices below V = {n_vertices}, got {worst}")
    return out
