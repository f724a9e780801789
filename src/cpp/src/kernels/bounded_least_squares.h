#pragma once

#include <stddef.h>
#include <stdint.h>

namespace mien {

// Rows of matrices are padded to a multiple of kBoundedPad doubles, and so are vectors.
constexpr int64_t kBoundedPad = 8;

constexpr int64_t boundedPanels(int64_t count) {
    return 32 * ((count + 7) / 8) * ((count + 7) / 8 + 1);
}

struct BoundedKernels {
    // out[j] = sum over i < rows with factors[i] != 0 of factors[i] * matrix[i * stride + j], j < stride, in
    // the order of i.
    void (*combineRows)(const double* matrix, int64_t stride, int64_t rows, const double* factors,
                        double* out);
    // Sweeps a symmetric tableau of `size` rows on its k-th: sign 1 brings variable k in, -1 takes it out.
    // `scratch` is 2 x stride.
    void (*sweep)(double* tableau, int64_t stride, int64_t size, int64_t k, double sign, double* scratch);
    // Cholesky's factor of the rows and columns order[0 .. count) of a symmetric matrix, from its panel
    // `first` of eight rows on; the panels before must hold those of an order that begins the same. The place
    // in `order` of the first pivot that is not above `least`, or -1. `panels` has boundedPanels(count)
    // doubles.
    int64_t (*factorRows)(const double* matrix, int64_t stride, const int64_t* order, int64_t count,
                          int64_t first, double least, double* panels, double* reciprocal);
    // Solves in place with that factor; x is padded with zeros.
    void (*solveFactored)(const double* panels, const double* reciprocal, int64_t count, double* x);
    // to[j] += factor * from[j], j < count.
    void (*addRow)(double factor, const double* from, double* to, int64_t count);
};

}  // namespace mien
