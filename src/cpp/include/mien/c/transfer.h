/* Carrying the deformation of one face to another: triangles are stretched and turned alike. */
#ifndef MIEN_C_TRANSFER_H
#define MIEN_C_TRANSFER_H

#include "mien/c/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A face at rest and its triangles. */
typedef struct mien_mesh {
    const mien_points* neutral; /* one frame of V finite points */
    const int32_t* triangles;   /* 3 x triangle_count indices below V */
    int64_t triangle_count;
} mien_mesh;

/* The affine map of each triangle and its normal from the neutral to every frame (Sumner and Popovic 2004);
 * the identity where the neutral's triangle has no area. positions  F frames of V finite points out        F
 * x T x 9, row-major 3 x 3, of the scalar of positions, aligned to it */
MIEN_API mien_status mien_deformation_gradients(const mien_mesh* mesh, const mien_points* positions,
                                                void* out, const mien_scheduler* scheduler,
                                                mien_error* error);

/* matrix = rotation stretch, of each of `count` matrices: the nearest rotation, of determinant 1, and a
 * symmetric stretch, whose least eigenvalue is negative where the determinant of the matrix is. matrices
 * count x 9 finite doubles, row-major 3 x 3 rotation  gets count x 9 doubles stretch   gets as many, or null
 */
MIEN_API mien_status mien_split_gradients(const double* matrices, int64_t count, double* rotation,
                                          double* stretch, const mien_scheduler* scheduler,
                                          mien_error* error);

typedef struct mien_transfer mien_transfer;

/*   correspondence    for each target triangle a source triangle, or -1: it keeps its shape; null: its own
 *                     number, and then there must be as many
 *   anchors           anchor_count target vertices that stay; null if 0
 *   double_precision  not 0: gradients, displacements and the factor in double instead of float32
 *   transfer          gets the handle, null on failure; mien_transfer_destroy frees it */
MIEN_API mien_status mien_transfer_create(const mien_mesh* source, const mien_mesh* target,
                                          const int32_t* correspondence, const int32_t* anchors,
                                          int64_t anchor_count, int32_t double_precision,
                                          mien_transfer** transfer, const mien_scheduler* scheduler,
                                          mien_error* error);

/* out[f] = the target's neutral under the deformation of expression[f].
 *   expression  F frames of the source's vertices, finite
 *   out         F frames of the target's vertices */
MIEN_API mien_status mien_transfer_apply(const mien_transfer* transfer, const mien_points* expression,
                                         const mien_points* out, const mien_scheduler* scheduler,
                                         mien_error* error);

MIEN_API int64_t mien_transfer_source_vertices(const mien_transfer* transfer); /* 0 of null */
MIEN_API int64_t mien_transfer_target_vertices(const mien_transfer* transfer); /* 0 of null */
MIEN_API void mien_transfer_destroy(mien_transfer* transfer);                  /* null is fine */

#ifdef __cplusplus
}
#endif
#endif
