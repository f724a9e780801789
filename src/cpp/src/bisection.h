// Cuts a connected graph of patches into two of about the same weight, along few edges.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "coarse_graph.h"

namespace mien {

class Bisection {
  public:
    // Writes the side, 0 or 1, of every patch: by way of patches of patches and so on (Hendrickson, Leland
    // 1995), refined on each level. The graph is connected. False where all are on one side.
    bool split(const PatchGraph& graph, std::vector<char>* side);

  private:
    // How good a cut is, and how much lies on its low side.
    struct State {
        double cut = 0, low = 0, cost = 0;
    };

    void halve(const PatchGraph& graph, std::vector<char>* side);
    void start(const PatchGraph& graph, std::vector<char>* side);
    std::int32_t spread(const PatchGraph& graph, std::int32_t from, std::vector<std::int32_t>* distance);
    State sweep(const PatchGraph& graph, std::vector<char>* side);
    State measure(const PatchGraph& graph, const std::vector<char>& side) const;
    double cost(double cut, double low) const;
    void refine(const PatchGraph& graph, State* state, std::vector<char>* side);
    bool pass(const PatchGraph& graph, State* state, std::vector<char>* side);
    void gains(const PatchGraph& graph, const std::vector<char>& side);

    double total_ = 0;
    std::vector<std::int32_t> from_, to_, field_, reach_, queue_, sorted_, counts_, gain_, moves_;
    std::vector<char> locked_, try_;
    std::vector<std::pair<std::int32_t, std::int32_t>> heap_;
};

}  // namespace mien
