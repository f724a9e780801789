#include "ordering.h"

#include <cmath>
#include <numeric>
#include <string>

#include "mien/error.h"

namespace mien {

std::vector<std::int32_t> orderGraph(const Graph& graph, const double* positions, Ordering ordering) {
    if (ordering == Ordering::natural) {
        std::vector<std::int32_t> order(graph.size);
        std::iota(order.begin(), order.end(), 0);
        return order;
    }
    if (ordering != Ordering::geometric) return minimumDegree(graph);
    if (!positions)
        throw Error(Status::invalidArgument, "`positions` must be given for the geometric ordering");
    for (std::int64_t k = 0; k < 3 * static_cast<std::int64_t>(graph.size); ++k)
        if (!std::isfinite(positions[k]))
            throw Error(Status::invalidArgument,
                        "`positions` must be finite, and is not at vertex " + std::to_string(k / 3));
    return nestedDissection(graph, positions);
}

}  // namespace mien
