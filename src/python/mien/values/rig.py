"""A rig: a neutral face, named blendshapes, and corrective shapes that act when others meet."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien._archive import load_npz
from mien._atomic import atomic_path
from mien.errors import FormatError
from mien.values.sequence import MeshSequence
from mien.values.shapes import Corrective, SparseDelta, compressed, dense, frozen, label, packed, unpacked
from mien.values.topology import Topology

__all__ = ["Rig"]

Array = npt.NDArray[Any]
_KEYS = ("face_counts", "face_indices", "neutral", "names", "starts", "vertices", "offsets", "name")


class Rig:
    """A neutral with K named blendshapes and optional correctives.

    Parameters
    ----------
    topology : Topology
        How the vertices are joined.
    neutral : (V, 3) float32 or float64
        The face at rest, scene units.
    names : sequence of str
        One name for each shape, no two alike.
    deltas : (K, V, 3) float32 or float64, or K shapes
        What each shape adds at weight 1. A sequence may mix dense (V, 3) arrays and (vertices, offsets) pairs; see
        `SparseDelta`. Vertices whose offset is exactly zero are not kept.
    correctives : sequence of Corrective
        Shapes added by the product of their drivers' weights.
    metres_per_unit : float, optional
        Length of a scene unit; None when the source does not say.
    up_axis : {"y", "z"}, optional
        Which way is up; None when the source does not say.
    name : str
        What the object is called in formats that name objects.

    Raises
    ------
    TypeError
        An array does not hold float32 or float64.
    ValueError
        Shapes do not fit, a value is not finite, a name comes twice, or a driver does not exist.

    Notes
    -----
    ``evaluate`` gives ``neutral + sum_k w_k delta_k + sum_c (prod_d w_d) delta_c``; cost goes with what moves.
    """

    __slots__ = (
        "_correctives",
        "_metres_per_unit",
        "_name",
        "_names",
        "_neutral",
        "_offsets",
        "_starts",
        "_topology",
        "_up_axis",
        "_vertices",
    )

    def __init__(
        self,
        topology: Topology,
        neutral: npt.ArrayLike,
        names: Sequence[str],
        deltas: npt.ArrayLike | Sequence[Any],
        correctives: Sequence[Corrective] = (),
        *,
        metres_per_unit: float | None = None,
        up_axis: str | None = None,
        name: str = "rig",
    ) -> None:
        _validate.instance("topology", topology, Topology, "a Topology")
        rest = _validate.points("neutral", neutral, ("V", 3), {"V": topology.n_vertices})
        if not np.isfinite(rest).all():
            vertex = int(np.argmin(np.isfinite(rest).all(axis=1)))
            raise ValueError(f"`neutral` must be finite, got {rest[vertex]} at vertex {vertex}")
        self._topology, self._neutral = topology, frozen(rest)
        self._names = self._checked_names(names)
        self._metres_per_unit = (
            None if metres_per_unit is None else _validate.number("metres_per_unit", metres_per_unit, above=0)
        )
        self._up_axis = None if up_axis is None else _validate.one_of("up_axis", up_axis, ("y", "z"))
        self._name = label("name", name)
        if isinstance(deltas, np.ndarray) and deltas.ndim != 3:
            raise ValueError(f"`deltas` must have shape (K, V, 3), got {deltas.shape}")
        shapes: Sequence[Any] = deltas  # type: ignore[assignment]
        if len(shapes) != len(self._names):
            raise ValueError(f"`deltas` must have K = {len(self._names)} shapes, got {len(shapes)}")
        kept = [compressed(f"deltas[{k}]", shape, topology.n_vertices) for k, shape in enumerate(shapes)]
        for corrective in correctives:
            self._check_corrective(corrective)
        kept += [corrective.sparse for corrective in correctives]
        self._correctives = tuple(correctives)
        sizes = [len(shape.vertices) for shape in kept]
        self._starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        dtype = np.result_type(*(shape.offsets.dtype for shape in kept)) if kept else rest.dtype
        self._vertices = np.empty(sum(sizes), np.int32)
        self._offsets = np.empty((sum(sizes), 3), dtype)
        for k, shape in enumerate(kept):
            part = slice(self._starts[k], self._starts[k + 1])
            self._vertices[part], self._offsets[part] = shape
        self._vertices, self._offsets = frozen(self._vertices), frozen(self._offsets)

    @staticmethod
    def _checked_names(names: Sequence[str]) -> tuple[str, ...]:
        if isinstance(names, str):
            raise TypeError("`names` must be a sequence of names, got str")
        labels = tuple(label(f"names[{k}]", text) for k, text in enumerate(names))
        if len(set(labels)) < len(labels):
            twice = next(text for k, text in enumerate(labels) if text in labels[:k])
            raise ValueError(f"`names` must differ, got {twice!r} twice")
        return labels

    def _check_corrective(self, corrective: Corrective) -> None:
        _validate.instance("correctives", corrective, Corrective, "a sequence of Corrective")
        for driver in corrective.drivers:
            if driver not in self._names:
                raise ValueError(
                    f"`drivers` of corrective {corrective.name!r} must be shapes of the rig, got {driver!r}"
                )
        vertices = corrective.sparse.vertices
        if vertices.size and vertices[-1] >= self._topology.n_vertices:
            raise ValueError(
                f"corrective {corrective.name!r} must move vertices below V = {self._topology.n_vertices}, "
                f"got {vertices[-1]}"
            )

    @property
    def topology(self) -> Topology:
        """How the vertices are joined."""
        return self._topology

    @property
    def neutral(self) -> Array:
        """The face at rest, (V, 3), read only."""
        return self._neutral

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the K shapes, in the order of the weights."""
        return self._names

    @property
    def correctives(self) -> tuple[Corrective, ...]:
        """Shapes driven by products of weights."""
        return self._correctives

    @property
    def metres_per_unit(self) -> float | None:
        """Length of a scene unit, or None."""
        return self._metres_per_unit

    @property
    def up_axis(self) -> str | None:
        """Which way is up, "y", "z" or None."""
        return self._up_axis

    @property
    def name(self) -> str:
        """What the object is called in formats that name objects."""
        return self._name

    @property
    def n_shapes(self) -> int:
        """How many shapes there are, correctives not counted."""
        return len(self._names)

    @property
    def n_vertices(self) -> int:
        """How many vertices there are."""
        return self._topology.n_vertices

    @property
    def deltas(self) -> Array:
        """All shapes as a new dense array, (K, V, 3): K V 12 or 24 bytes."""
        out = np.zeros((self.n_shapes, self.n_vertices, 3), self._offsets.dtype)
        for k in range(self.n_shapes):
            vertices, offsets = self.sparse(k)
            out[k, vertices] = offsets
        return out

    def index(self, name: str) -> int:
        """Return the place of a shape in `names`."""
        if name not in self._names:
            raise ValueError(f"`name` must be a shape of the rig, got {name!r}")
        return self._names.index(name)

    def sparse(self, shape: str | int) -> SparseDelta:
        """Return the vertices that a shape moves and how far, without a copy."""
        k = self.index(shape) if isinstance(shape, str) else _validate.index("shape", shape)
        _validate.index("shape", k, least=-self.n_shapes, below=self.n_shapes)
        k %= self.n_shapes
        part = slice(self._starts[k], self._starts[k + 1])
        return SparseDelta(self._vertices[part], self._offsets[part])

    def delta(self, shape: str | int) -> Array:
        """Return a shape as a new dense array, (V, 3)."""
        return dense(self.sparse(shape), self.n_vertices)

    def weights(self, curves: Mapping[str, npt.ArrayLike]) -> npt.NDArray[np.float64]:
        """Return curves by name as an array of weights; shapes that are not named stay at 0.

        Parameters
        ----------
        curves : mapping of names to (F,) floats or numbers
            A number counts for every frame; if all are numbers there is one frame.

        Returns
        -------
        (F, K) float64.
        """
        _validate.instance("curves", curves, Mapping, "a mapping of names to curves")
        columns: dict[int, npt.NDArray[np.float64]] = {}
        frames: int | None = None
        for name, curve in curves.items():
            k = self.index(name)
            if np.ndim(curve) == 0:
                columns[k] = _validate.floats(f"curves[{name!r}]", curve, ())
                continue
            columns[k] = _validate.floats(
                f"curves[{name!r}]", curve, ("F",), {} if frames is None else {"F": frames}
            )
            frames = len(columns[k])
        out = np.zeros((1 if frames is None else frames, self.n_shapes))
        for k, column in columns.items():
            out[:, k] = column
        return out

    def evaluate(
        self,
        weights: npt.ArrayLike | Mapping[str, npt.ArrayLike],
        *,
        fps: float = 24.0,
        start_frame: int = 0,
        dtype: npt.DTypeLike | None = None,
    ) -> MeshSequence:
        """Return the face under weights, as a take.

        Parameters
        ----------
        weights : (F, K) or (K,) floats, or a mapping of names to curves
            Finite numbers; (K,) gives one frame.
        fps : float
            Frames per second of the result.
        start_frame : int
            Number of its first frame.
        dtype : float32 or float64, optional
            Of the positions; that of the neutral by default. Sums are float64 and rounded once.

        Returns
        -------
        MeshSequence of F frames.
        """
        table = self.driven_weights(weights)
        out_dtype = self._neutral.dtype if dtype is None else np.dtype(dtype)
        if out_dtype not in (np.float32, np.float64):
            raise TypeError(f"`dtype` must be float32 or float64, got {out_dtype}")
        out = np.empty((len(table), self.n_vertices, 3), out_dtype)
        if out.size:
            _core.evaluate_shapes(self._neutral, self._starts, self._vertices, self._offsets, table, out)
        return MeshSequence(
            self._topology,
            out,
            fps=fps,
            start_frame=start_frame,
            metres_per_unit=self._metres_per_unit,
            up_axis=self._up_axis,
            name=self._name,
        )

    def driven_weights(self, weights: npt.ArrayLike | Mapping[str, npt.ArrayLike]) -> npt.NDArray[np.float64]:
        """Return weights with those of the correctives beside them, (F, K + number of correctives)."""
        if isinstance(weights, Mapping):
            table = self.weights(weights)
        elif np.ndim(weights) == 1:
            table = _validate.floats("weights", weights, ("K",), {"K": self.n_shapes})[None]
        else:
            table = _validate.floats("weights", weights, ("F", "K"), {"K": self.n_shapes})
        driven = np.ones((len(table), len(self._correctives)))
        for c, corrective in enumerate(self._correctives):
            for driver in corrective.drivers:
                driven[:, c] *= table[:, self._names.index(driver)]
        return np.concatenate([table, driven], axis=1)

    def with_neutral(self, neutral: npt.ArrayLike) -> Rig:
        """Return a rig with another neutral (V, 3) and the same shapes."""
        return self._rebuilt(neutral, self._names, self._correctives)

    def subset(self, names: Sequence[str]) -> Rig:
        """Return a rig with some of the shapes, in the order named; correctives that lack a driver are left out."""
        chosen = self._checked_names(names)
        correctives = [c for c in self._correctives if all(driver in chosen for driver in c.drivers)]
        return self._rebuilt(self._neutral, chosen, correctives)

    def _rebuilt(
        self, neutral: npt.ArrayLike, names: Sequence[str], correctives: Sequence[Corrective]
    ) -> Rig:
        return Rig(
            self._topology,
            neutral,
            names,
            [self.sparse(name) for name in names],
            correctives,
            metres_per_unit=self._metres_per_unit,
            up_axis=self._up_axis,
            name=self._name,
        )

    def save(self, path: str | PathLike[str]) -> None:
        """Write everything, sparse as it is, to an uncompressed .npz file."""
        topology = self._topology
        parts: dict[str, Any] = {
            "kind": np.array("mien.Rig"),
            "face_counts": topology.face_counts,
            "face_indices": topology.face_indices,
            "neutral": self._neutral,
            "names": np.array(self._names, dtype=np.str_),
            "starts": self._starts,
            "vertices": self._vertices,
            "offsets": self._offsets,
            **packed(self._correctives),
            "name": np.array(self._name),
        }
        if topology.uvs is not None:
            parts |= {"uvs": topology.uvs, "uv_indices": topology.uv_indices}
        if self._metres_per_unit is not None:
            parts["metres_per_unit"] = np.array(self._metres_per_unit)
        if self._up_axis is not None:
            parts["up_axis"] = np.array(self._up_axis)
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, **parts)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Rig:
        """Read what `save` wrote.

        Raises
        ------
        FormatError
            The file does not hold a rig.
        """
        parts = load_npz(path, "a saved rig", _KEYS)
        try:
            return cls._from_parts(parts)
        except (KeyError, ValueError, TypeError) as error:
            raise FormatError(f"{path}: expected a saved rig (.npz), got: {error}") from error

    @classmethod
    def _from_parts(cls, parts: Mapping[str, Array]) -> Rig:
        topology = Topology(
            parts["face_counts"],
            parts["face_indices"],
            len(parts["neutral"]),
            uvs=parts.get("uvs"),
            uv_indices=parts.get("uv_indices"),
        )
        starts = _validate.array("starts", parts["starts"], ("K",), np.int64)
        if (
            len(starts) < 1
            or starts[0] != 0
            or (np.diff(starts) < 0).any()
            or starts[-1] != len(parts["vertices"])
        ):
            raise ValueError("`starts` must ascend from 0 to the number of vertices that move")
        shapes = [
            SparseDelta(parts["vertices"][begin:end], parts["offsets"][begin:end])
            for begin, end in itertools.pairwise(starts)
        ]
        names = [str(text) for text in parts["names"]]
        correctives = unpacked(parts, shapes[len(names) :])
        return cls(
            topology,
            parts["neutral"],
            names,
            shapes[: len(names)],
            correctives,
            metres_per_unit=float(parts["metres_per_unit"]) if "metres_per_unit" in parts else None,
            up_axis=str(parts["up_axis"]) if "up_axis" in parts else None,
            name=str(parts["name"]),
        )

    def __repr__(self) -> str:
        return (
            f"Rig({self.n_shapes} shapes, {len(self._correctives)} correctives, {self.n_vertices} vertices)"
        )
