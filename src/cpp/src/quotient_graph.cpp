#include "quotient_graph.h"

#include <algorithm>
#include <limits>

namespace mien {
namespace {

constexpr std::int32_t kNone = -1, kElement = -2, kMerged = -3;

}  // namespace

void QuotientGraph::begin(std::int32_t size, std::int32_t free, std::size_t neighbours) {
    size_ = size;
    free_ = free;
    nodes_.clear();
    nodes_.reserve(static_cast<std::size_t>(size));
    lists_.clear();
    lists_.reserve(neighbours + neighbours / 4 + 2 * static_cast<std::size_t>(size) + 16);
}

void QuotientGraph::close() {
    if (!nodes_.empty())
        nodes_.back().length = static_cast<std::int32_t>(lists_.size() - nodes_.back().start);
}

void QuotientGraph::add() {
    close();
    nodes_.push_back({static_cast<std::uint32_t>(lists_.size()), 0, 0, 1, 0, 1, kNone, kNone});
}

void QuotientGraph::unlist(std::int32_t i) {
    if (i >= free_) return;
    const Node& node = nodes_[i];
    if (node.next >= 0) nodes_[node.next].previous = node.previous;
    if (node.previous >= 0)
        nodes_[node.previous].next = node.next;
    else
        head_[node.degree] = node.next;
}

void QuotientGraph::enlist(std::int32_t i, std::int32_t degree) {
    Node& node = nodes_[i];
    node.degree = degree;
    if (i >= free_) return;
    node.previous = kNone;
    node.next = head_[degree];
    if (node.next >= 0) nodes_[node.next].previous = i;
    head_[degree] = i;
    least_ = std::min(least_, degree);
}

std::int32_t QuotientGraph::least() {
    while (head_[least_] < 0) ++least_;
    const std::int32_t i = head_[least_];
    head_[least_] = nodes_[i].next;
    if (nodes_[i].next >= 0) nodes_[nodes_[i].next].previous = kNone;
    return i;
}

// Makes room for `count` entries at the end of the lists: moves those that live to the front.
void QuotientGraph::room(std::size_t count) {
    if (used_ + count <= lists_.size()) return;
    // Each list's first entry goes to its node, and the list's owner takes its place, to be met in passing.
    for (std::int32_t i = 0; i < size_; ++i) {
        Node& node = nodes_[i];
        if (node.length == 0 || node.elements == kMerged) continue;
        const std::int32_t first = lists_[node.start];
        lists_[node.start] = -i - 1;
        node.start = static_cast<std::uint32_t>(first);
    }
    std::uint32_t to = 0;
    for (std::uint32_t from = 0; from < used_;) {
        if (lists_[from] >= 0) {
            ++from;
            continue;
        }
        Node& node = nodes_[-lists_[from] - 1];
        lists_[from] = static_cast<std::int32_t>(node.start);
        node.start = to;
        for (std::int32_t k = 0; k < node.length; ++k) lists_[to++] = lists_[from++];
    }
    used_ = to;
    if (used_ + count > lists_.size()) lists_.resize(used_ + count);
}

// The pivot's element: all variables next to it, directly or by an element, which goes up in it.
void QuotientGraph::gather(std::int32_t pivot) {
    // The list may move, so it is found anew; what is dead in it has been taken out by the last update.
    std::size_t most = 0;
    {
        const Node& node = nodes_[pivot];
        for (std::int32_t k = 0; k < node.elements; ++k)
            most += static_cast<std::size_t>(nodes_[lists_[node.start + k]].length);
        most += static_cast<std::size_t>(node.length - node.elements);
    }
    room(most);
    Node& node = nodes_[pivot];
    pivotWeight_ = node.weight;
    node.weight = 0;  // not to be gathered itself
    pivotDegree_ = 0;
    first_ = end_ = used_;
    const auto take = [this](std::int32_t i) {
        Node& variable = nodes_[i];
        if (variable.weight <= 0) return;
        pivotDegree_ += variable.weight;
        variable.weight = -variable.weight;
        lists_[end_++] = i;
        unlist(i);
    };
    for (std::int32_t k = 0; k < node.elements; ++k) {
        Node& element = nodes_[lists_[node.start + k]];
        for (std::int32_t m = 0; m < element.length; ++m) take(lists_[element.start + m]);
        element.mark = 0;
        element.length = 0;
    }
    for (std::int32_t k = node.elements; k < node.length; ++k) take(lists_[node.start + k]);
    used_ = end_;
    node.elements = kElement;
    node.start = first_;
    node.length = static_cast<std::int32_t>(end_ - first_);
    node.mark = 1;
    node.degree = pivotDegree_;
}

// Leaves in every element's mark, above the stamp, the weight of it that lies outside the pivot's element.
void QuotientGraph::overlap() {
    for (std::uint32_t k = first_; k < end_; ++k) {
        const Node& variable = nodes_[lists_[k]];
        for (std::int32_t m = 0; m < variable.elements; ++m) {
            Node& element = nodes_[lists_[variable.start + m]];
            if (element.mark >= stamp_)
                element.mark += variable.weight;
            else if (element.mark != 0)
                element.mark = element.degree + stamp_ + variable.weight;
        }
    }
}

// Takes out of the lists of the element's variables what the element covers, and bounds their degrees anew.
void QuotientGraph::update(std::int32_t pivot) {
    for (std::uint32_t k = first_; k < end_; ++k) {
        const std::int32_t i = lists_[k];
        Node& variable = nodes_[i];
        std::int32_t* const list = lists_.data() + variable.start;
        std::int32_t to = 0, degree = 0;
        std::uint32_t hash = 0;
        for (std::int32_t m = 0; m < variable.elements; ++m) {
            const std::int32_t e = list[m];
            Node& element = nodes_[e];
            if (element.mark == 0) continue;
            const std::int32_t outside = element.mark - stamp_;
            if (outside <= 0) {  // all of it lies in the pivot's element: absorbed, though not next to it
                element.mark = 0;
                element.length = 0;
                continue;
            }
            degree += outside;
            hash += static_cast<std::uint32_t>(e);
            list[to++] = e;
        }
        const std::int32_t elements = to;
        // A variable of the pivot's element has lost the pivot or one of its elements: there is room for one.
        std::int32_t displaced = kNone;
        bool more = false;
        std::int32_t at = to;
        for (std::int32_t m = variable.elements; m < variable.length; ++m) {
            const std::int32_t j = list[m];
            const std::int32_t weight = nodes_[j].weight;
            if (weight <= 0) continue;
            degree += weight;
            hash += static_cast<std::uint32_t>(j);
            if (!more) {
                displaced = j;
                more = true;
                continue;
            }
            list[++at] = j;
        }
        if (elements == 0 && !more && i < free_) {  // nothing but the pivot's element: eliminated with it
            pivotWeight_ -= variable.weight;
            pivotDegree_ += variable.weight;
            variable.weight = 0;
            variable.elements = kMerged;
            append(pivot, i);
            continue;
        }
        // The list is now: elements, a gap, variables from the second on. The pivot goes into the gap and the
        // first variable behind the last.
        variable.degree = std::min(variable.degree, degree);
        if (more) list[at + 1] = displaced;
        variable.length = at + 1 + more;
        list[elements] = pivot;
        variable.elements = elements + 1;
        const std::int32_t bucket = static_cast<std::int32_t>((hash + static_cast<std::uint32_t>(pivot)) %
                                                              static_cast<std::uint32_t>(size_));
        variable.next = hash_[bucket];
        variable.previous = bucket;
        hash_[bucket] = i;
    }
}

bool QuotientGraph::alike(std::int32_t i, std::int32_t j) const {
    const Node &a = nodes_[i], &b = nodes_[j];
    if (a.length != b.length || a.elements != b.elements || (i < free_) != (j < free_)) return false;
    for (std::int32_t k = 0; k < b.length; ++k)
        if (nodes_[lists_[b.start + k]].mark != stamp_) return false;
    return true;
}

void QuotientGraph::append(std::int32_t to, std::int32_t from) {
    member_[last_[to]] = from;
    last_[to] = last_[from];
}

// Variables with the same neighbours become one.
void QuotientGraph::mergeAlike() {
    for (std::uint32_t k = first_; k < end_; ++k) {
        const Node& entry = nodes_[lists_[k]];
        if (entry.weight == 0) continue;
        const std::int32_t bucket = entry.previous;
        std::int32_t i = hash_[bucket];
        hash_[bucket] = kNone;
        for (; i >= 0 && nodes_[i].next >= 0; i = nodes_[i].next) {
            Node& variable = nodes_[i];
            // Marks of variables say nothing else.
            for (std::int32_t m = 0; m < variable.length; ++m)
                nodes_[lists_[variable.start + m]].mark = stamp_;
            std::int32_t before = i;
            for (std::int32_t j = variable.next; j >= 0; j = nodes_[before].next) {
                if (!alike(i, j)) {
                    before = j;
                    continue;
                }
                variable.weight += nodes_[j].weight;
                nodes_[j].weight = 0;
                nodes_[j].elements = kMerged;
                append(i, j);
                nodes_[before].next = nodes_[j].next;
            }
            ++stamp_;
        }
    }
}

// Puts the variables that are left back into the lists of degrees.
void QuotientGraph::finish(std::int32_t pivot) {
    std::uint32_t to = first_;
    for (std::uint32_t k = first_; k < end_; ++k) {
        const std::int32_t i = lists_[k];
        Node& variable = nodes_[i];
        if (variable.weight == 0) continue;
        variable.weight = -variable.weight;
        const std::int32_t degree = std::min(variable.degree + pivotDegree_, left_) - variable.weight;
        enlist(i, std::max(degree, 0));
        lists_[to++] = i;
    }
    Node& element = nodes_[pivot];
    element.length = static_cast<std::int32_t>(to - first_);
    element.degree = pivotDegree_;
    if (element.length == 0) element.mark = 0;
    used_ = to;
}

void QuotientGraph::freshMarks() {
    if (stamp_ < std::numeric_limits<std::int32_t>::max() - 2 * size_ - 2) return;
    for (Node& node : nodes_)
        if (node.mark != 0) node.mark = 1;
    stamp_ = 2;
}

void QuotientGraph::order(std::int32_t* out) {
    close();
    used_ = static_cast<std::uint32_t>(lists_.size());
    lists_.resize(lists_.capacity());
    head_.assign(static_cast<std::size_t>(size_) + 1, kNone);
    hash_.assign(static_cast<std::size_t>(size_) + 1, kNone);
    member_.assign(static_cast<std::size_t>(size_), kNone);
    last_.resize(static_cast<std::size_t>(size_));
    least_ = left_ = size_;
    most_ = 0;
    stamp_ = 2;
    for (std::int32_t i = size_; i-- > 0;) {
        last_[i] = i;
        enlist(i, nodes_[i].length);
    }
    for (std::int32_t done = 0; done < free_;) {
        const std::int32_t pivot = least();
        gather(pivot);
        overlap();
        update(pivot);
        left_ -= pivotWeight_;
        most_ = std::max(most_, nodes_[pivot].degree);
        stamp_ += most_ + 1;
        freshMarks();
        mergeAlike();
        finish(pivot);
        freshMarks();
        for (std::int32_t i = pivot; i >= 0; i = member_[i]) out[done++] = i;
    }
}

}  // namespace mien
