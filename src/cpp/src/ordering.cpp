#include "ordering.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "mien/error.h"

namespace mien {
namespace {

using Integers = std::vector<std::int32_t>;

// From so many edges on (twice, there and back) separators along the surface save more in numbers than they
// cost to find: surfaces of about 200,000 vertices, half as many where neighbours of neighbours are joined.
constexpr std::size_t kLargeGraph = 1200000;

// A vertex with more neighbours than so many roots of all is eliminated last: it would only blur degrees and
// join everything (Amestoy, Davis, Duff 2004).
constexpr double kDense = 10;
constexpr std::int64_t kNeverDense = 16;

// Breadth first over those that are not marked, one connected part after the other, [new] = old: neighbours
// then lie close to each other in memory, and what works on the graph reads it all over the place.
Integers breadthFirst(const Graph& graph, std::vector<char> known) {
    Integers order;
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

// The graph of the vertices order[0], order[1], ... alone, in these numbers.
Graph renumbered(const Graph& graph, const Integers& order) {
    Integers place(static_cast<std::size_t>(graph.size), -1);
    for (std::size_t k = 0; k < order.size(); ++k) place[order[k]] = static_cast<std::int32_t>(k);
    Graph out;
    out.size = static_cast<std::int32_t>(order.size());
    out.start.reserve(order.size() + 1);
    out.start.push_back(0);
    out.neighbours.resize(graph.neighbours.size());
    std::int64_t at = 0;
    for (const std::int32_t v : order) {
        for (std::int64_t k = graph.start[v]; k < graph.start[v + 1]; ++k) {
            const std::int32_t u = place[graph.neighbours[k]];
            out.neighbours[at] = u;
            at += u >= 0;
        }
        out.start.push_back(at);
    }
    out.neighbours.resize(at);
    return out;
}

// Minimum degree reads less than dissection and gains by it only where the graph outgrows the caches; and how
// ties are broken changes.
constexpr std::int32_t kScattered = 200000;

Integers orderByStructure(const Graph& graph, bool dissect) {
    const auto most = std::max(kNeverDense, static_cast<std::int64_t>(kDense * std::sqrt(graph.size)));
    std::vector<char> dense(static_cast<std::size_t>(graph.size), 0);
    Integers last;
    for (std::int32_t v = 0; v < graph.size; ++v) {
        if (graph.start[v + 1] - graph.start[v] <= most) continue;
        dense[v] = 1;
        last.push_back(v);
    }
    if (last.empty() && !dissect && graph.size < kScattered) return minimumDegree(graph);
    const Integers number = breadthFirst(graph, std::move(dense));
    const Graph local = renumbered(graph, number);
    Integers order = dissect ? surfaceDissection(local) : minimumDegree(local);
    for (std::int32_t& v : order) v = number[v];
    order.insert(order.end(), last.begin(), last.end());
    return order;
}

}  // namespace

std::vector<std::int32_t> orderGraph(const Graph& graph, const double* positions, Ordering ordering) {
    if (ordering == Ordering::natural) {
        Integers order(static_cast<std::size_t>(graph.size));
        std::iota(order.begin(), order.end(), 0);
        return order;
    }
    if (ordering != Ordering::geometric)
        return orderByStructure(
            graph, ordering == Ordering::surface ||
                       (ordering == Ordering::automatic && graph.neighbours.size() >= kLargeGraph));
    if (!positions)
        throw Error(Status::invalidArgument, "`positions` must be given for the geometric ordering");
    for (std::int64_t k = 0; k < 3 * static_cast<std::int64_t>(graph.size); ++k)
        if (!std::isfinite(positions[k]))
            throw Error(Status::invalidArgument,
                        "`positions` must be finite, and is not at vertex " + std::to_string(k / 3));
    return nestedDissection(graph, positions);
}

}  // namespace mien
