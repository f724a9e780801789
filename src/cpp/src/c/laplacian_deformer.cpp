#include "mien/laplacian_deformer.h"

#include "c/boundary.h"
#include "mien/c/laplacian_deformer.h"

using namespace mien;
using namespace mien::c;

struct mien_laplacian_deformer {
    LaplacianDeformer deformer;
};

namespace {

LaplacianDeformerOptions optionsOf(const mien_laplacian_deformer_options* given) {
    LaplacianDeformerOptions out;
    if (!given) return out;
    out.bilaplacian = given->bilaplacian != 0;
    out.intrinsic = given->intrinsic != 0;
    out.rotationPasses = static_cast<int>(needCount(given->rotation_passes, 0, 1000, "rotation_passes"));
    if (given->method < MIEN_DEFORM_AUTOMATIC || given->method > MIEN_DEFORM_SOLVE)
        refuse("`method` must be one of the three of mien_deformation_method, got " +
               std::to_string(given->method));
    if (given->method == MIEN_DEFORM_RESPONSE && out.rotationPasses > 0)
        refuse("`method` must not be MIEN_DEFORM_RESPONSE with rotation passes");
    out.method = static_cast<DeformationMethod>(given->method);
    out.precision = given->double_precision ? Scalar::float64 : Scalar::float32;
    return out;
}

}  // namespace

mien_status mien_laplacian_deformer_create(const int32_t* triangles, int64_t triangle_count,
                                           const mien_points* neutral, const int32_t* handles,
                                           const double* handle_weights, int64_t handle_count,
                                           const uint8_t* held,
                                           const mien_laplacian_deformer_options* options,
                                           mien_laplacian_deformer** deformer,
                                           const mien_scheduler* scheduler, mien_error* error) {
    return guarded(scheduler, error, [&] {
        *need(deformer, "deformer") = nullptr;
        const ConstFrames rest = borrowOne(neutral, "neutral");
        needTriangles(triangles, triangle_count, rest.vertices, "triangles");
        needFinite(rest, "neutral");
        needCount(handle_count, 1, rest.vertices, "handle_count");
        needIndices(handles, handle_count, 0, rest.vertices, "handles");
        if (handle_weights) needAligned(handle_weights, Scalar::float64, "handle_weights");
        *deformer = new mien_laplacian_deformer{LaplacianDeformer(triangles, triangle_count, rest, handles,
                                                                  handle_weights, handle_count, held,
                                                                  optionsOf(options))};
    });
}

mien_status mien_laplacian_deformer_solve(const mien_laplacian_deformer* deformer, const mien_points* targets,
                                          const mien_points* base, const mien_points* out,
                                          const mien_scheduler* scheduler, mien_error* error) {
    return guarded(scheduler, error, [&] {
        const LaplacianDeformer& solver = need(deformer, "deformer")->deformer;
        const ConstFrames goal = borrow(targets, "targets"), from = borrow(base, "base");
        const Frames to = borrowOut(out, "out");
        needVertices(goal, solver.handleCount(), "targets");
        needVertices(from, solver.vertexCount(), "base");
        needVertices(to, solver.vertexCount(), "out");
        needFrames(goal, to.frames, "targets");
        if (from.frames != 1) needFrames(from, to.frames, "base");
        if (from.scalar != to.scalar) refuse("`base` must have the scalar of `out`");
        if (to.frames == 0) return;
        needFinite(goal, "targets");
        needFinite(from, "base");
        solver.solve(goal, from, to);
    });
}

int64_t mien_laplacian_deformer_vertices(const mien_laplacian_deformer* deformer) {
    return deformer ? deformer->deformer.vertexCount() : 0;
}

void mien_laplacian_deformer_destroy(mien_laplacian_deformer* deformer) {
    delete deformer;
}
