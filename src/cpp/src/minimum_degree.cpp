#include <Eigen/OrderingMethods>
#include <Eigen/SparseCore>

#include "ordering.h"

namespace mien {

std::vector<std::int32_t> minimumDegree(const Graph& graph) {
    // Eigen takes a column without a diagonal for one that is to come last.
    Eigen::SparseMatrix<char, Eigen::ColMajor, std::int32_t> matrix(graph.size, graph.size);
    matrix.resizeNonZeros(static_cast<Eigen::Index>(graph.neighbours.size()) + graph.size);
    std::int32_t at = 0;
    for (std::int32_t j = 0; j < graph.size; ++j) {
        matrix.outerIndexPtr()[j] = at;
        matrix.innerIndexPtr()[at++] = j;
        for (std::int64_t k = graph.start[j]; k < graph.start[j + 1]; ++k)
            matrix.innerIndexPtr()[at++] = graph.neighbours[k];
    }
    matrix.outerIndexPtr()[graph.size] = at;
    Eigen::PermutationMatrix<Eigen::Dynamic, Eigen::Dynamic, std::int32_t> permutation;
    Eigen::internal::minimum_degree_ordering(matrix, permutation);
    const auto* indices = permutation.indices().data();
    return {indices, indices + graph.size};
}

}  // namespace mien
