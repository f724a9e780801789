#include "mien/alignment.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "alignment_frame.h"
#include "kernels/table.h"
#include "mien/error.h"
#include "mien/parallel.h"
#include "streaming.h"

namespace mien {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

const double* weightsAt(const double* weights, const AlignmentOptions& options, std::int64_t f) {
    return reinterpret_cast<const double*>(reinterpret_cast<const char*>(weights) + f * options.weightStride);
}

void check(const ConstFrames& positions, const ConstFrames& reference, const double* weights,
           const AlignmentOptions& options) {
    if (reference.frames != 1 || reference.vertices != positions.vertices)
        throw Error(Status::invalidArgument, "reference must be one frame with the vertices of positions");
    const bool sound = options.quantile > 0 && options.quantile < 1 && options.factor > 0 &&
                       options.floor > 0 && options.shrink > 1 && options.tolerance >= 0 &&
                       options.maxIterations >= 1 && options.sigma >= 0 && std::isfinite(options.sigma) &&
                       (weights || options.weightStride == 0);
    if (!sound) throw Error(Status::invalidArgument, "alignment options are out of range");
    const std::int64_t rows = !weights ? 0 : options.weightStride != 0 ? positions.frames : 1;
    for (std::int64_t f = 0; f < rows; ++f) {
        const double* row = weightsAt(weights, options, f);
        for (std::int64_t v = 0; v < positions.vertices; ++v)
            if (!(row[v] >= 0) || !std::isfinite(row[v]))
                throw Error(Status::invalidArgument, "weights must be finite and at least 0");
    }
}

// Aligns the frames of a range, in lanes of floats where they serve.
class RangeAligner {
  public:
    RangeAligner(const ConstFrames& positions, const AlignmentReference& reference,
                 const AlignmentOptions& options)
        : positions_(positions), reference_(reference), options_(options) {}

    AlignmentProblem align(std::int64_t f, const double* weights, FrameAlignment* out) {
        if (reference_.floats) {
            if (!inFloats_) inFloats_.emplace(positions_, reference_, options_);
            // Whether there is a problem is said by the doubles: sums of floats overflow sooner.
            if (inFloats_->align(f, weights, out) == AlignmentProblem::none) return AlignmentProblem::none;
        }
        if (!inDoubles_) inDoubles_.emplace(positions_, reference_, options_);
        return inDoubles_->align(f, weights, out);
    }

  private:
    const ConstFrames& positions_;
    const AlignmentReference& reference_;
    const AlignmentOptions& options_;
    std::optional<FrameAligner<float>> inFloats_;
    std::optional<FrameAligner<double>> inDoubles_;
};

// One aligner for every thread that asks: their scratch memory is larger than most frames.
class Aligners {
  public:
    Aligners(const ConstFrames& positions, const AlignmentReference& reference,
             const AlignmentOptions& options)
        : positions_(positions), reference_(reference), options_(options) {}

    class Lent {
      public:
        explicit Lent(Aligners& owner) : owner_(owner), aligner_(owner.take()) {}
        ~Lent() {
            std::lock_guard<std::mutex> lock(owner_.mutex_);
            owner_.idle_.push_back(std::move(aligner_));
        }
        RangeAligner* operator->() const { return aligner_.get(); }

      private:
        Aligners& owner_;
        std::unique_ptr<RangeAligner> aligner_;
    };

  private:
    std::unique_ptr<RangeAligner> take() {
        std::lock_guard<std::mutex> lock(mutex_);
        idle_.reserve(++made_);  // so that giving back cannot fail
        if (idle_.empty()) return std::make_unique<RangeAligner>(positions_, reference_, options_);
        --made_;
        std::unique_ptr<RangeAligner> out = std::move(idle_.back());
        idle_.pop_back();
        return out;
    }

    const ConstFrames& positions_;
    const AlignmentReference& reference_;
    const AlignmentOptions& options_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<RangeAligner>> idle_;
    std::size_t made_ = 0;
};

void write(const FrameAlignment& from, const double* centre, bool good, std::int64_t f,
           const AlignmentResult& to) {
    const FrameFit& fit = from.fit;
    for (int i = 0; i < 9; ++i) to.rotation[9 * f + i] = good ? fit.rotation[i] : kNaN;
    for (int i = 0; i < 3; ++i) {
        const double* r = fit.rotation + 3 * i;
        const double moved = fit.scale * ((r[0] * centre[0] + r[1] * centre[1]) + r[2] * centre[2]);
        to.translation[3 * f + i] = good ? from.origin[i] + (fit.offset[i] - moved) : kNaN;
    }
    to.scale[f] = good ? fit.scale : kNaN;
    to.residual[f] = good ? from.residual : kNaN;
    to.support[f] = good ? from.support : kNaN;
    to.spread[f] = good ? from.spread : kNaN;
    to.sigma[f] = good ? from.sigma : kNaN;
    to.iterations[f] = good ? from.iterations : 0;
}

// out = R^T (p - t) / s of one frame. Lanes of floats go about where the reference's centre has gone to,
// which is in the middle of the head wherever that is.
void stabilise(const ConstFrames& positions, std::int64_t f, const FrameAlignment& found,
               const AlignmentReference& reference, const AlignmentResult& fit, bool stream,
               const Frames& out) {
    const double *r = fit.rotation + 9 * f, *t = fit.translation + 3 * f, s = fit.scale[f];
    double matrix[9], offset[3], centre[3];
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) matrix[3 * i + j] = r[3 * j + i] / s;
        offset[i] = -((r[i] * t[0] + r[3 + i] * t[1]) + r[6 + i] * t[2]) / s;
        centre[i] = found.origin[i] + found.fit.offset[i];
    }
    const RigidKernels& rigid = kernels().rigid;
    const char* from = static_cast<const char*>(positions.data) + f * positions.frameStride;
    char* to = static_cast<char*>(out.data) + f * out.frameStride;
    if (positions.scalar == Scalar::float32)
        rigid.applyAbout(from, positions.vertexStride, positions.vertices, matrix, centre, reference.centre,
                         to, out.vertexStride, stream);
    else
        rigid.applyDouble(from, positions.vertexStride, positions.vertices, matrix, offset, to,
                          out.vertexStride, stream);
}

AlignmentStatus alignAll(const ConstFrames& positions, const ConstFrames& reference, const double* weights,
                         const AlignmentOptions& options, const AlignmentResult& result, const Frames* out) {
    check(positions, reference, weights, options);
    const bool own = options.weightStride != 0;
    const AlignmentReference prepared(reference, own ? nullptr : weights,
                                      positions.scalar == Scalar::float32);
    std::vector<AlignmentProblem> problems(static_cast<std::size_t>(positions.frames));
    const std::int64_t grain = std::max<std::int64_t>(1, 32768 / std::max<std::int64_t>(1, prepared.size));
    const bool stream = out && streamed(positions, *out);
    Aligners aligners(positions, prepared, options);
    parallelFor(positions.frames, grain, [&](std::int64_t begin, std::int64_t end) {
        const Aligners::Lent aligner(aligners);
        FrameAlignment found;
        for (std::int64_t f = begin; f < end; ++f) {
            problems[f] = aligner->align(f, own ? weightsAt(weights, options, f) : nullptr, &found);
            const bool good = problems[f] == AlignmentProblem::none;
            write(found, prepared.centre, good, f, result);
            if (out && good) stabilise(positions, f, found, prepared, result, stream, *out);
        }
    });
    for (std::int64_t f = 0; f < positions.frames; ++f)
        if (problems[f] != AlignmentProblem::none) return {problems[f], f};
    return {};
}

}  // namespace

AlignmentStatus alignFrames(const ConstFrames& positions, const ConstFrames& reference, const double* weights,
                            const AlignmentOptions& options, const AlignmentResult& result) {
    return alignAll(positions, reference, weights, options, result, nullptr);
}

AlignmentStatus stabiliseFrames(const ConstFrames& positions, const ConstFrames& reference,
                                const double* weights, const AlignmentOptions& options,
                                const AlignmentResult& result, const Frames& out) {
    if (out.frames != positions.frames || out.vertices != positions.vertices ||
        out.scalar != positions.scalar)
        throw Error(Status::invalidArgument, "out must have the frames, vertices and scalar of positions");
    return alignAll(positions, reference, weights, options, result, &out);
}

}  // namespace mien
