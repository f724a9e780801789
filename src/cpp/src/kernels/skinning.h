#pragma once

#include <stddef.h>
#include <stdint.h>

namespace mien {

constexpr int kSkinLanes = 16;  // frames that are worked on together

// Some vertices: where they rest, 3 numbers each, and their joints at start[i] ... start[i + 1].
struct SkinVertices {
    const double* rest;
    const int64_t* start;
    const int32_t* joints;
    const double* weights;
    int64_t count;
};

// Poses are [joint][number][lane], 12 numbers (rows of matrix and offset) or 8 (unit quaternion, scalar
// first, and its dual part); x is [vertex][component][lane].
struct SkinningKernels {
    void (*linear)(const SkinVertices& vertices, const double* poses, double* x);
    void (*dualQuaternion)(const SkinVertices& vertices, const double* poses, double* x);
};

}  // namespace mien
