/* Sparse Cholesky: factor a symmetric positive definite matrix once, solve for many right-hand sides. */
#ifndef MIEN_C_SPARSE_FACTOR_H
#define MIEN_C_SPARSE_FACTOR_H

#include "mien/c/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A symmetric matrix by compressed columns, borrowed: both triangles or one alone, no entry twice. */
typedef struct mien_sparse_matrix {
    int64_t size;                /* n >= 1 */
    const int64_t* column_start; /* n + 1, ascending from 0 */
    const int32_t* rows;         /* column_start[n] row indices below n */
    const double* values;        /* as many finite numbers */
} mien_sparse_matrix;

typedef int32_t mien_ordering;
enum {
    MIEN_ORDER_AUTOMATIC = 0,      /* surface from 600,000 edges on, minimum degree below */
    MIEN_ORDER_GEOMETRIC = 1,      /* nested dissection by planes through the positions */
    MIEN_ORDER_MINIMUM_DEGREE = 2, /* approximate minimum degree */
    MIEN_ORDER_NATURAL = 3,        /* as they come */
    MIEN_ORDER_SURFACE = 4         /* nested dissection by separators along the surface, without positions */
};

typedef struct mien_factor_options {
    int32_t single; /* not 0: store the factor as float32; it is always computed in double */
    mien_ordering ordering;
} mien_factor_options;

/* F x n x K numbers, borrowed; strides in bytes, 0 means packed (K fastest). */
typedef struct mien_columns {
    void* data;
    mien_scalar scalar;
    int64_t frames, rows, columns;
    int64_t frame_stride, row_stride, column_stride;
} mien_columns;

typedef struct mien_solve_options {
    int32_t refine;   /* steps of iterative refinement, whatever they bring */
    double tolerance; /* above 0: refine until every backward error is below it, with a factor in double
                         where float32 does not do */
} mien_solve_options;

typedef struct mien_solve_report {
    double residual;     /* the largest backward error; 0 without refinement, when it is not measured */
    int32_t refinements; /* the most steps that a right-hand side took */
    int32_t fell_back;   /* 1: a factor in double was made for this call */
} mien_solve_report;

typedef struct mien_factor mien_factor;

/* P A P' = L L'. MIEN_NUMERICAL_FAILURE where the matrix is not positive definite, naming the row.
 *   positions  one frame of n finite points, for the ordering; null: none
 *   options    null: all defaults
 *   factor     gets the handle, null on failure; mien_factor_destroy frees it */
MIEN_API mien_status mien_factor_create(const mien_sparse_matrix* matrix, const mien_points* positions,
                                        const mien_factor_options* options, mien_factor** factor,
                                        const mien_scheduler* scheduler, mien_error* error);

/* Factors a matrix of the same pattern; on failure the factor is what it was. No other call may use it. */
MIEN_API mien_status mien_factor_refactor(mien_factor* factor, const mien_sparse_matrix* matrix,
                                          const mien_scheduler* scheduler, mien_error* error);

/* out = A^-1 rhs. out may be rhs itself, but not overlap it in another way.
 *   rhs, out  F x n x K each, finite
 *   options   null: no refinement
 *   report    may be null
 * MIEN_NUMERICAL_FAILURE where the tolerance cannot be reached. */
MIEN_API mien_status mien_factor_solve(const mien_factor* factor, const mien_columns* rhs,
                                       const mien_columns* out, const mien_solve_options* options,
                                       mien_solve_report* report, const mien_scheduler* scheduler,
                                       mien_error* error);

MIEN_API int64_t mien_factor_size(const mien_factor* factor);      /* n; 0 of null */
MIEN_API int64_t mien_factor_non_zeros(const mien_factor* factor); /* of L */
MIEN_API int64_t mien_factor_memory(const mien_factor* factor);    /* bytes */
MIEN_API void mien_factor_destroy(mien_factor* factor);            /* null is fine */

#ifdef __cplusplus
}
#endif
#endif
