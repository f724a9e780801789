"""Shapes of a rig, kept as the vertices they move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _validate

__all__ = ["Corrective", "SparseDelta", "compressed", "dense", "frozen", "label", "packed", "unpacked"]

Array = npt.NDArray[Any]


class SparseDelta(NamedTuple):
    """The vertices that a shape moves, and how far.

    Attributes
    ----------
    vertices : (N,) int32
        Ascending in what a rig gives back; any order, each once, in what it takes.
    offsets : (N, 3) float32 or float64
        Displacement of each at weight 1, scene units.
    """

    vertices: Array
    offsets: Array


def compressed(name: str, delta: Any, n_vertices: int | None) -> SparseDelta:
    """Return a shape, dense or sparse, as ascending vertices and offsets that are not all zero."""
    if isinstance(delta, tuple) and len(delta) == 2:
        vertices = _validate.array(f"{name}.vertices", delta[0], ("N",), np.int32)
        offsets = _validate.points(f"{name}.offsets", delta[1], ("N", 3), {"N": len(vertices)})
        order = np.argsort(vertices, kind="stable")
        vertices, offsets = vertices[order], offsets[order]
        if vertices.size and (vertices[0] < 0 or (n_vertices is not None and vertices[-1] >= n_vertices)):
            worst = vertices[0] if vertices[0] < 0 else vertices[-1]
            limit = "" if n_vertices is None else f" below V = {n_vertices}"
            raise ValueError(f"`{name}` must name vertices{limit}, got {worst}")
        twice = np.flatnonzero(vertices[1:] == vertices[:-1])
        if twice.size:
            raise ValueError(f"`{name}` must name each vertex once, got {vertices[twice[0]]} twice")
    else:
        offsets = _validate.points(name, delta, ("V", 3), {} if n_vertices is None else {"V": n_vertices})
        vertices = np.arange(len(offsets), dtype=np.int32)
    moved = (offsets != 0).any(axis=1)
    vertices, offsets = vertices[moved], offsets[moved]
    finite = np.isfinite(offsets).all(axis=1)
    if not finite.all():
        raise ValueError(
            f"`{name}` must be finite, got {offsets[~finite][0]} at vertex {vertices[~finite][0]}"
        )
    return SparseDelta(vertices, offsets)


def frozen(value: Array) -> Array:
    """Return a read-only view."""
    view = value.view()
    view.flags.writeable = False
    return view


def dense(delta: SparseDelta, n_vertices: int) -> Array:
    """Return a shape as a new array (V, 3)."""
    out = np.zeros((n_vertices, 3), delta.offsets.dtype)
    out[delta.vertices] = delta.offsets
    return out


def label(name: str, value: Any) -> str:
    """Return `value` if it is text."""
    if not isinstance(value, str):
        raise TypeError(f"`{name}` must be text, got {type(value).__name__}")
    return str(value)


class Corrective:
    """A shape whose weight is the product of its drivers' weights.

    Parameters
    ----------
    name : str
        What it is called.
    drivers : sequence of str
        Names of at least one shape of the rig; a name twice squares its weight.
    delta : (V, 3) float32 or float64, or (vertices, offsets)
        Displacement when all drivers are at weight 1, scene units. Kept sparse.

    Raises
    ------
    TypeError, ValueError
        There are no drivers, or `delta` has the wrong shape or is not finite.
    """

    __slots__ = ("_drivers", "_name", "_sparse")

    def __init__(self, name: str, drivers: Iterable[str], delta: npt.ArrayLike | SparseDelta) -> None:
        self._name = label("name", name)
        if isinstance(drivers, str):
            raise TypeError("`drivers` must be a sequence of names, got str")
        self._drivers = tuple(label("drivers", driver) for driver in drivers)
        if not self._drivers:
            raise ValueError(f"`drivers` of corrective {name!r} must name at least one shape, got none")
        sparse = compressed("delta", delta, None)
        self._sparse = SparseDelta(frozen(sparse.vertices), frozen(sparse.offsets))

    @property
    def name(self) -> str:
        """What it is called."""
        return self._name

    @property
    def drivers(self) -> tuple[str, ...]:
        """Names of the shapes whose weights are multiplied."""
        return self._drivers

    @property
    def sparse(self) -> SparseDelta:
        """The vertices it moves and how far."""
        return self._sparse

    def __repr__(self) -> str:
        return f"Corrective({self.name!r}, {' x '.join(self.drivers)}, {len(self._sparse.vertices)} vertices)"


def packed(correctives: Sequence[Corrective]) -> dict[str, Array]:
    """Return names and drivers of correctives as arrays; their shapes are kept elsewhere."""
    return {
        "corrective_names": np.array([c.name for c in correctives], dtype=np.str_),
        "driver_counts": np.array([len(c.drivers) for c in correctives], dtype=np.int64),
        "drivers": np.array([driver for c in correctives for driver in c.drivers], dtype=np.str_),
    }


def unpacked(parts: Mapping[str, Array], shapes: Sequence[SparseDelta]) -> list[Corrective]:
    """Return the correctives of `packed` arrays, joined to their shapes again."""
    counts = _validate.array("driver_counts", parts["driver_counts"], ("N",), np.int64)
    ends = np.cumsum(counts)
    return [
        Corrective(str(name), [str(driver) for driver in parts["drivers"][end - count : end]], shape)
        for name, end, count, shape in zip(parts["corrective_names"], ends, counts, shapes, strict=True)
    ]
