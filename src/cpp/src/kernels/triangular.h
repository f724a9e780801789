#pragma once

#include <stddef.h>
#include <stdint.h>

namespace mien {

// The pattern of a supernodal factor (see supernodes.h), as bare pointers.
struct TriangularPattern {
    const int32_t* firstColumn;
    const int64_t* rowStart;
    const int32_t* rows;
    const int64_t* panelStart;
};

// Right-hand sides x: n x width, row-major, aligned to 64 bytes, width 4, 8 or a multiple of 16. What happens
// to a column depends neither on the width nor on the other columns.
struct TriangularKernels {
    // L x = b for the supernodes [begin, end), ascending, in place; rows above them receive their part.
    void (*forwardFloat)(const TriangularPattern& pattern, int32_t begin, int32_t end, const float* values,
                         float* x, int width);
    void (*forwardDouble)(const TriangularPattern& pattern, int32_t begin, int32_t end, const double* values,
                          double* x, int width);
    // L' x = b for the supernodes [begin, end), descending, in place.
    void (*backwardFloat)(const TriangularPattern& pattern, int32_t begin, int32_t end, const float* values,
                          float* x, int width);
    void (*backwardDouble)(const TriangularPattern& pattern, int32_t begin, int32_t end, const double* values,
                           double* x, int width);
};

}  // namespace mien
