"""Vertices that follow joints."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien import _core, _validate

__all__ = ["METHODS", "Skin"]

Points = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]

METHODS = ("linear", "dual-quaternion")
# How far rows of weights may be from 1 before they are called wrong, and rotations from rotations.
_SUM_TOLERANCE = 1e-3
_ROTATION_TOLERANCE = 1e-5


class Skin:
    """Bind vertices to joints; `pose` then takes whole sequences of joint motions.

    Parameters
    ----------
    neutral : (V, 3) float32 or float64
        Where the vertices rest, scene units; results have its dtype.
    weights : (V, J) floats
        How much a vertex follows each joint, at least 0; every row sums to 1 (to 1e-3, and is divided by its sum).
    method : {"linear", "dual-quaternion"}
        Blend the joints' matrices, which may scale and shear and lose volume where joints twist; or their rigid
        motions, which stays rigid everywhere and bulges a little where joints bend.

    Raises
    ------
    ValueError
        A shape is wrong, a number is not finite, weights are negative or do not sum to 1; the first vertex is named.

    Notes
    -----
    Kept sparse: memory O(V + weights above 0). Neck and jaw of a face take a handful of joints.

    References
    ----------
    Kavan, Collins, Žára, O'Sullivan 2008, Geometric skinning with approximate dual quaternion blending, ACM Trans.
    Graph. 27(4).

    Examples
    --------
    >>> import numpy as np
    >>> skin = Skin(np.eye(3), [[1, 0], [0, 1], [0.5, 0.5]])
    >>> turns = np.broadcast_to(np.eye(3), (1, 2, 3, 3))
    >>> skin.pose(turns, [[[0, 0, 0], [0, 0, 2]]])[0].tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 2.0], [0.0, 0.0, 2.0]]
    """

    __slots__ = ("_joints", "_method", "_n_joints", "_neutral", "_start", "_weights")

    def __init__(self, neutral: npt.ArrayLike, weights: npt.ArrayLike, *, method: str = "linear") -> None:
        rest = _validate.points("neutral", neutral, ("V", 3)).copy()
        place = _core.first_non_finite(rest)
        if place is not None:
            raise ValueError(f"`neutral` must be finite, got {rest[place[1]].tolist()} at vertex {place[1]}")
        table = _validate.floats("weights", weights, ("V", "J"), {"V": len(rest)})
        sums = table.sum(axis=1)
        for wrong, problem in (
            ((table < 0).any(axis=1), "be at least 0"),
            (~(np.abs(sums - 1) <= _SUM_TOLERANCE), "sum to 1 at every vertex"),
        ):
            if wrong.any():
                v = int(wrong.argmax())
                raise ValueError(f"`weights` must {problem}, got {table[v].tolist()} at vertex {v}")
        vertices, joints = np.nonzero(table)
        self._neutral, self._n_joints = rest, int(table.shape[1])
        self._method = _validate.one_of("method", method, METHODS)
        self._start = np.searchsorted(vertices, np.arange(len(rest) + 1)).astype(np.int64)
        self._joints = joints.astype(np.int32)
        self._weights = table[vertices, joints] / sums[vertices]

    @property
    def method(self) -> str:
        """How joints are blended."""
        return self._method

    @property
    def n_joints(self) -> int:
        """How many joints there are, J."""
        return self._n_joints

    def pose(
        self, rotation: npt.ArrayLike, translation: npt.ArrayLike, *, out: npt.NDArray[Any] | None = None
    ) -> Points:
        """Move the vertices with their joints: ``sum_j w_vj (rotation[f, j] @ neutral[v] + translation[f, j])``.

        Parameters
        ----------
        rotation : (F, J, 3, 3) floats
            From where a joint rests to where it is in the frame, on column vectors: any matrix for "linear", rotations
            for "dual-quaternion".
        translation : (F, J, 3) floats
            Scene units.
        out : (F, V, 3) array, optional
            Where to write.

        Returns
        -------
        (F, V, 3) floats of the neutral's dtype.

        Raises
        ------
        ValueError
            A shape is wrong, a number is not finite, or a rotation is none; the first frame and joint are named.

        Notes
        -----
        Cost O(F weights), sixteen frames side by side, in float64. The bits depend neither on threads nor on the
        instruction set nor on the other frames.
        """
        n = self._n_joints
        matrix = _validate.floats("rotation", rotation, ("F", "J", 3, 3), {"J": n})
        offset = _validate.floats("translation", translation, ("F", "J", 3), {"F": len(matrix), "J": n})
        if self._method == "dual-quaternion":
            _require_rotations(matrix)
        shape = (len(matrix), len(self._neutral), 3)
        if out is None:
            out = np.empty(shape, self._neutral.dtype)
        elif (
            not isinstance(out, np.ndarray)
            or (out.shape, out.dtype) != (shape, self._neutral.dtype)
            or not (out.flags.c_contiguous and out.flags.writeable)
        ):
            raise ValueError(
                f"`out` must be a writable C-contiguous {self._neutral.dtype} array of shape {shape}"
            )
        if out.size:
            _core.skin_frames(
                self._neutral,
                self._start,
                self._joints,
                self._weights,
                self._method == "dual-quaternion",
                matrix,
                offset,
                out,
            )
        return out

    def __repr__(self) -> str:
        return f"Skin({len(self._neutral)} vertices, {self._n_joints} joints, {self._method})"


def _require_rotations(matrix: Float64) -> None:
    product = np.einsum("fjik,fjil->fjkl", matrix, matrix) - np.eye(3)
    wrong = (np.abs(product).max(axis=(2, 3)) > _ROTATION_TOLERANCE) | (np.linalg.det(matrix) < 0)
    if wrong.any():
        f, j = (int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(
            f"`rotation` must hold rotations for dual quaternions, got {matrix[f, j].tolist()} at frame {f}, joint {j}"
        )
