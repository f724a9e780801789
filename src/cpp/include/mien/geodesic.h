// Geodesic distance on triangles: how far every vertex lies from seeds, measured along the surface.
#pragma once

#include <cstdint>

#include "mien/views.h"

namespace mien {

// out[v] = length of the shortest way over the triangles from vertex v to the nearest seed; infinity where no
// way leads, or where it is longer than `limit`. Exact on flat surfaces with one seed, to a fraction of the
// edge length elsewhere.
//
// A vertex with a coordinate that is not finite takes its triangles out of the surface. Triangles without
// area are ways like others. One thread, so that callers may run many; O(V log V) time.
//   positions      one frame of V points
//   triangles      3 x triangleCount indices into the points
//   seeds          seedCount (>= 1) indices of points that are finite; repeats are allowed
//   limit          >= 0; may be infinity
//   out            V doubles, owned by the caller
void geodesicDistance(const ConstFrames& positions, const std::int32_t* triangles, std::int64_t triangleCount,
                      const std::int32_t* seeds, std::int64_t seedCount, double limit, double* out);

}  // namespace mien
