#include "mien/arap_deformer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "arap_cells.h"
#include "held_laplacian.h"
#include "horn.h"
#include "kernels/table.h"
#include "mien/error.h"
#include "mien/parallel.h"
#include "points.h"
#include "quaternion.h"
#include "scratch.h"

namespace mien {
namespace {

constexpr int kLanes = kArapLanes;
constexpr std::int64_t kRow = 3 * kLanes;
constexpr std::int64_t kChunk = 64;  // vertices: 12 KiB of rows
constexpr std::int64_t kRun = 16;    // frames of a lane that follow each other, at most

// What a fit of handles needs above rounding, relative, to have a rotation.
constexpr double kDetermined = 1e-9;

// Sums over pairs of points, for the rotation and translation that fit them best.
struct Pairs {
    double count = 0, rest[3] = {0, 0, 0}, moved[3] = {0, 0, 0}, cross[9] = {};

    void add(const double* p, const double* q) {
        count += 1;
        for (int i = 0; i < 3; ++i) {
            rest[i] += p[i], moved[i] += q[i];
            for (int j = 0; j < 3; ++j) cross[3 * i + j] += p[i] * q[j];
        }
    }
};

// x = rotation (v - rest) + moved.
struct Placement {
    double rotation[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1}, quaternion[4] = {1, 0, 0, 0};
    double rest[3] = {0, 0, 0}, moved[3] = {0, 0, 0};

    Placement() = default;
    explicit Placement(const Pairs& pairs);
    void apply(const double* v, double* out) const {
        for (int c = 0; c < 3; ++c) {
            out[c] = moved[c];
            for (int k = 0; k < 3; ++k) out[c] += rotation[3 * c + k] * (v[k] - rest[k]);
        }
    }
};

Placement::Placement(const Pairs& pairs) {
    double cross[9];
    for (int i = 0; i < 3; ++i) {
        rest[i] = pairs.rest[i] / pairs.count, moved[i] = pairs.moved[i] / pairs.count;
        for (int j = 0; j < 3; ++j)
            cross[3 * i + j] = pairs.cross[3 * i + j] - pairs.rest[i] * pairs.moved[j] / pairs.count;
    }
    const RotationFit fit = fitRotation(cross);
    if (!(fit.gap > kDetermined * std::fabs(fit.largest))) return;
    std::memcpy(rotation, fit.rotation, sizeof(rotation));
    quaternionOf(rotation, quaternion);
}

}  // namespace

struct ArapDeformer::State {
    State(const ConstFrames& shape, const std::int32_t* triangles, std::int64_t triangleCount,
          const std::int32_t* handleList, std::int64_t handleCount, const std::int32_t* anchors,
          std::int64_t anchorCount, const ArapOptions& options);

    Scalar storage;
    std::int64_t vertices;
    double unit = 1;                    // a power of two about as long as an edge
    std::vector<double> neutral, rest;  // V x 3, scene units; `rest` is relative to `centre`
    double centre[3] = {0, 0, 0};       // of the handles
    std::vector<std::int32_t> handles;  // in the caller's order
    std::vector<std::int32_t> still;    // held where the neutral has them
    Pairs anchored;                     // of the anchors, neutral to neutral, relative to `centre`
    std::unique_ptr<const HeldLaplacian> system;
    std::unique_ptr<const ArapCellArrays> cells;
};

ArapDeformer::State::State(const ConstFrames& shape, const std::int32_t* triangles,
                           std::int64_t triangleCount, const std::int32_t* handleList,
                           std::int64_t handleCount, const std::int32_t* anchors, std::int64_t anchorCount,
                           const ArapOptions& options)
    : storage(options.storage), vertices(shape.vertices), handles(handleList, handleList + handleCount) {
    if (shape.frames != 1) throw Error(Status::invalidArgument, "neutral must be one frame");
    if (handleCount < 1) throw Error(Status::invalidArgument, "handles must name at least one vertex");
    std::vector<char> held(static_cast<std::size_t>(vertices), 0);
    for (const std::int32_t v : handles) {
        if (v < 0 || v >= vertices || held[v])
            throw Error(Status::invalidArgument, "handles must be different vertices below " +
                                                     std::to_string(vertices) + ", got " + std::to_string(v));
        held[v] = 1;
    }
    neutral.resize(3 * static_cast<std::size_t>(vertices));
    for (std::int64_t v = 0; v < vertices; ++v) {
        double p[3];
        getPoint(shape, 0, v, p);
        std::copy_n(p, 3, neutral.begin() + 3 * v);
    }
    rest = neutral;
    for (const std::int32_t v : handles)
        for (int c = 0; c < 3; ++c) centre[c] += rest[3 * static_cast<std::size_t>(v) + c] / handleCount;
    for (std::int64_t v = 0; v < vertices; ++v)
        for (int c = 0; c < 3; ++c) rest[3 * v + c] -= centre[c];
    for (std::int64_t k = 0; k < anchorCount; ++k) {
        const std::int32_t v = anchors[k];
        if (v < 0 || v >= vertices)
            throw Error(Status::invalidArgument, "anchors must be vertices below " +
                                                     std::to_string(vertices) + ", got " + std::to_string(v));
        if (held[v]) continue;
        held[v] = 1;
        still.push_back(v);
        anchored.add(rest.data() + 3 * v, rest.data() + 3 * v);
    }

    const MeshGraph graph(triangles, triangleCount, vertices);
    const CellWeights weights(graph, rest, triangles, triangleCount, options);
    unit = weights.unit;
    const std::vector<std::int32_t> part = connectedParts(graph, weights.edges);
    std::vector<char> reached(static_cast<std::size_t>(vertices), 0);
    for (std::int64_t v = 0; v < vertices; ++v)
        if (held[v]) reached[part[v]] = 1;
    for (std::int32_t v = 0; v < vertices; ++v) {
        if (held[v] || reached[part[v]]) continue;
        held[v] = 1;
        still.push_back(v);
    }
    auto laplacian = std::make_unique<HeldLaplacian>(graph, weights.edges, held, rest, storage);
    cells = std::make_unique<ArapCellArrays>(graph, weights, laplacian->order, laplacian->rank, storage);
    system = std::move(laplacian);
}

namespace {

// Sixteen frames, one in each lane, and the steps that they take.
template <class T, class State>
class Block {
  public:
    explicit Block(const State& state)
        : state_(state), system_(*state.system), cells_(state.cells->of(state.storage)) {
        const auto n = static_cast<std::size_t>(state.vertices);
        u_ = static_cast<T*>(positions_.reserve(n * kRow * sizeof(T)));
        r_ = static_cast<T*>(residuals_.reserve(n * kRow * sizeof(T)));
        q_ = static_cast<T*>(rotations_.reserve(n * 4 * kLanes * sizeof(T)));
        std::fill_n(r_, n * kRow, T(0));
    }

    // The held vertices of one lane, and its origin: the middle of what is held on purpose.
    void hold(int lane, const ConstFrames& targets, std::int64_t f) {
        Pairs pairs = state_.anchored;
        double p[3];
        for (std::size_t k = 0; k < state_.handles.size(); ++k) {
            getPoint(targets, f, static_cast<std::int64_t>(k), p);
            for (int c = 0; c < 3; ++c) p[c] -= state_.centre[c];
            pairs.add(restOf(state_.handles[k]), p);
        }
        pairs_[lane] = pairs;
        for (int c = 0; c < 3; ++c) origin_[lane][c] = pairs.moved[c] / pairs.count;
        for (std::size_t k = 0; k < state_.handles.size(); ++k) {
            getPoint(targets, f, static_cast<std::int64_t>(k), p);
            for (int c = 0; c < 3; ++c) p[c] -= state_.centre[c];
            put(lane, state_.handles[k], p);
        }
        for (const std::int32_t v : state_.still) put(lane, v, restOf(v));
    }

    // The free vertices where the held ones place them as a rigid body.
    void place() {
        for (int lane = 0; lane < kLanes; ++lane) placements_[lane] = Placement(pairs_[lane]);
        inChunks(system_.freeCount, [&](int lane, std::int64_t i) {
            double p[3];
            placements_[lane].apply(restOf(system_.order[i]), p);
            put(lane, system_.order[i], p);
        });
        turn();
    }

    // ... or where the caller has them: frame(lane) of `start`.
    template <class Frame>
    void begin(const ConstFrames& start, const Frame& frame) {
        for (int lane = 0; lane < kLanes; ++lane) {
            Pairs pairs;
            for (std::int64_t v = 0; v < state_.vertices; ++v) {
                double p[3];
                placed(start, frame(lane), v, p);
                pairs.add(restOf(static_cast<std::int32_t>(v)), p);
            }
            placements_[lane] = Placement(pairs);
        }
        inChunks(system_.freeCount, [&](int lane, std::int64_t i) {
            double p[3];
            placed(start, frame(lane), system_.order[i], p);
            put(lane, system_.order[i], p);
        });
        turn();
    }

    void local(bool fit) {
        const auto& table = kernels().arap;
        (sizeof(T) == 4 ? table.localFloat : table.localDouble)(cells_, system_.nearCount, fit, u_, q_, r_);
    }

    void global() {
        const auto& table = kernels().arap;
        system_.solve(r_, static_cast<int>(kRow));
        (sizeof(T) == 4 ? table.advanceFloat : table.advanceDouble)(system_.freeCount * kRow, u_, r_);
    }

    void iterate(int iterations) {
        for (int k = 0; k < iterations && system_.freeCount > 0; ++k) local(true), global();
    }

    void energy(double* out) {
        const auto n = static_cast<std::size_t>(state_.vertices * kRow);
        double* wide = static_cast<double*>(wide_.reserve(n * sizeof(double)));
        std::copy_n(u_, n, wide);
        state_.cells->energy(wide, state_.unit, out);
    }

    // The first `lanes` frames, the first of them frame(0). Held vertices are copied from where they come, so
    // that they are met to the bit.
    template <class Frame>
    void store(int lanes, const ConstFrames& targets, const Frame& frame, const Frames& out) const {
        inChunks(state_.vertices, [&](int lane, std::int64_t v) {
            const std::int64_t i = system_.rank[v];
            if (lane >= lanes || i >= system_.freeCount) return;
            double p[3];
            for (int c = 0; c < 3; ++c)
                p[c] = u_[i * kRow + c * kLanes + lane] * state_.unit + origin_[lane][c] + state_.centre[c];
            putPoint(out, frame(lane), v, p);
        });
        for (int lane = 0; lane < lanes; ++lane) {
            double p[3];
            for (const std::int32_t v : state_.still) {
                for (int c = 0; c < 3; ++c) p[c] = state_.neutral[3 * static_cast<std::size_t>(v) + c];
                putPoint(out, frame(lane), v, p);
            }
            for (std::size_t k = 0; k < state_.handles.size(); ++k) {
                getPoint(targets, frame(lane), static_cast<std::int64_t>(k), p);
                putPoint(out, frame(lane), state_.handles[k], p);
            }
        }
    }

  private:
    const double* restOf(std::int32_t v) const {
        return state_.rest.data() + 3 * static_cast<std::size_t>(v);
    }
    void put(int lane, std::int32_t v, const double* p) {
        T* to = u_ + system_.rank[v] * kRow + lane;
        for (int c = 0; c < 3; ++c) to[c * kLanes] = static_cast<T>((p[c] - origin_[lane][c]) / state_.unit);
    }
    // All lanes of a few vertices, then of the next: their rows stay in the cache between lanes.
    template <class Visit>
    static void inChunks(std::int64_t count, const Visit& visit) {
        for (std::int64_t chunk = 0; chunk < count; chunk += kChunk)
            for (int lane = 0; lane < kLanes; ++lane)
                for (std::int64_t i = chunk; i < std::min(chunk + kChunk, count); ++i) visit(lane, i);
    }
    void placed(const ConstFrames& frames, std::int64_t f, std::int64_t v, double (&p)[3]) const {
        getPoint(frames, f, v, p);
        for (int c = 0; c < 3; ++c) p[c] -= state_.centre[c];
    }
    void turn() {
        T row[4 * kLanes];
        for (int c = 0; c < 4; ++c)
            for (int lane = 0; lane < kLanes; ++lane)
                row[c * kLanes + lane] = static_cast<T>(placements_[lane].quaternion[c]);
        for (std::int64_t i = 0; i < state_.vertices; ++i) std::copy_n(row, 4 * kLanes, q_ + 4 * kLanes * i);
    }

    const State& state_;
    const HeldLaplacian& system_;
    const ArapCells cells_;
    Scratch positions_, residuals_, rotations_, wide_;
    T *u_, *r_, *q_;
    Pairs pairs_[kLanes];
    Placement placements_[kLanes];
    double origin_[kLanes][3];
};

}  // namespace

ArapDeformer::ArapDeformer(const ConstFrames& neutral, const std::int32_t* triangles,
                           std::int64_t triangleCount, const std::int32_t* handles, std::int64_t handleCount,
                           const std::int32_t* anchors, std::int64_t anchorCount, const ArapOptions& options)
    : state_(std::make_unique<const State>(neutral, triangles, triangleCount, handles, handleCount, anchors,
                                           anchorCount, options)) {}
ArapDeformer::ArapDeformer(ArapDeformer&&) noexcept = default;
ArapDeformer& ArapDeformer::operator=(ArapDeformer&&) noexcept = default;
ArapDeformer::~ArapDeformer() = default;

std::int64_t ArapDeformer::vertices() const {
    return state_->vertices;
}
std::int64_t ArapDeformer::handles() const {
    return static_cast<std::int64_t>(state_->handles.size());
}
std::int64_t ArapDeformer::freeVertices() const {
    return state_->system->freeCount;
}

namespace {

// Frames `first`, `first` + stride, ... one in each lane; lanes past the end repeat the last one.
template <class T, class State>
void solveBlock16(Block<T, State>& block, const ConstFrames& targets, const ConstFrames* start,
                  const ArapSolveOptions& options, std::int64_t first, std::int64_t stride, bool warm,
                  const Frames& out, double* energy) {
    const auto frame = [&](int lane) { return std::min(first + lane * stride, targets.frames - 1); };
    for (int lane = 0; lane < kLanes; ++lane) block.hold(lane, targets, frame(lane));
    if (!warm && start)
        block.begin(*start, [&](int lane) { return start->frames == 1 ? 0 : frame(lane); });
    else if (!warm)
        block.place(), block.local(false), block.global();
    const int iterations = warm ? options.warmIterations : options.iterations;
    if (!energy) block.iterate(iterations);
    for (int k = 0; energy && k <= iterations; ++k) {
        double now[kLanes];
        block.energy(now);
        for (int lane = 0; lane < kLanes; ++lane) energy[frame(lane) * (iterations + 1) + k] = now[lane];
        if (k < iterations) block.iterate(1);
    }
    int lanes = 0;
    while (lanes < kLanes && first + lanes * stride < targets.frames) ++lanes;
    block.store(lanes, targets, frame, out);
}

template <class T, class State>
void solveAll(const State& state, const ConstFrames& targets, const ConstFrames* start,
              const ArapSolveOptions& options, const Frames& out, double* energy) {
    const bool warm = options.warmIterations >= 0;
    const std::int64_t run = warm ? std::min(kRun, (targets.frames + kLanes - 1) / kLanes) : std::int64_t{1};
    const std::int64_t size = run * kLanes;
    parallelFor((targets.frames + size - 1) / size, 1, [&](std::int64_t begin, std::int64_t end) {
        Block<T, State> block(state);
        for (std::int64_t b = begin; b < end; ++b)
            for (std::int64_t step = 0; step < run; ++step)
                solveBlock16(block, targets, start, options, b * size + step, run, step > 0, out, energy);
    });
}

}  // namespace

void ArapDeformer::solve(const ConstFrames& targets, const ConstFrames* start,
                         const ArapSolveOptions& options, const Frames& out, double* energy) const {
    const bool fits =
        targets.vertices == handles() && out.vertices == vertices() && out.frames == targets.frames &&
        options.iterations >= 0 && options.warmIterations >= -1 && !(energy && options.warmIterations >= 0) &&
        (!start ||
         (start->vertices == vertices() && (start->frames == 1 || start->frames == targets.frames)));
    if (!fits) throw Error(Status::invalidArgument, "targets, start, out and options must fit the deformer");
    const auto run = state_->storage == Scalar::float32 ? solveAll<float, State> : solveAll<double, State>;
    run(*state_, targets, start, options, out, energy);
}

void ArapDeformer::energy(const ConstFrames& positions, double* energy) const {
    const State& state = *state_;
    if (positions.vertices != state.vertices)
        throw Error(Status::invalidArgument, "positions must have the vertices of the neutral");
    const std::int64_t blocks = (positions.frames + kLanes - 1) / kLanes;
    parallelFor(blocks, 1, [&](std::int64_t begin, std::int64_t end) {
        Scratch scratch;
        const auto n = static_cast<std::size_t>(state.vertices * kRow);
        double* u = static_cast<double*>(scratch.reserve(n * sizeof(double)));
        for (std::int64_t b = begin; b < end; ++b) {
            for (int lane = 0; lane < kLanes; ++lane) {
                const std::int64_t f = std::min(b * kLanes + lane, positions.frames - 1);
                for (std::int64_t v = 0; v < state.vertices; ++v) {
                    double p[3];
                    getPoint(positions, f, v, p);
                    for (int c = 0; c < 3; ++c)
                        u[state.system->rank[v] * kRow + c * kLanes + lane] = p[c] / state.unit;
                }
            }
            double now[kLanes];
            state.cells->energy(u, state.unit, now);
            for (int lane = 0; lane < kLanes && b * kLanes + lane < positions.frames; ++lane)
                energy[b * kLanes + lane] = now[lane];
        }
    });
}

}  // namespace mien
