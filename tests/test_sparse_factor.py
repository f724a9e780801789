"""SparseFactor: laws, the slow twin, validity, contracts."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sparse

import mien


def definite(n: int, density: float, seed: int) -> sparse.csc_array:
    """A random symmetric positive definite matrix."""
    rng = np.random.default_rng(seed)
    half = sparse.random_array((n, n), density=density, rng=rng, format="csc")
    return sparse.csc_array(half @ half.T + sparse.eye_array(n))


@pytest.mark.parametrize("n", [1, 2, 3, 17, 100])
@pytest.mark.parametrize("density", [0.0, 0.01, 0.2])
@pytest.mark.parametrize("ordering", ["amd", "natural"])
def test_the_equations_hold(rng, n: int, density: float, ordering: str) -> None:
    matrix = definite(n, density, 1)
    rhs = rng.normal(size=(n, 3))
    for given in (matrix, sparse.tril(matrix).tocsc(), sparse.tril(matrix).tocsr(), matrix.tocoo()):
        solution = mien.SparseFactor(given, ordering=ordering).solve(rhs)
        assert np.abs(matrix @ solution - rhs).max() < 1e-9
