#include "triangle.h"

#include <algorithm>
#include <limits>
#include <string>
#include <tuple>
#include <utility>

#include "mien/error.h"

namespace mien {
namespace {

[[noreturn]] void refuse(const std::string& message) {
    throw Error(Status::invalidArgument, message);
}

[[noreturn]] void refuseTwice(std::int64_t row, std::int64_t column) {
    refuse("`matrix` must not have an entry twice, got row " + std::to_string(row) + " of column " +
           std::to_string(column) + " twice");
}

void check(const SparseMatrix& matrix) {
    constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
    const std::int64_t n = matrix.size;
    if (n < 1 || n >= kMost) refuse("`matrix` must have 1 to 2147483646 columns, got " + std::to_string(n));
    const std::int64_t* start = matrix.columnStart;
    if (start[0] != 0 || start[n] > kMost) refuse("`matrix` must have column starts from 0 to below 2^31");
    for (std::int64_t j = 0; j < n; ++j)
        if (start[j] > start[j + 1])
            refuse("`matrix` must have ascending column starts, got " + std::to_string(start[j + 1]) +
                   " after " + std::to_string(start[j]));
    for (std::int64_t k = 0; k < start[n]; ++k)
        if (matrix.rows[k] < 0 || matrix.rows[k] >= n)
            refuse("`matrix` must have rows in [0, " + std::to_string(n) + "), got " +
                   std::to_string(matrix.rows[k]));
}

// Entries on one side of the diagonal, gathered by the smaller of row and column.
struct Side {
    std::vector<std::int64_t> start;
    std::vector<std::int32_t> rows, source;
};

void prefix(std::vector<std::int64_t>* counts) {
    std::int64_t sum = 0;
    for (std::int64_t& count : *counts) {
        const std::int64_t here = count;
        count = sum;
        sum += here;
    }
}

void sortColumn(Side* side, std::int64_t begin, std::int64_t end) {
    std::vector<std::pair<std::int32_t, std::int32_t>> entries;
    for (std::int64_t k = begin; k < end; ++k) entries.emplace_back(side->rows[k], side->source[k]);
    std::sort(entries.begin(), entries.end());
    for (std::int64_t k = begin; k < end; ++k)
        std::tie(side->rows[k], side->source[k]) = entries[static_cast<std::size_t>(k - begin)];
}

}  // namespace

Triangle readTriangle(const SparseMatrix& matrix) {
    check(matrix);
    const auto n = static_cast<std::int32_t>(matrix.size);
    const std::int64_t* start = matrix.columnStart;
    Triangle out;
    out.diagonal.assign(n, -1);
    Side below, above;
    below.start.assign(n + 1, 0);
    above.start.assign(n + 1, 0);
    for (std::int32_t j = 0; j < n; ++j)
        for (std::int64_t k = start[j]; k < start[j + 1]; ++k) {
            const std::int32_t i = matrix.rows[k];
            if (i > j) ++below.start[j];
            if (i < j) ++above.start[i];
        }
    prefix(&below.start);
    prefix(&above.start);
    for (Side* side : {&below, &above}) {
        side->rows.resize(side->start[n]);
        side->source.resize(side->start[n]);
    }
    // Columns ascend, so what is above the diagonal arrives in order.
    std::vector<std::int64_t> next(above.start.begin(), above.start.end() - 1);
    for (std::int32_t j = 0; j < n; ++j) {
        std::int64_t at = below.start[j];
        bool ascending = true;
        for (std::int64_t k = start[j]; k < start[j + 1]; ++k) {
            const std::int32_t i = matrix.rows[k], source = static_cast<std::int32_t>(k);
            if (i > j) {
                ascending = ascending && (at == below.start[j] || below.rows[at - 1] < i);
                below.rows[at] = i;
                below.source[at++] = source;
            } else if (i < j) {
                const std::int64_t to = next[i]++;
                if (to > above.start[i] && above.rows[to - 1] == j) refuseTwice(i, j);
                above.rows[to] = j;
                above.source[to] = source;
            } else {
                if (out.diagonal[j] >= 0) refuseTwice(j, j);
                out.diagonal[j] = source;
            }
        }
        if (ascending) continue;
        sortColumn(&below, below.start[j], at);
        for (std::int64_t k = below.start[j] + 1; k < at; ++k)
            if (below.rows[k] == below.rows[k - 1]) refuseTwice(below.rows[k], j);
    }

    out.both = !below.rows.empty() && !above.rows.empty();
    if (!out.both) {
        const bool lower = above.rows.empty();
        Side& side = lower ? below : above;
        out.below.assign(side.rows.size(), -1);
        out.above = out.below;
        (lower ? out.below : out.above) = std::move(side.source);
        out.start = std::move(side.start);
        out.rows = std::move(side.rows);
        return out;
    }
    out.start.resize(n + 1);
    const std::size_t most = below.rows.size() + above.rows.size();
    for (auto* array : {&out.rows, &out.below, &out.above}) array->reserve(std::min(most, most / 2 + n));
    for (std::int32_t j = 0; j < n; ++j) {
        out.start[j] = static_cast<std::int64_t>(out.rows.size());
        std::int64_t b = below.start[j], a = above.start[j];
        const std::int64_t bEnd = below.start[j + 1], aEnd = above.start[j + 1];
        while (b < bEnd || a < aEnd) {
            const bool hasBelow = b < bEnd && (a == aEnd || below.rows[b] <= above.rows[a]);
            const bool hasAbove = a < aEnd && (b == bEnd || above.rows[a] <= below.rows[b]);
            out.rows.push_back(hasBelow ? below.rows[b] : above.rows[a]);
            out.below.push_back(hasBelow ? below.source[b] : -1);
            out.above.push_back(hasAbove ? above.source[a] : -1);
            b += hasBelow;
            a += hasAbove;
        }
    }
    out.start[n] = static_cast<std::int64_t>(out.rows.size());
    return out;
}

Graph graphOf(const Triangle& triangle) {
    Graph graph;
    const auto n = static_cast<std::int32_t>(triangle.start.size()) - 1;
    graph.size = n;
    graph.start.assign(n + 1, 0);
    for (std::int32_t j = 0; j < n; ++j) {
        graph.start[j] += triangle.start[j + 1] - triangle.start[j];
        for (std::int64_t k = triangle.start[j]; k < triangle.start[j + 1]; ++k)
            ++graph.start[triangle.rows[k]];
    }
    prefix(&graph.start);
    graph.neighbours.resize(graph.start[n]);
    // Columns ascend: when one is reached, all its smaller neighbours have put themselves down.
    std::vector<std::int64_t> next(graph.start.begin(), graph.start.end() - 1);
    for (std::int32_t j = 0; j < n; ++j)
        for (std::int64_t k = triangle.start[j]; k < triangle.start[j + 1]; ++k) {
            const std::int32_t i = triangle.rows[k];
            graph.neighbours[next[j]++] = i;
            graph.neighbours[next[i]++] = j;
        }
    return graph;
}

}  // namespace mien
