// The pattern of a symmetric matrix as its strict lower triangle, whichever triangles the caller has.
#pragma once

#include <cstdint>
#include <vector>

#include "mien/sparse_factor.h"
#include "ordering.h"

namespace mien {

struct Triangle {
    std::vector<std::int64_t> start;         // n + 1
    std::vector<std::int32_t> rows;          // ascending for each column
    std::vector<std::int32_t> below, above;  // which of the caller's values, -1 where it has none
    std::vector<std::int32_t> diagonal;      // n, -1 where absent
    bool both = false;                       // entries on both sides of the diagonal
};

// Throws Error (invalidArgument) where indices are out of range or an entry comes twice.
Triangle readTriangle(const SparseMatrix& matrix);

Graph graphOf(const Triangle& triangle);

}  // namespace mien
