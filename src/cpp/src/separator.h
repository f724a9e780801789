// Smallest vertex separators in a narrow part of a graph.
#pragma once

#include <cstdint>
#include <vector>

namespace mien {

// The vertices near a cut, and how they hang together: neighbours among them, and whether they touch what
// lies on the low or the high side of them. Made once, filled anew for every cut.
class Band {
  public:
    void clear();
    // Adds the next vertex, with its neighbours added by `link` before the next one is.
    void add();
    void link(std::int32_t neighbour) { neighbours_.push_back(neighbour); }
    void touchLow() { low_.back() = 1; }
    void touchHigh() { high_.back() = 1; }
    std::int32_t size() const { return static_cast<std::int32_t>(low_.size()); }

    enum Side : char { kLow, kSeparator, kHigh };
    // A smallest set of vertices without which no path leads from what touches low to what touches high:
    // maximal flow through vertices of capacity one (Menger 1927; Dinic 1970).
    // Null if a path through the band would be longer than can be followed.
    const char* separate();

  private:
    enum class Reach { nothing, high, tooFar };
    Reach levels();
    bool into(std::int32_t v);
    bool outOf(std::int32_t v);

    std::vector<std::int64_t> start_;
    std::vector<std::int32_t> neighbours_;
    std::vector<char> low_, high_, side_;
    std::vector<std::int32_t> from_, to_;           // where the flow through a vertex comes from and goes to
    std::vector<std::int32_t> levelIn_, levelOut_;  // of the two halves of a vertex, -1 if not reached
    std::vector<std::int64_t> next_;                // neighbour to try next
    std::vector<std::int32_t> queue_;
};

}  // namespace mien
