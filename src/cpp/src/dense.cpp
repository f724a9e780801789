#include "mien/dense.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/table.h"
#include "mien/parallel.h"

namespace mien {
namespace {

constexpr std::int64_t kDepth = 192;  // rows of a panel that stay in the nearer caches

// row -= factor * from
void subtract(double* row, double factor, const double* from, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) row[i] -= factor * from[i];
}

}  // namespace

void multiplyMatrices(const double* left, const double* right, std::int64_t rows, std::int64_t depth,
                      std::int64_t columns, double* out) {
    const std::int64_t width = (columns + kProjectionPad - 1) / kProjectionPad * kProjectionPad;
    std::vector<double> panel(static_cast<std::size_t>(depth * width), 0.0);
    for (std::int64_t k = 0; k < depth; ++k)
        std::copy_n(right + k * columns, columns, panel.data() + k * width);
    parallelFor(rows, 48, [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> sums(static_cast<std::size_t>((end - begin) * width), 0.0);
        for (std::int64_t k = 0; k < depth; k += kDepth)
            kernels().projection.productDouble(left + begin * depth + k, depth, end - begin,
                                               panel.data() + k * width, width, std::min(kDepth, depth - k),
                                               sums.data(), width);
        for (std::int64_t r = begin; r < end; ++r)
            std::copy_n(sums.data() + (r - begin) * width, columns, out + r * columns);
    });
}

bool solvePositive(double* a, std::int64_t size, double* rhs, std::int64_t columns) {
    for (std::int64_t k = 0; k < size; ++k) {
        double *pivot = a + k * size, *own = rhs + k * columns;
        if (!(pivot[k] > 0) || !std::isfinite(pivot[k])) return false;
        const double inverse = 1 / std::sqrt(pivot[k]);
        for (std::int64_t j = k; j < size; ++j) pivot[j] *= inverse;
        for (std::int64_t j = 0; j < columns; ++j) own[j] *= inverse;
        for (std::int64_t i = k + 1; i < size; ++i) {
            subtract(a + i * size + i, pivot[i], pivot + i, size - i);
            subtract(rhs + i * columns, pivot[i], own, columns);
        }
    }
    for (std::int64_t k = size - 1; k >= 0; --k) {
        const double* row = a + k * size;
        double* own = rhs + k * columns;
        for (std::int64_t i = k + 1; i < size; ++i) subtract(own, row[i], rhs + i * columns, columns);
        for (std::int64_t j = 0; j < columns; ++j) own[j] /= row[k];
    }
    return true;
}

}  // namespace mien
