#include "mien/alignment.h"

#include <cmath>
#include <vector>

#include "c/boundary.h"
#include "mien/c/alignment.h"
#include "mien/rigid.h"

using namespace mien;
using namespace mien::c;

namespace {

AlignmentOptions optionsOf(const mien_alignment_options* given) {
    AlignmentOptions out;
    if (!given) return out;
    const int loss = static_cast<int>(given->loss);
    if (loss < MIEN_LOSS_NONE || loss > MIEN_LOSS_TUKEY)
        refuse("`loss` must be one of the four of mien_loss, got " + std::to_string(loss));
    out.robust = loss != MIEN_LOSS_NONE;
    if (out.robust) out.loss = static_cast<AlignmentLoss>(loss - 1);
    out.scale = given->scale != 0;
    out.missing = given->missing != 0;
    out.weightStride = given->weight_stride;
    needStride(out.weightStride, 1, Scalar::float64, "weights");
    if (given->iterations != 0) out.maxIterations = given->iterations;
    out.sigma = given->sigma;
    out.quantile = orDefault(given->quantile, out.quantile);
    out.factor = orDefault(given->factor, out.factor);
    out.floor = orDefault(given->floor, out.floor);
    out.shrink = orDefault(given->shrink, out.shrink);
    out.tolerance = orDefault(given->tolerance, out.tolerance);
    return out;
}

// What the host does not ask for goes to memory of our own.
class Results {
  public:
    Results(const mien_alignment& given, std::int64_t frames) : frames_(static_cast<std::size_t>(frames)) {
        out.rotation = orOwn(given.rotation, 9);
        out.translation = orOwn(given.translation, 3);
        out.scale = orOwn(given.scale, 1);
        out.residual = orOwn(given.residual, 1);
        out.support = orOwn(given.support, 1);
        out.spread = orOwn(given.spread, 1);
        out.sigma = orOwn(given.sigma, 1);
        out.iterations = given.iterations;
        if (!out.iterations) {
            iterations_.resize(frames_);
            out.iterations = iterations_.data();
        }
    }
    AlignmentResult out;

  private:
    double* orOwn(double* given, std::size_t each) {
        if (given) return given;
        memory_.emplace_back(each * frames_);
        return memory_.back().data();
    }

    std::size_t frames_;
    std::vector<std::vector<double>> memory_;
    std::vector<std::int32_t> iterations_;
};

// A vertex without weight in any frame may be anything.
void needFiniteReference(const ConstFrames& reference, const double* weights, std::ptrdiff_t weightStride,
                         std::int64_t frames) {
    std::int64_t f = 0, v = 0;
    if (reference.vertices == 0 || !firstNonFinite(reference, &f, &v)) return;
    if (weights) {
        const ConstFrames rest = reference;
        const std::int64_t rows = weightStride != 0 ? frames : 1;
        for (bool weighs = false; !weighs;) {
            for (std::int64_t row = 0; row < rows; ++row)
                weighs = weighs || reinterpret_cast<const double*>(reinterpret_cast<const char*>(weights) +
                                                                   row * weightStride)[v] > 0;
            if (weighs) break;
            ConstFrames after = rest;
            after.data = static_cast<const char*>(rest.data) + (v + 1) * rest.vertexStride;
            after.vertices = rest.vertices - (v + 1);
            std::int64_t next = 0;
            if (after.vertices == 0 || !firstNonFinite(after, &f, &next)) return;
            v += 1 + next;
        }
    }
    throw PlacedError(
        Status::invalidArgument,
        "`reference` must be finite where weights are above 0, and is not at vertex " + std::to_string(v), -1,
        v);
}

void report(const AlignmentStatus& status, const ConstFrames& positions) {
    if (status.problem == AlignmentProblem::none) return;
    if (status.problem == AlignmentProblem::notFinite) {
        needFinite(positions, "positions");
        throw PlacedError(Status::invalidArgument,
                          "`positions` are too large at frame " + std::to_string(status.frame), status.frame,
                          -1);
    }
    throw PlacedError(Status::numericalFailure,
                      "frame " + std::to_string(status.frame) +
                          " cannot be aligned: fewer than three usable vertices, or all of them on a line",
                      status.frame, -1);
}

using Apply = void (*)(const ConstFrames&, const double*, const double*, const Frames&);

mien_status apply(Apply function, const mien_points* points, const double* rotation,
                  const double* translation, const mien_points* out, const mien_scheduler* scheduler,
                  mien_error* error) {
    return guarded(scheduler, error, [&] {
        const ConstFrames from = borrow(points, "points");
        const Frames to = borrowOut(out, "out");
        if (to.frames == 0 || to.vertices == 0) return;
        needFinite(need(rotation, "rotation"), to.frames, 9, "rotation", "entry");
        needFinite(need(translation, "translation"), to.frames, 3, "translation", "coordinate");
        if (from.vertices != to.vertices || (from.frames != to.frames && from.frames != 1))
            refuse("`out` must have the frames and vertices of `points`, " + std::to_string(from.frames) +
                   " and " + std::to_string(from.vertices) + ", got " + std::to_string(to.frames) + " and " +
                   std::to_string(to.vertices));
        needFinite(from, "points");
        function(from, rotation, translation, to);
    });
}

}  // namespace

mien_status mien_align_frames(const mien_points* positions, const mien_points* reference,
                              const double* weights, const mien_alignment_options* options,
                              const mien_alignment* result, const mien_points* out,
                              const mien_scheduler* scheduler, mien_error* error) {
    return guarded(scheduler, error, [&] {
        const ConstFrames from = borrow(positions, "positions");
        const ConstFrames about = borrowOne(reference, "reference");
        const AlignmentOptions chosen = optionsOf(options);
        if (about.vertices != from.vertices)
            refuse("`reference` must have the vertices of `positions`, " + std::to_string(from.vertices) +
                   ", got " + std::to_string(about.vertices));
        if (weights) needAligned(weights, Scalar::float64, "weights");
        const Results results(*need(result, "result"), from.frames);
        if (!chosen.missing) needFiniteReference(about, weights, chosen.weightStride, from.frames);
        report(out ? stabiliseFrames(from, about, weights, chosen, results.out, borrowOut(out, "out"))
                   : alignFrames(from, about, weights, chosen, results.out),
               from);
    });
}

mien_status mien_apply_rigid(const mien_points* points, const double* rotation, const double* translation,
                             const mien_points* out, const mien_scheduler* scheduler, mien_error* error) {
    return apply(applyRigid, points, rotation, translation, out, scheduler, error);
}

mien_status mien_apply_rigid_inverse(const mien_points* points, const double* rotation,
                                     const double* translation, const mien_points* out,
                                     const mien_scheduler* scheduler, mien_error* error) {
    return apply(applyRigidInverse, points, rotation, translation, out, scheduler, error);
}
