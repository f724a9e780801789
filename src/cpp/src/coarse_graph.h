// A graph of patches: neighbouring vertices of a large graph put together, so that cuts can be looked for
// cheaply.
#pragma once

#include <cstdint>
#include <vector>

#include "ordering.h"

namespace mien {

struct PatchGraph {
    std::int32_t size = 0;                 // patches
    std::vector<std::int64_t> start;       // size + 1
    std::vector<std::int32_t> neighbours;  // both directions of every edge, no loops
    std::vector<std::int32_t> edges;       // for each neighbour how many edges of the large graph lead there
    std::vector<std::int32_t> weight;      // vertices in each patch
};

struct CoarseGraph {
    PatchGraph graph;
    std::vector<std::int32_t> patch;  // for each vertex of what it was made from
};

// Patches of about `least` vertices or a few more, connected each, numbered breadth first.
CoarseGraph coarsen(const Graph& graph, std::int32_t least);

// One step on: patches of patches, none of them heavier than `most`.
CoarseGraph coarsen(const PatchGraph& graph, std::int32_t most);

}  // namespace mien
