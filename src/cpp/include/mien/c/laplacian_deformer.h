/* A few vertices move and the rest follow smoothly: Laplacian and bi-Laplacian deformation, factored once. */
#ifndef MIEN_C_LAPLACIAN_DEFORMER_H
#define MIEN_C_LAPLACIAN_DEFORMER_H

#include "mien/c/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t mien_deformation_method;
enum {
    MIEN_DEFORM_AUTOMATIC = 0, /* whichever costs less a frame */
    MIEN_DEFORM_RESPONSE = 1,  /* one matrix from handles to vertices; a product for every frame */
    MIEN_DEFORM_SOLVE = 2      /* a back-substitution for every frame */
};

typedef struct mien_laplacian_deformer_options {
    int32_t bilaplacian;      /* not 0: energy L M^-1 L, of the change of mean curvature, instead of L */
    int32_t intrinsic;        /* not 0: L and M of the intrinsic Delaunay triangulation */
    int32_t rotation_passes;  /* how often the differential coordinates are turned and solved again */
    int32_t double_precision; /* not 0: displacements in double instead of float32 */
    mien_deformation_method method; /* not MIEN_DEFORM_RESPONSE with rotation passes */
} mien_laplacian_deformer_options;

typedef struct mien_laplacian_deformer mien_laplacian_deformer;

/*   triangles       3 x triangle_count indices below V
 *   neutral         one frame of V finite points
 *   handles         handle_count >= 1 different vertices that get targets
 *   handle_weights  handle_count weights above 0, infinity for hard; null: all hard
 *   held            V bytes, not 0 where a vertex stays at its base (anchors, outside of the region) and is
 * no handle; null: none. A vertex of no triangle stays as well options         null: all defaults deformer
 * gets the handle, null on failure; mien_laplacian_deformer_destroy frees it MIEN_INVALID_ARGUMENT also where
 * a piece of the surface has neither handle nor held vertex. */
MIEN_API mien_status mien_laplacian_deformer_create(const int32_t* triangles, int64_t triangle_count,
                                                    const mien_points* neutral, const int32_t* handles,
                                                    const double* handle_weights, int64_t handle_count,
                                                    const uint8_t* held,
                                                    const mien_laplacian_deformer_options* options,
                                                    mien_laplacian_deformer** deformer,
                                                    const mien_scheduler* scheduler, mien_error* error);

/* out = base + d: hard handles exactly at their targets, held vertices exactly at their base.
 *   targets  F frames of handle_count finite points, in the order of the handles
 *   base     one frame or F of V finite points, the scalar of out
 *   out      F frames of V points; must not overlap base */
MIEN_API mien_status mien_laplacian_deformer_solve(const mien_laplacian_deformer* deformer,
                                                   const mien_points* targets, const mien_points* base,
                                                   const mien_points* out, const mien_scheduler* scheduler,
                                                   mien_error* error);

MIEN_API int64_t mien_laplacian_deformer_vertices(const mien_laplacian_deformer* deformer); /* V; 0 of null */
MIEN_API void mien_laplacian_deformer_destroy(mien_laplacian_deformer* deformer);           /* null is fine */

#ifdef __cplusplus
}
#endif
#endif
