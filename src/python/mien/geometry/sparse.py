"""Sparse symmetric positive definite systems: factor once, solve for as many right-hand sides as there are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien import _core, _validate

__all__ = ["SparseFactor"]

ORDERINGS = ("auto", "geometric", "amd", "natural")


class SparseFactor:
    """The Cholesky factorisation of a sparse symmetric positive definite matrix, ready to solve.

    Parameters
    ----------
    matrix : scipy sparse matrix or array, or tuple ``(data, indices, indptr, shape)``
        Symmetric, of shape (V, V), both triangles or one of them alone. Column- or row-compressed is taken as it is,
        with indices in any order; other SciPy formats are converted.
    positions : (V, 3) array_like, optional
        Where the unknowns are, any unit. With them the elimination order comes from cutting the shape in halves
        (geometric nested dissection), which is fast and fills in little on surfaces.
    dtype : float64 or float32
        How the factor is stored. It is computed in float64 either way; float32 halves the memory that a solve reads.
    ordering : {"auto", "geometric", "amd", "natural"}
        "auto" is "geometric" where positions are given and "amd" (approximate minimum degree) otherwise.
    pattern : SparseFactor, optional
        A factor of a matrix with entries at the same places, whose ordering and symbolic analysis are shared.
        `positions` and `ordering` are then not used.

    Raises
    ------
    TypeError
        `matrix` is not sparse, or holds something else than real numbers.
    ValueError
        `matrix` is not square, not symmetric, has an entry twice, or a value that is not finite.
    NumericalError
        `matrix` is not positive definite; the message names the row.

    Notes
    -----
    Supernodal multifrontal Cholesky in float64, ``P A Pᵀ = L Lᵀ``. On a surface about V log V entries in L and V^1.5
    operations. The bits of the factor depend neither on threads nor on the instruction set.
    Once made, it may be used from many threads at once, but for `refactor`.

    References
    ----------
    Duff, Reid 1983, The multifrontal solution of indefinite sparse symmetric linear equations, ACM TOMS 9(3).
    George 1973, Nested dissection of a regular finite element mesh, SIAM J. Numerical Analysis 10(2).
    """

    __slots__ = ("_dtype", "_factor")

    def __init__(
        self,
        matrix: Any,
        positions: npt.ArrayLike | None = None,
        *,
        dtype: npt.DTypeLike = np.float64,
        ordering: str = "auto",
        pattern: SparseFactor | None = None,
    ) -> None:
        data, indices, indptr = columns(matrix)
        n = len(indptr) - 1
        points = None if positions is None else _validate.floats("positions", positions, ("V", 3), {"V": n})
        wanted = np.dtype(dtype)
        if wanted not in (np.float32, np.float64):
            raise TypeError(f"`dtype` must be float32 or float64, got {wanted}")
        _validate.one_of("ordering", ordering, ORDERINGS)
        if ordering == "geometric" and points is None and pattern is None:
            raise ValueError("`positions` must be given for ordering='geometric', got None")
        if pattern is not None:
            _validate.instance("pattern", pattern, SparseFactor, "a SparseFactor")
        self._dtype: np.dtype[Any] = wanted
        self._factor: _core.SparseFactor = _core.SparseFactor(
            data,
            indices,
            indptr,
            points,
            None if pattern is None else pattern._factor,
            wanted == np.float32,
            ordering,
        )

    def refactor(self, matrix: Any) -> None:
        """Factor a matrix with entries at the same places; nothing but the numbers is computed anew.

        Parameters
        ----------
        matrix : as in the constructor
            Its entries must be stored in the same order as those of the first matrix.

        Raises
        ------
        ValueError, NumericalError
            As the constructor does, or the pattern is another one. The factor is then what it was.
        """
        self._factor.refactor(*columns(matrix))

    def solve(self, rhs: npt.ArrayLike, *, refine: int | None = None, out: Any = None) -> npt.NDArray[Any]:
        """Solve ``A x = rhs``.

        Parameters
        ----------
        rhs : (V,), (V, K) or (F, V, K) array_like
            Right-hand sides, float32 or float64.
        refine : int, optional
            Steps of iterative refinement.
        out : array of the shape and dtype of `rhs`, optional
            Where the answer goes; may be `rhs`.

        Returns
        -------
        x : same shape and dtype as `rhs`
        """
        values = np.asarray(rhs)
        if values.dtype not in (np.float32, np.float64):
            values = values.astype(np.float64)
        out = np.empty_like(values) if out is None else out
        shape: tuple[Any, ...] = (slice(None),)
        if values.ndim == 1:
            shape = (None, slice(None), None)
        elif values.ndim == 2:
            shape = (None,)
        self._factor.solve(values[shape], out[shape], refine or 0, 0.0)
        return np.asarray(out)

    @property
    def shape(self) -> tuple[int, int]:
        """(V, V)."""
        return self._factor.size, self._factor.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """How the factor is stored, float32 or float64."""
        return self._dtype

    @property
    def nnz(self) -> int:
        """Entries of L that the pattern of the matrix asks for."""
        return self._factor.non_zeros

    @property
    def nnz_stored(self) -> int:
        """Numbers that are stored for them; supernodes are made larger where that is faster."""
        return self._factor.stored_values

    @property
    def flops(self) -> float:
        """Multiplications and additions of one factorisation."""
        return self._factor.flops

    @property
    def nbytes(self) -> int:
        """Memory that the factor holds, in bytes; a shared pattern is counted in full."""
        return self._factor.memory

    @property
    def permutation(self) -> npt.NDArray[np.int32]:
        """The elimination order (V,) int32: column k of L belongs to unknown ``permutation[k]``."""
        return self._factor.permutation

    def __repr__(self) -> str:
        return f"<SparseFactor of {self.shape[0]} unknowns, {self.nnz} entries in L, {self._dtype}>"


def columns(
    matrix: Any,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Return the data, indices and index pointer of a symmetric matrix; rows and columns are the same to it."""
    if isinstance(matrix, tuple) and len(matrix) == 4:
        data, indices, indptr, shape = matrix
    elif hasattr(matrix, "tocsc") and hasattr(matrix, "format"):
        compressed = matrix if matrix.format in ("csc", "csr") else matrix.tocsc()
        data, indices, indptr = compressed.data, compressed.indices, compressed.indptr
        shape = compressed.shape
    else:
        raise TypeError(
            "`matrix` must be a SciPy sparse matrix or (data, indices, indptr, shape), "
            f"got {type(matrix).__name__}"
        )
    shape = tuple(shape)
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ValueError(f"`matrix` must have shape (V, V), got {shape}")
    n = _validate.index("matrix.shape[0]", shape[0], least=1, below=np.iinfo(np.int32).max)
    starts = _validate.array("matrix.indptr", indptr, ("V + 1",), np.int64, {"V + 1": n + 1})
    if starts[0] != 0 or starts[-1] > min(len(data), len(indices)):
        raise ValueError(
            f"`matrix.indptr` must go from 0 to the number of entries, {len(data)}, got {starts[0]} to {starts[-1]}"
        )
    count = {"N": int(starts[-1])}
    rows = _validate.array("matrix.indices", indices[: count["N"]], ("N",), np.int32, count)
    values = _validate.array("matrix.data", data[: count["N"]], ("N",), np.float64, count)
    return values, rows, starts
