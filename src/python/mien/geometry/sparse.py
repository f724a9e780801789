"""Sparse symmetric positive definite systems: factor once, solve for as many right-hand sides as there are."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core, _validate

__all__ = ["SolveResult", "SparseFactor"]

ORDERINGS = ("auto", "surface", "geometric", "amd", "natural")

# The backward error that a float32 factor is refined to when the right-hand sides are float64: what rounding leaves
# of a residual, with a margin of 16.
TOLERANCE = 2.0**-48


class SolveResult(NamedTuple):
    """An answer and how good it is.

    Attributes
    ----------
    x : same shape and dtype as the right-hand sides
        The answer.
    residual : float
        The largest backward error of a right-hand side, before rounding to the dtype of `x`:
        max |b - A x| / (|A| max |x| + max |b|).
    refinements : int
        The most steps of refinement that a right-hand side took.
    fell_back : bool
        Whether a float32 factor did not do and one in float64 was made for the call: keep a float64 factor instead.
    """

    x: npt.NDArray[Any]
    residual: float
    refinements: int
    fell_back: bool


class SparseFactor:
    """The Cholesky factorisation of a sparse symmetric positive definite matrix, ready to solve.

    Parameters
    ----------
    matrix : scipy sparse matrix or array, or tuple ``(data, indices, indptr, shape)``
        Symmetric, of shape (V, V), both triangles or one of them alone. Column- or row-compressed is taken as it is,
        with indices in any order; other SciPy formats are converted.
    positions : (V, 3) array_like, optional
        Where the unknowns are, any unit; needed for ``ordering="geometric"`` alone.
    dtype : float64 or float32
        How the factor is stored. It is computed in float64 either way; float32 halves the memory that a solve reads.
    ordering : {"auto", "surface", "geometric", "amd", "natural"}
        "amd" is approximate minimum degree. "surface" cuts the graph into halves again and again (nested dissection)
        along what hangs together, and "geometric" by planes, which cut all of a face's surfaces that lie inside each
        other. "auto" is "surface" from 600,000 edges on (a Laplacian of 200,000 vertices) and "amd" below.
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

    def solve(
        self,
        rhs: npt.ArrayLike,
        *,
        refine: int | float | None = None,
        out: npt.NDArray[Any] | None = None,
    ) -> npt.NDArray[Any]:
        """Solve ``A x = rhs`` for as many right-hand sides as there are.

        Parameters
        ----------
        rhs : (V,), (V, K) or (F, V, K) float32 or float64
            Right-hand sides, any strides. Arrays of other numbers become float64.
        refine : int or float, optional
            Iterative refinement with residuals in float64. An integer: so many steps. A float: as many as bring the
            backward error of every right-hand side to this tolerance, with a float64 factor made for this call where
            a float32 one does not do. None: none, but ``refine=2**-48`` where the factor is float32 and `rhs` is
            float64.
        out : array of the shape and dtype of `rhs`, optional
            Where the answer goes. May be `rhs` itself.

        Returns
        -------
        x : same shape and dtype as `rhs`
            Its bits depend neither on the other right-hand sides nor on threads or the instruction set.

        Raises
        ------
        TypeError
            An array is not made of real numbers, or `out` has another dtype than `rhs`.
        ValueError
            A shape is wrong, or a right-hand side is not finite; frame and vertex are named. `out` overlaps `rhs`
            without being it, or cannot be written to.
        NumericalError
            The tolerance cannot be reached; the right-hand side is named.

        Notes
        -----
        Right-hand sides are solved 16 to 64 at a time, in parallel. Cost 4 nnz operations for each and as much memory
        a thread as 64 of them take. The backward error is max |b - A x| / (|A| max |x| + max |b|), |A| the largest
        sum of sizes in a row. When an exception is raised, what `out` holds is not defined.

        References
        ----------
        Demmel et al. 2006, Error bounds from extra-precise iterative refinement, ACM TOMS 32(2).

        Examples
        --------
        >>> import numpy as np
        >>> matrix = (np.array([4.0, 2.0]), np.array([0, 1]), np.array([0, 1, 2]), (2, 2))
        >>> SparseFactor(matrix).solve(np.array([8.0, 2.0])).tolist()
        [2.0, 1.0]
        """
        return self._solve(rhs, refine, out, False).x

    def solve_with_report(
        self,
        rhs: npt.ArrayLike,
        *,
        refine: int | float | None = None,
        out: npt.NDArray[Any] | None = None,
    ) -> SolveResult:
        """Do what `solve` does, to the same bits, and measure how well it went.

        Parameters
        ----------
        rhs, refine, out : as in `solve`

        Returns
        -------
        SolveResult
            With the residual measured in float64, which takes a little longer.

        Raises
        ------
        TypeError, ValueError, NumericalError
            As `solve` does.
        """
        return self._solve(rhs, refine, out, True)

    def _solve(
        self,
        rhs: npt.ArrayLike,
        refine: int | float | None,
        out: npt.NDArray[Any] | None,
        measure: bool,
    ) -> SolveResult:
        values = right_hand_sides(rhs, self._factor.size)
        steps, tolerance = refinement(refine, self._dtype, values.dtype)
        into = np.empty_like(values) if out is None else answer_array(out, values)
        if values.size == 0:
            return SolveResult(into, 0.0, 0, False)
        shape: tuple[Any, ...] = (None,) * (values.ndim < 3) + (slice(None),) * values.ndim
        if values.ndim == 1:
            shape += (None,)
        return SolveResult(into, *self._factor.solve(values[shape], into[shape], steps, tolerance, measure))

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


def right_hand_sides(rhs: npt.ArrayLike, size: int) -> npt.NDArray[Any]:
    """Return right-hand sides as they are, or as float64 where they are other numbers."""
    values = rhs if isinstance(rhs, np.ndarray) else np.asarray(rhs)
    if values.dtype.kind not in "fiub":
        raise TypeError(f"`rhs` must hold real numbers, got {values.dtype} values")
    rows = values.shape[0] if values.ndim in (1, 2) else values.shape[1] if values.ndim == 3 else -1
    if rows != size:
        raise ValueError(
            f"`rhs` must have shape (V,), (V, K) or (F, V, K) with V = {size}, got {values.shape}"
        )
    if values.dtype not in (np.float32, np.float64) or not values.dtype.isnative or not values.flags.aligned:
        values = values.astype(np.float32 if values.dtype == np.float16 else np.float64)
    return values


def answer_array(out: Any, rhs: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Check that an answer can be written to `out` while `rhs` is read."""
    if not isinstance(out, np.ndarray) or out.dtype != rhs.dtype:
        got = out.dtype if isinstance(out, np.ndarray) else type(out).__name__
        raise TypeError(f"`out` must be an array of {rhs.dtype}, the dtype of `rhs`, got {got}")
    if out.shape != rhs.shape:
        raise ValueError(f"`out` must have the shape of `rhs`, {rhs.shape}, got {out.shape}")
    if not out.flags.writeable or not out.flags.aligned:
        raise ValueError("`out` must be writeable and aligned, got a read-only or unaligned array")
    same = out.__array_interface__["data"] == rhs.__array_interface__["data"] and out.strides == rhs.strides
    if not same and np.shares_memory(out, rhs):
        raise ValueError("`out` must be `rhs` itself or lie apart from it, got an array that overlaps it")
    return out


def refinement(refine: int | float | None, factor: np.dtype[Any], rhs: np.dtype[Any]) -> tuple[int, float]:
    """Return the steps of refinement, or 0 and the backward error to refine to."""
    if refine is None:
        return 0, TOLERANCE if factor == np.float32 and rhs == np.float64 else 0.0
    if isinstance(refine, (float, np.floating)):
        return 0, _validate.number("refine", refine, least=2.0**-52, most=1)
    if isinstance(refine, (bool, np.bool_)):
        raise TypeError(f"`refine` must be an integer, a float or None, got {refine}")
    return _validate.index("refine", refine, least=0, below=1000), 0.0
