#include "bisection.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mien {
namespace {

constexpr double kBalance = 0.15;        // how far from the middle a cut may lie, as a share
constexpr int kPasses = 4;               // of refinement, at most
constexpr std::int32_t kPatience = 40;   // moves in a row that bring nothing, before a pass ends
constexpr std::int32_t kSmall = 100;     // patches of a graph that is cut as it is
constexpr double kHeaviest = 4;          // a patch of patches may weigh so many times their mean
constexpr int kStarts = 2;               // pairs of far patches to cut between
constexpr double kLeastProgress = 0.75;  // a graph that shrinks less is cut as it is

}  // namespace

// Distances in edges; the patch that was reached last.
std::int32_t Bisection::spread(const PatchGraph& graph, std::int32_t from,
                               std::vector<std::int32_t>* distance) {
    std::vector<std::int32_t>& d = *distance;
    d.assign(graph.size, -1);
    queue_.clear();
    queue_.push_back(from);
    d[from] = 0;
    for (std::size_t k = 0; k < queue_.size(); ++k) {
        const std::int32_t p = queue_[k];
        for (std::int64_t e = graph.start[p]; e < graph.start[p + 1]; ++e) {
            const std::int32_t q = graph.neighbours[e];
            if (d[q] >= 0) continue;
            d[q] = d[p] + 1;
            queue_.push_back(q);
        }
    }
    return queue_.back();
}

// What a cut costs with so much weight on the low side.
double Bisection::cost(double cut, double low) const {
    const double off = std::fabs(low / total_ - 0.5);
    return (cut + 1) * (1 + 6 * off * off) + (off > kBalance ? 1e3 * total_ * off : 0);
}

// The best cut between patches of smaller and of larger values of the field.
Bisection::State Bisection::sweep(const PatchGraph& graph, std::vector<char>* side) {
    const std::int32_t n = graph.size;
    const auto [least, most] = std::minmax_element(field_.begin(), field_.end());
    const std::int32_t base = *least;
    counts_.assign(static_cast<std::size_t>(*most - base) + 2, 0);
    for (const std::int32_t value : field_) ++counts_[value - base + 1];
    for (std::size_t k = 1; k < counts_.size(); ++k) counts_[k] += counts_[k - 1];
    sorted_.resize(n);
    for (std::int32_t p = 0; p < n; ++p) sorted_[counts_[field_[p] - base]++] = p;
    State best;
    best.cost = std::numeric_limits<double>::infinity();
    side->assign(n, 1);
    double cut = 0, low = 0;
    std::int32_t at = 0;
    for (std::int32_t k = 0; k + 1 < n; ++k) {
        const std::int32_t p = sorted_[k];
        (*side)[p] = 0;
        low += graph.weight[p];
        for (std::int64_t e = graph.start[p]; e < graph.start[p + 1]; ++e)
            cut += (*side)[graph.neighbours[e]] ? graph.edges[e] : -graph.edges[e];
        const double here = cost(cut, low);
        if (here >= best.cost) continue;
        best = {cut, low, here};
        at = k;
    }
    for (std::int32_t k = at + 1; k < n; ++k) (*side)[sorted_[k]] = 1;
    return best;
}

Bisection::State Bisection::measure(const PatchGraph& graph, const std::vector<char>& side) const {
    State out;
    for (std::int32_t p = 0; p < graph.size; ++p) {
        if (side[p]) continue;
        out.low += graph.weight[p];
        for (std::int64_t e = graph.start[p]; e < graph.start[p + 1]; ++e)
            if (side[graph.neighbours[e]]) out.cut += graph.edges[e];
    }
    out.cost = cost(out.cut, out.low);
    return out;
}

void Bisection::gains(const PatchGraph& graph, const std::vector<char>& side) {
    heap_.clear();
    gain_.resize(graph.size);
    locked_.assign(graph.size, 0);
    for (std::int32_t p = 0; p < graph.size; ++p) {
        std::int32_t gain = 0;
        bool border = false;
        for (std::int64_t e = graph.start[p]; e < graph.start[p + 1]; ++e) {
            const bool across = side[graph.neighbours[e]] != side[p];
            border = border || across;
            gain += across ? graph.edges[e] : -graph.edges[e];
        }
        gain_[p] = gain;
        if (border) heap_.emplace_back(gain, p);
    }
    std::make_heap(heap_.begin(), heap_.end());
}

// Moves patches over, the best first and each once, even where it does not pay, and takes back what came
// after the best state (Fiduccia, Mattheyses 1982).
bool Bisection::pass(const PatchGraph& graph, State* state, std::vector<char>* side) {
    gains(graph, *side);
    moves_.clear();
    State now = *state;
    std::size_t kept = 0;
    while (!heap_.empty() && moves_.size() < kept + kPatience) {
        std::pop_heap(heap_.begin(), heap_.end());
        const auto [gain, p] = heap_.back();
        heap_.pop_back();
        if (locked_[p] || gain != gain_[p]) continue;
        const double low = (*side)[p] ? now.low + graph.weight[p] : now.low - graph.weight[p];
        if (std::fabs(low / total_ - 0.5) > std::max(kBalance, std::fabs(now.low / total_ - 0.5))) continue;
        locked_[p] = 1;
        now.low = low;
        now.cut -= gain;
        (*side)[p] = !(*side)[p];
        moves_.push_back(p);
        for (std::int64_t e = graph.start[p]; e < graph.start[p + 1]; ++e) {
            const std::int32_t q = graph.neighbours[e];
            if (locked_[q]) continue;
            gain_[q] += (*side)[q] == (*side)[p] ? -2 * graph.edges[e] : 2 * graph.edges[e];
            heap_.emplace_back(gain_[q], q);
            std::push_heap(heap_.begin(), heap_.end());
        }
        now.cost = cost(now.cut, now.low);
        if (now.cost >= state->cost) continue;
        *state = now;
        kept = moves_.size();
    }
    for (std::size_t k = kept; k < moves_.size(); ++k) (*side)[moves_[k]] = !(*side)[moves_[k]];
    return kept > 0;
}

void Bisection::refine(const PatchGraph& graph, State* state, std::vector<char>* side) {
    for (int k = 0; k < kPasses && pass(graph, state, side); ++k) {
    }
}

// Lines half way between two patches far from each other; the next pair is far from those before.
void Bisection::start(const PatchGraph& graph, std::vector<char>* side) {
    double best = std::numeric_limits<double>::infinity();
    std::int32_t u = spread(graph, 0, &from_);
    reach_.assign(graph.size, std::numeric_limits<std::int32_t>::max());
    for (int k = 0; k < kStarts; ++k) {
        const std::int32_t v = spread(graph, u, &from_);
        spread(graph, v, &to_);
        field_.resize(graph.size);
        for (std::int32_t p = 0; p < graph.size; ++p) {
            field_[p] = from_[p] - to_[p];
            reach_[p] = std::min(reach_[p], std::min(from_[p], to_[p]));
        }
        State state = sweep(graph, &try_);
        refine(graph, &state, &try_);
        if (state.cost < best) {
            best = state.cost;
            side->swap(try_);
        }
        u = static_cast<std::int32_t>(std::max_element(reach_.begin(), reach_.end()) - reach_.begin());
    }
}

void Bisection::halve(const PatchGraph& graph, std::vector<char>* side) {
    if (graph.size > kSmall) {
        const CoarseGraph coarse = coarsen(graph, static_cast<std::int32_t>(total_ / kSmall * kHeaviest) + 1);
        if (coarse.graph.size <= kLeastProgress * graph.size && coarse.graph.size > 1) {
            std::vector<char> above;
            halve(coarse.graph, &above);
            side->resize(graph.size);
            for (std::int32_t p = 0; p < graph.size; ++p) (*side)[p] = above[coarse.patch[p]];
            State state = measure(graph, *side);
            refine(graph, &state, side);
            return;
        }
    }
    start(graph, side);
}

bool Bisection::split(const PatchGraph& graph, std::vector<char>* side) {
    if (graph.size < 2) return false;
    total_ = 0;
    for (const std::int32_t weight : graph.weight) total_ += weight;
    halve(graph, side);
    const auto high = std::count(side->begin(), side->end(), 1);
    return high > 0 && high < graph.size;
}

}  // namespace mien
