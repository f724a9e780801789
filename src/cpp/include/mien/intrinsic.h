// Intrinsic Delaunay triangulations: the surface stays, its triangles become good ones.
#pragma once

#include <cstdint>
#include <vector>

#include "mien/views.h"

namespace mien {

// Triangles of a surface by their edge lengths, every triangle twice: once seen from the front and once from
// the back. Two triangles may share more than one edge, and an edge may lead from a vertex to itself. What is
// summed over them (entries of the Laplacian, areas) comes out twice as large as on the surface.
struct IntrinsicTriangulation {
    std::vector<std::int32_t> triangles;  // 6 T vertices
    std::vector<double> lengths;          // 6 T; entry 3 t + k lies opposite corner k
    std::int64_t flips = 0;               // how many edges were flipped
    bool delaunay = true;                 // false where flipping was given up
};

// Flips edges until the angles opposite each sum to at most 180 degrees (Bobenko, Springborn 2007, A discrete
// Laplace-Beltrami operator for simplicial surfaces), so that the cotangent Laplacian has no negative weight.
//
// It is done on the tufted cover (Sharp, Crane 2020, A Laplacian for nonmanifold triangle meshes): around
// every edge the front of one triangle is joined to the back of the next, at a border to its own. So edges at
// the border, edges of more than two triangles and edges along which orientation changes are flipped like
// others. Where a triangle has no area, all lengths grow by as little as gives every triangle a slack of 1e-9
// of the mean edge (the same paper). Stops after 100 flips an edge.
//   positions  one frame of finite points
//   triangles  3 x triangleCount indices of them
IntrinsicTriangulation intrinsicDelaunay(const ConstFrames& positions, const std::int32_t* triangles,
                                         std::int64_t triangleCount);

}  // namespace mien
