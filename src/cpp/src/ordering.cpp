#include "ordering.h"

#include <numeric>

namespace mien {

std::vector<std::int32_t> orderGraph(const Graph& graph, const double* positions, Ordering ordering) {
    if (ordering == Ordering::automatic) ordering = positions ? Ordering::geometric : Ordering::minimumDegree;
    if (ordering == Ordering::natural) {
        std::vector<std::int32_t> order(graph.size);
        std::iota(order.begin(), order.end(), 0);
        return order;
    }
    return ordering == Ordering::geometric ? nestedDissection(graph, positions) : minimumDegree(graph);
}

}  // namespace mien
