/* Laplacian, mass and gradient of a triangle mesh: the pattern once per topology, the numbers once per frame.
 */
#ifndef MIEN_C_LAPLACIAN_H
#define MIEN_C_LAPLACIAN_H

#include "mien/c/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t mien_mass_kind;
enum {
    MIEN_MASS_BARYCENTRIC = 0, /* a third of each triangle's area to each corner */
    MIEN_MASS_VORONOI = 1      /* what lies nearest to the vertex; half of an obtuse triangle to its corner */
};

typedef struct mien_laplacian mien_laplacian;

/* Columns are compressed, rows ascend, every diagonal entry is stored.
 *   triangles  3 x triangle_count indices below vertices; copied
 *   laplacian  gets the handle, null on failure; mien_laplacian_destroy frees it */
MIEN_API mien_status mien_laplacian_create(const int32_t* triangles, int64_t triangle_count, int64_t vertices,
                                           mien_laplacian** laplacian, const mien_scheduler* scheduler,
                                           mien_error* error);

MIEN_API int64_t mien_laplacian_non_zeros(const mien_laplacian* laplacian);
/* Owned by the handle: V + 1 column starts and the rows; null of null. */
MIEN_API const int64_t* mien_laplacian_column_start(const mien_laplacian* laplacian);
MIEN_API const int32_t* mien_laplacian_rows(const mien_laplacian* laplacian);

/* L_ij = -(cot a + cot b) / 2 for an edge with opposite angles a and b, L_ii = -sum of the others: positive
 * semi-definite.
 *   positions  one frame of V finite points
 *   values     gets non_zeros numbers */
MIEN_API mien_status mien_laplacian_cotangent(const mien_laplacian* laplacian, const mien_points* positions,
                                              double* values, const mien_scheduler* scheduler,
                                              mien_error* error);

/* -1 for every edge, the number of neighbours on the diagonal. */
MIEN_API mien_status mien_laplacian_uniform(const mien_laplacian* laplacian, double* values,
                                            const mien_scheduler* scheduler, mien_error* error);

/* Lumped mass, area units: V numbers. */
MIEN_API mien_status mien_laplacian_mass(const mien_laplacian* laplacian, const mien_points* positions,
                                         mien_mass_kind kind, double* mass, const mien_scheduler* scheduler,
                                         mien_error* error);

/* The gradient of a function that is linear on every triangle: 3 triangle_count x V, row 3 t + c holds
 * component c on triangle t. It may be larger than the Laplacian, so its columns and rows are the caller's.
 *   column_start  gets V + 1 places
 *   rows          gets gradient_non_zeros ascending rows of each column; null if there are none
 *   values        gets gradient_non_zeros numbers, 1 / length units; 0 on triangles without area */
MIEN_API int64_t mien_laplacian_gradient_non_zeros(const mien_laplacian* laplacian);
MIEN_API mien_status mien_laplacian_gradient_pattern(const mien_laplacian* laplacian, int64_t* column_start,
                                                     int32_t* rows, mien_error* error);
MIEN_API mien_status mien_laplacian_gradient(const mien_laplacian* laplacian, const mien_points* positions,
                                             double* values, const mien_scheduler* scheduler,
                                             mien_error* error);

MIEN_API void mien_laplacian_destroy(mien_laplacian* laplacian); /* null is fine */

#ifdef __cplusplus
}
#endif
#endif
