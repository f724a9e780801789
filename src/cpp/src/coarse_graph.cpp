#include "coarse_graph.h"

#include <utility>

namespace mien {
namespace {

constexpr std::int32_t kHeaviest = 4;    // a patch may weigh so many times what is asked for
constexpr double kLeastProgress = 0.75;  // a graph that shrinks less in a step is taken as it is

// The graph as given or one that has been made coarser already.
struct View {
    std::int32_t size;
    const std::int64_t* start;
    const std::int32_t *neighbours, *edges, *weight;  // edges and weight null where all are 1

    std::int32_t weightOf(std::int32_t v) const { return weight ? weight[v] : 1; }
    std::int32_t edgesOf(std::int64_t k) const { return edges ? edges[k] : 1; }
};

struct Patches {
    std::vector<std::int32_t> of, weight;
};

// The patch beside v that weighs least, -1 where none has room.
std::int32_t lightest(const View& graph, const Patches& patches, std::int32_t v, std::int32_t most) {
    std::int32_t best = -1, least = most - graph.weightOf(v) + 1;
    for (std::int64_t k = graph.start[v]; k < graph.start[v + 1]; ++k) {
        const std::int32_t p = patches.of[graph.neighbours[k]];
        if (p < 0 || patches.weight[p] >= least) continue;
        best = p;
        least = patches.weight[p];
    }
    return best;
}

// A vertex that is in no patch yet starts one with its neighbours that are in none, or goes into one beside
// it where these are too few. Vertices are taken as they are numbered, breadth first, so that patches lie
// close.
Patches gatherPatches(const View& graph, std::int32_t most) {
    Patches out;
    out.of.assign(graph.size, -1);
    for (std::int32_t v = 0; v < graph.size; ++v) {
        if (out.of[v] >= 0) continue;
        std::int32_t loose = 0;
        for (std::int64_t k = graph.start[v]; k < graph.start[v + 1]; ++k)
            loose += out.of[graph.neighbours[k]] < 0;
        std::int32_t p = loose < 2 ? lightest(graph, out, v, most) : -1;
        if (p >= 0) {
            out.of[v] = p;
            out.weight[p] += graph.weightOf(v);
            continue;
        }
        p = static_cast<std::int32_t>(out.weight.size());
        out.of[v] = p;
        out.weight.push_back(graph.weightOf(v));
        for (std::int64_t k = graph.start[v]; k < graph.start[v + 1]; ++k) {
            const std::int32_t u = graph.neighbours[k];
            if (out.of[u] >= 0 || out.weight[p] + graph.weightOf(u) > most) continue;
            out.of[u] = p;
            out.weight[p] += graph.weightOf(u);
        }
    }
    return out;
}

CoarseGraph contract(const View& graph, Patches patches) {
    CoarseGraph whole;
    PatchGraph& out = whole.graph;
    out.size = static_cast<std::int32_t>(patches.weight.size());
    std::vector<std::int32_t> first(out.size + 1, 0), members(graph.size);
    for (const std::int32_t p : patches.of) ++first[p + 1];
    for (std::int32_t p = 0; p < out.size; ++p) first[p + 1] += first[p];
    {
        std::vector<std::int32_t> next(first.begin(), first.end() - 1);
        for (std::int32_t v = 0; v < graph.size; ++v) members[next[patches.of[v]]++] = v;
    }
    std::vector<std::int64_t> slot(out.size, -1);
    out.start.reserve(out.size + 1);
    out.start.push_back(0);
    for (std::int32_t p = 0; p < out.size; ++p) {
        const std::int64_t begin = out.start.back();
        for (std::int32_t m = first[p]; m < first[p + 1]; ++m)
            for (std::int64_t k = graph.start[members[m]]; k < graph.start[members[m] + 1]; ++k) {
                const std::int32_t q = patches.of[graph.neighbours[k]];
                if (q == p) continue;
                if (slot[q] < begin) {
                    slot[q] = static_cast<std::int64_t>(out.neighbours.size());
                    out.neighbours.push_back(q);
                    out.edges.push_back(0);
                }
                out.edges[slot[q]] += graph.edgesOf(k);
            }
        out.start.push_back(static_cast<std::int64_t>(out.neighbours.size()));
    }
    out.weight = std::move(patches.weight);
    whole.patch = std::move(patches.of);
    return whole;
}

}  // namespace

CoarseGraph coarsen(const PatchGraph& graph, std::int32_t most) {
    const View view{graph.size, graph.start.data(), graph.neighbours.data(), graph.edges.data(),
                    graph.weight.data()};
    return contract(view, gatherPatches(view, most));
}

CoarseGraph coarsen(const Graph& graph, std::int32_t least) {
    const std::int32_t most = kHeaviest * least;
    const View fine{graph.size, graph.start.data(), graph.neighbours.data(), nullptr, nullptr};
    CoarseGraph out = contract(fine, gatherPatches(fine, most));
    double before = graph.size;
    while (static_cast<double>(out.graph.size) * least > graph.size &&
           out.graph.size <= kLeastProgress * before) {
        before = out.graph.size;
        CoarseGraph next = coarsen(out.graph, most);
        for (std::int32_t& p : out.patch) p = next.patch[p];
        out.graph = std::move(next.graph);
    }
    return out;
}

}  // namespace mien
