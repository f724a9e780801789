// Points on a surface, through whole sequences.
#pragma once

#include <cstdint>

#include "mien/views.h"

namespace mien {

// out[f][p] = sum_k coordinates[p][k] positions[f][corners[p][k]], in double, rounded once.
//   positions    F frames of V vertices
//   corners      3 x P vertices below V: the triangle of each point
//   coordinates  3 x P
//   out          F frames of P points, of the scalar type of positions
// Throws Error (invalidArgument) where sizes or corners do not fit.
void surfacePoints(const ConstFrames& positions, const std::int32_t* corners, const double* coordinates,
                   const Frames& out);

}  // namespace mien
