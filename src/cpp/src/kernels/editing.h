#pragma once

#include <stddef.h>
#include <stdint.h>

namespace mien {

// One frame of points and the way into head space: matrix x + offset.
struct EditPoints {
    const void* points;
    ptrdiff_t stride;
    const double* matrix;  // row-major 3 x 3
    const double* offset;
};

// Each works on one frame of `count` vertices. Weights are one a vertex, or null for 1; a field of vectors
// given as `double*` has `count` x, then y, then z. The second letter of `towards` is the source's type.
struct EditingKernels {
    using TowardsShape = void (*)(const EditPoints& take, const double* shape, const double* weights,
                                  double factor, int64_t count, double* delta);
    using Towards = void (*)(const EditPoints& take, const EditPoints& source, const double* rest,
                             const double* weights, double factor, int64_t count, double* delta);
    // out = points + matrix delta where delta is not zero, else the points; delta becomes zero. Delta is zero
    // where the weight is.
    using Write = void (*)(const EditPoints& take, const double* weights, int64_t count, double* delta,
                           void* out, ptrdiff_t outStride);

    TowardsShape towardsShapeFloat, towardsShapeDouble;
    Towards towardsFloatFloat, towardsFloatDouble, towardsDoubleFloat, towardsDoubleDouble;
    void (*displace)(const double* displacement, const double* weights, double factor, int64_t count,
                     double* delta);
    Write writeFloat, writeDouble;
};

}  // namespace mien
