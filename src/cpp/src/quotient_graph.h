// The approximate minimum degree ordering (Amestoy, Davis, Duff 1996), on a part of a graph at a time.
#pragma once

#include <cstdint>
#include <vector>

namespace mien {

// Made once, run on many graphs: it keeps its memory.
class QuotientGraph {
  public:
    // Begins a graph of `size` vertices of which those from `free` on are only looked at: they are eliminated
    // later, somewhere else, and count in the degrees until then.
    void begin(std::int32_t size, std::int32_t free, std::size_t neighbours);
    // Adds the next vertex, its neighbours (both directions of every edge, no loops) added before the next
    // is.
    void add();
    void link(std::int32_t neighbour) { lists_.push_back(neighbour); }

    // Writes the first `free` vertices in the order of elimination.
    void order(std::int32_t* out);

  private:
    // A variable, which stands for `weight` vertices that nothing tells apart, or an element: the clique that
    // an eliminated variable leaves. Together in memory, for they are read all over the place.
    struct Node {
        std::uint32_t start;            // of its list: elements first, then variables
        std::int32_t length, elements;  // of the list; elements is kElement for an element
        std::int32_t weight;            // 0 once merged; below 0 while in the pivot's element
        std::int32_t degree;            // of a variable at most; of an element without its pivot
        std::int32_t mark;              // 0: an element that has been absorbed
        std::int32_t next, previous;    // in a list of equal degrees, or of equal hashes
    };

    void close();
    void unlist(std::int32_t i);
    void enlist(std::int32_t i, std::int32_t degree);
    std::int32_t least();
    void room(std::size_t count);
    void gather(std::int32_t pivot);
    void overlap();
    void update(std::int32_t pivot);
    void mergeAlike();
    bool alike(std::int32_t i, std::int32_t j) const;
    void append(std::int32_t to, std::int32_t from);
    void finish(std::int32_t pivot);
    void freshMarks();

    std::int32_t size_ = 0, free_ = 0, left_ = 0, least_ = 0, stamp_ = 0, most_ = 0;
    std::vector<Node> nodes_;
    std::vector<std::int32_t> lists_, head_, hash_, member_, last_;
    std::int32_t pivotWeight_ = 0, pivotDegree_ = 0;
    std::uint32_t first_ = 0, end_ = 0;  // of the pivot's element in lists_
    std::uint32_t used_ = 0;
};

}  // namespace mien
