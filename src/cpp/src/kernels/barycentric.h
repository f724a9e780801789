#pragma once

#include <stddef.h>
#include <stdint.h>

namespace mien {

// `count` points of one frame.
struct BarycentricKernels {
    void (*ofFloats)(const char* positions, ptrdiff_t stride, const int32_t* corners,
                     const double* coordinates, int64_t count, char* out, ptrdiff_t outStride);
    void (*ofDoubles)(const char* positions, ptrdiff_t stride, const int32_t* corners,
                      const double* coordinates, int64_t count, char* out, ptrdiff_t outStride);
};

}  // namespace mien
