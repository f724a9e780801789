// Rigid motion of whole takes: one rotation and translation a frame, head -> world.
#pragma once

#include "mien/views.h"

namespace mien {

// out[f, v] = R_f points[f, v] + t_f, computed in double and rounded once to the output's scalar type.
//   points       F frames, or 1 frame that is used for every f
//   rotation     F x 9 doubles, row-major, acting on column vectors
//   translation  F x 3 doubles
//   out          F frames; may be the same memory as points (in place)
void applyRigid(const ConstFrames& points, const double* rotation, const double* translation,
                const Frames& out);

// out[f, v] = R_f^T (points[f, v] - t_f): world -> head. Arguments as above.
void applyRigidInverse(const ConstFrames& points, const double* rotation, const double* translation,
                       const Frames& out);

// The first vertex, in frame order, that has a coordinate which is not finite; false if there is none.
bool firstNonFinite(const ConstFrames& points, std::int64_t* frame, std::int64_t* vertex);

}  // namespace mien
