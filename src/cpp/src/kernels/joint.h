#pragma once

#include <stddef.h>
#include <stdint.h>

namespace mien {

constexpr int kJointFrames = 16;  // worked on together, one in each lane
constexpr int kJointRows = 12;    // outputs in a tile of a panel: a multiple of 3

// Where weights begin to fall before anything is told, root of s: a vertex may be that far, in the lengths
// that `inverse` says, from where the first head has it.
constexpr float kJointBelieved = 0.5F;

// Head and residuals of kJointFrames frames; lengths are relative to one radius.
struct JointPose {
    float rotation[9][kJointFrames];  // head -> world, row-major
    float offset[3][kJointFrames];    // seen = R^T world - offset - point
};

struct JointKernels {
    // out[12 t + r][lane] = sum over k < depth, in that order, of panel[(t depth + k) 12 + r] in[k][lane]
    void (*product)(const float* panel, int64_t tiles, int64_t depth, const float* in, float* out);
    // The same added to doubles.
    void (*addProduct)(const float* panel, int64_t tiles, int64_t depth, const float* in, double* sums);
    // For `count` vertices, world (3 a vertex) and rows (3 a vertex) with lanes: on entry rows hold what is
    // told of the displacements, on return what is left of those seen, times Student's weight
    // min((freedom + 3) / (freedom + s), 1), s = |left|^2 inverse[v]; 0 where world's x is NaN. With `first`
    // nothing is told, and weights are min(kJointBelieved^2 / s, 1); where `squares` (1 a vertex) is not null
    // all weights are 1 and s is written.
    void (*weigh)(const JointPose* pose, const float* world, const float* points, const float* inverse,
                  int64_t count, float freedom, bool first, float* rows, float* squares);
};

}  // namespace mien
