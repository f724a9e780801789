// Solving with the triangles of a supernodal factor.
#pragma once

#include "mien/views.h"
#include "supernodes.h"

namespace mien {

// Solves L L' x = b in place for `width` right-hand sides: x is n x width, row-major, rows in factor order,
// of the scalar that the factor is stored in.
void solveBlock(const Supernodes& pattern, const void* values, Scalar storage, void* x, int width);

}  // namespace mien
