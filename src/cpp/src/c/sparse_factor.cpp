#include "mien/sparse_factor.h"

#include <cstdlib>
#include <limits>
#include <vector>

#include "c/boundary.h"
#include "mien/c/sparse_factor.h"

using namespace mien;
using namespace mien::c;

struct mien_factor {
    SparseFactor solver;
};

namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max() - 1;

SparseMatrix borrowMatrix(const mien_sparse_matrix* matrix) {
    need(matrix, "matrix");
    needCount(matrix->size, 1, kMost, "matrix.size");
    need(matrix->column_start, "matrix.column_start");
    const std::int64_t count =
        needCount(matrix->column_start[matrix->size], 0, kMost, "matrix.column_start[n]");
    if (count > 0) {
        need(matrix->rows, "matrix.rows");
        needAligned(need(matrix->values, "matrix.values"), Scalar::float64, "matrix.values");
    }
    return {matrix->size, matrix->column_start, matrix->rows, matrix->values};
}

FactorOptions optionsOf(const mien_factor_options* given) {
    FactorOptions out;
    if (!given) return out;
    const int ordering = static_cast<int>(given->ordering);
    if (ordering < MIEN_ORDER_AUTOMATIC || ordering > MIEN_ORDER_SURFACE)
        refuse("`ordering` must be one of the five of mien_ordering, got " + std::to_string(ordering));
    out.ordering = static_cast<Ordering>(ordering);
    out.storage = given->single ? Scalar::float32 : Scalar::float64;
    return out;
}

// n x 3 doubles; empty where the host gives none.
std::vector<double> pointsOf(const mien_points* positions, std::int64_t size) {
    std::vector<double> out;
    if (!positions) return out;
    const ConstFrames view = borrowOne(positions, "positions");
    if (view.vertices != size)
        refuse("`positions` must have a point for every column of `matrix`, " + std::to_string(size) +
               ", got " + std::to_string(view.vertices));
    needFinite(view, "positions");
    out.reserve(static_cast<std::size_t>(3 * size));
    for (std::int64_t v = 0; v < size; ++v) {
        const char* at = static_cast<const char*>(view.data) + v * view.vertexStride;
        for (int c = 0; c < 3; ++c)
            out.push_back(view.scalar == Scalar::float32 ? reinterpret_cast<const float*>(at)[c]
                                                         : reinterpret_cast<const double*>(at)[c]);
    }
    return out;
}

Columns borrowColumns(const mien_columns* given, const char* name) {
    need(given, name);
    Columns out;
    out.data = given->data;
    out.scalar = scalarOf(given->scalar, name);
    out.frames = needCount(given->frames, 0, kMost, name);
    out.rows = needCount(given->rows, 0, kMost, name);
    out.columns = needCount(given->columns, 0, kMost, name);
    out.columnStride = given->column_stride ? given->column_stride : sizeOf(out.scalar);
    needStride(out.columnStride, out.columns, out.scalar, name);
    out.rowStride = given->row_stride ? given->row_stride : out.columns * out.columnStride;
    needStride(out.rowStride, out.rows, out.scalar, name);
    out.frameStride = given->frame_stride ? given->frame_stride : out.rows * out.rowStride;
    needStride(out.frameStride, out.frames, out.scalar, name);
    if (out.frames > 0 && out.rows > 0 && out.columns > 0 && !given->data)
        refuse(std::string("`") + name + "` must have data, got null");
    needAligned(given->data, out.scalar, name);
    return out;
}

}  // namespace

mien_status mien_factor_create(const mien_sparse_matrix* matrix, const mien_points* positions,
                               const mien_factor_options* options, mien_factor** factor,
                               const mien_scheduler* scheduler, mien_error* error) {
    return guarded(scheduler, error, [&] {
        *need(factor, "factor") = nullptr;
        const SparseMatrix view = borrowMatrix(matrix);
        const std::vector<double> points = pointsOf(positions, view.size);
        const FactorOptions chosen = optionsOf(options);
        if (chosen.ordering == Ordering::geometric && !positions)
            refuse("`positions` must be given for MIEN_ORDER_GEOMETRIC, got null");
        *factor = new mien_factor{SparseFactor(view, positions ? points.data() : nullptr, chosen)};
    });
}

mien_status mien_factor_refactor(mien_factor* factor, const mien_sparse_matrix* matrix,
                                 const mien_scheduler* scheduler, mien_error* error) {
    return guarded(scheduler, error, [&] { need(factor, "factor")->solver.refactor(borrowMatrix(matrix)); });
}

mien_status mien_factor_solve(const mien_factor* factor, const mien_columns* rhs, const mien_columns* out,
                              const mien_solve_options* options, mien_solve_report* report,
                              const mien_scheduler* scheduler, mien_error* error) {
    return guarded(scheduler, error, [&] {
        const SparseFactor& solver = need(factor, "factor")->solver;
        const Columns from = borrowColumns(rhs, "rhs"), to = borrowColumns(out, "out");
        SolveOptions chosen;
        if (options) {
            chosen.refine = static_cast<int>(needCount(options->refine, 0, 1000, "refine"));
            chosen.tolerance = options->tolerance;
            if (!(chosen.tolerance >= 0 && chosen.tolerance < 1)) refuse("`tolerance` must be in [0, 1)");
        }
        if (from.rows != solver.size() || to.rows != from.rows || to.columns != from.columns ||
            to.frames != from.frames)
            refuse("`rhs` and `out` must both have " + std::to_string(solver.size()) +
                   " rows and the same frames and columns");
        SolveReport found;
        if (from.frames > 0 && from.columns > 0) found = solver.solve(from, to, chosen);
        if (report) *report = {found.residual, found.refinements, found.fellBack ? 1 : 0};
    });
}

int64_t mien_factor_size(const mien_factor* factor) {
    return factor ? factor->solver.size() : 0;
}

int64_t mien_factor_non_zeros(const mien_factor* factor) {
    return factor ? factor->solver.nonZeros() : 0;
}

int64_t mien_factor_memory(const mien_factor* factor) {
    return factor ? factor->solver.memory() : 0;
}

void mien_factor_destroy(mien_factor* factor) {
    delete factor;
}
