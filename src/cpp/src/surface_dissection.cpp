#include <algorithm>
#include <utility>

#include "bisection.h"
#include "coarse_graph.h"
#include "mien/parallel.h"
#include "ordering.h"
#include "quotient_graph.h"
#include "separator.h"

namespace mien {
namespace {

constexpr std::int32_t kLargestLeaf = 4000, kSmallestLeaf = 64;  // left to minimum degree
constexpr std::int32_t kLeaves = 16;                             // parts of a small graph, at least
constexpr std::int32_t kPatch = 12;                              // vertices of a patch
constexpr int kLayers = 2;           // edges from a cut between patches, how far its separator may lie
constexpr double kLargestCut = 0.3;  // a separator above this share of a part is worse than none
constexpr double kSmallestSide = 0.1;

class SurfaceDissection {
  public:
    explicit SurfaceDissection(const Graph& graph);
    std::vector<std::int32_t> run();

  private:
    void dissect(std::int32_t begin, std::int32_t end, std::int32_t low, std::int32_t high);
    void parts(std::int32_t begin, const std::vector<std::int32_t>& ends, std::int32_t low);
    std::vector<std::int32_t> components(std::int32_t begin, std::int32_t end);
    void takePart(std::int32_t begin, std::int32_t end);
    bool separate(std::int32_t begin, std::int32_t end, std::int32_t vertices);
    void findBand(std::int32_t begin, std::int32_t end);
    void fillBand();
    void settle(const char* side);
    void orderSeparator(std::int32_t high);
    void leaf(std::int32_t begin, std::int32_t end, std::int32_t low);
    void orderLeaf(std::int32_t low, std::int32_t high, QuotientGraph* quotient);

    bool sideOf(std::int32_t v) const { return side_[coarse_.patch[v]] != 0; }

    const Graph& graph_;
    const std::int32_t leafSize_;
    CoarseGraph coarse_;
    Bisection bisection_;
    std::vector<std::int32_t> patches_;      // permuted: parts are ranges of it
    std::vector<std::int32_t> head_, next_;  // vertices of each patch that are in no separator
    std::vector<std::int32_t> count_;        // how many
    std::vector<char> done_;                 // vertices in separators
    std::vector<char> mixed_;  // patches with vertices that they did not begin with: edges to others unknown
    std::vector<std::int32_t> local_;  // place in the band, -1 elsewhere
    std::vector<std::int32_t> near_, cut_, touched_, spare_;
    std::vector<std::int32_t> number_;  // place of a patch in patches_, kept up within the part at hand
    std::vector<char> side_, half_;
    PatchGraph part_;
    Band band_;
    std::vector<std::int32_t> order_, place_;
    std::vector<std::pair<std::int32_t, std::int32_t>> leaves_;
};

SurfaceDissection::SurfaceDissection(const Graph& graph)
    : graph_(graph),
      leafSize_(std::min(kLargestLeaf, std::max(kSmallestLeaf, graph.size / kLeaves))),
      coarse_(coarsen(graph, kPatch)),
      patches_(coarse_.graph.size),
      head_(coarse_.graph.size, -1),
      next_(graph.size),
      count_(coarse_.graph.weight),
      done_(graph.size, 0),
      mixed_(coarse_.graph.size, 0),
      local_(graph.size, -1),
      number_(coarse_.graph.size),
      side_(coarse_.graph.size, 0),
      order_(graph.size),
      place_(graph.size) {
    for (std::int32_t p = 0; p < coarse_.graph.size; ++p) patches_[p] = p;
    for (std::int32_t v = graph.size; v-- > 0;) {
        next_[v] = head_[coarse_.patch[v]];
        head_[coarse_.patch[v]] = v;
    }
}

// Puts the patches of a part in the order of their connected components, and returns where each ends.
std::vector<std::int32_t> SurfaceDissection::components(std::int32_t begin, std::int32_t end) {
    std::vector<std::int32_t> ends;
    for (std::int32_t k = begin; k < end; ++k) {
        number_[patches_[k]] = begin;
        side_[patches_[k]] = 2;
    }
    spare_.clear();
    for (std::int32_t k = begin; k < end; ++k) {
        if (side_[patches_[k]] != 2) continue;
        std::size_t next = spare_.size();
        side_[patches_[k]] = 0;
        spare_.push_back(patches_[k]);
        for (; next < spare_.size(); ++next) {
            const std::int32_t p = spare_[next];
            for (std::int64_t e = coarse_.graph.start[p]; e < coarse_.graph.start[p + 1]; ++e) {
                const std::int32_t q = coarse_.graph.neighbours[e];
                if (number_[q] != begin || side_[q] != 2) continue;
                side_[q] = 0;
                spare_.push_back(q);
            }
        }
        ends.push_back(static_cast<std::int32_t>(spare_.size()));
    }
    std::copy(spare_.begin(), spare_.end(), patches_.begin() + begin);
    for (std::int32_t k = begin; k < end; ++k) number_[patches_[k]] = k;
    return ends;
}

// The graph of a part's patches, as far as they are left.
void SurfaceDissection::takePart(std::int32_t begin, std::int32_t end) {
    part_.size = end - begin;
    part_.start.assign(1, 0);
    part_.neighbours.clear();
    part_.edges.clear();
    part_.weight.clear();
    for (std::int32_t k = begin; k < end; ++k) {
        const std::int32_t p = patches_[k];
        for (std::int64_t e = coarse_.graph.start[p]; e < coarse_.graph.start[p + 1]; ++e) {
            const std::int32_t at = number_[coarse_.graph.neighbours[e]];
            if (at < begin || at >= end) continue;
            part_.neighbours.push_back(at - begin);
            part_.edges.push_back(coarse_.graph.edges[e]);
        }
        part_.start.push_back(static_cast<std::int64_t>(part_.neighbours.size()));
        part_.weight.push_back(count_[p]);
    }
}

// The vertices within a few edges of the cut.
void SurfaceDissection::findBand(std::int32_t begin, std::int32_t end) {
    near_.clear();
    const auto add = [this](std::int32_t v) {
        if (local_[v] >= 0) return;
        local_[v] = static_cast<std::int32_t>(near_.size());
        near_.push_back(v);
    };
    for (std::int32_t k = begin; k < end; ++k) {
        const std::int32_t p = patches_[k];
        const int side = side_[p];
        bool border = mixed_[p] != 0;
        for (std::int64_t e = coarse_.graph.start[p]; e < coarse_.graph.start[p + 1] && !border; ++e) {
            const std::int32_t q = coarse_.graph.neighbours[e];
            border = number_[q] >= begin && number_[q] < end && side_[q] != side;
        }
        if (!border) continue;
        for (std::int32_t v = head_[p]; v >= 0; v = next_[v])
            for (std::int64_t e = graph_.start[v]; e < graph_.start[v + 1]; ++e) {
                const std::int32_t u = graph_.neighbours[e];
                if (done_[u] || sideOf(u) == (side != 0)) continue;
                add(v);
                add(u);
            }
    }
    std::size_t from = 0;
    for (int layer = 0; layer < kLayers; ++layer) {
        const std::size_t to = near_.size();
        for (; from < to; ++from)
            for (std::int64_t e = graph_.start[near_[from]]; e < graph_.start[near_[from] + 1]; ++e)
                if (!done_[graph_.neighbours[e]]) add(graph_.neighbours[e]);
    }
}

void SurfaceDissection::fillBand() {
    band_.clear();
    for (const std::int32_t v : near_) {
        band_.add();
        for (std::int64_t e = graph_.start[v]; e < graph_.start[v + 1]; ++e) {
            const std::int32_t u = graph_.neighbours[e];
            if (done_[u]) continue;
            if (local_[u] >= 0)
                band_.link(local_[u]);
            else if (sideOf(u))
                band_.touchHigh();
            else
                band_.touchLow();
        }
    }
}

// Takes the separator's vertices out of their patches, and gives those that have changed sides to a patch of
// the side that they are on now.
void SurfaceDissection::settle(const char* side) {
    touched_.clear();
    spare_.clear();
    for (const std::int32_t v : near_) {
        const std::int32_t p = coarse_.patch[v];
        if (count_[p] < 0) continue;
        count_[p] = -1;
        touched_.push_back(p);
        for (std::int32_t u = head_[p]; u >= 0; u = next_[u]) spare_.push_back(u);
        head_[p] = -1;
    }
    std::int32_t any[2] = {-1, -1};
    for (const std::int32_t p : touched_) {
        count_[p] = 0;
        any[side_[p] != 0] = p;
    }
    cut_.clear();
    for (std::size_t k = 0; k < near_.size(); ++k) {
        const std::int32_t v = near_[k];
        if (side[k] == Band::kSeparator) {
            done_[v] = 1;
            cut_.push_back(v);
            continue;
        }
        const bool high = side[k] == Band::kHigh;
        if (sideOf(v) == high) continue;
        std::int32_t to = any[high];
        for (std::int64_t e = graph_.start[v]; e < graph_.start[v + 1]; ++e) {
            const std::int32_t u = graph_.neighbours[e];
            if (done_[u] || sideOf(u) != high) continue;
            if (count_[coarse_.patch[u]] < 0) continue;
            to = coarse_.patch[u];
            break;
        }
        coarse_.patch[v] = to;
        mixed_[to] = 1;
    }
    for (const std::int32_t v : spare_) {
        if (done_[v]) continue;
        const std::int32_t p = coarse_.patch[v];
        next_[v] = head_[p];
        head_[p] = v;
        ++count_[p];
    }
}

bool SurfaceDissection::separate(std::int32_t begin, std::int32_t end, std::int32_t vertices) {
    if (!bisection_.split(part_, &half_)) return false;
    for (std::int32_t k = begin; k < end; ++k) side_[patches_[k]] = half_[k - begin];
    findBand(begin, end);
    fillBand();
    const char* side = near_.empty() ? nullptr : band_.separate();
    bool found = side != nullptr;
    if (found) {
        std::int64_t cut = 0, high = 0;
        for (std::int32_t k = begin; k < end; ++k)
            if (side_[patches_[k]]) high += count_[patches_[k]];
        for (std::size_t k = 0; k < near_.size(); ++k) {
            high += (side[k] == Band::kHigh) - sideOf(near_[k]);
            cut += side[k] == Band::kSeparator;
        }
        const std::int64_t low = vertices - high - cut;
        found = cut <= kLargestCut * vertices && std::min(low, high) >= kSmallestSide * vertices;
    }
    if (found) settle(side);
    for (const std::int32_t v : near_) local_[v] = -1;
    return found;
}

// Along the cut, so that what the two halves touch of it are few runs.
void SurfaceDissection::orderSeparator(std::int32_t high) {
    std::int32_t at = high - static_cast<std::int32_t>(cut_.size());
    for (const std::int32_t v : cut_) local_[v] = 0;
    spare_.clear();
    for (int pass = 0; pass < 2; ++pass)  // ends first
        for (const std::int32_t v : cut_) {
            if (local_[v] < 0) continue;
            if (pass == 0) {
                int inside = 0;
                for (std::int64_t e = graph_.start[v]; e < graph_.start[v + 1]; ++e)
                    inside += local_[graph_.neighbours[e]] >= 0;
                if (inside > 1) continue;
            }
            std::size_t next = spare_.size();
            local_[v] = -1;
            spare_.push_back(v);
            for (; next < spare_.size(); ++next)
                for (std::int64_t e = graph_.start[spare_[next]]; e < graph_.start[spare_[next] + 1]; ++e) {
                    const std::int32_t u = graph_.neighbours[e];
                    if (local_[u] < 0) continue;
                    local_[u] = -1;
                    spare_.push_back(u);
                }
        }
    for (const std::int32_t v : spare_) order_[at++] = v;
}

void SurfaceDissection::leaf(std::int32_t begin, std::int32_t end, std::int32_t low) {
    const std::int32_t first = low;
    for (std::int32_t k = begin; k < end; ++k)
        for (std::int32_t v = head_[patches_[k]]; v >= 0; v = next_[v]) order_[low++] = v;
    if (low > first) leaves_.emplace_back(first, low);
}

// Components of a part, the small ones some at a time.
void SurfaceDissection::parts(std::int32_t begin, const std::vector<std::int32_t>& ends, std::int32_t low) {
    std::int32_t from = begin, waiting = 0;
    for (std::size_t k = 0; k < ends.size(); ++k) {
        const std::int32_t to = begin + ends[k], first = k == 0 ? begin : begin + ends[k - 1];
        std::int32_t vertices = 0;
        for (std::int32_t p = first; p < to; ++p) vertices += count_[patches_[p]];
        if (waiting > 0 && waiting + vertices > leafSize_) {
            leaf(from, first, low);
            low += waiting;
            waiting = 0;
        }
        if (waiting == 0) from = first;
        if (vertices > leafSize_) {
            dissect(first, to, low, low + vertices);
            low += vertices;
        } else {
            waiting += vertices;
        }
    }
    if (waiting > 0) leaf(from, begin + ends.back(), low);
}

void SurfaceDissection::dissect(std::int32_t begin, std::int32_t end, std::int32_t low, std::int32_t high) {
    if (high - low <= leafSize_) {
        leaf(begin, end, low);
        return;
    }
    const std::vector<std::int32_t> ends = components(begin, end);
    if (ends.size() > 1) {
        parts(begin, ends, low);
        return;
    }
    takePart(begin, end);
    if (!separate(begin, end, high - low)) {
        leaf(begin, end, low);
        return;
    }
    const auto cut = static_cast<std::int32_t>(cut_.size());
    orderSeparator(high);
    std::int32_t* const first = patches_.data() + begin;
    for (std::int32_t k = begin; k < end; ++k) number_[patches_[k]] = -1;
    std::int32_t* const last =
        std::remove_if(first, patches_.data() + end, [&](std::int32_t p) { return count_[p] == 0; });
    std::int32_t* const middle =
        std::stable_partition(first, last, [&](std::int32_t p) { return !side_[p]; });
    for (const std::int32_t* p = first; p < last; ++p)
        number_[*p] = static_cast<std::int32_t>(p - patches_.data());
    std::int32_t vertices = 0;
    for (const std::int32_t* p = first; p < middle; ++p) vertices += count_[*p];
    const auto half = static_cast<std::int32_t>(middle - patches_.data()),
               stop = static_cast<std::int32_t>(last - patches_.data());
    dissect(begin, half, low, low + vertices);
    dissect(half, stop, low + vertices, high - cut);
}

// Minimum degree that sees the separators around the leaf.
void SurfaceDissection::orderLeaf(std::int32_t low, std::int32_t high, QuotientGraph* quotient) {
    std::vector<std::pair<std::int32_t, std::int32_t>> around;  // separator's place, vertex of the leaf
    std::size_t links = 0;
    for (std::int32_t k = low; k < high; ++k) {
        const std::int32_t v = order_[k];
        links += static_cast<std::size_t>(graph_.start[v + 1] - graph_.start[v]);
        for (std::int64_t e = graph_.start[v]; e < graph_.start[v + 1]; ++e) {
            const std::int32_t at = place_[graph_.neighbours[e]];
            if (at >= high) around.emplace_back(at, k - low);
        }
    }
    std::sort(around.begin(), around.end());
    std::vector<std::int32_t> outside;
    for (const auto& pair : around)
        if (outside.empty() || outside.back() != pair.first) outside.push_back(pair.first);
    const std::int32_t size = high - low;
    quotient->begin(size + static_cast<std::int32_t>(outside.size()), size, links + around.size());
    for (std::int32_t k = low; k < high; ++k) {
        const std::int32_t v = order_[k];
        quotient->add();
        for (std::int64_t e = graph_.start[v]; e < graph_.start[v + 1]; ++e) {
            const std::int32_t at = place_[graph_.neighbours[e]];
            if (at < high)
                quotient->link(at - low);
            else
                quotient->link(
                    size + static_cast<std::int32_t>(std::lower_bound(outside.begin(), outside.end(), at) -
                                                     outside.begin()));
        }
    }
    for (std::size_t k = 0; k < around.size(); ++k) {
        if (k == 0 || around[k].first != around[k - 1].first) quotient->add();
        quotient->link(around[k].second);
    }
    std::vector<std::int32_t> order(static_cast<std::size_t>(size));
    quotient->order(order.data());
    for (std::int32_t& k : order) k = order_[low + k];
    std::copy(order.begin(), order.end(), order_.begin() + low);
}

std::vector<std::int32_t> SurfaceDissection::run() {
    dissect(0, coarse_.graph.size, 0, graph_.size);
    for (std::int32_t k = 0; k < graph_.size; ++k) place_[order_[k]] = k;
    parallelFor(static_cast<std::int64_t>(leaves_.size()), 1, [&](std::int64_t begin, std::int64_t end) {
        QuotientGraph quotient;
        for (std::int64_t k = begin; k < end; ++k) orderLeaf(leaves_[k].first, leaves_[k].second, &quotient);
    });
    return std::move(order_);
}

}  // namespace

std::vector<std::int32_t> surfaceDissection(const Graph& graph) {
    return SurfaceDissection(graph).run();
}

}  // namespace mien
