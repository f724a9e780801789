#include "laplacian_deformer_state.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "kernels/table.h"
#include "mien/error.h"
#include "mien/parallel.h"
#include "sparse_state.h"
#include "triangular.h"

namespace mien {
namespace {

// A float operation of a block solve, packing included, takes as long as this many of the product's.
constexpr double kSolveSlowness = 2.5;

// A response larger than this is not chosen: bytes.
constexpr double kMostResponse = 256e6;

// Before rotations no more handles than these have a response: each costs a solve once and saves part of one
// a frame.
constexpr std::int64_t kMostStarting = 16;

constexpr std::int64_t kSolveFrames = 16;            // a block: 48 columns
constexpr std::int64_t kResponseBytes = 256 * 1024;  // of panels that are worked on together
constexpr std::int64_t kResponseGroups = 16;         // groups of frames that a task takes
constexpr std::int64_t kAhead = 2;                   // panels between asking for memory and writing to it
constexpr std::int64_t kTurnGrain = 2048;

const char* at(const ConstFrames& view, std::int64_t f, std::int64_t v) {
    return static_cast<const char*>(view.data) + (view.frames == 1 ? 0 : f) * view.frameStride +
           v * view.vertexStride;
}

char* at(const Frames& view, std::int64_t f, std::int64_t v) {
    return static_cast<char*>(view.data) + f * view.frameStride + v * view.vertexStride;
}

void read(const char* from, Scalar scalar, double* to) {
    for (int c = 0; c < 3; ++c)
        to[c] = scalar == Scalar::float32 ? static_cast<double>(reinterpret_cast<const float*>(from)[c])
                                          : reinterpret_cast<const double*>(from)[c];
}

void write(const double* from, Scalar scalar, char* to) {
    for (int c = 0; c < 3; ++c) {
        if (scalar == Scalar::float32)
            reinterpret_cast<float*>(to)[c] = static_cast<float>(from[c]);
        else
            reinterpret_cast<double*>(to)[c] = from[c];
    }
}

// Asks for the memory of a panel ahead of its turn: a product takes as long as one miss, and stores that miss
// one after the other would take many.
void prefetch(const char* from, std::ptrdiff_t bytes) {
#if defined(__GNUC__)
    for (std::ptrdiff_t i = 0; i < bytes; i += 64) __builtin_prefetch(from + i, 1);
#else
    (void)from, (void)bytes;
#endif
}

std::int64_t divideUp(std::int64_t count, std::int64_t by) {
    return (count + by - 1) / by;
}

}  // namespace

void LaplacianDeformer::State::findFixed() {
    const std::int64_t count = divideUp(system.vertexCount, kResponsePanel);
    fixedStart.push_back(0), freeStart.push_back(0);
    std::int32_t used = 0;
    for (std::int64_t panel = 0; panel < count; ++panel) {
        const std::int64_t begin = panel * kResponsePanel,
                           end = std::min(begin + kResponsePanel, system.vertexCount);
        for (std::int64_t v = begin; v < end; ++v)
            if (system.freeOf[v] < 0) fixed.push_back({static_cast<std::int32_t>(v), system.hardOf[v]});
        fixedStart.push_back(static_cast<std::int64_t>(fixed.size()));
        freeStart.push_back(end - fixedStart.back());
        const bool empty = fixedStart[panel + 1] - fixedStart[panel] == end - begin;
        panelPlace.push_back(empty ? -1 : used++);
    }
}

// Free vertices have equations; with the bi-Laplacian those use the change of the Laplacian at neighbours
// too. The change at a vertex needs its own rotation and its neighbours'.
void LaplacianDeformer::State::findTurning() {
    std::vector<char> wanted(static_cast<std::size_t>(system.vertexCount), 0);
    for (const std::int32_t v : system.free) wanted[v] = 1;
    const auto grow = [&] {
        std::vector<char> grown = wanted;
        for (std::int64_t v = 0; v < system.vertexCount; ++v)
            for (std::int64_t s = system.laplacianStart[v]; wanted[v] && s < system.laplacianStart[v + 1];
                 ++s)
                grown[system.laplacianRows[s]] = 1;
        wanted.swap(grown);
    };
    const auto list = [&](std::vector<std::int32_t>& to) {
        for (std::int64_t v = 0; v < system.vertexCount; ++v)
            if (wanted[v]) to.push_back(static_cast<std::int32_t>(v));
    };
    if (options.bilaplacian) grow();
    list(turned);
    grow();
    list(turning);
}

void LaplacianDeformer::State::factorise() {
    const auto n = static_cast<std::int64_t>(system.free.size());
    const SparseMatrix matrix = {n, system.columnStart.data(), system.rows.data(), system.values.data()};
    FactorOptions how;
    const bool single = options.precision == Scalar::float32 && !options.bilaplacian;
    how.storage = single ? Scalar::float32 : Scalar::float64;
    try {
        factor = std::make_unique<SparseFactor>(matrix, system.positions.data(), how);
    } catch (const Error& error) {
        if (error.status() != Status::numericalFailure) throw;
        throw Error(Status::numericalFailure,
                    "the Laplacian of the free vertices is not positive definite: triangles without area, or "
                    "handle weights far below 1 (numbered among the free vertices, " +
                        std::string(error.what()) + ")");
    }
    rowOf.resize(system.free.size());
    const std::int32_t* permutation = factor->permutation();
    for (std::int64_t row = 0; row < n; ++row) rowOf[permutation[row]] = static_cast<std::int32_t>(row);
}

void LaplacianDeformer::State::chooseMethod() {
    const double n = static_cast<double>(system.free.size()),
                 handleCount = static_cast<double>(handles.size());
    responseCost = 6 * n * handleCount;
    solveCost = factor ? 12 * static_cast<double>(factor->nonZeros()) * kSolveSlowness : 0;
    const double size = options.precision == Scalar::float32 ? sizeof(float) : sizeof(double);
    const bool cheap = responseCost <= solveCost && n * handleCount * size <= kMostResponse;
    response = options.rotationPasses == 0 && (options.method == DeformationMethod::automatic
                                                   ? cheap
                                                   : options.method == DeformationMethod::response);
    startsByResponse = options.rotationPasses > 0 && options.method == DeformationMethod::automatic &&
                       cheap && system.handleCount <= kMostStarting;
}

// Columns of A^-1 B, some handles at a time, laid out in panels.
template <class T>
void LaplacianDeformer::State::buildResponse() {
    constexpr std::int64_t kColumns = 48;
    const auto n = static_cast<std::int64_t>(system.free.size()), count = system.handleCount;
    std::int64_t used = 0;
    for (const std::int32_t place : panelPlace) used += place >= 0;
    const std::size_t bytes = static_cast<std::size_t>(used * count * kResponsePanel) * sizeof(T);
    T* to = static_cast<T*>(panels.reserve(std::max<std::size_t>(bytes, 64)));
    std::memset(to, 0, bytes);
    std::vector<double> x(static_cast<std::size_t>(n * std::min(kColumns, count)));
    for (std::int64_t first = 0; first < count; first += kColumns) {
        const std::int64_t width = std::min(kColumns, count - first);
        std::fill(x.begin(), x.end(), 0.0);
        for (const auto& entry : system.coupling)
            if (entry.handle >= first && entry.handle < first + width)
                x[entry.row * width + entry.handle - first] = entry.value;
        Columns view;
        view.data = x.data();
        view.rows = n, view.columns = width;
        view.rowStride = width * static_cast<std::ptrdiff_t>(sizeof(double));
        view.columnStride = sizeof(double);
        SolveOptions how;
        if (factor->storage() == Scalar::float32) how.refine = 2, how.tolerance = 1e-12;
        factor->solve(view, view, how);
        for (std::int64_t i = 0; i < n; ++i) {
            const std::int32_t v = system.free[i];
            T* row =
                to + (panelPlace[v / kResponsePanel] * count + first) * kResponsePanel + v % kResponsePanel;
            for (std::int64_t h = 0; h < width; ++h)
                row[h * kResponsePanel] = static_cast<T>(x[i * width + h]);
        }
    }
}

void LaplacianDeformer::State::writeFixed(const ConstFrames& targets, const ConstFrames& base,
                                          const Frames& out, std::int64_t f, std::int64_t panel) const {
    const std::size_t size = 3 * (out.scalar == Scalar::float32 ? sizeof(float) : sizeof(double));
    for (std::int64_t i = fixedStart[panel]; i < fixedStart[panel + 1]; ++i) {
        char* to = at(out, f, fixed[i].vertex);
        if (fixed[i].handle < 0) {
            std::memcpy(to, at(base, f, fixed[i].vertex), size);
            continue;
        }
        double point[3];
        read(at(targets, f, fixed[i].handle), targets.scalar, point);
        write(point, out.scalar, to);
    }
}

void LaplacianDeformer::State::handleMove(const ConstFrames& targets, const ConstFrames& base, std::int64_t f,
                                          std::int64_t h, double* move) const {
    double from[3];
    read(at(base, f, handles[h]), base.scalar, from);
    read(at(targets, f, h), targets.scalar, move);
    for (int c = 0; c < 3; ++c) move[c] -= from[c];
}

template <class T>
void LaplacianDeformer::State::respondBlock(const T* moves, std::int64_t firstPanel, std::int64_t lastPanel,
                                            std::int64_t group, const ConstFrames& targets,
                                            const ConstFrames& base, const Frames& out) const {
    const LaplacianDeformerKernels& run = kernels().laplacianDeformer;
    constexpr bool kSingle = sizeof(T) == sizeof(float);
    const bool outSingle = out.scalar == Scalar::float32;
    const auto add = kSingle ? (outSingle ? run.addFloatFloat : run.addFloatDouble)
                             : (outSingle ? run.addDoubleFloat : run.addDoubleDouble);
    const std::int64_t begin = group * kResponseFrames,
                       frames = std::min<std::int64_t>(kResponseFrames, out.frames - begin);
    alignas(64) T sums[3 * kResponseFrames * kResponsePanel];
    for (std::int64_t panel = firstPanel; panel < lastPanel; ++panel) {
        const std::int64_t v = panel * kResponsePanel, ahead = v + kAhead * kResponsePanel;
        for (std::int64_t g = 0; ahead + kResponsePanel <= system.vertexCount && g < frames; ++g) {
            prefetch(at(out, begin + g, ahead), kResponsePanel * out.vertexStride);
            if (base.frames > 1) prefetch(at(base, begin + g, ahead), kResponsePanel * base.vertexStride);
        }
        if (panelPlace[panel] >= 0) {
            const T* from = static_cast<const T*>(panels.data()) +
                            panelPlace[panel] * system.handleCount * kResponsePanel;
            if constexpr (kSingle)
                run.productFloat(from, moves, system.handleCount, static_cast<int>(frames), sums);
            else
                run.productDouble(from, moves, system.handleCount, static_cast<int>(frames), sums);
            const auto count =
                static_cast<int>(std::min<std::int64_t>(kResponsePanel, system.vertexCount - v));
            for (std::int64_t g = 0; g < frames; ++g)
                add(sums + 3 * g * kResponsePanel, at(base, begin + g, v), base.vertexStride, count,
                    at(out, begin + g, v), out.vertexStride);
        }
        for (std::int64_t g = 0; g < frames; ++g) writeFixed(targets, base, out, begin + g, panel);
    }
}

template <class T>
void LaplacianDeformer::State::respond(const ConstFrames& targets, const ConstFrames& base,
                                       const Frames& out) const {
    const std::int64_t count = system.handleCount, groups = divideUp(out.frames, kResponseFrames);
    const std::int64_t perGroup = count * kResponseFrames * 3;
    std::vector<T> moves(static_cast<std::size_t>(groups * perGroup), T(0));
    for (std::int64_t f = 0; f < out.frames; ++f) {
        T* to = moves.data() + f / kResponseFrames * perGroup + f % kResponseFrames * 3;
        for (std::int64_t h = 0; h < count; ++h) {
            double move[3];
            handleMove(targets, base, f, h, move);
            for (int c = 0; c < 3; ++c) to[h * kResponseFrames * 3 + c] = static_cast<T>(move[c]);
        }
    }
    const auto panelCount = static_cast<std::int64_t>(panelPlace.size());
    const std::int64_t panelBytes = std::max<std::int64_t>(1, count) * kResponsePanel * sizeof(T);
    const std::int64_t panelsPerTask = std::max<std::int64_t>(8, kResponseBytes / panelBytes);
    const std::int64_t blocks = divideUp(panelCount, panelsPerTask),
                       spans = divideUp(groups, kResponseGroups);
    parallelFor(blocks * spans, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t task = begin; task < end; ++task) {
            const std::int64_t first = task % blocks * panelsPerTask, span = task / blocks * kResponseGroups;
            const std::int64_t last = std::min(first + panelsPerTask, panelCount);
            for (std::int64_t g = span; g < std::min(span + kResponseGroups, groups); ++g)
                respondBlock(moves.data() + g * perGroup, first, last, g, targets, base, out);
        }
    });
}

// One frame's displacements before any rotation, from the response, into three columns of a block.
template <class S>
void LaplacianDeformer::State::start(const ConstFrames& targets, const ConstFrames& base, std::int64_t f,
                                     S* column, int width) const {
    const auto count = static_cast<std::int64_t>(handles.size());
    std::vector<double> moves(3 * handles.size());
    for (std::int64_t h = 0; h < count; ++h) handleMove(targets, base, f, h, moves.data() + 3 * h);
    for (std::size_t i = 0; i < system.free.size(); ++i) {
        const std::int32_t v = system.free[i];
        const S* from = static_cast<const S*>(panels.data()) +
                        panelPlace[v / kResponsePanel] * count * kResponsePanel + v % kResponsePanel;
        double sum[3] = {0, 0, 0};
        for (std::int64_t h = 0; h < count; ++h)
            for (int c = 0; c < 3; ++c) sum[c] += from[h * kResponsePanel] * moves[3 * h + c];
        for (int c = 0; c < 3; ++c)
            column[static_cast<std::int64_t>(rowOf[i]) * width + c] = static_cast<S>(sum[c]);
    }
}

// The coupling of one frame's handles, added to three columns of a block.
template <class S>
void LaplacianDeformer::State::couple(const ConstFrames& targets, const ConstFrames& base, std::int64_t f,
                                      S* column, int width) const {
    std::vector<double> moves(3 * handles.size());
    for (std::size_t h = 0; h < handles.size(); ++h)
        handleMove(targets, base, f, static_cast<std::int64_t>(h), moves.data() + 3 * h);
    for (const auto& entry : system.coupling) {
        S* to = column + static_cast<std::int64_t>(rowOf[entry.row]) * width;
        for (int c = 0; c < 3; ++c) to[c] = static_cast<S>(to[c] + entry.value * moves[3 * entry.handle + c]);
    }
}

// Replaces the displacements of one frame by the right-hand side that its local rotations ask for.
template <class S>
void LaplacianDeformer::State::turn(const ConstFrames& targets, const ConstFrames& base, std::int64_t f,
                                    S* column, int width) const {
    const auto count = static_cast<std::size_t>(system.vertexCount);
    std::vector<double> rest(3 * count), moved(3 * count), turns(9 * count, 0.0), change(3 * count, 0.0);
    for (std::size_t v = 0; v < count; ++v) {
        double *p = rest.data() + 3 * v, *q = moved.data() + 3 * v;
        read(at(base, f, static_cast<std::int64_t>(v)), base.scalar, p);
        if (system.hardOf[v] >= 0) {
            read(at(targets, f, system.hardOf[v]), targets.scalar, q);
            continue;
        }
        const std::int32_t place = system.freeOf[v];
        for (int c = 0; c < 3; ++c)
            q[c] = p[c] + (place < 0 ? 0.0 : column[static_cast<std::int64_t>(rowOf[place]) * width + c]);
    }
    const RotationProblem problem = {system.laplacianStart.data(),
                                     system.laplacianRows.data(),
                                     system.laplacian.data(),
                                     rest.data(),
                                     moved.data(),
                                     turns.data()};
    const LaplacianDeformerKernels& run = kernels().laplacianDeformer;
    const auto turningCount = static_cast<std::int64_t>(turning.size());
    parallelFor(
        divideUp(turningCount, kTurnBlock), kTurnGrain / kTurnBlock, [&](std::int64_t b, std::int64_t e) {
            run.localTurns(problem, turning.data(), b * kTurnBlock, std::min(e * kTurnBlock, turningCount));
        });
    parallelFor(static_cast<std::int64_t>(turned.size()), kTurnGrain, [&](std::int64_t b, std::int64_t e) {
        run.turnedLaplacian(problem, turned.data(), b, e, change.data());
    });
    for (std::size_t i = 0; i < system.free.size(); ++i) {
        const std::int32_t v = system.free[i];
        double sum[3] = {0, 0, 0};
        const double* own = change.data() + 3 * static_cast<std::size_t>(v);
        for (int c = 0; c < 3; ++c) sum[c] = options.bilaplacian ? 0 : own[c];
        for (std::int64_t s = system.laplacianStart[v];
             options.bilaplacian && s < system.laplacianStart[v + 1]; ++s) {
            const std::int32_t j = system.laplacianRows[s];
            const double factorOf = system.laplacian[s] * system.inverseMass[j];
            for (int c = 0; c < 3; ++c) sum[c] += factorOf * change[3 * static_cast<std::size_t>(j) + c];
        }
        for (int c = 0; c < 3; ++c)
            column[static_cast<std::int64_t>(rowOf[i]) * width + c] = static_cast<S>(sum[c]);
    }
    couple(targets, base, f, column, width);
}

// All frames of a block, panel by panel, so that a panel's displacements are read from memory once.
template <class S, class T>
void LaplacianDeformer::State::writeFrames(const S* x, int width, const ConstFrames& targets,
                                           const ConstFrames& base, const Frames& out, std::int64_t begin,
                                           std::int64_t end) const {
    for (std::size_t panel = 0; panel < panelPlace.size(); ++panel) {
        const std::int64_t v = static_cast<std::int64_t>(panel) * kResponsePanel,
                           ahead = v + kAhead * kResponsePanel;
        for (std::int64_t f = begin; f < end; ++f) {
            if (ahead + kResponsePanel <= system.vertexCount) {
                prefetch(at(out, f, ahead), kResponsePanel * out.vertexStride);
                if (base.frames > 1) prefetch(at(base, f, ahead), kResponsePanel * base.vertexStride);
            }
            const S* column = x + 3 * (f - begin);
            for (std::int64_t i = freeStart[panel]; i < freeStart[panel + 1]; ++i) {
                const T* p = reinterpret_cast<const T*>(at(base, f, system.free[i]));
                T* q = reinterpret_cast<T*>(at(out, f, system.free[i]));
                const S* d = column + static_cast<std::int64_t>(rowOf[i]) * width;
                for (int c = 0; c < 3; ++c) q[c] = static_cast<T>(p[c] + d[c]);
            }
            writeFixed(targets, base, out, f, static_cast<std::int64_t>(panel));
        }
    }
}

template <class S>
void LaplacianDeformer::State::solveFrames(const ConstFrames& targets, const ConstFrames& base,
                                           const Frames& out, std::int64_t begin, std::int64_t end) const {
    const int columns = static_cast<int>(3 * (end - begin));
    const int width = columns == 3 ? 4 : columns == 6 ? 8 : static_cast<int>(divideUp(columns, 16) * 16);
    const std::size_t bytes = system.free.size() * static_cast<std::size_t>(width) * sizeof(S);
    Scratch room;
    S* x = static_cast<S*>(room.reserve(std::max<std::size_t>(bytes, 64)));
    std::memset(x, 0, bytes);
    const SparseFactor::State& inside = factor->state();
    for (int pass = 0; pass <= options.rotationPasses; ++pass) {
        for (std::int64_t f = begin; f < end; ++f) {
            if (pass == 0 && startsByResponse)
                start(targets, base, f, x + 3 * (f - begin), width);
            else if (pass == 0)
                couple(targets, base, f, x + 3 * (f - begin), width);
            else
                turn(targets, base, f, x + 3 * (f - begin), width);
        }
        if (pass == 0 && startsByResponse) continue;
        solveBlock(inside.pattern(), inside.values.data(), inside.storage, x, width);
    }
    if (out.scalar == Scalar::float32)
        writeFrames<S, float>(x, width, targets, base, out, begin, end);
    else
        writeFrames<S, double>(x, width, targets, base, out, begin, end);
}

LaplacianDeformer::LaplacianDeformer(const std::int32_t* triangles, std::int64_t triangleCount,
                                     const ConstFrames& neutral, const std::int32_t* handles,
                                     const double* handleWeights, std::int64_t handleCount,
                                     const std::uint8_t* held, const LaplacianDeformerOptions& options)
    : state_(std::make_unique<State>(LaplacianSystem(triangles, triangleCount, neutral, handles,
                                                     handleWeights, handleCount, held, options),
                                     handles, options)) {
    state_->findFixed();
    if (!state_->system.free.empty()) state_->factorise();
    if (options.rotationPasses > 0) state_->findTurning();
    state_->chooseMethod();
    if (state_->system.free.empty() || !(state_->response || state_->startsByResponse)) return;
    if (state_->response ? options.precision == Scalar::float32
                         : state_->factor->storage() == Scalar::float32)
        state_->buildResponse<float>();
    else
        state_->buildResponse<double>();
}

LaplacianDeformer::LaplacianDeformer(LaplacianDeformer&&) noexcept = default;
LaplacianDeformer& LaplacianDeformer::operator=(LaplacianDeformer&&) noexcept = default;
LaplacianDeformer::~LaplacianDeformer() = default;

void LaplacianDeformer::solve(const ConstFrames& targets, const ConstFrames& base, const Frames& out) const {
    const State& state = *state_;
    if (targets.vertices != handleCount() || targets.frames != out.frames)
        throw Error(Status::invalidArgument, "targets must have out's frames and one point a handle");
    if (base.vertices != vertexCount() || out.vertices != vertexCount() || base.scalar != out.scalar ||
        (base.frames != 1 && base.frames != out.frames))
        throw Error(Status::invalidArgument, "base and out must have the same vertices, frames and scalars");
    const bool single = state.options.precision == Scalar::float32;
    if (state.response || state.system.free.empty()) {
        if (single)
            state.respond<float>(targets, base, out);
        else
            state.respond<double>(targets, base, out);
        return;
    }
    parallelFor(out.frames, kSolveFrames, [&](std::int64_t begin, std::int64_t end) {
        if (state.factor->storage() == Scalar::float32)
            state.solveFrames<float>(targets, base, out, begin, end);
        else
            state.solveFrames<double>(targets, base, out, begin, end);
    });
}

std::int64_t LaplacianDeformer::vertexCount() const {
    return state_->system.vertexCount;
}
std::int64_t LaplacianDeformer::handleCount() const {
    return state_->system.handleCount;
}
std::int64_t LaplacianDeformer::freeCount() const {
    return static_cast<std::int64_t>(state_->system.free.size());
}
DeformationMethod LaplacianDeformer::method() const {
    return state_->response ? DeformationMethod::response : DeformationMethod::solve;
}
double LaplacianDeformer::responseCost() const {
    return state_->responseCost;
}
double LaplacianDeformer::solveCost() const {
    return state_->solveCost;
}
std::int64_t LaplacianDeformer::memory() const {
    const std::int64_t factor = state_->factor ? state_->factor->memory() : 0;
    return factor + static_cast<std::int64_t>(state_->panels.bytes());
}

}  // namespace mien
