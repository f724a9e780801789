// Solving with the triangles of a supernodal factor.
#pragma once

#include "mien/views.h"
#include "supernodes.h"

namespace mien {

// Solves L L' x = b in place for `width` right-hand sides: x is n x width, row-major, rows in factor order,
// of the scalar that the factor is stored in. `width` is 4, 8 or a multiple of 16; 48 and 64 are fastest for
// many. What comes out in a column depends neither on `width` nor on the other columns, nor on the
// instruction set. Runs in the calling thread; blocks may be solved in parallel. Throws Error
// (invalidArgument) for other widths.
void solveBlock(const Supernodes& pattern, const void* values, Scalar storage, void* x, int width);

}  // namespace mien
