// Blendshape rigs: a neutral and sparse shapes that are added by weight.
#pragma once

#include "mien/views.h"

namespace mien {

// Shapes one after the other, each a list of vertices and how far they move at weight 1.
struct ConstShapes {
    const std::int64_t* starts = nullptr;   // shapes + 1 places in `vertices`, ascending, the first is 0
    const std::int32_t* indices = nullptr;  // vertices of each shape, strictly ascending within a shape
    const void* offsets = nullptr;          // 3 scalars for each entry of `indices`
    Scalar scalar = Scalar::float32;        // of `offsets`
    std::int64_t shapes = 0;
};

// out[f] = neutral + sum over s of weights[f, s] * shape s, added in double in the order of the shapes and
// rounded once to the output's scalar type. Shapes whose weight is 0 are not read.
//   neutral   1 frame
//   shapes    may be empty; throws Error (invalidArgument) when a used shape names a vertex out of range or
//             out of order
//   weights   F x shapes doubles
//   out       F frames of as many vertices as the neutral has
void evaluateShapes(const ConstFrames& neutral, const ConstShapes& shapes, const double* weights,
                    const Frames& out);

}  // namespace mien
