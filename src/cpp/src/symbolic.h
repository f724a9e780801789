// Everything about a sparse Cholesky factor that follows from the pattern of the matrix alone.
#pragma once

#include <cstdint>
#include <vector>

#include "mien/sparse_factor.h"
#include "ordering.h"
#include "supernodes.h"

namespace mien {

struct Symbolic {
    Supernodes supernodes;

    // The strict lower triangle of P A P' by columns, rows in no particular order. `place` is the row's place
    // in its supernode's panel; `below` and `above` say which of the caller's values hold the entry, those of
    // the two triangles, -1 where a triangle does not have it.
    std::vector<std::int64_t> columnStart;  // n + 1
    std::vector<std::int32_t> rows, place;
    std::vector<std::int32_t> below, above;
    std::vector<std::int32_t> diagonal;  // n, -1 where absent
    bool bothTriangles = false;

    // For each row of supernodes.rows its place in the parent's front: columns first, rows below after them.
    std::vector<std::int32_t> relative;
    std::vector<char> parity;                   // S: whether the depth is odd
    std::vector<std::int32_t> firstDescendant;  // S: the subtree of s is [firstDescendant[s], s]

    // As the caller gave it.
    std::vector<std::int64_t> givenStart;
    std::vector<std::int32_t> givenRows;

    std::int64_t nonZeros = 0;  // of L without the padding of relaxed supernodes
    double flops = 0;

    std::int64_t memory() const;
};

// Throws Error (invalidArgument) where the pattern is not one of a symmetric matrix as SparseMatrix has it.
Symbolic analyse(const SparseMatrix& matrix, const double* positions, Ordering ordering);

}  // namespace mien
