/* A rig's weights between bounds: least squares on normal equations, frame after frame. */
#ifndef MIEN_C_BOUNDED_LEAST_SQUARES_H
#define MIEN_C_BOUNDED_LEAST_SQUARES_H

#include "mien/c/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mien_weights_result {
    double* weights;  /* F x K, must not be null */
    double* residual; /* F, largest |w_i - clip(w_i - g_i / G_ii)|, 0 at the optimum; may be null */
    int32_t* pivots;  /* F, variables that changed between free and bound; may be null */
} mien_weights_result;

typedef struct mien_weights_solver mien_weights_solver;

/* Minimises 1/2 w' G w - b' w for lower <= w <= upper. A Gram matrix whose columns depend on each other gets
 * a ridge of 1e-10 of its mean diagonal. gram    K x K row-major finite, symmetric positive semi-definite (B'
 * B of the rig's shapes B); the lower triangle is read; copied lower   K finite numbers; null: 0 upper   K
 * finite numbers >= lower; null: 1 solver  gets the handle, null on failure; mien_weights_destroy frees it */
MIEN_API mien_status mien_weights_create(const double* gram, int64_t size, const double* lower,
                                         const double* upper, mien_weights_solver** solver,
                                         const mien_scheduler* scheduler, mien_error* error);

/* rhs: F x K finite numbers (B' x of every frame's offsets x). */
MIEN_API mien_status mien_weights_solve(const mien_weights_solver* solver, const double* rhs, int64_t frames,
                                        const mien_weights_result* result, const mien_scheduler* scheduler,
                                        mien_error* error);

/* All frames together, plus smoothness / 2 times the sum of |w_f - w_(f - 1)|^2; smoothness > 0. */
MIEN_API mien_status mien_weights_solve_smooth(const mien_weights_solver* solver, const double* rhs,
                                               int64_t frames, double smoothness,
                                               const mien_weights_result* result,
                                               const mien_scheduler* scheduler, mien_error* error);

MIEN_API int64_t mien_weights_size(const mien_weights_solver* solver); /* K; 0 of null */
MIEN_API double mien_weights_ridge(const mien_weights_solver* solver); /* what was added to the diagonal */
MIEN_API void mien_weights_destroy(mien_weights_solver* solver);       /* null is fine */

#ifdef __cplusplus
}
#endif
#endif
