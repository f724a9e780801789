#include <Eigen/OrderingMethods>
#include <Eigen/SparseCore>

#include <numeric>

#include "ordering.h"

namespace mien {
namespace {

// From this size on the graph outgrows the caches, and minimum degree, which reads it all over the place,
// gains more by neighbours that lie close to each other in memory than numbering them costs.
constexpr std::int32_t kLargeGraph = 200000;

// Breadth first, one connected part after the other, [new] = old.
std::vector<std::int32_t> breadthFirst(const Graph& graph) {
    std::vector<std::int32_t> order;
    std::vector<char> known(static_cast<std::size_t>(graph.size), 0);
    order.reserve(known.size());
    std::size_t next = 0;
    for (std::int32_t start = 0; start < graph.size; ++start) {
        if (known[start]) continue;
        known[start] = 1;
        order.push_back(start);
        for (; next < order.size(); ++next)
            for (std::int64_t k = graph.start[order[next]]; k < graph.start[order[next] + 1]; ++k) {
                const std::int32_t u = graph.neighbours[k];
                if (known[u]) continue;
                known[u] = 1;
                order.push_back(u);
            }
    }
    return order;
}

}  // namespace

std::vector<std::int32_t> minimumDegree(const Graph& graph) {
    std::vector<std::int32_t> order(static_cast<std::size_t>(graph.size)), place(order.size());
    if (graph.size >= kLargeGraph)
        order = breadthFirst(graph);
    else
        std::iota(order.begin(), order.end(), 0);
    for (std::size_t k = 0; k < order.size(); ++k) place[order[k]] = static_cast<std::int32_t>(k);
    // Eigen takes a column without a diagonal for one that is to come last.
    Eigen::SparseMatrix<char, Eigen::ColMajor, std::int32_t> matrix(graph.size, graph.size);
    matrix.resizeNonZeros(static_cast<Eigen::Index>(graph.neighbours.size()) + graph.size);
    std::int32_t at = 0;
    for (std::int32_t j = 0; j < graph.size; ++j) {
        matrix.outerIndexPtr()[j] = at;
        matrix.innerIndexPtr()[at++] = j;
        for (std::int64_t k = graph.start[order[j]]; k < graph.start[order[j] + 1]; ++k)
            matrix.innerIndexPtr()[at++] = place[graph.neighbours[k]];
    }
    matrix.outerIndexPtr()[graph.size] = at;
    Eigen::PermutationMatrix<Eigen::Dynamic, Eigen::Dynamic, std::int32_t> permutation;
    Eigen::internal::minimum_degree_ordering(matrix, permutation);
    const auto* indices = permutation.indices().data();
    std::vector<std::int32_t> out(order.size());
    for (std::size_t k = 0; k < out.size(); ++k) out[k] = order[indices[k]];
    return out;
}

}  // namespace mien
