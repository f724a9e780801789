#include "mien/laplacian.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "kernels/table.h"
#include "mien/error.h"
#include "mien/parallel.h"

namespace mien {
namespace {

constexpr std::int64_t kTriangleGrain = 8192, kVertexGrain = 4096, kEdgeGrain = 16384;

// Not cleared: every number is written before it is read.
std::unique_ptr<double[]> roomFor(std::int64_t count) {
    return std::unique_ptr<double[]>(new double[static_cast<std::size_t>(count)]);
}

void prefixSums(std::vector<std::int64_t>& counts) {
    std::int64_t sum = 0;
    for (std::int64_t& count : counts) sum += std::exchange(count, sum);
}

void runCorners(LaplacianKernels::Corners kernel, const ConstFrames& positions, const std::int32_t* triangles,
                std::int64_t count, double* out) {
    parallelFor(count, kTriangleGrain, [&](std::int64_t begin, std::int64_t end) {
        kernel({positions.data, positions.vertexStride, triangles, begin, end, out, count});
    });
}

// Kahan's way to the area from the lengths: no cancellation, whatever the shape. Returns the doubled area.
double doubledArea(double a, double b, double c) {
    if (a < b) std::swap(a, b);
    if (a < c) std::swap(a, c);
    if (b < c) std::swap(b, c);
    const double square = (a + (b + c)) * (c - (a - b)) * (c + (a - b)) * (a + (b - c));
    return 0.5 * std::sqrt(std::max(0.0, square));
}

// What triangleCorners computes, from lengths.
struct LengthShape {
    double dot[3], doubled, divisor;

    explicit LengthShape(const double* l) {
        for (int k = 0; k < 3; ++k) {
            const double a = l[k], b = l[(k + 1) % 3], c = l[(k + 2) % 3];
            dot[k] = 0.5 * ((b - a) * (b + a) + c * c);
        }
        doubled = doubledArea(l[0], l[1], l[2]);
        divisor = std::max({doubled, kSliver * ((dot[0] + dot[1]) + dot[2]), kNoArea});
    }
};

}  // namespace

// An entry before entries of the same row are joined: the corner opposite an edge that leads to `row`.
struct LaplacianPattern::Incidence {
    std::int32_t row, corner;
    bool operator<(const Incidence& other) const {
        return row != other.row ? row < other.row : corner < other.corner;
    }
};

LaplacianPattern::LaplacianPattern(const std::int32_t* triangles, std::int64_t triangleCount,
                                   std::int64_t vertexCount)
    : vertexCount_(vertexCount),
      triangleCount_(triangleCount),
      triangles_(triangles, triangles + 3 * triangleCount) {
    for (std::int64_t i = 0; i < 3 * triangleCount; ++i) {
        if (triangles[i] < 0 || triangles[i] >= vertexCount)
            throw Error(Status::invalidArgument, "triangle " + std::to_string(i / 3) + " names vertex " +
                                                     std::to_string(triangles[i]) + " of " +
                                                     std::to_string(vertexCount));
    }
    joinCorners();
    joinEdges();
}

void LaplacianPattern::joinCorners() {
    cornerStart_.assign(static_cast<std::size_t>(vertexCount_) + 1, 0);
    // A corner whose vertex the triangle has already had is left out: there is no area around it.
    const auto counts = [&](std::int64_t t, int k) {
        const std::int32_t* v = triangles_.data() + 3 * t;
        return k == 0 || (v[k] != v[0] && (k == 1 || v[2] != v[1]));
    };
    for (std::int64_t t = 0; t < triangleCount_; ++t)
        for (int k = 0; k < 3; ++k) cornerStart_[triangles_[3 * t + k]] += counts(t, k);
    prefixSums(cornerStart_);
    corners_.resize(static_cast<std::size_t>(cornerStart_.back()));
    std::vector<std::int64_t> place(cornerStart_.begin(), cornerStart_.end() - 1);
    for (std::int64_t t = 0; t < triangleCount_; ++t)
        for (int k = 0; k < 3; ++k)
            if (counts(t, k))
                corners_[place[triangles_[3 * t + k]]++] = static_cast<std::int32_t>(k * triangleCount_ + t);
}

void LaplacianPattern::joinEdges() {
    std::vector<std::int64_t> start(static_cast<std::size_t>(vertexCount_) + 1, 0);
    const auto eachEdge = [&](auto&& use) {
        for (std::int64_t t = 0; t < triangleCount_; ++t) {
            for (int k = 0; k < 3; ++k) {
                const std::int32_t i = triangles_[3 * t + (k + 1) % 3], j = triangles_[3 * t + (k + 2) % 3];
                if (i != j) use(i, j, static_cast<std::int32_t>(k * triangleCount_ + t));
            }
        }
    };
    eachEdge([&](std::int32_t i, std::int32_t j, std::int32_t) { ++start[i], ++start[j]; });
    prefixSums(start);
    std::vector<Incidence> found(static_cast<std::size_t>(start.back()));
    std::vector<std::int64_t> place(start.begin(), start.end() - 1);
    eachEdge([&](std::int32_t i, std::int32_t j, std::int32_t corner) {
        found[place[i]++] = {j, corner};
        found[place[j]++] = {i, corner};
    });

    columnStart_.reserve(start.size());
    columnStart_.push_back(0);
    diagonal_.reserve(start.size());
    rows_.reserve(found.size() / 2 + start.size());
    edgeCorners_.reserve(found.size() / 2 + 2);
    edgeEntries_.reserve(found.size() / 2 + 2);
    sharedStart_.push_back(0);
    for (std::int32_t v = 0; v < vertexCount_; ++v) {
        const auto begin = found.begin() + start[v], end = found.begin() + start[v + 1];
        std::sort(begin, end);
        bool passed = false;
        for (auto at = begin; at != end;) {
            auto next = at;
            while (next != end && next->row == at->row) ++next;
            if (!passed && at->row > v) {
                passed = true;
                diagonal_.push_back(nonZeros());
                rows_.push_back(v);
            }
            if (at->row > v) joinEdge(found.data() + (at - found.begin()), next - at);
            rows_.push_back(at->row);
            at = next;
        }
        if (!passed) {
            diagonal_.push_back(nonZeros());
            rows_.push_back(v);
        }
        columnStart_.push_back(nonZeros());
    }
    // The entries above the diagonal of a column come in the order in which earlier columns name it.
    std::vector<std::int64_t> above(columnStart_.begin(), columnStart_.end() - 1);
    for (std::size_t e = 0; e < edgeEntries_.size(); e += 2)
        edgeEntries_[e + 1] = static_cast<std::uint32_t>(above[rows_[edgeEntries_[e]]]++);
}

// The edge whose entry below the diagonal is the next one, with `count` corners.
void LaplacianPattern::joinEdge(const Incidence* corners, std::int64_t count) {
    const std::int32_t zero = static_cast<std::int32_t>(3 * triangleCount_);
    edgeEntries_.insert(edgeEntries_.end(), {static_cast<std::uint32_t>(nonZeros()), 0});
    if (count <= 2) {
        edgeCorners_.insert(edgeCorners_.end(), {corners[0].corner, count == 2 ? corners[1].corner : zero});
        return;
    }
    edgeCorners_.insert(edgeCorners_.end(), {zero + static_cast<std::int32_t>(sharedStart_.size()), zero});
    for (std::int64_t i = 0; i < count; ++i) shared_.push_back(corners[i].corner);
    sharedStart_.push_back(static_cast<std::int64_t>(shared_.size()));
}

// Half cotangents at the corners -> entries. `corners` has room for the zero and the shared sums at its end.
void LaplacianPattern::columns(double* corners, double* values) const {
    const LaplacianKernels& run = kernels().laplacian;
    const auto shared = static_cast<std::int64_t>(sharedStart_.size()) - 1;
    double* tail = corners + 3 * triangleCount_;
    tail[0] = 0;
    run.sumGroups(corners, sharedStart_.data(), shared_.data(), 0, shared, tail + 1);
    const auto edges = static_cast<std::int64_t>(edgeCorners_.size() / 2);
    parallelFor(edges, kEdgeGrain, [&](std::int64_t begin, std::int64_t end) {
        run.edges(corners, edgeCorners_.data(), edgeEntries_.data(), begin, end, values);
    });
    parallelFor(vertexCount_, kVertexGrain, [&](std::int64_t begin, std::int64_t end) {
        run.diagonals(columnStart_.data(), diagonal_.data(), begin, end, values);
    });
}

void LaplacianPattern::cotangent(const ConstFrames& positions, double* values) const {
    const LaplacianKernels& run = kernels().laplacian;
    const auto corners = roomFor(3 * triangleCount_ + static_cast<std::int64_t>(sharedStart_.size()));
    const bool single = positions.scalar == Scalar::float32;
    runCorners(single ? run.halfCotangentsFloat : run.halfCotangentsDouble, positions, triangles_.data(),
               triangleCount_, corners.get());
    columns(corners.get(), values);
}

void LaplacianPattern::cotangentFromLengths(const double* lengths, double* values) const {
    const auto corners = roomFor(3 * triangleCount_ + static_cast<std::int64_t>(sharedStart_.size()));
    for (std::int64_t t = 0; t < triangleCount_; ++t) {
        const LengthShape shape(lengths + 3 * t);
        for (int k = 0; k < 3; ++k) corners[k * triangleCount_ + t] = shape.dot[k] * (0.5 / shape.divisor);
    }
    columns(corners.get(), values);
}

void LaplacianPattern::uniform(double* values) const {
    for (std::int64_t v = 0; v < vertexCount_; ++v) {
        std::fill(values + columnStart_[v], values + columnStart_[v + 1], -1.0);
        values[diagonal_[v]] = static_cast<double>(columnStart_[v + 1] - columnStart_[v] - 1);
    }
}

void LaplacianPattern::sumAreas(const double* areas, double* mass) const {
    parallelFor(vertexCount_, kVertexGrain, [&](std::int64_t begin, std::int64_t end) {
        kernels().laplacian.sumGroups(areas, cornerStart_.data(), corners_.data(), begin, end, mass);
    });
}

void LaplacianPattern::mass(const ConstFrames& positions, MassKind kind, double* mass) const {
    const LaplacianKernels& run = kernels().laplacian;
    const auto areas = roomFor(3 * triangleCount_);
    const bool single = positions.scalar == Scalar::float32;
    const LaplacianKernels::Corners kernel = kind == MassKind::voronoi
                                                 ? (single ? run.voronoiAreasFloat : run.voronoiAreasDouble)
                                                 : (single ? run.thirdAreasFloat : run.thirdAreasDouble);
    runCorners(kernel, positions, triangles_.data(), triangleCount_, areas.get());
    sumAreas(areas.get(), mass);
}

void LaplacianPattern::massFromLengths(const double* lengths, MassKind kind, double* mass) const {
    // Unlike `mass`, corners that a triangle has twice count: a flipped triangle may visit a vertex twice.
    std::fill(mass, mass + vertexCount_, 0.0);
    for (std::int64_t t = 0; t < triangleCount_; ++t) {
        const LengthShape shape(lengths + 3 * t);
        const double* dot = shape.dot;
        const bool obtuse = dot[0] < 0 || dot[1] < 0 || dot[2] < 0;
        double q[3];
        for (int k = 0; k < 3; ++k)
            q[k] = (dot[(k + 1) % 3] + dot[(k + 2) % 3]) * dot[k] * (0.125 / shape.divisor);
        for (int k = 0; k < 3; ++k) {
            double area = shape.doubled / 6;
            if (kind == MassKind::voronoi)
                area = obtuse ? shape.doubled * (dot[k] < 0 ? 0.25 : 0.125) : q[(k + 1) % 3] + q[(k + 2) % 3];
            mass[triangles_[3 * t + k]] += area;
        }
    }
}

void LaplacianPattern::gradientPattern(std::int64_t* columnStart, std::int32_t* rows) const {
    for (std::int64_t v = 0; v <= vertexCount_; ++v) columnStart[v] = 3 * cornerStart_[v];
    for (std::size_t i = 0; i < corners_.size(); ++i)
        for (int c = 0; c < 3; ++c)
            rows[3 * i + c] = static_cast<std::int32_t>(3 * (corners_[i] % triangleCount_) + c);
}

void LaplacianPattern::gradient(const ConstFrames& positions, double* values) const {
    const LaplacianKernels& run = kernels().laplacian;
    const auto planes = roomFor(9 * triangleCount_);
    const bool single = positions.scalar == Scalar::float32;
    runCorners(single ? run.gradientsFloat : run.gradientsDouble, positions, triangles_.data(),
               triangleCount_, planes.get());
    for (std::size_t i = 0; i < corners_.size(); ++i)
        for (int c = 0; c < 3; ++c) values[3 * i + c] = planes[3 * c * triangleCount_ + corners_[i]];
}

}  // namespace mien
