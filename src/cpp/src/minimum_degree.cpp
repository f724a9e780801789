#include "ordering.h"
#include "quotient_graph.h"

namespace mien {

std::vector<std::int32_t> minimumDegree(const Graph& graph) {
    QuotientGraph quotient;
    quotient.begin(graph.size, graph.size, graph.neighbours.size());
    for (std::int32_t v = 0; v < graph.size; ++v) {
        quotient.add();
        for (std::int64_t k = graph.start[v]; k < graph.start[v + 1]; ++k) quotient.link(graph.neighbours[k]);
    }
    std::vector<std::int32_t> out(static_cast<std::size_t>(graph.size));
    quotient.order(out.data());
    return out;
}

}  // namespace mien
