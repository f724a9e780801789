#include <Eigen/OrderingMethods>
#include <Eigen/SparseCore>

#include "ordering.h"

namespace mien {

std::vector<std::int32_t> minimumDegree(const Graph& graph) {
    using Matrix = Eigen::SparseMatrix<char, Eigen::ColMajor, std::int32_t>;
    std::vector<std::int32_t> start(graph.start.begin(), graph.start.end()), order(graph.size);
    const std::vector<char> values(graph.neighbours.size(), 1);
    const Eigen::Map<const Matrix> view(graph.size, graph.size,
                                        static_cast<Eigen::Index>(graph.neighbours.size()), start.data(),
                                        graph.neighbours.data(), values.data());
    Matrix matrix = view;
    Eigen::PermutationMatrix<Eigen::Dynamic, Eigen::Dynamic, std::int32_t> permutation;
    Eigen::internal::minimum_degree_ordering(matrix, permutation);
    for (std::int32_t j = 0; j < graph.size; ++j) order[j] = permutation.indices()[j];
    return order;
}

}  // namespace mien
