#pragma once

#include <stddef.h>
#include <stdint.h>

namespace mien {

struct RigKernels {
    // sums[g][3 * (indices[i] - base) + c] += weights[g] * offsets[3 * i + c] for i < count, g < frames.
    // Indices ascend.
    void (*addFloat)(const int32_t* indices, const void* offsets, int64_t count, int64_t base,
                     const double* weights, double* const* sums, int frames);
    void (*addDouble)(const int32_t* indices, const void* offsets, int64_t count, int64_t base,
                      const double* weights, double* const* sums, int frames);
};

}  // namespace mien
