// The cotangent Laplacian of a surface some of whose vertices are held: its graph, and the factor of the
// rest.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "mien/sparse_factor.h"

namespace mien {

// Which vertices share a triangle: neighbours of vertex i, ascending, at start[i] ... start[i + 1].
struct MeshGraph {
    // Throws Error (invalidArgument) if a triangle names a vertex out of range.
    MeshGraph(const std::int32_t* triangles, std::int64_t triangleCount, std::int64_t vertices);

    std::int64_t vertices() const { return static_cast<std::int64_t>(start.size()) - 1; }
    std::int64_t slot(std::int32_t from, std::int32_t to) const;  // in `neighbours`; they must be neighbours

    std::vector<std::int64_t> start;
    std::vector<std::int32_t> neighbours;
};

// Half the cotangents of each triangle's angles, as mien/laplacian.h has them.
std::vector<std::array<double, 3>> halfCotangents(const std::vector<double>& positions,
                                                  const std::int32_t* triangles, std::int64_t triangleCount);

// Parts that edges of nonzero weight join, numbered in the order of their first vertices.
std::vector<std::int32_t> connectedParts(const MeshGraph& graph, const std::vector<double>& weights);

// Free vertices come first, in the order in which the factor eliminates them, then held ones with a free
// neighbour, then the rest.
struct HeldLaplacian {
    // sum_j weights_ij (x_i - x_j) over all neighbours, for vertices i that are not held. Throws Error
    // (numericalFailure) where that is not positive definite.
    HeldLaplacian(const MeshGraph& graph, const std::vector<double>& weights, const std::vector<char>& held,
                  const std::vector<double>& positions, Scalar storage);

    // In place, `width` right-hand sides, rows in the order of `order`.
    void solve(void* x, int width) const;

    std::int64_t freeCount = 0, nearCount = 0;  // free; free and held with a free neighbour
    std::vector<std::int32_t> order, rank;      // order[new] = old, rank[old] = new
    std::optional<SparseFactor> factor;         // absent if nothing is free
};

}  // namespace mien
