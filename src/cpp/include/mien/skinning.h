// Skinning: vertices that follow joints, blended by weights. Whole sequences, frames side by side in the
// lanes of a vector.
#pragma once

#include <cstdint>

#include "mien/views.h"

namespace mien {

enum class SkinBlend {
    linear,          // of the joints' matrices: any affine maps; thins where joints twist
    dualQuaternion,  // of the joints' rigid motions (Kavan et al. 2008): stays a rigid motion at every vertex
};

// The joints of vertex v and their weights, at start[v] ... start[v + 1]; weights >= 0 that sum to 1.
struct SkinWeights {
    const std::int64_t* start;   // V + 1, from 0
    const std::int32_t* joints;  // below jointCount
    const double* weights;
};

// out[f][v] = blend of (matrix[f][j] neutral[v] + offset[f][j]).
//   neutral     one frame of V vertices, finite
//   matrix      F x jointCount x 9, row-major: from where the neutral is to where it is in the frame.
//               Rotations if the blend is dualQuaternion
//   offset      F x jointCount x 3
//   out         F frames of V vertices
// Throws Error (invalidArgument) where sizes or joints do not fit. The bits do not depend on the number of
// threads, the instruction set or the other frames.
void skinFrames(const ConstFrames& neutral, const SkinWeights& weights, SkinBlend blend, const double* matrix,
                const double* offset, std::int64_t jointCount, const Frames& out);

}  // namespace mien
