#include "symbolic.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "triangle.h"

namespace mien {
namespace {

using Integers = std::vector<std::int32_t>;
using Offsets = std::vector<std::int64_t>;

Integers inverseOf(const Integers& permutation) {
    Integers out(permutation.size());
    for (std::size_t k = 0; k < permutation.size(); ++k) out[permutation[k]] = static_cast<std::int32_t>(k);
    return out;
}

// Each column's parent: the first row below the diagonal of its column of L (Liu 1986, path compression).
Integers eliminationTree(const Graph& graph, const Integers& permutation, const Integers& inverse) {
    const std::int32_t n = graph.size;
    Integers parent(n, -1), ancestor(n, -1);
    for (std::int32_t j = 0; j < n; ++j) {
        const std::int32_t v = permutation[j];
        for (std::int64_t k = graph.start[v]; k < graph.start[v + 1]; ++k) {
            std::int32_t r = inverse[graph.neighbours[k]];
            while (r < j) {
                const std::int32_t next = ancestor[r];
                if (next == j) break;
                ancestor[r] = j;
                if (next < 0) {
                    parent[r] = j;
                    break;
                }
                r = next;
            }
        }
    }
    return parent;
}

// [new] = old: children directly before their parents, kept in the order they have.
Integers postorder(const Integers& parent) {
    const auto n = static_cast<std::int32_t>(parent.size());
    Integers child(n, -1), sibling(n, -1), order(n);
    for (std::int32_t j = n; j-- > 0;)
        if (parent[j] >= 0) {
            sibling[j] = child[parent[j]];
            child[parent[j]] = j;
        }
    std::int32_t at = 0;
    for (std::int32_t root = 0; root < n; ++root) {
        if (parent[root] >= 0) continue;
        std::int32_t j = root;
        while (child[j] >= 0) j = child[j];
        for (;;) {
            order[at++] = j;
            if (j == root) break;
            if (sibling[j] >= 0) {
                j = sibling[j];
                while (child[j] >= 0) j = child[j];
            } else {
                j = parent[j];
            }
        }
    }
    return order;
}

// The strict lower triangle by columns in elimination order: row starts and rows.
void permutedLower(const Graph& graph, const Integers& permutation, const Integers& inverse, Offsets* start,
                   Integers* rows) {
    const std::int32_t n = graph.size;
    start->resize(n + 1);
    rows->resize(graph.neighbours.size() / 2);
    std::int64_t at = 0;
    for (std::int32_t j = 0; j < n; ++j) {
        (*start)[j] = at;
        const std::int32_t v = permutation[j];
        for (std::int64_t k = graph.start[v]; k < graph.start[v + 1]; ++k) {
            const std::int32_t i = inverse[graph.neighbours[k]];
            if (i > j) (*rows)[at++] = i;
        }
    }
    (*start)[n] = at;
}

std::int32_t findRoot(Integers& ancestor, std::int32_t j) {
    std::int32_t root = j;
    while (ancestor[root] != root) root = ancestor[root];
    while (ancestor[j] != root) {
        const std::int32_t next = ancestor[j];
        ancestor[j] = root;
        j = next;
    }
    return root;
}

// Entries of each column of L, the diagonal counted, by the leaves of row subtrees (Gilbert, Ng, Peyton 1994,
// An efficient algorithm to compute row and column counts for sparse Cholesky factorization).
Integers columnCounts(const Integers& parent, const Offsets& start, const Integers& rows) {
    const auto n = static_cast<std::int32_t>(parent.size());
    Integers count(n), first(n), latestFirst(n, -1), leaf(n, -1), ancestor(n);
    std::iota(first.begin(), first.end(), 0);
    std::iota(ancestor.begin(), ancestor.end(), 0);
    for (std::int32_t j = 0; j < n; ++j) {
        count[j] = first[j] == j;
        if (parent[j] >= 0) first[parent[j]] = std::min(first[parent[j]], first[j]);
    }
    for (std::int32_t j = 0; j < n; ++j) {
        if (parent[j] >= 0) --count[parent[j]];
        for (std::int64_t k = start[j]; k < start[j + 1]; ++k) {
            const std::int32_t i = rows[k];
            if (first[j] <= latestFirst[i]) continue;
            latestFirst[i] = first[j];
            ++count[j];
            if (leaf[i] >= 0) --count[findRoot(ancestor, leaf[i])];
            leaf[i] = j;
        }
        if (parent[j] >= 0) ancestor[j] = parent[j];
    }
    for (std::int32_t j = 0; j < n; ++j)
        if (parent[j] >= 0) count[parent[j]] += count[j];
    return count;
}

// What a supernode costs, in entries: those of its panel, the gathering of rows, and something for itself.
double supernodeCost(double columns, double rows) {
    return columns * columns / 2 + columns * rows + 2 * (columns / 2 + rows) + 8;
}

// Supernodes while they are being merged: a forest, and for each its columns as a list of runs.
struct Groups {
    Integers first, columns, rows, parent;  // of the fundamental supernodes
    Integers into;                          // itself, or the group it went into
    Integers head, tail, next;              // fundamental supernodes of a group, in elimination order
};

Groups fundamentalSupernodes(const Integers& parent, const Integers& count) {
    const auto n = static_cast<std::int32_t>(parent.size());
    Integers children(n, 0), owner(n);
    for (std::int32_t j = 0; j < n; ++j)
        if (parent[j] >= 0) ++children[parent[j]];
    Groups out;
    for (std::int32_t j = 0; j < n; ++j) {
        const bool follows = j > 0 && parent[j - 1] == j && children[j] == 1 && count[j - 1] == count[j] + 1;
        if (!follows) out.first.push_back(j);
        owner[j] = static_cast<std::int32_t>(out.first.size()) - 1;
    }
    const auto size = static_cast<std::int32_t>(out.first.size());
    out.columns.resize(size);
    out.rows.resize(size);
    out.parent.resize(size);
    for (std::int32_t g = 0; g < size; ++g) {
        const std::int32_t last = (g + 1 < size ? out.first[g + 1] : n) - 1;
        out.columns[g] = last - out.first[g] + 1;
        out.rows[g] = count[last] - 1;
        out.parent[g] = parent[last] < 0 ? -1 : owner[parent[last]];
    }
    out.into.resize(size);
    std::iota(out.into.begin(), out.into.end(), 0);
    out.head = out.tail = out.into;
    out.next.assign(size, -1);
    return out;
}

// Merges children into parents where the cost does not grow (Ashcraft, Grimes 1989).
void relax(Groups* groups) {
    Groups& g = *groups;
    const auto size = static_cast<std::int32_t>(g.first.size());
    for (std::int32_t c = 0; c < size; ++c) {
        // Children come before parents, so a parent gets its own children before it is offered to its own.
        const std::int32_t p = g.parent[c];
        if (p < 0) continue;
        const double apart = supernodeCost(g.columns[c], g.rows[c]) + supernodeCost(g.columns[p], g.rows[p]);
        if (supernodeCost(static_cast<double>(g.columns[c]) + g.columns[p], g.rows[p]) > apart) continue;
        g.into[c] = p;
        g.columns[p] += g.columns[c];
        g.next[g.tail[c]] = g.head[p];
        g.head[p] = g.head[c];
    }
}

// The groups that are left in postorder, largest need of memory first among siblings, numbered anew.
struct Ordered {
    Integers group;            // S: the group each supernode is
    Integers parent;           // S
    Integers firstDescendant;  // S
};

Ordered orderGroups(Groups* groups) {
    Groups& g = *groups;
    const auto size = static_cast<std::int32_t>(g.first.size());
    Integers child(size, -1), sibling(size, -1);
    std::vector<std::int64_t> peak(size);
    std::vector<std::pair<std::int64_t, std::int32_t>> kin;
    for (std::int32_t c = size; c-- > 0;) g.into[c] = g.into[c] == c ? c : g.into[g.into[c]];
    for (std::int32_t c = 0; c < size; ++c) {
        if (g.into[c] != c) continue;
        // Order the children by need above what they leave behind (Liu 1986), then see what that needs.
        kin.clear();
        for (std::int32_t k = child[c]; k >= 0; k = sibling[k])
            kin.emplace_back(-(peak[k] - static_cast<std::int64_t>(g.rows[k]) * g.rows[k]), k);
        std::sort(kin.begin(), kin.end());
        std::int64_t held = 0, most = 0;
        child[c] = kin.empty() ? -1 : kin.front().second;
        for (std::size_t k = 0; k < kin.size(); ++k) {
            const std::int32_t here = kin[k].second;
            sibling[here] = k + 1 < kin.size() ? kin[k + 1].second : -1;
            most = std::max(most, held + peak[here]);
            held += static_cast<std::int64_t>(g.rows[here]) * g.rows[here];
        }
        peak[c] = std::max(most, held + static_cast<std::int64_t>(g.rows[c]) * g.rows[c]);
        g.parent[c] = g.parent[c] < 0 ? -1 : g.into[g.parent[c]];
        if (g.parent[c] >= 0) {
            sibling[c] = child[g.parent[c]];
            child[g.parent[c]] = c;
        }
    }
    Ordered out;
    Integers number(size, -1);
    const auto descend = [&](std::int32_t j) {
        while (child[j] >= 0) j = child[j];
        return j;
    };
    for (std::int32_t root = 0; root < size; ++root) {
        if (g.into[root] != root || g.parent[root] >= 0) continue;
        for (std::int32_t j = descend(root);;) {
            number[j] = static_cast<std::int32_t>(out.group.size());
            out.group.push_back(j);
            if (j == root) break;
            j = sibling[j] >= 0 ? descend(sibling[j]) : g.parent[j];
        }
    }
    const auto count = static_cast<std::int32_t>(out.group.size());
    out.parent.resize(count);
    out.firstDescendant.resize(count);
    std::iota(out.firstDescendant.begin(), out.firstDescendant.end(), 0);
    for (std::int32_t s = 0; s < count; ++s) {
        const std::int32_t p = g.parent[out.group[s]];
        out.parent[s] = p < 0 ? -1 : number[p];
        if (p >= 0)
            out.firstDescendant[number[p]] = std::min(out.firstDescendant[number[p]], out.firstDescendant[s]);
    }
    return out;
}

// A set of row numbers that gives itself back in ascending order: bits, and bits over words of bits.
class RowSet {
  public:
    explicit RowSet(std::int32_t size) {
        std::int64_t n = size;
        do {
            n = (n + 63) / 64;
            levels_.emplace_back(static_cast<std::size_t>(n), 0);
        } while (n > 1);
    }

    void add(std::int32_t row) {
        std::uint32_t at = static_cast<std::uint32_t>(row);
        for (auto& level : levels_) {
            std::uint64_t& word = level[at >> 6];
            const bool known = word != 0;
            word |= std::uint64_t{1} << (at & 63);
            if (known) return;
            at >>= 6;
        }
    }

    // Writes the rows to `out`, forgets them, and returns the end of what was written.
    std::int32_t* drain(std::int32_t* out) { return drainLevel(levels_.size() - 1, 0, out); }

  private:
    static int lowest(std::uint64_t word) {
#if defined(__GNUC__)
        return __builtin_ctzll(word);
#else
        int at = 0;
        while (!(word >> at & 1)) ++at;
        return at;
#endif
    }

    std::int32_t* drainLevel(std::size_t level, std::uint32_t at, std::int32_t* out) {
        std::uint64_t word = levels_[level][at];
        levels_[level][at] = 0;
        for (; word; word &= word - 1) {
            const std::uint32_t below = (at << 6) + static_cast<std::uint32_t>(lowest(word));
            if (level == 0)
                *out++ = static_cast<std::int32_t>(below);
            else
                out = drainLevel(level - 1, below, out);
        }
        return out;
    }

    std::vector<std::vector<std::uint64_t>> levels_;
};

void permuteMatrix(const Triangle& triangle, const Integers& permutation, Symbolic* out) {
    const Integers inverse = inverseOf(permutation);
    const auto n = static_cast<std::int32_t>(inverse.size());
    out->columnStart.assign(n + 1, 0);
    for (const std::int32_t j : permutation)
        for (std::int64_t k = triangle.start[j]; k < triangle.start[j + 1]; ++k)
            ++out->columnStart[std::min(inverse[j], inverse[triangle.rows[k]]) + 1];
    std::partial_sum(out->columnStart.begin(), out->columnStart.end(), out->columnStart.begin());
    Offsets next(out->columnStart.begin(), out->columnStart.end() - 1);
    for (Integers* array : {&out->rows, &out->place, &out->below, &out->above})
        array->resize(triangle.rows.size());
    out->diagonal.resize(n);
    // In the new order, so that what is written lies close together.
    for (const std::int32_t j : permutation) {
        out->diagonal[inverse[j]] = triangle.diagonal[j];
        for (std::int64_t k = triangle.start[j]; k < triangle.start[j + 1]; ++k) {
            const std::int32_t a = inverse[j], b = inverse[triangle.rows[k]];
            const std::int64_t to = next[std::min(a, b)]++;
            out->rows[to] = std::max(a, b);
            out->below[to] = triangle.below[k];
            out->above[to] = triangle.above[k];
        }
    }
    out->bothTriangles = triangle.both;
}

// Rows of every supernode, and where they lie in the parent's front.
void rowStructure(Symbolic* out) {
    Supernodes& nodes = out->supernodes;
    const std::int32_t count = nodes.count();
    RowSet set(nodes.size);
    Integers position(nodes.size), child(count, -1), sibling(count, -1);
    for (std::int32_t s = count; s-- > 0;)
        if (nodes.parent[s] >= 0) {
            sibling[s] = child[nodes.parent[s]];
            child[nodes.parent[s]] = s;
        }
    nodes.rows.resize(nodes.rowStart[count]);
    out->relative.resize(nodes.rowStart[count]);
    for (std::int32_t s = 0; s < count; ++s) {
        const std::int32_t first = nodes.firstColumn[s], end = nodes.firstColumn[s + 1];
        const std::int64_t entries = out->columnStart[end];
        for (std::int64_t k = out->columnStart[first]; k < entries; ++k)
            if (out->rows[k] >= end) set.add(out->rows[k]);
        for (std::int32_t c = child[s]; c >= 0; c = sibling[c])
            for (std::int64_t k = nodes.rowStart[c]; k < nodes.rowStart[c + 1]; ++k)
                if (nodes.rows[k] >= end) set.add(nodes.rows[k]);
        std::int32_t* rows = nodes.rows.data() + nodes.rowStart[s];
        const std::int32_t* last = set.drain(rows);
        for (std::int32_t c = first; c < end; ++c) position[c] = c - first;
        std::int32_t at = end - first;
        for (const std::int32_t* r = rows; r < last; ++r) position[*r] = at++;
        for (std::int64_t k = out->columnStart[first]; k < entries; ++k)
            out->place[k] = position[out->rows[k]];
        for (std::int32_t c = child[s]; c >= 0; c = sibling[c])
            for (std::int64_t k = nodes.rowStart[c]; k < nodes.rowStart[c + 1]; ++k)
                out->relative[k] = position[nodes.rows[k]];
    }
}

template <class T>
std::int64_t bytes(const std::vector<T>& array) {
    return static_cast<std::int64_t>(array.size() * sizeof(T));
}

}  // namespace

std::int64_t Symbolic::memory() const {
    const Supernodes& s = supernodes;
    return bytes(s.permutation) + bytes(s.firstColumn) + bytes(s.rowStart) + bytes(s.rows) +
           bytes(s.panelStart) + bytes(s.parent) + bytes(columnStart) + bytes(rows) + bytes(place) +
           bytes(below) + bytes(above) + bytes(diagonal) + bytes(relative) + bytes(firstDescendant) +
           bytes(givenStart) + bytes(givenRows);
}

Symbolic analyse(const SparseMatrix& matrix, const double* positions, Ordering ordering) {
    Symbolic out;
    const Triangle triangle = readTriangle(matrix);
    const Graph graph = graphOf(triangle);
    const auto n = graph.size;
    Integers permutation = orderGraph(graph, positions, ordering);

    Integers parent = eliminationTree(graph, permutation, inverseOf(permutation));
    const Integers post = postorder(parent), number = inverseOf(post);
    {
        Integers reordered(n), moved(n);
        for (std::int32_t j = 0; j < n; ++j) {
            reordered[j] = permutation[post[j]];
            moved[j] = parent[post[j]] < 0 ? -1 : number[parent[post[j]]];
        }
        permutation.swap(reordered);
        parent.swap(moved);
    }
    Groups groups;
    {
        Offsets start;
        Integers rows;
        permutedLower(graph, permutation, inverseOf(permutation), &start, &rows);
        const Integers counts = columnCounts(parent, start, rows);
        for (const std::int32_t count : counts) {
            out.nonZeros += count;
            out.flops += static_cast<double>(count) * count;
        }
        groups = fundamentalSupernodes(parent, counts);
    }
    const Integers fundamental = groups.columns;
    relax(&groups);
    Ordered ordered = orderGroups(&groups);

    Supernodes& nodes = out.supernodes;
    nodes.size = n;
    nodes.parent = std::move(ordered.parent);
    out.firstDescendant = std::move(ordered.firstDescendant);
    nodes.permutation.reserve(n);
    nodes.firstColumn.push_back(0);
    nodes.rowStart.push_back(0);
    nodes.panelStart.push_back(0);
    for (const std::int32_t g : ordered.group) {
        for (std::int32_t f = groups.head[g]; f >= 0; f = groups.next[f])
            nodes.permutation.insert(nodes.permutation.end(), permutation.begin() + groups.first[f],
                                     permutation.begin() + groups.first[f] + fundamental[f]);
        const std::int64_t nc = groups.columns[g], nr = groups.rows[g];
        nodes.firstColumn.push_back(nodes.firstColumn.back() + groups.columns[g]);
        nodes.rowStart.push_back(nodes.rowStart.back() + nr);
        nodes.panelStart.push_back(nodes.panelStart.back() + nc * (nc + nr));
    }
    out.parity.assign(nodes.parent.size(), 0);
    for (std::int32_t s = nodes.count(); s-- > 0;)
        if (nodes.parent[s] >= 0) out.parity[s] = !out.parity[nodes.parent[s]];
    permuteMatrix(triangle, nodes.permutation, &out);
    rowStructure(&out);
    out.givenStart.assign(matrix.columnStart, matrix.columnStart + matrix.size + 1);
    out.givenRows.assign(matrix.rows, matrix.rows + matrix.columnStart[matrix.size]);
    return out;
}

}  // namespace mien
