/* As-rigid-as-possible deformation: every small neighbourhood follows the handles nearly like a rigid body.
 */
#ifndef MIEN_C_ARAP_DEFORMER_H
#define MIEN_C_ARAP_DEFORMER_H

#include "mien/c/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mien_arap_options {
    int32_t rims;             /* not 0: cells of spokes and rims (Chao et al. 2010) instead of spokes alone */
    int32_t clamped;          /* not 0: negative cotangent weights become 0 */
    int32_t double_precision; /* not 0: positions and factor in double instead of float32 */
} mien_arap_options;

typedef struct mien_arap_solve_options {
    int32_t iterations; /* local and global steps; 0: 10, below 0: none */
    /* Above 0: a frame starts from the one before it, in runs of at most 16 frames, and takes this many
     * iterations. 0: every frame is on its own. */
    int32_t warm_iterations;
} mien_arap_solve_options;

typedef struct mien_arap_deformer mien_arap_deformer;

/*   neutral    one frame of V finite points
 *   triangles  3 x triangle_count indices below V
 *   handles    handle_count >= 1 different vertices that get targets
 *   anchors    anchor_count vertices that stay where the neutral has them; null if 0
 *   options    null: all defaults
 *   deformer   gets the handle, null on failure; mien_arap_deformer_destroy frees it */
MIEN_API mien_status mien_arap_deformer_create(const mien_points* neutral, const int32_t* triangles,
                                               int64_t triangle_count, const int32_t* handles,
                                               int64_t handle_count, const int32_t* anchors,
                                               int64_t anchor_count, const mien_arap_options* options,
                                               mien_arap_deformer** deformer, const mien_scheduler* scheduler,
                                               mien_error* error);

/*   targets  F frames of handle_count finite points, in the order of the handles
 *   start    F frames or one of V finite points from which it starts; null: the best rigid placement
 *   options  null: all defaults
 *   out      F frames of V points; handles and anchors are met exactly
 *   energy   F x (iterations + 1) doubles, the energy at the start and after each iteration, only without
 * warm starts; null: not wanted */
MIEN_API mien_status mien_arap_deformer_solve(const mien_arap_deformer* deformer, const mien_points* targets,
                                              const mien_points* start,
                                              const mien_arap_solve_options* options, const mien_points* out,
                                              double* energy, const mien_scheduler* scheduler,
                                              mien_error* error);

MIEN_API int64_t mien_arap_deformer_vertices(const mien_arap_deformer* deformer); /* V; 0 of null */
MIEN_API void mien_arap_deformer_destroy(mien_arap_deformer* deformer);           /* null is fine */

#ifdef __cplusplus
}
#endif
#endif
