#pragma once

#include <stddef.h>
#include <stdint.h>

namespace mien {

struct RigidKernels {
    // out = A x + b for `count` points, in double, rounded once; A row-major 3 x 3; strides in bytes. With
    // `stream` the result is written past the caches where points lie side by side (see streaming.h).
    void (*applyFloat)(const void* points, ptrdiff_t stride, int64_t count, const double* matrix,
                       const double* offset, void* out, ptrdiff_t outStride, bool stream);
    void (*applyDouble)(const void* points, ptrdiff_t stride, int64_t count, const double* matrix,
                        const double* offset, void* out, ptrdiff_t outStride, bool stream);
    // out = A (x - c) + b in float, for floats; c and b are sums of two floats each, so that what is far from
    // the origin but near c loses nothing.
    void (*applyAbout)(const void* points, ptrdiff_t stride, int64_t count, const double* matrix,
                       const double* centre, const double* offset, void* out, ptrdiff_t outStride,
                       bool stream);
    // Index of the first point with a coordinate that is not finite, or -1.
    int64_t (*firstNonFiniteFloat)(const void* points, ptrdiff_t stride, int64_t count);
    int64_t (*firstNonFiniteDouble)(const void* points, ptrdiff_t stride, int64_t count);
};

}  // namespace mien
