// Rigid (or similarity) alignment of a reference to every frame of a take: the head, head -> world.
#pragma once

#include "mien/views.h"

namespace mien {

// The extent of a reference, to which tolerances are relative, is the diagonal of a solid box with the spread
// of its vertices: 12^(1/2) times their root mean square distance from their centre.

// How a robust fit lets the weight of a vertex fall with its distance r from the fit, at scale sigma.
enum class AlignmentLoss {
    gemanMcClure,  // 1 / (1 + (r / sigma)^2)^2
    huber,         // 1 up to sigma, sigma / r beyond
    tukey,         // (1 - (r / sigma)^2)^2 up to sigma, 0 beyond
};

struct AlignmentOptions {
    bool robust = false;  // reweight by the loss; false: one weighted least-squares fit
    bool scale = false;   // fit a uniform scale as well; false: scale 1
    bool missing =
        false;  // a vertex with a coordinate that is not finite has weight 0; false: it is a problem
    std::ptrdiff_t weightStride =
        0;  // bytes from a frame's weights to the next frame's; 0: all share one set

    // What follows matters only for robust = true.
    AlignmentLoss loss = AlignmentLoss::gemanMcClure;
    double sigma = 0;         // the loss's scale, scene units; 0: from each frame's own residuals, as follows
    double quantile = 0.2;    // of the residuals, by prior weight, from which the scale is taken; in (0, 1)
    double factor = 1.0;      // scale = factor * quantile; above 0
    double floor = 1e-6;      // smallest scale, relative to the reference's extent; above 0
    double shrink = 1.4;      // by which the scale falls from one reweighting to the next; above 1
    double tolerance = 1e-9;  // converged when no vertex moves more than this, relative to the extent
    int maxIterations = 200;  // at least 1
};

// Where the results go, all owned by the caller. With robust = true a vertex at distance r from the fit
// supports it by its prior weight times 1 / (1 + (r / d)^2)^2, where d is 0.002 of the reference's
// extent; otherwise every vertex that is present does by its weight.
struct AlignmentResult {
    double* rotation = nullptr;     // F x 9, row-major, acting on column vectors; determinant +1
    double* translation = nullptr;  // F x 3:  positions ~ scale * R reference + t
    double* scale = nullptr;        // F
    double* residual = nullptr;     // F, root of the weighted mean squared distance, final weights
    double* support = nullptr;      // F, share of the prior weight that agrees (see below), in [0, 1]
    double* spread = nullptr;       // F, rms distance of the supporting vertices from their principal axis
    double* sigma = nullptr;        // F, final scale of the loss; infinity for robust = false
    std::int32_t* iterations = nullptr;  // F, reweightings done; 0 for robust = false
};

enum class AlignmentProblem {
    none,
    notFinite,   // a coordinate is NaN or infinite and options.missing is false
    degenerate,  // fewer than three usable vertices, or all on a line: the rotation is not determined
};

struct AlignmentStatus {
    AlignmentProblem problem = AlignmentProblem::none;
    std::int64_t frame = -1;  // the first frame that has the problem
};

// Fits scale, R and t so that scale * R reference[v] + t lies nearest to positions[f, v], for every frame.
//   positions  F frames of V vertices
//   reference  1 frame of V vertices; must be finite where the weight is above 0
//   weights    V finite prior weights >= 0 (F x V with options.weightStride), or null for 1 everywhere
// Flat and mirrored data are fitted by a rotation. Frames that have a problem get NaN; the first one is
// returned. Throws Error (invalidArgument) if counts or options are out of range. The bits of the result
// depend neither on the number of threads nor on the instruction set. Frames of float32 with
// 512 vertices and more are summed in float lanes that are flushed to double every 1024 vertices; all others
// in double throughout.
AlignmentStatus alignFrames(const ConstFrames& positions, const ConstFrames& reference, const double* weights,
                            const AlignmentOptions& options, const AlignmentResult& result);

// The same, and out[f, v] = R_f^T (positions[f, v] - t_f) / s_f: every frame where the reference lies,
// written while the frame is still in the cache.
//   out  F frames of V vertices of the scalar type of positions; may be positions themselves. Frames that
//   have
//        a problem are not written.
AlignmentStatus stabiliseFrames(const ConstFrames& positions, const ConstFrames& reference,
                                const double* weights, const AlignmentOptions& options,
                                const AlignmentResult& result, const Frames& out);

}  // namespace mien
