#pragma once

#include <stddef.h>
#include <stdint.h>

namespace mien {

constexpr int64_t kAlignmentPad = 64;  // arrays below are padded with zero weights to a multiple of this

// Weighted sums over vertices, q in the reference, p in the frame relative to an origin.
struct AlignmentMoments {
    double weight;      // sum w
    double q[3], p[3];  // sum w q, sum w p
    double cross[9];    // sum w q_i p_j
    double qq, pp;      // sum w |q|^2, sum w |p|^2 (in reweight: sum w |residual|^2)
};

// The reference, or a frame, one array per coordinate.
struct AlignmentPoints {
    const double *x, *y, *z;
};

// x_frame = matrix x_reference + offset, matrix = scale * R.
struct AlignmentPose {
    double matrix[9], offset[3];
};

struct AlignmentKernels {
    // Moments of a whole frame in one pass over it, relative to `origin`. `count` need not be padded, the
    // reference and weights are. qq and q are not computed: the caller knows them.
    void (*plainFloat)(const void* frame, ptrdiff_t stride, int64_t count, const double* origin,
                       const AlignmentPoints& reference, const double* weights, AlignmentMoments* out);
    void (*plainDouble)(const void* frame, ptrdiff_t stride, int64_t count, const double* origin,
                        const AlignmentPoints& reference, const double* weights, AlignmentMoments* out);
    // Moves a frame, relative to `origin`, into one array per coordinate, and weights beside it. Vertices
    // that are not finite become 0 with weight 0; returns how many.
    int64_t (*gatherFloat)(const void* frame, ptrdiff_t stride, int64_t count, const double* origin,
                           const double* weights, double* x, double* y, double* z, double* w);
    int64_t (*gatherDouble)(const void* frame, ptrdiff_t stride, int64_t count, const double* origin,
                            const double* weights, double* x, double* y, double* z, double* w);
    // Moments under the weights w * (sigma2 / (sigma2 + r^2))^2, r = distance from the pose. Writes r^2 as
    // float to `squares` unless it is null. `count` is padded. An infinite sigma2 keeps the weights.
    void (*reweight)(const AlignmentPoints& reference, const AlignmentPoints& frame, const double* w,
                     int64_t count, const AlignmentPose& pose, double sigma2, float* squares,
                     AlignmentMoments* out);
    // sum w', w' q (3), w' q q^T (xx xy xz yy yz zz), w' r^2 and sum w' under the same weights: 11 sums.
    void (*statistics)(const AlignmentPoints& reference, const AlignmentPoints& frame, const double* w,
                       int64_t count, const AlignmentPose& pose, double sigma2, double* sums);
};

}  // namespace mien
