/* Head motion: align a reference to every frame of a take, and move points with the head or back. */
#ifndef MIEN_C_ALIGNMENT_H
#define MIEN_C_ALIGNMENT_H

#include "mien/c/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How the weight of a vertex falls with its distance r from the fit, at scale sigma. */
typedef int32_t mien_loss;
enum {
    MIEN_LOSS_NONE = 0,          /* one weighted least-squares fit */
    MIEN_LOSS_GEMAN_MCCLURE = 1, /* 1 / (1 + (r / sigma)^2)^2 */
    MIEN_LOSS_HUBER = 2,         /* 1 up to sigma, sigma / r beyond */
    MIEN_LOSS_TUKEY = 3          /* (1 - (r / sigma)^2)^2 up to sigma, 0 beyond */
};

typedef struct mien_alignment_options {
    mien_loss loss;        /* 0: none, not robust */
    int32_t scale;         /* not 0: fit a uniform scale as well */
    int32_t missing;       /* not 0: a vertex that is not finite has weight 0 instead of being an error */
    int32_t iterations;    /* most reweightings; 0: 200 */
    int64_t weight_stride; /* bytes from a frame's weights to the next frame's; 0: all share one set */
    /* For a robust fit only; 0 means the default. */
    double sigma;     /* the loss's scale, scene units; 0: from each frame's residuals, as follows */
    double quantile;  /* of the residuals, from which the scale is taken; in (0, 1); 0: 0.2 */
    double factor;    /* scale = factor * quantile; 0: 1 */
    double floor;     /* smallest scale, relative to the reference's extent; 0: 1e-6 */
    double shrink;    /* by which the scale falls from one reweighting to the next, > 1; 0: 1.4 */
    double tolerance; /* converged when no vertex moves more, relative to the extent; 0: 1e-9 */
} mien_alignment_options;

/* Where results go, each F long times what is said, owned by the caller; each may be null. */
typedef struct mien_alignment {
    double* rotation;    /* x 9, row-major, acting on column vectors, head -> world, determinant +1 */
    double* translation; /* x 3: positions ~ scale * R reference + t */
    double* scale;
    double* residual;    /* root of the weighted mean squared distance */
    double* support;     /* share of the prior weight that agrees, in [0, 1] */
    double* spread;      /* rms distance of the supporting vertices from their principal axis */
    double* sigma;       /* final scale of the loss; infinity if not robust */
    int32_t* iterations; /* reweightings done */
} mien_alignment;

/* Fits R and t (and a scale) so that R reference[v] + t lies nearest to positions[f, v], for every frame.
 *   positions  F frames of V vertices
 *   reference  one frame of V vertices, finite where weights are above 0
 *   weights    V finite weights >= 0 (F rows of V with weight_stride); null: 1 everywhere
 *   options    null: all defaults
 *   result     where the fit goes
 *   out        null, or F frames of V vertices of the scalar of positions (may be positions themselves):
 *              gets R^T (positions - t) / scale, every frame where the reference lies
 * MIEN_INVALID_ARGUMENT names frame and vertex that are not finite; MIEN_NUMERICAL_FAILURE the first frame
 * with fewer than three usable vertices or all of them on a line. Such frames get NaN, the others are right.
 */
MIEN_API mien_status mien_align_frames(const mien_points* positions, const mien_points* reference,
                                       const double* weights, const mien_alignment_options* options,
                                       const mien_alignment* result, const mien_points* out,
                                       const mien_scheduler* scheduler, mien_error* error);

/* out[f, v] = R_f points[f, v] + t_f, computed in double, head -> world.
 *   points       F frames, or one that is used for every f; finite
 *   rotation     F x 9 finite doubles, row-major
 *   translation  F x 3 finite doubles
 *   out          F frames of the scalar of points; may be the same memory (in place) */
MIEN_API mien_status mien_apply_rigid(const mien_points* points, const double* rotation,
                                      const double* translation, const mien_points* out,
                                      const mien_scheduler* scheduler, mien_error* error);

/* out[f, v] = R_f^T (points[f, v] - t_f), world -> head. Arguments as above. */
MIEN_API mien_status mien_apply_rigid_inverse(const mien_points* points, const double* rotation,
                                              const double* translation, const mien_points* out,
                                              const mien_scheduler* scheduler, mien_error* error);

#ifdef __cplusplus
}
#endif
#endif
