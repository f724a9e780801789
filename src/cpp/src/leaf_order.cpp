#include "leaf_order.h"

namespace mien {
namespace {

int ones(std::uint64_t word) {
    // In halves, quarters and so on: a processor of the base path has no instruction for it.
    word -= word >> 1 & 0x5555555555555555u;
    word = (word & 0x3333333333333333u) + (word >> 2 & 0x3333333333333333u);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return static_cast<int>(word * 0x0101010101010101u >> 56);
}

int lowest(std::uint64_t word) {
#if defined(__GNUC__)
    return __builtin_ctzll(word);
#else
    int at = 0;
    while (!(word >> at & 1)) ++at;
    return at;
#endif
}

}  // namespace

void orderLeaf(LeafGraph* graph, std::int32_t* order) {
    LeafGraph& g = *graph;
    constexpr int kGone = 255;
    unsigned char degree[kLargestLeaf];
    for (int v = 0; v < kLargestLeaf; ++v)
        degree[v] = v < g.size ? static_cast<unsigned char>(ones(g.inside[v]) + ones(g.outside[v][0]) +
                                                            ones(g.outside[v][1]))
                               : kGone;
    for (int k = 0; k < g.size; ++k) {
        int least = kGone, v = 0;
        for (int u = 0; u < g.size; ++u)
            if (degree[u] < least) {
                least = degree[u];
                v = u;
            }
        order[k] = v;
        degree[v] = kGone;
        const std::uint64_t mine = g.inside[v], self = std::uint64_t{1} << v;
        for (std::uint64_t rest = mine; rest; rest &= rest - 1) {
            const int u = lowest(rest);
            g.inside[u] = (g.inside[u] | mine) & ~(self | std::uint64_t{1} << u);
            for (int w = 0; w < 2; ++w) g.outside[u][w] |= g.outside[v][w];
            degree[u] =
                static_cast<unsigned char>(ones(g.inside[u]) + ones(g.outside[u][0]) + ones(g.outside[u][1]));
        }
    }
}

}  // namespace mien
