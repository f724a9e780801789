// The cells of as-rigid-as-possible energies as the kernels want them.
#pragma once

#include <vector>

#include "held_laplacian.h"
#include "kernels/arap_deformer.h"
#include "mien/arap_deformer.h"

namespace mien {

// Per slot of a graph the Laplacian's weight and d_ij, in the order of the graph. With v the neutral divided
// by `unit`, cell i holds edges (a, b) of weight c, and d_ij = share * sum of c (v_j - v_b) over the cell's
// edges (j, b): for spokes that is share * w_ij (v_j - v_i). Then sum_j d_ij (u_j - u_i)^T is the cell's
// covariance whatever the cell is, and R_i d_ij what it gives to the right-hand side of vertex j.
struct CellWeights {
    CellWeights(const MeshGraph& graph, const std::vector<double>& neutral, const std::int32_t* triangles,
                std::int64_t triangleCount, const ArapOptions& options);

    int cells;                    // to which an edge belongs; share = 1 / cells
    double unit;                  // a power of two
    std::vector<double> edges;    // w_ij
    std::vector<double> pulls;    // 3 for each slot: d_ij
    std::vector<double> lengths;  // for each vertex sum_j w_ij |v_j - v_i|^2
};

// The same with vertices in another order, in the kernels' layout.
class ArapCellArrays {
  public:
    ArapCellArrays(const MeshGraph& graph, const CellWeights& weights, const std::vector<std::int32_t>& order,
                   const std::vector<std::int32_t>& rank, Scalar storage);

    ArapCells of(Scalar scalar) const;  // float64, or what it was stored in
    // Scene units; `positions` as in the kernel, 16 energies.
    void energy(const double* positions, double unit, double* out) const;

  private:
    int cells_;
    std::vector<std::int64_t> start_;
    std::vector<std::int32_t> neighbours_;
    std::vector<float> floats_;
    std::vector<double> doubles_, lengths_;
};

}  // namespace mien
