// Minimum degree on the few vertices that dissection leaves.
#pragma once

#include <cstdint>

namespace mien {

constexpr int kLargestLeaf = 64;

// A leaf's graph as bits: neighbours inside it, and outside, where vertices are eliminated later. What
// there is outside beyond the bits is left out.
struct LeafGraph {
    int size = 0;
    std::uint64_t inside[kLargestLeaf], outside[kLargestLeaf][2];
};

// Writes the order of elimination, `size` numbers below it: always a vertex of the smallest degree, the
// lowest of them.
void orderLeaf(LeafGraph* graph, std::int32_t* order);

}  // namespace mien
