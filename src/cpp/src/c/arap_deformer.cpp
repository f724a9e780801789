#include "mien/arap_deformer.h"

#include <limits>

#include "c/boundary.h"
#include "mien/c/arap_deformer.h"

using namespace mien;
using namespace mien::c;

struct mien_arap_deformer {
    ArapDeformer deformer;
};

namespace {

ArapOptions optionsOf(const mien_arap_options* given) {
    ArapOptions out;
    if (!given) return out;
    out.energy = given->rims ? ArapEnergy::spokesAndRims : ArapEnergy::spokes;
    out.weights = given->clamped ? ArapWeights::clamped : ArapWeights::cotangent;
    out.storage = given->double_precision ? Scalar::float64 : Scalar::float32;
    return out;
}

ArapSolveOptions solveOptionsOf(const mien_arap_solve_options* given, const double* energy) {
    ArapSolveOptions out;
    if (!given) return out;
    constexpr int kMost = 1000000;
    if (given->iterations != 0) out.iterations = given->iterations < 0 ? 0 : given->iterations;
    needCount(out.iterations, 0, kMost, "iterations");
    needCount(given->warm_iterations, 0, kMost, "warm_iterations");
    if (given->warm_iterations > 0) out.warmIterations = given->warm_iterations;
    if (energy && out.warmIterations >= 0) refuse("`energy` must be null with warm starts");
    return out;
}

}  // namespace

mien_status mien_arap_deformer_create(const mien_points* neutral, const int32_t* triangles,
                                      int64_t triangle_count, const int32_t* handles, int64_t handle_count,
                                      const int32_t* anchors, int64_t anchor_count,
                                      const mien_arap_options* options, mien_arap_deformer** deformer,
                                      const mien_scheduler* scheduler, mien_error* error) {
    return guarded(scheduler, error, [&] {
        *need(deformer, "deformer") = nullptr;
        const ConstFrames rest = borrowOne(neutral, "neutral");
        needTriangles(triangles, triangle_count, rest.vertices, "triangles");
        needFinite(rest, "neutral");
        needCount(handle_count, 1, rest.vertices, "handle_count");
        needIndices(handles, handle_count, 0, rest.vertices, "handles");
        needIndices(anchors, anchor_count, 0, rest.vertices, "anchors");
        *deformer =
            new mien_arap_deformer{ArapDeformer(rest, triangles, triangle_count, handles, handle_count,
                                                anchors, anchor_count, optionsOf(options))};
    });
}

mien_status mien_arap_deformer_solve(const mien_arap_deformer* deformer, const mien_points* targets,
                                     const mien_points* start, const mien_arap_solve_options* options,
                                     const mien_points* out, double* energy, const mien_scheduler* scheduler,
                                     mien_error* error) {
    return guarded(scheduler, error, [&] {
        const ArapDeformer& solver = need(deformer, "deformer")->deformer;
        const ConstFrames goal = borrow(targets, "targets");
        const ArapSolveOptions chosen = solveOptionsOf(options, energy);
        const Frames to = borrowOut(out, "out");
        needVertices(goal, solver.handles(), "targets");
        needVertices(to, solver.vertices(), "out");
        needFrames(goal, to.frames, "targets");
        ConstFrames first;
        if (start) {
            first = borrow(start, "start");
            needVertices(first, solver.vertices(), "start");
            if (first.frames != 1) needFrames(first, to.frames, "start");
        }
        if (to.frames == 0) return;
        needFinite(goal, "targets");
        if (start) needFinite(first, "start");
        solver.solve(goal, start ? &first : nullptr, chosen, to, energy);
    });
}

int64_t mien_arap_deformer_vertices(const mien_arap_deformer* deformer) {
    return deformer ? deformer->deformer.vertices() : 0;
}

void mien_arap_deformer_destroy(mien_arap_deformer* deformer) {
    delete deformer;
}
