#include "held_laplacian.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "mien/error.h"
#include "mien/laplacian.h"
#include "sparse_state.h"
#include "triangular.h"

namespace mien {
MeshGraph::MeshGraph(const std::int32_t* triangles, std::int64_t triangleCount, std::int64_t vertices) {
    std::vector<std::int64_t> count(static_cast<std::size_t>(vertices) + 1, 0);
    for (std::int64_t k = 0; k < 3 * triangleCount; ++k) {
        if (triangles[k] < 0 || triangles[k] >= vertices)
            throw Error(Status::invalidArgument,
                        "triangles must name vertices below " + std::to_string(vertices) + ", got " +
                            std::to_string(triangles[k]) + " in triangle " + std::to_string(k / 3));
        count[triangles[k] + 1] += 2;
    }
    std::partial_sum(count.begin(), count.end(), count.begin());
    std::vector<std::int32_t> all(static_cast<std::size_t>(count.back()));
    std::vector<std::int64_t> next(count.begin(), count.end() - 1);
    for (std::int64_t k = 0; k < 3 * triangleCount; ++k) {
        const std::int64_t first = k / 3 * 3;
        for (int other = 1; other < 3; ++other)
            all[next[triangles[k]]++] = triangles[first + (k - first + other) % 3];
    }
    start.assign(1, 0);
    for (std::int64_t v = 0; v < vertices; ++v) {
        const auto begin = all.begin() + count[v], end = all.begin() + count[v + 1];
        std::sort(begin, end);
        for (auto at = begin; at != end; ++at)
            if (*at != v && (at == begin || *at != *(at - 1))) neighbours.push_back(*at);
        start.push_back(static_cast<std::int64_t>(neighbours.size()));
    }
}

std::int64_t MeshGraph::slot(std::int32_t from, std::int32_t to) const {
    return std::lower_bound(neighbours.begin() + start[from], neighbours.begin() + start[from + 1], to) -
           neighbours.begin();
}

std::vector<std::array<double, 3>> halfCotangents(const std::vector<double>& positions,
                                                  const std::int32_t* triangles, std::int64_t triangleCount) {
    std::vector<std::array<double, 3>> out(static_cast<std::size_t>(triangleCount));
    if (triangleCount == 0) return out;
    // Each triangle by itself, so that the Laplacian's entries are those of single triangles.
    std::vector<std::int32_t> corners(3 * static_cast<std::size_t>(triangleCount));
    std::iota(corners.begin(), corners.end(), 0);
    std::vector<double> points;
    points.reserve(3 * corners.size());
    for (std::size_t k = 0; k < corners.size(); ++k) {
        const double* p = positions.data() + 3 * static_cast<std::size_t>(triangles[k]);
        points.insert(points.end(), p, p + 3);
    }
    const LaplacianPattern pattern(corners.data(), triangleCount, 3 * triangleCount);
    std::vector<double> values(static_cast<std::size_t>(pattern.nonZeros()));
    constexpr std::ptrdiff_t kPoint = 3 * sizeof(double);
    pattern.cotangent({points.data(), Scalar::float64, 1, 3 * triangleCount, 0, kPoint}, values.data());
    for (std::int64_t t = 0; t < triangleCount; ++t) {
        const double* block = values.data() + 9 * t;  // 3 x 3
        out[t] = {-block[5], -block[2], -block[1]};
    }
    return out;
}

std::vector<std::int32_t> connectedParts(const MeshGraph& graph, const std::vector<double>& weights) {
    std::vector<std::int32_t> part(static_cast<std::size_t>(graph.vertices()), -1), stack;
    std::int32_t parts = 0;
    for (std::int32_t seed = 0; seed < graph.vertices(); ++seed) {
        if (part[seed] >= 0) continue;
        part[seed] = parts;
        for (stack.assign(1, seed); !stack.empty();) {
            const std::int32_t v = stack.back();
            stack.pop_back();
            for (std::int64_t k = graph.start[v]; k < graph.start[v + 1]; ++k) {
                const std::int32_t other = graph.neighbours[k];
                if (part[other] >= 0 || weights[k] == 0) continue;
                part[other] = parts;
                stack.push_back(other);
            }
        }
        ++parts;
    }
    return part;
}

HeldLaplacian::HeldLaplacian(const MeshGraph& graph, const std::vector<double>& weights,
                             const std::vector<char>& held, const std::vector<double>& positions,
                             Scalar storage) {
    const std::int64_t vertices = graph.vertices();
    std::vector<std::int32_t> free, row(static_cast<std::size_t>(vertices), -1);
    for (std::int32_t v = 0; v < vertices; ++v) {
        if (held[v]) continue;
        row[v] = static_cast<std::int32_t>(free.size());
        free.push_back(v);
    }
    freeCount = static_cast<std::int64_t>(free.size());
    if (freeCount > 0) {
        std::vector<std::int64_t> start(1, 0);
        std::vector<std::int32_t> rows;
        std::vector<double> values, at;
        for (const std::int32_t v : free) {
            double sum = 0;
            for (std::int64_t k = graph.start[v]; k < graph.start[v + 1]; ++k) {
                sum += weights[k];
                if (row[graph.neighbours[k]] < 0) continue;
                rows.push_back(row[graph.neighbours[k]]);
                values.push_back(-weights[k]);
            }
            rows.push_back(row[v]);
            values.push_back(sum);
            start.push_back(static_cast<std::int64_t>(rows.size()));
            at.insert(at.end(), positions.begin() + 3 * v, positions.begin() + 3 * v + 3);
        }
        FactorOptions options;
        options.storage = storage;
        factor.emplace(SparseMatrix{freeCount, start.data(), rows.data(), values.data()}, at.data(), options);
        for (const std::int32_t at : factor->state().pattern().permutation) order.push_back(free[at]);
    }
    std::vector<std::int32_t> far;
    for (std::int32_t v = 0; v < vertices; ++v) {
        if (!held[v]) continue;
        bool near = false;
        for (std::int64_t k = graph.start[v]; k < graph.start[v + 1]; ++k) near |= !held[graph.neighbours[k]];
        (near ? order : far).push_back(v);
    }
    nearCount = static_cast<std::int64_t>(order.size());
    order.insert(order.end(), far.begin(), far.end());
    rank.resize(order.size());
    for (std::size_t k = 0; k < order.size(); ++k) rank[order[k]] = static_cast<std::int32_t>(k);
}

void HeldLaplacian::solve(void* x, int width) const {
    if (!factor) return;
    const SparseFactor::State& state = factor->state();
    solveBlock(state.pattern(), state.values.data(), state.storage, x, width);
}

}  // namespace mien
