#pragma once

#include <stddef.h>
#include <stdint.h>

namespace mien {

struct RigidKernels {
    // out = A x + b for `count` points; A row-major 3 x 3; strides in bytes.
    void (*applyFloat)(const void* points, ptrdiff_t stride, int64_t count, const double* matrix,
                       const double* offset, void* out, ptrdiff_t outStride);
    void (*applyDouble)(const void* points, ptrdiff_t stride, int64_t count, const double* matrix,
                        const double* offset, void* out, ptrdiff_t outStride);
    // Index of the first point with a coordinate that is not finite, or -1.
    int64_t (*firstNonFiniteFloat)(const void* points, ptrdiff_t stride, int64_t count);
    int64_t (*firstNonFiniteDouble)(const void* points, ptrdiff_t stride, int64_t count);
};

}  // namespace mien
