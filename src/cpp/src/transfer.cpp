#include "mien/transfer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "held_laplacian.h"
#include "kernels/table.h"
#include "mien/error.h"
#include "mien/parallel.h"
#include "points.h"
#include "scratch.h"

namespace mien {
namespace {

constexpr int kLanes = kTransferLanes;
constexpr std::int64_t kRow = 3 * kLanes;
constexpr std::int64_t kChunk = 64;  // vertices whose lanes are filled together: 12 KiB

// A triangle whose doubled area is below this share of its longest edge's square has no gradient.
constexpr double kFlat = 1e-12;

using Points = std::vector<double>;

Points pointsOf(const ConstFrames& view, const char* name) {
    if (view.frames != 1) throw Error(Status::invalidArgument, std::string(name) + " must be one frame");
    Points out(3 * static_cast<std::size_t>(view.vertices));
    for (std::int64_t v = 0; v < view.vertices; ++v) {
        double p[3];
        getPoint(view, 0, v, p);
        std::copy(p, p + 3, out.begin() + 3 * v);
    }
    return out;
}

// Diagonal of a solid box with the spread of the points: as large as the face.
double extentOf(const Points& points) {
    const double count = static_cast<double>(points.size()) / 3;
    if (count == 0) return 0;
    double squares = 0, mean[3] = {0, 0, 0};
    for (std::size_t k = 0; k < points.size(); ++k) mean[k % 3] += points[k] / count;
    for (std::size_t k = 0; k < points.size(); ++k) {
        const double d = points[k] - mean[k % 3];
        squares += d * d;
    }
    return std::sqrt(12 * squares / count);
}

double powerOfTwoNear(double length) {
    if (!(length > 0)) return 1;
    int exponent = 0;
    std::frexp(length, &exponent);
    return std::ldexp(1.0, exponent);
}

// Edges a, b and normal m of a triangle, columns of a matrix; false where it has no area.
bool frameOf(const Points& points, const std::int32_t* v, double unit, double (&columns)[3][3]) {
    double lengths[3] = {0, 0, 0};
    for (int c = 0; c < 3; ++c) {
        const double first = points[3 * static_cast<std::size_t>(v[0]) + c];
        columns[0][c] = (points[3 * static_cast<std::size_t>(v[1]) + c] - first) / unit;
        columns[1][c] = (points[3 * static_cast<std::size_t>(v[2]) + c] - first) / unit;
        const double third = columns[1][c] - columns[0][c];
        lengths[0] += columns[0][c] * columns[0][c];
        lengths[1] += columns[1][c] * columns[1][c];
        lengths[2] += third * third;
    }
    double square = 0;
    for (int c = 0; c < 3; ++c) {
        const int i = (c + 1) % 3, j = (c + 2) % 3;
        columns[2][c] = columns[0][i] * columns[1][j] - columns[0][j] * columns[1][i];
        square += columns[2][c] * columns[2][c];
    }
    const double area = std::sqrt(square);
    for (double& c : columns[2]) c = area > 0 ? c / std::sqrt(area) : 0;
    return area > kFlat * std::max({lengths[0], lengths[1], lengths[2]});
}

// Row-major inverse of a matrix given by columns.
void invert(const double (&m)[3][3], double* out) {
    double cofactors[3][3], determinant = 0;
    for (int k = 0; k < 3; ++k)
        for (int c = 0; c < 3; ++c) {
            const double *a = m[(k + 1) % 3], *b = m[(k + 2) % 3];
            cofactors[k][c] = a[(c + 1) % 3] * b[(c + 2) % 3] - a[(c + 2) % 3] * b[(c + 1) % 3];
        }
    for (int c = 0; c < 3; ++c) determinant += m[0][c] * cofactors[0][c];
    for (int k = 0; k < 3; ++k)
        for (int c = 0; c < 3; ++c) out[3 * k + c] = cofactors[k][c] / determinant;
}

void requireIndices(const std::int32_t* indices, std::int64_t count, std::int64_t least, std::int64_t below,
                    const char* name) {
    for (std::int64_t k = 0; k < count; ++k)
        if (indices[k] < least || indices[k] >= below)
            throw Error(Status::invalidArgument,
                        std::string(name) + " must be at least " + std::to_string(least) + " and below " +
                            std::to_string(below) + ", got " + std::to_string(indices[k]));
}

}  // namespace

void deformationGradients(const ConstFrames& neutral, const std::int32_t* triangles,
                          std::int64_t triangleCount, const ConstFrames& positions, void* out) {
    const Points rest = pointsOf(neutral, "neutral");
    if (positions.vertices != neutral.vertices)
        throw Error(Status::invalidArgument, "positions must have the vertices of neutral");
    requireIndices(triangles, 3 * triangleCount, 0, neutral.vertices, "triangles");
    std::vector<double> inverses(9 * static_cast<std::size_t>(triangleCount));
    std::vector<char> flat(static_cast<std::size_t>(triangleCount));
    for (std::int64_t t = 0; t < triangleCount; ++t) {
        double columns[3][3];
        flat[t] = !frameOf(rest, triangles + 3 * t, 1, columns);
        if (!flat[t]) invert(columns, inverses.data() + 9 * t);
    }
    const std::int64_t blocks = (positions.frames + kLanes - 1) / kLanes;
    const auto put = [&](const double* block, std::int64_t b, std::int64_t t, std::int64_t count, auto* to) {
        for (int lane = 0; lane < kLanes && b * kLanes + lane < positions.frames; ++lane) {
            auto* at = to + ((b * kLanes + lane) * triangleCount + t) * 9;
            for (std::int64_t k = 0; k < 9 * count; ++k)
                at[k] = static_cast<std::decay_t<decltype(*at)>>(flat[t + k / 9] ? k % 9 % 4 == 0
                                                                                 : block[k * kLanes + lane]);
        }
    };
    parallelFor(blocks, 1, [&](std::int64_t begin, std::int64_t end) {
        Scratch scratch, tile;
        auto* x = static_cast<double*>(scratch.reserve(positions.vertices * kRow * sizeof(double)));
        auto* block = static_cast<double*>(tile.reserve(kChunk * 9 * kLanes * sizeof(double)));
        for (std::int64_t b = begin; b < end; ++b) {
            for (std::int64_t v = 0; v < positions.vertices; ++v)
                for (int lane = 0; lane < kLanes; ++lane) {
                    double p[3];
                    getPoint(positions, std::min(b * kLanes + lane, positions.frames - 1), v, p);
                    for (int c = 0; c < 3; ++c) x[v * kRow + c * kLanes + lane] = p[c];
                }
            for (std::int64_t t = 0; t < triangleCount; t += kChunk) {
                const std::int64_t count = std::min(kChunk, triangleCount - t);
                kernels().transfer.gradientsDouble(triangles + 3 * t, inverses.data() + 9 * t, count, x,
                                                   block);
                if (positions.scalar == Scalar::float32)
                    put(block, b, t, count, static_cast<float*>(out));
                else
                    put(block, b, t, count, static_cast<double*>(out));
            }
        }
    });
}

void splitGradients(const double* matrices, std::int64_t count, double* rotation, double* stretch) {
    parallelFor((count + kLanes - 1) / kLanes, 64, [&](std::int64_t begin, std::int64_t end) {
        alignas(64) double from[9 * kLanes], to[9 * kLanes];
        for (std::int64_t b = begin; b < end; ++b) {
            for (int lane = 0; lane < kLanes; ++lane)
                for (int i = 0; i < 9; ++i)
                    from[i * kLanes + lane] = matrices[9 * std::min(b * kLanes + lane, count - 1) + i];
            kernels().transfer.rotationsDouble(from, to);
            for (int lane = 0; lane < kLanes && b * kLanes + lane < count; ++lane) {
                const std::int64_t k = 9 * (b * kLanes + lane);
                for (int i = 0; i < 9; ++i) rotation[k + i] = to[i * kLanes + lane];
                if (!stretch) continue;
                double product[3][3];
                for (int i = 0; i < 3; ++i)
                    for (int j = 0; j < 3; ++j) {
                        product[i][j] = 0;
                        for (int n = 0; n < 3; ++n)
                            product[i][j] += rotation[k + 3 * n + i] * matrices[k + 3 * n + j];
                    }
                for (int i = 0; i < 3; ++i)
                    for (int j = 0; j < 3; ++j)
                        stretch[k + 3 * i + j] = 0.5 * (product[i][j] + product[j][i]);
            }
        }
    });
}

// Parts that nothing holds: how far their triangles move on average, by area.
struct PartMean {
    std::vector<std::int32_t> vertices;                           // all of the target's part
    std::vector<std::pair<std::int32_t, double>> target, source;  // row of the target, vertex of the source
};

struct DeformationTransfer::State {
    Scalar storage;
    std::int64_t sourceVertices;
    double sourceUnit = 1, targetUnit = 1;
    Points source, target;  // scene units
    std::vector<TransferTriangle> triangles;
    std::vector<float> floats;
    std::vector<double> doubles;
    std::vector<PartMean> means;
    std::unique_ptr<const HeldLaplacian> system;

    void addTriangles(const std::int32_t* sourceTriangles, const std::int32_t* targetTriangles,
                      std::int64_t targetCount, const std::int32_t* correspondence,
                      const std::vector<std::array<double, 3>>& cotangents);
    void addMeans(const std::vector<std::int32_t>& part, const std::vector<char>& anchored);
    template <class T>
    void apply(const ConstFrames& expression, const Frames& out) const;
    template <class T>
    void shift(const T* d, T* x, std::vector<double>& shifts) const;
};

namespace {

template <class T>
std::vector<T> numbersOf(const std::vector<double>& doubles) {
    return std::vector<T>(doubles.begin(), doubles.end());
}

double meanEdge(const Points& points, const std::int32_t* triangles, std::int64_t count) {
    double sum = 0;
    for (std::int64_t k = 0; k < 3 * count; ++k) {
        const std::int64_t next = k % 3 == 2 ? k - 2 : k + 1;
        double square = 0;
        for (int c = 0; c < 3; ++c) {
            const double d = points[3 * static_cast<std::size_t>(triangles[next]) + c] -
                             points[3 * static_cast<std::size_t>(triangles[k]) + c];
            square += d * d;
        }
        sum += std::sqrt(square);
    }
    return count > 0 ? sum / static_cast<double>(3 * count) : 0;
}

}  // namespace

// What column k of a gradient gives to corner a: the row k of V^-1 times sum_b w_ab (v_a - v_b), the
// Laplacian of the one triangle, so that linear maps are met whatever the weights are.
void DeformationTransfer::State::addTriangles(const std::int32_t* sourceTriangles,
                                              const std::int32_t* targetTriangles, std::int64_t targetCount,
                                              const std::int32_t* correspondence,
                                              const std::vector<std::array<double, 3>>& cotangents) {
    std::vector<std::int32_t> list;
    for (std::int64_t t = 0; t < targetCount; ++t) list.push_back(static_cast<std::int32_t>(t));
    const auto lowest = [&](std::int32_t t) {
        const std::int32_t* v = targetTriangles + 3 * t;
        return std::min({system->rank[v[0]], system->rank[v[1]], system->rank[v[2]]});
    };
    std::stable_sort(list.begin(), list.end(),
                     [&](std::int32_t a, std::int32_t b) { return lowest(a) < lowest(b); });
    for (const std::int32_t t : list) {
        const std::int32_t mapped = correspondence ? correspondence[t] : t;
        const std::int32_t* to = targetTriangles + 3 * t;
        if (mapped < 0 || to[0] == to[1] || to[1] == to[2] || to[2] == to[0]) continue;
        const std::int32_t* from = sourceTriangles + 3 * mapped;
        double columns[3][3], inverse[9], numbers[kTransferNumbers] = {};
        if (!frameOf(source, from, sourceUnit, columns)) continue;
        invert(columns, inverse);
        TransferTriangle triangle;
        for (int k = 0; k < 3; ++k) triangle.source[k] = from[k], triangle.target[k] = system->rank[to[k]];
        for (int c = 0; c < 3; ++c) numbers[c] = columns[0][c], numbers[3 + c] = columns[1][c];
        for (int a = 1; a < 3; ++a) {
            double pull[3] = {0, 0, 0};
            for (int b = 0; b < 3; ++b) {
                if (b == a) continue;
                for (int c = 0; c < 3; ++c)
                    pull[c] += cotangents[t][3 - a - b] * ((target[3 * static_cast<std::size_t>(to[a]) + c] -
                                                            target[3 * static_cast<std::size_t>(to[b]) + c]) /
                                                           targetUnit);
            }
            for (int k = 0; k < 3; ++k)
                for (int c = 0; c < 3; ++c) numbers[9 + 3 * (a - 1) + k] += inverse[3 * k + c] * pull[c];
        }
        triangles.push_back(triangle);
        doubles.insert(doubles.end(), numbers, numbers + kTransferNumbers);
    }
    floats = numbersOf<float>(doubles);
    const auto count = static_cast<std::int64_t>(triangles.size());
    kernels().transfer.normalsFloat(count, floats.data());
    kernels().transfer.normalsDouble(count, doubles.data());
    if (storage == Scalar::float64) floats.clear();
}

void DeformationTransfer::State::addMeans(const std::vector<std::int32_t>& part,
                                          const std::vector<char>& anchored) {
    const double size = extentOf(source) > 0 ? extentOf(target) / extentOf(source) : 1.0;
    const double toTarget = size * sourceUnit / targetUnit;
    std::vector<std::vector<double>> areas(anchored.size());
    std::vector<std::vector<const TransferTriangle*>> members(anchored.size());
    for (const TransferTriangle& t : triangles) {
        std::int32_t corners[3];
        for (int k = 0; k < 3; ++k) corners[k] = system->order[t.target[k]];
        const std::int32_t p = part[corners[0]];
        if (anchored[p]) continue;
        double columns[3][3];
        frameOf(target, corners, targetUnit, columns);
        double squares = 0;  // |m|^2 = |n| = the doubled area
        for (const double c : columns[2]) squares += c * c;
        areas[p].push_back(squares);
        members[p].push_back(&t);
    }
    for (std::size_t p = 0; p < anchored.size(); ++p) {
        const double total = std::accumulate(areas[p].begin(), areas[p].end(), 0.0);
        if (!(total > 0)) continue;
        std::vector<double> ofTarget(part.size(), 0.0),
            ofSource(static_cast<std::size_t>(sourceVertices), 0.0);
        for (std::size_t k = 0; k < members[p].size(); ++k)
            for (int c = 0; c < 3; ++c) {
                ofTarget[members[p][k]->target[c]] += areas[p][k] / (3 * total);
                ofSource[members[p][k]->source[c]] += toTarget * areas[p][k] / (3 * total);
            }
        PartMean mean;
        for (std::size_t v = 0; v < part.size(); ++v)
            if (part[v] == static_cast<std::int32_t>(p)) mean.vertices.push_back(system->rank[v]);
        for (std::size_t i = 0; i < ofTarget.size(); ++i)
            if (ofTarget[i] != 0) mean.target.emplace_back(static_cast<std::int32_t>(i), ofTarget[i]);
        for (std::size_t i = 0; i < ofSource.size(); ++i)
            if (ofSource[i] != 0) mean.source.emplace_back(static_cast<std::int32_t>(i), ofSource[i]);
        means.push_back(std::move(mean));
    }
}

DeformationTransfer::DeformationTransfer(const ConstFrames& sourceNeutral,
                                         const std::int32_t* sourceTriangles,
                                         std::int64_t sourceTriangleCount, const ConstFrames& targetNeutral,
                                         const std::int32_t* targetTriangles,
                                         std::int64_t targetTriangleCount, const std::int32_t* correspondence,
                                         const std::int32_t* anchors, std::int64_t anchorCount,
                                         const TransferOptions& options) {
    auto state = std::make_unique<State>();
    state->storage = options.storage;
    state->sourceVertices = sourceNeutral.vertices;
    state->source = pointsOf(sourceNeutral, "the source's neutral");
    state->target = pointsOf(targetNeutral, "the target's neutral");
    requireIndices(sourceTriangles, 3 * sourceTriangleCount, 0, sourceNeutral.vertices, "source triangles");
    requireIndices(targetTriangles, 3 * targetTriangleCount, 0, targetNeutral.vertices, "target triangles");
    requireIndices(anchors, anchorCount, 0, targetNeutral.vertices, "anchors");
    if (correspondence)
        requireIndices(correspondence, targetTriangleCount, -1, sourceTriangleCount, "correspondence");
    else if (sourceTriangleCount != targetTriangleCount)
        throw Error(Status::invalidArgument, "source and target must have as many triangles");
    state->sourceUnit = powerOfTwoNear(meanEdge(state->source, sourceTriangles, sourceTriangleCount));
    state->targetUnit = powerOfTwoNear(meanEdge(state->target, targetTriangles, targetTriangleCount));

    const MeshGraph graph(targetTriangles, targetTriangleCount, targetNeutral.vertices);
    const auto cotangents = halfCotangents(state->target, targetTriangles, targetTriangleCount);
    std::vector<double> weights(graph.neighbours.size(), 0.0);
    for (std::int64_t t = 0; t < targetTriangleCount; ++t) {
        const std::int32_t* v = targetTriangles + 3 * t;
        if (v[0] == v[1] || v[1] == v[2] || v[2] == v[0]) continue;
        for (int k = 0; k < 3; ++k) {
            const std::int32_t a = v[(k + 1) % 3], b = v[(k + 2) % 3];
            weights[graph.slot(a, b)] += cotangents[t][k];
            weights[graph.slot(b, a)] += cotangents[t][k];
        }
    }
    const std::vector<std::int32_t> part = connectedParts(graph, weights);
    const std::int32_t parts = part.empty() ? 0 : *std::max_element(part.begin(), part.end()) + 1;
    std::vector<char> held(part.size(), 0), anchored(static_cast<std::size_t>(parts), 0), pinned;
    for (std::int64_t k = 0; k < anchorCount; ++k) held[anchors[k]] = anchored[part[anchors[k]]] = 1;
    pinned = anchored;
    for (std::size_t v = 0; v < part.size(); ++v) {
        if (pinned[part[v]]) continue;
        pinned[part[v]] = held[v] = 1;
    }
    state->system = std::make_unique<HeldLaplacian>(graph, weights, held, state->target, options.storage);
    state->addTriangles(sourceTriangles, targetTriangles, targetTriangleCount, correspondence, cotangents);
    state->addMeans(part, anchored);
    state_ = std::move(state);
}

DeformationTransfer::DeformationTransfer(DeformationTransfer&&) noexcept = default;
DeformationTransfer& DeformationTransfer::operator=(DeformationTransfer&&) noexcept = default;
DeformationTransfer::~DeformationTransfer() = default;

std::int64_t DeformationTransfer::sourceVertices() const {
    return state_->sourceVertices;
}
std::int64_t DeformationTransfer::targetVertices() const {
    return static_cast<std::int64_t>(state_->target.size() / 3);
}

template <class T>
void DeformationTransfer::State::shift(const T* d, T* x, std::vector<double>& shifts) const {
    for (const PartMean& mean : means) {
        shifts.assign(kRow, 0.0);
        for (const auto& [v, weight] : mean.source)
            for (std::int64_t k = 0; k < kRow; ++k) shifts[k] += weight * d[v * kRow + k];
        for (const auto& [i, weight] : mean.target)
            for (std::int64_t k = 0; k < kRow; ++k) shifts[k] -= weight * x[i * kRow + k];
        for (const std::int32_t i : mean.vertices)
            for (std::int64_t k = 0; k < kRow; ++k) x[i * kRow + k] += static_cast<T>(shifts[k]);
    }
}

template <class T>
void DeformationTransfer::State::apply(const ConstFrames& expression, const Frames& out) const {
    const auto vertices = static_cast<std::int64_t>(target.size() / 3);
    const auto count = static_cast<std::int64_t>(triangles.size());
    const auto& table = kernels().transfer;
    const auto scatter = sizeof(T) == 4 ? table.scatterFloat : table.scatterDouble;
    const void* numbers = sizeof(T) == 4 ? static_cast<const void*>(floats.data()) : doubles.data();
    parallelFor((expression.frames + kLanes - 1) / kLanes, 1, [&](std::int64_t begin, std::int64_t end) {
        Scratch first, second;
        T* d = static_cast<T*>(first.reserve(static_cast<std::size_t>(sourceVertices * kRow) * sizeof(T)));
        T* x = static_cast<T*>(second.reserve(static_cast<std::size_t>(vertices * kRow) * sizeof(T)));
        std::vector<double> shifts;
        for (std::int64_t b = begin; b < end; ++b) {
            const auto frame = [&](int lane) { return std::min(b * kLanes + lane, expression.frames - 1); };
            for (std::int64_t chunk = 0; chunk < sourceVertices; chunk += kChunk)
                for (int lane = 0; lane < kLanes; ++lane)
                    for (std::int64_t v = chunk; v < std::min(chunk + kChunk, sourceVertices); ++v) {
                        double p[3];
                        getPoint(expression, frame(lane), v, p);
                        for (int c = 0; c < 3; ++c)
                            d[v * kRow + c * kLanes + lane] =
                                static_cast<T>((p[c] - source[3 * v + c]) / sourceUnit);
                    }
            std::fill_n(x, vertices * kRow, T(0));
            scatter(triangles.data(), numbers, count, d, x);
            std::fill(x + system->freeCount * kRow, x + vertices * kRow, T(0));
            system->solve(x, static_cast<int>(kRow));
            shift(d, x, shifts);
            for (std::int64_t chunk = 0; chunk < vertices; chunk += kChunk)
                for (int lane = 0; lane < kLanes && b * kLanes + lane < expression.frames; ++lane)
                    for (std::int64_t v = chunk; v < std::min(chunk + kChunk, vertices); ++v) {
                        double p[3];
                        for (int c = 0; c < 3; ++c)
                            p[c] = target[3 * v + c] +
                                   targetUnit * x[system->rank[v] * kRow + c * kLanes + lane];
                        putPoint(out, frame(lane), v, p);
                    }
        }
    });
}

void DeformationTransfer::apply(const ConstFrames& expression, const Frames& out) const {
    if (expression.vertices != sourceVertices() || out.vertices != targetVertices() ||
        out.frames != expression.frames)
        throw Error(Status::invalidArgument, "expression and out must fit the source and the target");
    if (state_->storage == Scalar::float32)
        state_->apply<float>(expression, out);
    else
        state_->apply<double>(expression, out);
}

}  // namespace mien
