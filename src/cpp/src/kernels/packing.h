#pragma once

#include <stddef.h>
#include <stdint.h>

namespace mien {

// One block of right-hand sides in the caller's memory: columns that are `lines` frames of `columns` numbers
// at every vertex. In the packed block x, n x width, the number k of frame f is column k * spread + f. x is
// kept in strips of `strip` columns, the last as wide as what is left: each is a matrix of its own, row-major
// (narrow enough to stay near while it is solved for), and they follow each other. `rows` (n) says which
// vertex a row of x is.
struct PackingView {
    const void* data;  // of the block's first number at vertex 0; not const where it is unpacked to
    ptrdiff_t frameStride, rowStride, columnStride;  // bytes
    int lines, columns, spread;
    const int32_t* rows;     // [row of x] = vertex
    const int32_t* inverse;  // [vertex] = row of x, or null: only for whole frames
    int64_t count;           // n
    int strip = 0;           // or 0 for one strip
    bool stream = false;     // whether what is unpacked may go past the caches
};

// [scalar of the caller's memory][scalar of x], 0 float and 1 double.
struct PackingKernels {
    // Fills x, with zeros in columns that no number belongs to. False if a number is not finite.
    bool (*pack[2][2])(const PackingView& view, void* x, int width);
    void (*unpack[2][2])(const PackingView& view, const void* x, int width);
};

// The symmetric matrix in factor order: its diagonal, and its strict lower triangle by columns.
struct ResidualMatrix {
    const int64_t* columnStart;
    const int32_t* rows;
    const double *diagonal, *lower;
    int64_t count;
};

// Blocks n x width of doubles, width 4, 8 or a multiple of 16. Columns do not touch each other.
struct RefinementKernels {
    void (*subtractProduct)(const ResidualMatrix& matrix, const double* y, double* r, int width);  // r -= A y
    void (*largest)(const double* r, int64_t count, int width, double* out);  // max |r| of each column
    void (*roundFloat)(const double* r, const double* scale, int64_t count, int width, void* x);
    void (*roundDouble)(const double* r, const double* scale, int64_t count, int width, void* x);
    void (*addFloat)(const void* x, const double* scale, int64_t count, int width, double* y);
    void (*addDouble)(const void* x, const double* scale, int64_t count, int width, double* y);
};

}  // namespace mien
