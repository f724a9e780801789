#include "mien/transfer.h"

#include <cmath>
#include <limits>

#include "c/boundary.h"
#include "mien/c/transfer.h"

using namespace mien;
using namespace mien::c;

struct mien_transfer {
    DeformationTransfer transfer;
};

namespace {

ConstFrames borrowMesh(const mien_mesh* mesh, const char* name) {
    need(mesh, name);
    const std::string neutral = std::string(name) + ".neutral", triangles = std::string(name) + ".triangles";
    const ConstFrames out = borrowOne(mesh->neutral, neutral.c_str());
    needTriangles(mesh->triangles, mesh->triangle_count, out.vertices, triangles.c_str());
    needFinite(out, neutral.c_str());
    return out;
}

}  // namespace

mien_status mien_deformation_gradients(const mien_mesh* mesh, const mien_points* positions, void* out,
                                       const mien_scheduler* scheduler, mien_error* error) {
    return guarded(scheduler, error, [&] {
        const ConstFrames rest = borrowMesh(mesh, "mesh"), view = borrow(positions, "positions");
        needVertices(view, rest.vertices, "positions");
        if (view.frames == 0 || mesh->triangle_count == 0) return;
        needAligned(need(out, "out"), view.scalar, "out");
        needFinite(view, "positions");
        deformationGradients(rest, mesh->triangles, mesh->triangle_count, view, out);
    });
}

mien_status mien_split_gradients(const double* matrices, int64_t count, double* rotation, double* stretch,
                                 const mien_scheduler* scheduler, mien_error* error) {
    return guarded(scheduler, error, [&] {
        needCount(count, 0, std::numeric_limits<std::int64_t>::max() / 128, "count");
        if (count == 0) return;
        need(matrices, "matrices");
        for (std::int64_t i = 0; i < 9 * count; ++i)
            if (!std::isfinite(matrices[i]))
                refuse("`matrices` must be finite, matrix " + std::to_string(i / 9) + " is not");
        splitGradients(matrices, count, need(rotation, "rotation"), stretch);
    });
}

mien_status mien_transfer_create(const mien_mesh* source, const mien_mesh* target,
                                 const int32_t* correspondence, const int32_t* anchors, int64_t anchor_count,
                                 int32_t double_precision, mien_transfer** transfer,
                                 const mien_scheduler* scheduler, mien_error* error) {
    return guarded(scheduler, error, [&] {
        *need(transfer, "transfer") = nullptr;
        const ConstFrames from = borrowMesh(source, "source"), to = borrowMesh(target, "target");
        if (correspondence)
            needIndices(correspondence, target->triangle_count, -1, source->triangle_count, "correspondence");
        else if (source->triangle_count != target->triangle_count)
            refuse("`correspondence` must be given where source and target have not as many triangles, got " +
                   std::to_string(source->triangle_count) + " and " + std::to_string(target->triangle_count));
        needIndices(anchors, anchor_count, 0, to.vertices, "anchors");
        TransferOptions options;
        options.storage = double_precision ? Scalar::float64 : Scalar::float32;
        *transfer = new mien_transfer{DeformationTransfer(from, source->triangles, source->triangle_count, to,
                                                          target->triangles, target->triangle_count,
                                                          correspondence, anchors, anchor_count, options)};
    });
}

mien_status mien_transfer_apply(const mien_transfer* transfer, const mien_points* expression,
                                const mien_points* out, const mien_scheduler* scheduler, mien_error* error) {
    return guarded(scheduler, error, [&] {
        const DeformationTransfer& solver = need(transfer, "transfer")->transfer;
        const ConstFrames from = borrow(expression, "expression");
        const Frames to = borrowOut(out, "out");
        needVertices(from, solver.sourceVertices(), "expression");
        needVertices(to, solver.targetVertices(), "out");
        needFrames(from, to.frames, "expression");
        if (to.frames == 0) return;
        needFinite(from, "expression");
        solver.apply(from, to);
    });
}

int64_t mien_transfer_source_vertices(const mien_transfer* transfer) {
    return transfer ? transfer->transfer.sourceVertices() : 0;
}

int64_t mien_transfer_target_vertices(const mien_transfer* transfer) {
    return transfer ? transfer->transfer.targetVertices() : 0;
}

void mien_transfer_destroy(mien_transfer* transfer) {
    delete transfer;
}
