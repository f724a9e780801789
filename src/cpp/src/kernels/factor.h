#pragma once

#include <stddef.h>
#include <stdint.h>

namespace mien {

// Dense columns that the kernels work on have room for this many rows and columns more than they hold.
constexpr int32_t kFrontPad = 8;

struct FactorKernels {
    // Factors columns [begin, end) of a column-major lower triangle of `rows` rows, which have been updated
    // by the columns before begin. The diagonal becomes the reciprocal of that of L. Returns the first column
    // whose pivot is not a positive number, or -1.
    int32_t (*columns)(double* front, int64_t ld, int32_t begin, int32_t end, int32_t rows);
    // c(i, j) -= sum_k a(i, k) a(j, k) over `depth` columns of `a`, for i in [rowBegin, rowEnd) and j <= i
    // below `columns`; above the diagonal c gets anything. rowBegin is a multiple of kFrontRows. With fresh,
    // c is taken for zero.
    void (*update)(const double* a, int64_t ld, int32_t depth, double* c, int64_t ldc, int32_t columns,
                   int32_t rowBegin, int32_t rowEnd, bool fresh);
    // Adds the lower triangle of a child's update (size x size) to a front. Row `to[i]` of the front is row i
    // of the child; columns below `split` are in `panel`, the others, from row and column `split` on, in
    // `update`.
    void (*addChild)(const double* child, int64_t ldChild, int32_t size, const int32_t* to, int32_t split,
                     double* panel, int64_t ld, double* update, int64_t ldUpdate);
    // The lower trapezoid of `front`, rows x columns, without gaps and with zeros above the diagonal.
    void (*storeFloat)(const double* front, int64_t ld, int32_t rows, int32_t columns, float* out);
    void (*storeDouble)(const double* front, int64_t ld, int32_t rows, int32_t columns, double* out);
};

constexpr int32_t kFrontRows = 24;

}  // namespace mien
