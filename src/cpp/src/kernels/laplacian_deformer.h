#pragma once

#include <stddef.h>
#include <stdint.h>

namespace mien {

constexpr int kResponsePanel = 32;  // neighbouring vertices that are worked on together
constexpr int kTurnBlock = 16;      // neighbouring vertices whose rotations are found together
constexpr int kResponseFrames = 4;  // frames likewise; numbers of a handle: x, y, z of each

// What local rotations are found from. Points are x, y, z of every vertex; the Laplacian is given by columns.
struct RotationProblem {
    const int64_t* start;
    const int32_t* rows;
    const double* laplacian;
    const double *rest, *moved;  // V x 3
    double* turns;               // V x 9, rotation minus identity, row-major
};

struct LaplacianDeformerKernels {
    // sums[(3 g + c) * kResponsePanel + lane] = sum over handles h, in order, of
    // panel[h * kResponsePanel + lane] * moves[(h * kResponseFrames + g) * 3 + c], for g < frames.
    void (*productFloat)(const float* panel, const float* moves, int64_t handles, int frames, float* sums);
    void (*productDouble)(const double* panel, const double* moves, int64_t handles, int frames,
                          double* sums);

    // out = base + sums for one frame of the panel's first `count` vertices. The first letter is that of the
    // sums, the second that of the points.
    using Add = void (*)(const void* sums, const void* base, ptrdiff_t baseStride, int count, void* out,
                         ptrdiff_t outStride);
    Add addFloatFloat, addFloatDouble, addDoubleFloat, addDoubleDouble;

    // The rotations that take the edges around vertices[begin, end) from rest to moved; `begin` is a multiple
    // of kTurnBlock, so that blocks are always the same.
    void (*localTurns)(const RotationProblem& problem, const int32_t* vertices, int64_t begin, int64_t end);
    // change[v] = sum over edges of weight * (turn_v + turn_j) / 2 (rest_v - rest_j): by how much turning the
    // edges changes the Laplacian of the rest, for the vertices[begin, end). `change` is V x 3.
    void (*turnedLaplacian)(const RotationProblem& problem, const int32_t* vertices, int64_t begin,
                            int64_t end, double* change);
};

}  // namespace mien
