#pragma once

#include <stddef.h>
#include <stdint.h>

#include "mien/alignment.h"

namespace mien {

constexpr int64_t kAlignmentPad = 64;  // arrays below are padded with zero weights to a multiple of this

// Weighted sums over vertices, q in the reference, p in the frame relative to an origin.
struct AlignmentMoments {
    double weight;      // sum w
    double q[3], p[3];  // sum w q, sum w p
    double cross[9];    // sum w q_i p_j
    double qq, pp;  // sum w |q|^2, sum w |p|^2 (in reweight: sum w |residual|^2, where squares are written)
};

// The reference, or a frame, one array per coordinate, padded.
template <class T>
struct AlignmentPoints {
    const T *x, *y, *z;
    const T* squared;  // squared lengths, or null where nobody asks for them
};

// x_frame = matrix x_reference + offset, matrix = scale * R.
struct AlignmentPose {
    double matrix[9], offset[3];
};

constexpr int kAlignmentStatistics = 12;

// A loss at a scale. An infinite sigma2 keeps the weights.
struct AlignmentScale {
    AlignmentLoss loss = AlignmentLoss::gemanMcClure;
    double sigma2 = 0;
};

// The passes over a frame in lanes of T: doubles, or floats whose sums are flushed to doubles every kFlush
// groups. Lanes of floats take frames of floats only.
template <class T>
struct AlignmentPasses {
    // Moments of a whole frame in one pass over it, relative to `origin`. `weighted` is the reference times
    // the weights for T = float, the reference itself for T = double. `count` need not be padded, reference
    // and weights are. weight, q and qq are not computed: the caller knows them. In floats `weights` may be
    // null: all are 1.
    void (*plainFloat)(const void* frame, ptrdiff_t stride, int64_t count, const double* origin,
                       const AlignmentPoints<T>& weighted, const T* weights, AlignmentMoments* out);
    void (*plainDouble)(const void* frame, ptrdiff_t stride, int64_t count, const double* origin,
                        const AlignmentPoints<T>& weighted, const T* weights, AlignmentMoments* out);
    // Moves a frame, relative to `origin`, into one array per coordinate, and weights beside it. Vertices
    // that are not finite become 0 with weight 0; returns how many.
    int64_t (*gatherFloat)(const void* frame, ptrdiff_t stride, int64_t count, const double* origin,
                           const T* weights, T* x, T* y, T* z, T* w);
    int64_t (*gatherDouble)(const void* frame, ptrdiff_t stride, int64_t count, const double* origin,
                            const T* weights, T* x, T* y, T* z, T* w);
    // Moments under the weights w times what the loss gives at distance r from the pose. Writes r^2 as float
    // to `squares` unless it is null. `count` is padded. In floats the reference brings its squared lengths.
    void (*reweight)(const AlignmentPoints<T>& reference, const AlignmentPoints<T>& frame, const T* w,
                     int64_t count, const AlignmentPose& pose, const AlignmentScale& scale, float* squares,
                     AlignmentMoments* out);
    // sum w', w' q (3), w' q q^T (xx xy xz yy yz zz) under the weights of one scale, then sum w', w' r^2
    // under those of another: kAlignmentStatistics sums. In doubles `frame` may have no points: there are no
    // residuals then, and scales do not matter.
    void (*statistics)(const AlignmentPoints<T>& reference, const AlignmentPoints<T>& frame, const T* w,
                       int64_t count, const AlignmentPose& pose, const AlignmentScale& scale,
                       const AlignmentScale& another, double* sums);
};

struct AlignmentKernels {
    AlignmentPasses<float> inFloats;
    AlignmentPasses<double> inDoubles;
};

}  // namespace mien
