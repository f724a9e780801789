#pragma once

#include <stddef.h>
#include <stdint.h>

namespace mien {

// Shapes of a block are padded to a multiple of kProjectionPad, so that every vector width divides them.
constexpr int64_t kProjectionPad = 16;

struct ProjectionKernels {
    // to[3 i + c] = points[first + i][c] - rest[3 i + c] for i < count, rounded to the points' type.
    void (*offsetsFloat)(const void* points, ptrdiff_t stride, int64_t first, int64_t count,
                         const double* rest, void* to);
    void (*offsetsDouble)(const void* points, ptrdiff_t stride, int64_t first, int64_t count,
                          const double* rest, void* to);
    // sums[r * sumStride + k] += sum over c < depth, in that order, of rows[r * rowStride + c] *
    // panel[c * width + k], for r < count and k < width, a multiple of kProjectionPad.
    void (*productFloat)(const void* rows, int64_t rowStride, int64_t count, const void* panel, int64_t width,
                         int64_t depth, double* sums, int64_t sumStride);
    void (*productDouble)(const void* rows, int64_t rowStride, int64_t count, const void* panel,
                          int64_t width, int64_t depth, double* sums, int64_t sumStride);
};

}  // namespace mien
