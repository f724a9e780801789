#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

#include "kernels/table.h"
#include "mien/error.h"
#include "mien/parallel.h"
#include "mien/sparse_factor.h"
#include "multifrontal.h"
#include "solve_blocks.h"
#include "sparse_state.h"
#include "triangular.h"

namespace mien {
namespace {

// Right-hand sides are packed in blocks of so many bytes a row, for main memory gives and takes short pieces
// slowly, and solved in strips of so many columns: narrower ones read the factor more often, wider ones do
// not stay in the second cache. Where not even the factor is near, a strip is the whole block.
constexpr int kBlockBytes = 512, kFarBlockBytes = 256, kStrip = 32;
constexpr std::int64_t kFar = 64000;  // unknowns

// Answers of more bytes than this go past the caches.
constexpr std::int64_t kStreamed = 16 << 20;

// Refinement has stalled when a step does not bring the error to less than this part of it.
constexpr double kStalled = 0.5;

// Steps of refinement that are never exceeded: below the rate of kStalled, rounding is reached long before.
constexpr int kMostSteps = 60;

int scalarIndex(Scalar scalar) {
    return scalar == Scalar::float32 ? 0 : 1;
}

std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g", value);
    return text;
}

// How a block's refinement ended.
struct BlockReport {
    double residual = 0;
    int steps = 0;
    bool fellBack = false;
    int worst = -1;  // the packed column that did not converge
};

class Solver {
  public:
    Solver(const SparseFactor::State& state, const ConstColumns& rhs, const Columns& out,
           const SolveOptions& options, ScratchPool* pool)
        : state_(state), pool_(pool), options_(options), given_(rhs), rhs_(byFrames(rhs)) {
        const bool swapped = rhs_.columns != rhs.columns;
        out_ = swapped ? ConstColumns{out.data, out.scalar,       out.columns,   out.rows,
                                      1,        out.columnStride, out.rowStride, 0}
                       : ConstColumns(out);
        refines_ = options.refine > 0 || options.tolerance > 0 || options.measure;
        const bool strips = size() <= kFar && !refines_ && rhs_.frames == 1;
        const int item = state.storage == Scalar::float32 && !refines_ ? 4 : 8;
        if (strips) strip_ = kStrip;
        // Three numbers at a vertex fill 48 columns with 16 frames.
        const int widest = rhs_.columns == 3 ? 48 : (strips ? kBlockBytes : kFarBlockBytes) / item;
        blocks_ = cutIntoBlocks(rhs_.frames, rhs_.columns, widest, threadCount());
        streams_ = out.frames * out.rows * out.columns * (out.scalar == Scalar::float32 ? 4 : 8) > kStreamed;
        const bool whole = std::any_of(blocks_.begin(), blocks_.end(),
                                       [](const SolveBlock& block) { return block.spread > 1; });
        if (whole) invert();
        if (refines_) norm_ = matrixNorm();
    }

    SolveReport run() {
        std::vector<BlockReport> reports(blocks_.size());
        parallelFor(static_cast<std::int64_t>(blocks_.size()), 1, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t b = begin; b < end; ++b)
                reports[b] = refines_ ? refined(blocks_[b]) : plain(blocks_[b]);
        });
        SolveReport out;
        if (refines_) out.residual = 0;
        for (std::size_t b = 0; b < reports.size(); ++b) {
            if (reports[b].worst >= 0) notConverged(blocks_[b], reports[b]);
            out.residual = std::max(out.residual, reports[b].residual);
            out.refinements = std::max(out.refinements, reports[b].steps);
            out.fellBack = out.fellBack || reports[b].fellBack;
        }
        return out;
    }

  private:
    const Supernodes& pattern() const { return state_.pattern(); }
    std::int64_t size() const { return pattern().size; }

    void invert() {
        inverse_.resize(static_cast<std::size_t>(size()));
        for (std::int32_t k = 0; k < pattern().size; ++k) inverse_[pattern().permutation[k]] = k;
    }

    PackingView view(const ConstColumns& of, const SolveBlock& block) const {
        PackingView out = packingView(of, block, pattern().permutation.data(),
                                      inverse_.empty() ? nullptr : inverse_.data());
        out.strip = strip_;
        out.stream = streams_;
        return out;
    }

    void pack(const SolveBlock& block, Scalar scalar, void* x) const {
        const auto kernel = kernels().packing.pack[scalarIndex(rhs_.scalar)][scalarIndex(scalar)];
        if (!kernel(view(rhs_, block), x, block.width)) notFinite(scalar);
    }

    void unpack(const SolveBlock& block, Scalar scalar, const void* x) const {
        kernels().packing.unpack[scalarIndex(out_.scalar)][scalarIndex(scalar)](view(out_, block), x,
                                                                                block.width);
    }

    BlockReport plain(const SolveBlock& block) const {
        const std::size_t item = state_.storage == Scalar::float32 ? sizeof(float) : sizeof(double);
        const ScratchPool::Lease scratch(pool_, static_cast<std::size_t>(size()) * block.width * item);
        pack(block, state_.storage, scratch.data());
        const int strip = strip_ > 0 ? strip_ : block.width;
        for (int k = 0; k < block.width; k += strip)
            solveBlock(pattern(), state_.values.data(), state_.storage,
                       scratch.data() + static_cast<std::size_t>(size()) * k * item,
                       std::min(strip, block.width - k));
        unpack(block, state_.storage, scratch.data());
        return {};
    }

    BlockReport refined(const SolveBlock& block);
    int refineWith(const void* values, Scalar storage, const SolveBlock& block, double* memory,
                   const std::vector<double>& largest, std::vector<double>* error, std::vector<char>* open);
    const void* doubleFactor();
    double matrixNorm() const;
    [[noreturn]] void notFinite(Scalar scalar) const;
    [[noreturn]] void notConverged(const SolveBlock& block, const BlockReport& report) const;

    const SparseFactor::State& state_;
    ScratchPool* pool_;
    SolveOptions options_;
    ConstColumns given_, rhs_, out_;  // as given, and as blocks see it
    std::vector<SolveBlock> blocks_;
    std::vector<std::int32_t> inverse_;
    bool refines_ = false, streams_ = false;
    int strip_ = 0;  // columns, or 0 for one strip
    double norm_ = 0;
    std::mutex fallBackMutex_;
    Scratch fallBack_;
};

// The largest sum of sizes in a row.
double Solver::matrixNorm() const {
    const Symbolic& symbolic = *state_.symbolic;
    std::vector<double> sums(state_.diagonal.size());
    for (std::size_t j = 0; j < sums.size(); ++j) sums[j] = std::fabs(state_.diagonal[j]);
    for (std::size_t j = 0; j < sums.size(); ++j)
        for (std::int64_t k = symbolic.columnStart[j]; k < symbolic.columnStart[j + 1]; ++k) {
            sums[j] += std::fabs(state_.lower[k]);
            sums[symbolic.rows[k]] += std::fabs(state_.lower[k]);
        }
    return *std::max_element(sums.begin(), sums.end());
}

// The factor in double, made when it is first asked for and kept for this call.
const void* Solver::doubleFactor() {
    std::lock_guard<std::mutex> lock(fallBackMutex_);
    if (!fallBack_.data()) {
        Scratch workspace;
        fallBack_.reserve(static_cast<std::size_t>(pattern().panelStart.back()) * sizeof(double));
        factorise(*state_.symbolic, state_.diagonal.data(), state_.lower.data(), Scalar::float64,
                  fallBack_.data(), &workspace);
    }
    return fallBack_.data();
}

// Corrects the columns that are open until their backward error is small enough or does not fall any more
// (tolerance), or as often as asked for. Returns the steps done after the first solve. memory: y, r and x,
// each n x width. Columns do not touch each other: one that is done is left as it is.
int Solver::refineWith(const void* values, Scalar storage, const SolveBlock& block, double* memory,
                       const std::vector<double>& largest, std::vector<double>* error,
                       std::vector<char>* open) {
    const RefinementKernels& kernel = kernels().refinement;
    const Symbolic& symbolic = *state_.symbolic;
    const ResidualMatrix matrix{symbolic.columnStart.data(), symbolic.rows.data(), state_.diagonal.data(),
                                state_.lower.data(), size()};
    const int width = block.width;
    const std::int64_t count = size() * width;
    double *y = memory, *r = y + count, *x = r + count;
    std::vector<double> most(width), solution(width), down(width), up(width);
    std::vector<char> moving = *open;
    for (int step = 0;; ++step) {
        kernel.largest(r, size(), width, most.data());
        for (int k = 0; k < width; ++k) {  // by powers of two, so that small residuals survive as float
            int exponent = 0;
            std::frexp(most[k], &exponent);
            const bool now = moving[k] && most[k] > 0 && std::isfinite(most[k]);
            down[k] = now ? std::ldexp(1.0, std::clamp(-exponent, -1000, 1000)) : 0;
            up[k] = now ? 1 / down[k] : 0;
        }
        const bool single = storage == Scalar::float32;
        (single ? kernel.roundFloat : kernel.roundDouble)(r, down.data(), size(), width, x);
        solveBlock(pattern(), values, storage, x, width);
        (single ? kernel.addFloat : kernel.addDouble)(x, up.data(), size(), width, y);
        pack(block, Scalar::float64, r);
        kernel.subtractProduct(matrix, y, r, width);
        kernel.largest(r, size(), width, most.data());
        kernel.largest(y, size(), width, solution.data());
        bool again = false;
        for (int k = 0; k < width; ++k) {
            if (!moving[k]) continue;
            const double scale = norm_ * solution[k] + largest[k], before = (*error)[k];
            const double now = most[k] == 0 ? 0 : most[k] / scale;
            (*error)[k] = std::isfinite(now) ? now : 1;
            (*open)[k] = options_.tolerance > 0 && !(now <= options_.tolerance);
            moving[k] = options_.tolerance > 0 ? (*open)[k] && now < kStalled * before && step < kMostSteps
                                               : step < options_.refine;
            again = again || moving[k];
        }
        if (!again) return step;
    }
}

BlockReport Solver::refined(const SolveBlock& block) {
    const int width = block.width;
    const std::size_t count = static_cast<std::size_t>(size()) * width;
    const ScratchPool::Lease scratch(pool_, 3 * count * sizeof(double));
    double *y = reinterpret_cast<double*>(scratch.data()), *r = y + count;
    std::memset(y, 0, count * sizeof(double));
    pack(block, Scalar::float64, r);
    std::vector<double> largest(width), error(width, 1.0);
    kernels().refinement.largest(r, size(), width, largest.data());
    std::vector<char> open(width, 1);
    for (int k = 0; k < width; ++k) {
        open[k] = largest[k] > 0;
        if (!open[k]) error[k] = 0;
    }

    BlockReport report;
    report.steps = refineWith(state_.values.data(), state_.storage, block, y, largest, &error, &open);
    const auto isOpen = [](char one) { return one != 0; };
    if (options_.tolerance > 0 && state_.storage == Scalar::float32 &&
        std::any_of(open.begin(), open.end(), isOpen)) {
        report.fellBack = true;
        pack(block, Scalar::float64, r);
        for (int k = 0; k < width; ++k) {
            if (!open[k]) continue;
            error[k] = 1;
            for (std::size_t i = k; i < count; i += width) y[i] = 0;
        }
        const int steps = refineWith(doubleFactor(), Scalar::float64, block, y, largest, &error, &open);
        report.steps = std::max(report.steps, steps);
    }
    for (int k = 0; k < width; ++k) {
        if (options_.tolerance > 0 && open[k] && (report.worst < 0 || error[k] > error[report.worst]))
            report.worst = k;
        report.residual = std::max(report.residual, error[k]);
    }
    unpack(block, Scalar::float64, y);
    return report;
}

// "frame 3, vertex 5" or "vertex 5, column 2", as far as there are such.
std::string nameOf(const ConstColumns& view, const Place& place, bool vertex) {
    std::string out;
    const auto add = [&](const char* what, std::int64_t index) {
        out += (out.empty() ? "" : ", ") + std::string(what) + " " + std::to_string(index);
    };
    if (view.frames > 1) add("frame", place.frame);
    if (vertex) add("vertex", place.row);
    if (view.columns > 1 && (view.frames == 1 || !vertex)) add("column", place.column);
    return out.empty() ? "the right-hand side" : out;
}

void Solver::notFinite(Scalar scalar) const {
    Place place;
    if (!firstNotFinite(given_, scalar, &place))
        throw Error(Status::invalidArgument, "`rhs` must not change while it is solved for");
    const std::string what =
        std::isfinite(place.value) ? "fit float32, the dtype of the factor" : "be finite";
    throw Error(Status::invalidArgument,
                "`rhs` must " + what + ", got " + number(place.value) + " at " + nameOf(given_, place, true));
}

void Solver::notConverged(const SolveBlock& block, const BlockReport& report) const {
    Place place;
    place.frame = block.frame + report.worst % block.spread;
    place.column = block.column + report.worst / block.spread;
    if (block.spread == 1) place.column = block.column + report.worst;
    if (rhs_.columns != given_.columns) std::swap(place.frame, place.column);
    throw Error(Status::numericalFailure, "`rhs` cannot be solved for to the tolerance " +
                                              number(options_.tolerance) + ": the backward error of " +
                                              nameOf(given_, place, false) + " stays at " +
                                              number(report.residual));
}

}  // namespace

SolveReport SparseFactor::solve(const ConstColumns& rhs, const Columns& out,
                                const SolveOptions& options) const {
    if (rhs.rows != size() || out.rows != size() || rhs.columns != out.columns || rhs.frames != out.frames)
        throw Error(Status::invalidArgument,
                    "rhs and out must both have " + std::to_string(size()) + " rows");
    return Solver(*state_, rhs, out, options, &state_->solveScratch).run();
}

}  // namespace mien
