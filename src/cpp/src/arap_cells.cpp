#include "arap_cells.h"

#include <algorithm>
#include <cmath>

#include "kernels/table.h"

namespace mien {
namespace {

double powerOfTwoNear(double length) {
    if (!(length > 0)) return 1;
    int exponent = 0;
    std::frexp(length, &exponent);
    return std::ldexp(1.0, exponent);
}

double meanEdge(const MeshGraph& graph, const std::vector<double>& p) {
    double sum = 0, count = 0;
    for (std::int64_t i = 0; i < graph.vertices(); ++i)
        for (std::int64_t k = graph.start[i]; k < graph.start[i + 1]; ++k, count += 1) {
            double square = 0;
            for (int c = 0; c < 3; ++c) {
                const double d = p[3 * static_cast<std::size_t>(graph.neighbours[k]) + c] - p[3 * i + c];
                square += d * d;
            }
            sum += std::sqrt(square);
        }
    return count > 0 ? sum / count : 0;
}

}  // namespace

CellWeights::CellWeights(const MeshGraph& graph, const std::vector<double>& neutral,
                         const std::int32_t* triangles, std::int64_t triangleCount,
                         const ArapOptions& options)
    : cells(options.energy == ArapEnergy::spokes ? 2 : 3),
      unit(powerOfTwoNear(meanEdge(graph, neutral))),
      edges(graph.neighbours.size(), 0.0),
      pulls(3 * graph.neighbours.size(), 0.0),
      lengths(static_cast<std::size_t>(graph.vertices()), 0.0) {
    auto cotangents = halfCotangents(neutral, triangles, triangleCount);
    if (options.weights == ArapWeights::clamped)
        for (auto& corner : cotangents)
            for (double& c : corner) c = std::max(c, 0.0);
    const double share = 1.0 / cells;
    const auto pull = [&](std::int32_t cell, std::int32_t a, std::int32_t b, double weight) {
        for (int c = 0; c < 3; ++c)
            pulls[3 * graph.slot(cell, a) + c] +=
                share * weight * ((neutral[3 * a + c] - neutral[3 * b + c]) / unit);
    };
    for (std::int64_t t = 0; t < triangleCount; ++t) {
        const std::int32_t* v = triangles + 3 * t;
        if (v[0] == v[1] || v[1] == v[2] || v[2] == v[0]) continue;
        for (int corner = 0; corner < 3; ++corner) {
            const std::int32_t i = v[corner], a = v[(corner + 1) % 3], b = v[(corner + 2) % 3];
            const double weight = cotangents[t][corner];
            edges[graph.slot(a, b)] += weight;
            edges[graph.slot(b, a)] += weight;
            pull(a, b, a, weight);
            pull(b, a, b, weight);
            if (options.energy != ArapEnergy::spokesAndRims) continue;
            pull(i, a, b, weight);
            pull(i, b, a, weight);
        }
    }
    for (std::int64_t i = 0; i < graph.vertices(); ++i)
        for (std::int64_t k = graph.start[i]; k < graph.start[i + 1]; ++k)
            for (int c = 0; c < 3; ++c) {
                const double d =
                    (neutral[3 * static_cast<std::size_t>(graph.neighbours[k]) + c] - neutral[3 * i + c]) /
                    unit;
                lengths[i] += edges[k] * d * d;
            }
}

ArapCellArrays::ArapCellArrays(const MeshGraph& graph, const CellWeights& weights,
                               const std::vector<std::int32_t>& order, const std::vector<std::int32_t>& rank,
                               Scalar storage)
    : cells_(weights.cells), start_(1, 0) {
    for (const std::int32_t v : order) {
        for (std::int64_t k = graph.start[v]; k < graph.start[v + 1]; ++k) {
            neighbours_.push_back(rank[graph.neighbours[k]]);
            for (int c = 0; c < 3; ++c) doubles_.push_back(weights.pulls[3 * k + c]);
            doubles_.push_back(weights.edges[k]);
        }
        start_.push_back(static_cast<std::int64_t>(neighbours_.size()));
        lengths_.push_back(weights.lengths[v]);
    }
    if (storage == Scalar::float32) floats_.assign(doubles_.begin(), doubles_.end());
}

ArapCells ArapCellArrays::of(Scalar scalar) const {
    const void* edges =
        scalar == Scalar::float32 ? static_cast<const void*>(floats_.data()) : doubles_.data();
    return {start_.data(), neighbours_.data(), edges};
}

void ArapCellArrays::energy(const double* positions, double unit, double* out) const {
    kernels().arap.energyDouble(of(Scalar::float64), static_cast<std::int64_t>(lengths_.size()),
                                lengths_.data(), positions, out);
    for (int lane = 0; lane < kArapLanes; ++lane) out[lane] *= cells_ * unit * unit;
}

}  // namespace mien
