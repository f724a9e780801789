#include "mien/laplacian.h"

#include <limits>

#include "c/boundary.h"
#include "mien/c/laplacian.h"

using namespace mien;
using namespace mien::c;

struct mien_laplacian {
    LaplacianPattern pattern;
};

namespace {

ConstFrames framesOf(const mien_laplacian* laplacian, const mien_points* positions) {
    need(laplacian, "laplacian");
    const ConstFrames out = borrowOne(positions, "positions");
    if (out.vertices != laplacian->pattern.vertexCount())
        refuse("`positions` must have the vertices of `laplacian`, " +
               std::to_string(laplacian->pattern.vertexCount()) + ", got " + std::to_string(out.vertices));
    needFinite(out, "positions");
    return out;
}

}  // namespace

mien_status mien_laplacian_create(const int32_t* triangles, int64_t triangle_count, int64_t vertices,
                                  mien_laplacian** laplacian, const mien_scheduler* scheduler,
                                  mien_error* error) {
    return guarded(scheduler, error, [&] {
        constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
        *need(laplacian, "laplacian") = nullptr;
        needCount(vertices, 0, kMost - 1, "vertices");
        needTriangles(triangles, triangle_count, vertices, "triangles");
        *laplacian = new mien_laplacian{LaplacianPattern(triangles, triangle_count, vertices)};
    });
}

int64_t mien_laplacian_non_zeros(const mien_laplacian* laplacian) {
    return laplacian ? laplacian->pattern.nonZeros() : 0;
}

const int64_t* mien_laplacian_column_start(const mien_laplacian* laplacian) {
    return laplacian ? laplacian->pattern.columnStart() : nullptr;
}

const int32_t* mien_laplacian_rows(const mien_laplacian* laplacian) {
    return laplacian ? laplacian->pattern.rows() : nullptr;
}

mien_status mien_laplacian_cotangent(const mien_laplacian* laplacian, const mien_points* positions,
                                     double* values, const mien_scheduler* scheduler, mien_error* error) {
    return guarded(scheduler, error, [&] {
        const ConstFrames view = framesOf(laplacian, positions);
        laplacian->pattern.cotangent(view, need(values, "values"));
    });
}

mien_status mien_laplacian_uniform(const mien_laplacian* laplacian, double* values,
                                   const mien_scheduler* scheduler, mien_error* error) {
    return guarded(scheduler, error,
                   [&] { need(laplacian, "laplacian")->pattern.uniform(need(values, "values")); });
}

mien_status mien_laplacian_mass(const mien_laplacian* laplacian, const mien_points* positions,
                                mien_mass_kind kind, double* mass, const mien_scheduler* scheduler,
                                mien_error* error) {
    return guarded(scheduler, error, [&] {
        const ConstFrames view = framesOf(laplacian, positions);
        if (kind != MIEN_MASS_BARYCENTRIC && kind != MIEN_MASS_VORONOI)
            refuse("`kind` must be one of the two of mien_mass_kind, got " +
                   std::to_string(static_cast<int>(kind)));
        laplacian->pattern.mass(view, kind == MIEN_MASS_VORONOI ? MassKind::voronoi : MassKind::barycentric,
                                need(mass, "mass"));
    });
}

int64_t mien_laplacian_gradient_non_zeros(const mien_laplacian* laplacian) {
    return laplacian ? laplacian->pattern.gradientNonZeros() : 0;
}

mien_status mien_laplacian_gradient_pattern(const mien_laplacian* laplacian, int64_t* column_start,
                                            int32_t* rows, mien_error* error) {
    return guarded(nullptr, error, [&] {
        const LaplacianPattern& pattern = need(laplacian, "laplacian")->pattern;
        need(column_start, "column_start");
        if (pattern.gradientNonZeros() > 0) need(rows, "rows");
        pattern.gradientPattern(column_start, rows);
    });
}

mien_status mien_laplacian_gradient(const mien_laplacian* laplacian, const mien_points* positions,
                                    double* values, const mien_scheduler* scheduler, mien_error* error) {
    return guarded(scheduler, error, [&] {
        const ConstFrames view = framesOf(laplacian, positions);
        if (laplacian->pattern.gradientNonZeros() == 0) return;
        laplacian->pattern.gradient(view, need(values, "values"));
    });
}

void mien_laplacian_destroy(mien_laplacian* laplacian) {
    delete laplacian;
}
