// The numbers of a sparse Cholesky factor: one dense front after the other (Duff, Reid 1983).
#pragma once

#include <cstdint>

#include "mien/views.h"
#include "scratch.h"
#include "symbolic.h"

namespace mien {

// Factors P A P', whose entries are `diagonal` and `lower` (as Symbolic has them), into `values`.
// Returns the first column, in elimination order, at which the matrix turns out not to be positive definite,
// or -1. `workspace` is scratch that may be kept for the next call.
std::int32_t factorise(const Symbolic& symbolic, const double* diagonal, const double* lower, Scalar storage,
                       void* values, Scratch* workspace);

}  // namespace mien
