// Differential operators of a triangle mesh: Laplacian, mass, gradient. The pattern once per topology, the
// numbers once per frame.
#pragma once

#include <cstdint>
#include <vector>

#include "mien/views.h"

namespace mien {

enum class MassKind {
    barycentric,  // a third of each triangle's area to each corner
    voronoi,      // what lies nearest to the vertex; half of an obtuse triangle to its obtuse corner
};

// The Laplacian is the stiffness matrix of linear elements, positive semi-definite:
//     L_ij = -(cot a + cot b) / 2  for an edge with opposite angles a and b,   L_ii = -sum of the others
// summed over as many triangles as the edge has. Columns are compressed, rows ascend, every diagonal entry is
// stored; a vertex without triangles has a column with a zero on the diagonal alone. Edges from a vertex to
// itself are left out.
//
// Slivers: where a triangle's doubled area is below 1e-6 of half its summed squared edges, the latter is what
// cotangents are divided by. So weights stay below 1e6 and the matrix semi-definite; triangles that are one
// point give nothing.
//
// Const functions may be called from many threads at once. The bits of the results depend neither on the
// number of threads nor on the instruction set. `positions` is one frame with the vertices of the pattern,
// finite; results are owned by the caller.
class LaplacianPattern {
  public:
    // Throws Error (invalidArgument) where a triangle names a vertex that does not exist.
    //   triangles  3 x triangleCount indices below vertexCount
    LaplacianPattern(const std::int32_t* triangles, std::int64_t triangleCount, std::int64_t vertexCount);

    std::int64_t vertexCount() const { return vertexCount_; }
    std::int64_t triangleCount() const { return triangleCount_; }
    std::int64_t nonZeros() const { return static_cast<std::int64_t>(rows_.size()); }
    const std::int64_t* columnStart() const { return columnStart_.data(); }  // vertexCount + 1
    const std::int32_t* rows() const { return rows_.data(); }                // nonZeros
    const std::int32_t* triangles() const { return triangles_.data(); }      // 3 x triangleCount

    void cotangent(const ConstFrames& positions, double* values) const;  // values: nonZeros
    void uniform(double* values) const;  // -1 for every edge of a triangle, the number of neighbours inside
    void mass(const ConstFrames& positions, MassKind kind, double* mass) const;  // mass: vertexCount

    // The same from edge lengths alone: lengths[3 t + k] lies opposite corner k of triangle t.
    void cotangentFromLengths(const double* lengths, double* values) const;
    void massFromLengths(const double* lengths, MassKind kind, double* mass) const;

    // The gradient of a function that is linear on every triangle, (3 x triangleCount) x vertexCount: row
    // 3 t + c holds component c on triangle t.
    std::int64_t gradientNonZeros() const { return 3 * static_cast<std::int64_t>(corners_.size()); }
    void gradientPattern(std::int64_t* columnStart, std::int32_t* rows) const;
    void gradient(const ConstFrames& positions, double* values) const;

  private:
    struct Incidence;
    void joinCorners();
    void joinEdges();
    void joinEdge(const Incidence* corners, std::int64_t count);
    void columns(double* corners, double* values) const;
    void sumAreas(const double* areas, double* mass) const;

    std::int64_t vertexCount_, triangleCount_;
    std::vector<std::int32_t> triangles_;
    std::vector<std::int64_t> columnStart_, diagonal_;  // diagonal_: the slot of each diagonal entry
    std::vector<std::int32_t> rows_;
    // For each edge two corners (k * triangleCount + t) whose half cotangents it sums, and its entries below
    // and above the diagonal. Corner 3 T is zero; the ones after it are sums over edges with more than two
    // triangles: of shared_[sharedStart_[i] ...].
    std::vector<std::int32_t> edgeCorners_, shared_;
    std::vector<std::uint32_t> edgeEntries_;
    std::vector<std::int64_t> sharedStart_;
    std::vector<std::int64_t> cornerStart_;  // for each vertex its corners, by triangle
    std::vector<std::int32_t> corners_;
};

}  // namespace mien
