#include "laplacian_system.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "mien/error.h"
#include "mien/intrinsic.h"
#include "mien/laplacian.h"

namespace mien {
namespace {

constexpr double kLeastMass = 1e-8;  // relative to the mean

// Entries of one column of Q = L M^-1 L, gathered in a row of numbers that is zero in between.
class ColumnSum {
  public:
    explicit ColumnSum(std::int64_t size)
        : sums_(static_cast<std::size_t>(size), 0.0), seen_(sums_.size(), 0) {}

    void add(std::int32_t row, double value) {
        if (!seen_[row]) {
            seen_[row] = 1;
            rows_.push_back(row);
        }
        sums_[row] += value;
    }

    // Calls use(row, value) in ascending order of rows and forgets them.
    template <class Use>
    void drain(Use&& use) {
        std::sort(rows_.begin(), rows_.end());
        for (const std::int32_t row : rows_) {
            use(row, sums_[row]);
            sums_[row] = 0;
            seen_[row] = 0;
        }
        rows_.clear();
    }

  private:
    std::vector<double> sums_;
    std::vector<char> seen_;
    std::vector<std::int32_t> rows_;
};

double coordinate(const ConstFrames& frame, std::int64_t v, int c) {
    const char* at = static_cast<const char*>(frame.data) + v * frame.vertexStride;
    return frame.scalar == Scalar::float32 ? static_cast<double>(reinterpret_cast<const float*>(at)[c])
                                           : reinterpret_cast<const double*>(at)[c];
}

}  // namespace

LaplacianSystem::LaplacianSystem(const std::int32_t* triangles, std::int64_t triangleCount,
                                 const ConstFrames& neutral, const std::int32_t* handles,
                                 const double* handleWeights, std::int64_t count, const std::uint8_t* held,
                                 const LaplacianDeformerOptions& options)
    : vertexCount(neutral.vertices), handleCount(count) {
    if (neutral.frames != 1) throw Error(Status::invalidArgument, "neutral must be one frame");
    if (options.rotationPasses < 0) throw Error(Status::invalidArgument, "rotationPasses must be at least 0");
    assembleLaplacian(triangles, triangleCount, neutral, options);
    chooseFree(handles, handleWeights, held);
    for (const std::int32_t v : free)
        for (int c = 0; c < 3; ++c) positions.push_back(coordinate(neutral, v, c));
    assembleMatrix(handles, handleWeights);
}

void LaplacianSystem::assembleLaplacian(const std::int32_t* triangles, std::int64_t triangleCount,
                                        const ConstFrames& neutral, const LaplacianDeformerOptions& options) {
    std::vector<double> mass(static_cast<std::size_t>(vertexCount));
    const auto take = [&](const LaplacianPattern& pattern) {
        laplacianStart.assign(pattern.columnStart(), pattern.columnStart() + vertexCount + 1);
        laplacianRows.assign(pattern.rows(), pattern.rows() + pattern.nonZeros());
        laplacian.resize(laplacianRows.size());
    };
    if (options.intrinsic) {
        const IntrinsicTriangulation flipped = intrinsicDelaunay(neutral, triangles, triangleCount);
        const LaplacianPattern pattern(flipped.triangles.data(), 2 * triangleCount, vertexCount);
        take(pattern);
        pattern.cotangentFromLengths(flipped.lengths.data(), laplacian.data());
        pattern.massFromLengths(flipped.lengths.data(), MassKind::voronoi, mass.data());
        for (double& value : laplacian) value *= 0.5;
        for (double& value : mass) value *= 0.5;
    } else {
        const LaplacianPattern pattern(triangles, triangleCount, vertexCount);
        take(pattern);
        pattern.cotangent(neutral, laplacian.data());
        if (options.bilaplacian) pattern.mass(neutral, MassKind::voronoi, mass.data());
    }
    if (!options.bilaplacian) return;
    double sum = 0, used = 0;
    for (const double m : mass) sum += m, used += m > 0;
    const double least = kLeastMass * sum / std::max(1.0, used);
    inverseMass.resize(mass.size());
    for (std::size_t v = 0; v < mass.size(); ++v)
        inverseMass[v] = sum > 0 ? 1 / std::max(mass[v], least) : 0.0;
}

void LaplacianSystem::chooseFree(const std::int32_t* handles, const double* handleWeights,
                                 const std::uint8_t* held) {
    hardOf.assign(static_cast<std::size_t>(vertexCount), -1);
    freeOf.assign(hardOf.size(), -1);
    std::vector<char> soft(hardOf.size(), 0);
    const auto fail = [](std::int64_t v, const char* what) {
        throw Error(Status::invalidArgument, "vertex " + std::to_string(v) + what);
    };
    for (std::int64_t h = 0; h < handleCount; ++h) {
        const std::int32_t v = handles[h];
        if (v < 0 || v >= vertexCount) fail(v, " is a handle and does not exist");
        if (soft[v] || hardOf[v] >= 0) fail(v, " is a handle twice");
        if (held && held[v]) fail(v, " is a handle and held");
        const double weight = handleWeights ? handleWeights[h] : HUGE_VAL;
        if (!(weight > 0)) fail(v, " is a handle whose weight is not above 0");
        if (std::isinf(weight))
            hardOf[v] = static_cast<std::int32_t>(h);
        else
            soft[v] = 1;
    }
    for (std::int32_t v = 0; v < vertexCount; ++v) {
        const bool alone = laplacianStart[v + 1] - laplacianStart[v] == 1;
        if (hardOf[v] >= 0 || (held && held[v]) || (alone && !soft[v])) continue;
        freeOf[v] = static_cast<std::int32_t>(free.size());
        free.push_back(v);
    }
    requireConstraints(soft);
}

// A piece of free vertices that nothing holds could be anywhere.
void LaplacianSystem::requireConstraints(const std::vector<char>& soft) const {
    std::vector<char> seen(free.size(), 0);
    std::vector<std::int32_t> piece;
    for (const std::int32_t start : free) {
        if (seen[freeOf[start]]) continue;
        seen[freeOf[start]] = 1;
        piece.assign(1, start);
        bool constrained = false;
        for (std::size_t i = 0; i < piece.size(); ++i) {
            const std::int32_t v = piece[i];
            constrained = constrained || soft[v];
            for (std::int64_t s = laplacianStart[v]; s < laplacianStart[v + 1]; ++s) {
                const std::int32_t other = laplacianRows[s], place = freeOf[other];
                if (place < 0) constrained = true;
                if (place < 0 || seen[place]) continue;
                seen[place] = 1;
                piece.push_back(other);
            }
        }
        if (!constrained)
            throw Error(Status::invalidArgument, "the piece of the surface with vertex " +
                                                     std::to_string(start) + " (" +
                                                     std::to_string(piece.size()) +
                                                     " vertices) has neither a handle nor a held vertex");
    }
}

void LaplacianSystem::assembleMatrix(const std::int32_t* handles, const double* handleWeights) {
    std::vector<double> softWeight(static_cast<std::size_t>(vertexCount), 0.0);
    std::vector<std::int32_t> handleOf(softWeight.size(), -1);
    for (std::int64_t h = 0; h < handleCount; ++h) {
        handleOf[handles[h]] = static_cast<std::int32_t>(h);
        if (hardOf[handles[h]] < 0) softWeight[handles[h]] = handleWeights[h];
    }
    const bool squared = !inverseMass.empty();
    ColumnSum column(vertexCount);
    columnStart.push_back(0);
    for (std::size_t f = 0; f < free.size(); ++f) {
        const std::int32_t v = free[f];
        for (std::int64_t s = laplacianStart[v]; s < laplacianStart[v + 1]; ++s) {
            const std::int32_t k = laplacianRows[s];
            if (!squared) {
                column.add(k, laplacian[s]);
                continue;
            }
            for (std::int64_t t = laplacianStart[k]; t < laplacianStart[k + 1]; ++t)
                column.add(laplacianRows[t], laplacian[s] * laplacian[t] * inverseMass[k]);
        }
        if (softWeight[v] > 0) coupling.push_back({static_cast<std::int32_t>(f), handleOf[v], softWeight[v]});
        column.drain([&](std::int32_t row, double value) {
            if (row == v) value += softWeight[v];
            if (hardOf[row] >= 0)
                coupling.push_back({static_cast<std::int32_t>(f), hardOf[row], -value});
            else if (freeOf[row] >= static_cast<std::int32_t>(f))
                rows.push_back(freeOf[row]), values.push_back(value);
        });
        columnStart.push_back(static_cast<std::int64_t>(rows.size()));
    }
}

}  // namespace mien
