// Small dense matrices, row-major, with the same bits on every processor and for every number of threads:
// what BLAS and LAPACK do not promise.
#pragma once

#include <cstdint>

namespace mien {

// out (rows x columns) = left (rows x depth) right (depth x columns); every number is a sum of
// chains of 192 fused multiply-adds, by ascending depth. `out` must not overlap the others.
void multiplyMatrices(const double* left, const double* right, std::int64_t rows, std::int64_t depth,
                      std::int64_t columns, double* out);

// Solves a x = rhs for a symmetric positive definite (size x size, of which the upper triangle is read) and
// rhs (size x columns) by Cholesky's factor. Both are overwritten: `a` by the factor, `rhs` by x. Returns
// false, and leaves them in between, where a pivot is not positive. O(size^3 / 3 + size^2 columns).
bool solvePositive(double* a, std::int64_t size, double* rhs, std::int64_t columns);

}  // namespace mien
