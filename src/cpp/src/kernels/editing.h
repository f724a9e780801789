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

// What one edit adds to the displacements of some points: see EditStep. A field of vectors has all x, then
// all y, then all z, `plane` apart.
struct EditPull {
    enum Kind { kShape, kSource, kDisplacement };

    Kind kind;
    const double* field;  // may be null towards a source
    int64_t plane;
    const double* weights;  // null for 1
    double factor;
    EditPoints source;
    bool sourceIsFloat;
};

// Each works on `count` points of one frame; delta has `count` x, then y, then z.
struct EditingKernels {
    // Adds to delta. The take's matrix and offset lead into head space.
    using Add = void (*)(const EditPoints& take, const EditPull& pull, int64_t count, double* delta);
    // out = points + matrix delta where delta is not zero, else the points; delta becomes zero. Delta is zero
    // where the weight is.
    using Write = void (*)(const EditPoints& take, const double* weights, int64_t count, double* delta,
                           void* out, ptrdiff_t outStride);
    // Both for one edit without a delta, for floats that lie side by side in take, source and out; null where
    // there is none. `stream`: see streaming.h.
    using WriteOne = void (*)(const EditPoints& take, const EditPull& pull, const double* rotation,
                              int64_t count, float* out, bool stream);

    Add addFloat, addDouble;
    Write writeFloat, writeDouble;
    WriteOne writeOne;
    void (*copyBytes)(const void* from, void* to, int64_t size, bool stream);
    // What was streamed is there for other threads after this.
    void (*finishStreams)();
};

}  // namespace mien
