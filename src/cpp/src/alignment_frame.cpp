#include "alignment_frame.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "horn.h"

namespace mien {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Residuals of this size, relative to the reference's extent, quarter the agreement of a vertex: 0.5 mm on a
// face.
constexpr double kAgreement = 2e-3;

// The scale of a robust fit is never taken from fewer vertices: a few more than the three that any pose fits.
constexpr double kFewest = 6;

// The scale has settled when the one that the residuals ask for is no smaller than this part of it.
constexpr double kSettled = 0.9;

// What sums in lanes of T leave uncertain: of a sum, relative to it; of squares that follow as a difference
// of sums, the part of those sums below which they are measured instead (in floats more for few vertices,
// whose errors cancel less); of a step of the reweighting, relative to the extent, where steps may cease to
// fall.
template <class T>
constexpr double kSumNoise = std::is_same_v<T, float> ? 1e-6 : 1e-12;
template <class T>
double measuredBelow(std::int64_t count) {
    return std::is_same_v<T, float> ? 1e-5 + 0.05 / static_cast<double>(count) : 1e-7;
}
template <class T>
constexpr double kStepNoise = std::is_same_v<T, float> ? 1e-7 : 0;

template <class T>
const AlignmentPasses<T>& passesOf() {
    if constexpr (std::is_same_v<T, float>)
        return kernels().alignment.inFloats;
    else
        return kernels().alignment.inDoubles;
}

template <class T>
const ReferenceLanes<T>& lanesOf(const AlignmentReference& reference) {
    if constexpr (std::is_same_v<T, float>)
        return reference.inFloats();
    else
        return reference.inDoubles();
}

// How far the reference's points move, root mean square, from one fit to another.
double change(const FrameFit& a, const FrameFit& b, double radius) {
    double turn = 0, shift = 0;
    for (int i = 0; i < 9; ++i) {
        const double d = a.scale * a.rotation[i] - b.scale * b.rotation[i];
        turn += d * d;
    }
    for (int i = 0; i < 3; ++i) shift += (a.offset[i] - b.offset[i]) * (a.offset[i] - b.offset[i]);
    return std::sqrt(turn) * radius + std::sqrt(shift);
}

}  // namespace

AlignmentPose FrameFit::pose() const {
    AlignmentPose out;
    for (int i = 0; i < 9; ++i) out.matrix[i] = scale * rotation[i];
    for (int i = 0; i < 3; ++i) out.offset[i] = offset[i];
    return out;
}

template <class T>
FrameAligner<T>::FrameAligner(const ConstFrames& positions, const AlignmentReference& reference,
                              const AlignmentOptions& options)
    : positions_(positions),
      reference_(reference),
      lanes_(lanesOf<T>(reference)),
      passes_(passesOf<T>()),
      options_(options),
      prior_(lanes_.at.w) {}

// Kabsch's problem from the moments; `frameSquares` is sum w |p|^2 where known (for FrameFit::squares), else
// 0. Points on a line leave the gap of Horn's eigenvalues at what rounding makes of 0, which is less than a
// coordinate's error times sum w |q|.
template <class T>
FrameFit FrameAligner<T>::fitMoments(double frameSquares) const {
    const AlignmentMoments& m = moments_;
    FrameFit fit;
    double q[3], p[3], cross[9], qq = m.qq, pp = frameSquares;
    for (int i = 0; i < 3; ++i) q[i] = m.q[i] / m.weight, p[i] = m.p[i] / m.weight;
    for (int i = 0; i < 3; ++i) {
        qq -= m.weight * q[i] * q[i];
        pp -= m.weight * p[i] * p[i];
        for (int j = 0; j < 3; ++j) cross[3 * i + j] = m.cross[3 * i + j] - m.weight * q[i] * p[j];
    }
    const RotationFit best = fitRotation(cross);
    std::memcpy(fit.rotation, best.rotation, sizeof(fit.rotation));
    const double noise = 2 * rounding_ * std::sqrt(std::max(0.0, qq) * m.weight);
    fit.determined = best.gap > noise + kSumNoise<T> * std::fabs(best.largest) && best.largest > 0;
    if (options_.scale && qq > 0) fit.scale = best.largest / qq;
    for (int i = 0; i < 3; ++i) {
        const double* r = fit.rotation + 3 * i;
        fit.offset[i] = p[i] - fit.scale * ((r[0] * q[0] + r[1] * q[1]) + r[2] * q[2]);
    }
    fit.squares = (pp + fit.scale * fit.scale * qq) - 2 * fit.scale * best.largest;
    return fit;
}

// Positions are taken relative to a vertex of their own, so that a head far from the origin loses nothing.
template <class T>
bool FrameAligner<T>::chooseOrigin(const char* frame) {
    if (!firstFinite(frame, positions_.scalar, positions_.vertexStride, prior_, reference_.count,
                     now_.origin))
        return false;
    const double epsilon = positions_.scalar == Scalar::float32 ? std::numeric_limits<float>::epsilon()
                                                                : std::numeric_limits<double>::epsilon();
    const double* o = now_.origin;
    rounding_ = epsilon * std::max({std::fabs(o[0]), std::fabs(o[1]), std::fabs(o[2])});
    return true;
}

// The frame's own weights, where the reference is there; their unit does not matter.
template <class T>
void FrameAligner<T>::takeWeights(const double* weights) {
    prior_ = lanes_.at.w;
    priorWeight_ = lanes_.weight;
    if (!weights) return;
    frameWeights_.resize(static_cast<std::size_t>(reference_.size));
    prior_ = frameWeights_.data();
    double largest = 0;
    for (std::int64_t v = 0; v < reference_.count; ++v) largest = std::max(largest, weights[v]);
    int exponent = 0;
    std::frexp(largest, &exponent);
    const double unit = std::ldexp(1.0, -std::clamp(exponent, -1000, 1000));
    priorWeight_ = 0;
    for (std::int64_t v = 0; v < reference_.count; ++v) {
        frameWeights_[v] = lanes_.at.w[v] > 0 ? static_cast<T>(weights[v] * unit) : T(0);
        priorWeight_ += frameWeights_[v];
    }
}

template <class T>
std::int64_t FrameAligner<T>::gather(const char* frame) {
    if (frame_.size == 0) {
        frame_ = Coordinates<T>(reference_.size, 1);
        squares_.resize(static_cast<std::size_t>(reference_.size));
    }
    const auto kernel = positions_.scalar == Scalar::float32 ? passes_.gatherFloat : passes_.gatherDouble;
    gone_ = kernel(frame, positions_.vertexStride, reference_.count, now_.origin, prior_, frame_.x, frame_.y,
                   frame_.z, frame_.w);
    return gone_;
}

template <class T>
void FrameAligner<T>::reweight(const FrameFit& fit, double sigma, bool withSquares) {
    passes_.reweight(lanes_.points(), frame_.points(), frame_.w, reference_.size, fit.pose(),
                     {options_.loss, sigma * sigma}, withSquares ? squares_.data() : nullptr, &moments_);
}

// Residual, support and spread of the current fit, from the residuals themselves.
template <class T>
void FrameAligner<T>::measure() {
    // The frame's own scale says nothing about how good the agreement is: judge by one that is the same for
    // all frames.
    const double agreement = kAgreement * reference_.extent;
    const AlignmentScale own{options_.loss, now_.sigma * now_.sigma};
    const AlignmentScale common{AlignmentLoss::gemanMcClure, agreement * agreement};
    double sums[kAlignmentStatistics];
    passes_.statistics(lanes_.points(), frame_.points(), frame_.w, reference_.size, now_.fit.pose(),
                       options_.robust ? common : own, own, sums);
    now_.residual = std::sqrt(sums[11] / sums[10]);
    const bool all = !options_.robust && gone_ == 0;  // not what rounding makes of 1
    now_.support = all ? 1 : std::min(1.0, sums[0] / priorWeight_);
    now_.spread = distanceFromAxis(sums);
}

// A plain fit where vertices may be missing, or have weights of their own.
template <class T>
AlignmentProblem FrameAligner<T>::plainGathered(const char* frame) {
    if (gather(frame) > 0 && !options_.missing) return AlignmentProblem::notFinite;
    reweight(FrameFit{}, kInfinity, false);
    if (!(moments_.weight > 0)) return AlignmentProblem::degenerate;
    now_.fit = fitMoments(0);
    if (!now_.fit.determined) return AlignmentProblem::degenerate;
    measure();
    return AlignmentProblem::none;
}

// The moments of a frame under the reference's own weights, in one pass over it; false if a coordinate is not
// finite.
template <class T>
bool FrameAligner<T>::sumPlain(const char* frame) {
    const auto kernel = positions_.scalar == Scalar::float32 ? passes_.plainFloat : passes_.plainDouble;
    moments_ = AlignmentMoments{};
    const Coordinates<T>& q = lanes_.weighted.size == 0 ? lanes_.at : lanes_.weighted;
    kernel(frame, positions_.vertexStride, reference_.count, now_.origin, q.points(),
           lanes_.unit ? nullptr : lanes_.at.w, &moments_);
    moments_.weight = lanes_.weight;
    for (int i = 0; i < 3; ++i) moments_.q[i] = lanes_.q[i];
    moments_.qq = lanes_.qq;
    return std::isfinite(moments_.pp);
}

// Whether the squares of a fit, the difference of large sums, have kept enough digits.
template <class T>
bool FrameAligner<T>::knowsSquares() const {
    return now_.fit.squares >= measuredBelow<T>(reference_.count) * moments_.pp;
}

template <class T>
AlignmentProblem FrameAligner<T>::plain(const char* frame) {
    now_.sigma = kInfinity;
    now_.iterations = 0;
    if (prior_ != lanes_.at.w) return plainGathered(frame);
    if (!sumPlain(frame)) return options_.missing ? plainGathered(frame) : AlignmentProblem::notFinite;
    now_.fit = fitMoments(moments_.pp);
    if (!now_.fit.determined) return AlignmentProblem::degenerate;
    now_.support = 1;
    now_.spread = reference_.spread;
    now_.residual = std::sqrt(std::max(0.0, now_.fit.squares) / moments_.weight);
    if (!knowsSquares()) {
        gather(frame);
        measure();
    }
    return AlignmentProblem::none;
}

// Where a robust fit starts: the plain one, and the mean square that it leaves.
template <class T>
AlignmentProblem FrameAligner<T>::startRobust(const char* frame, double* square) {
    const bool whole = prior_ == lanes_.at.w && sumPlain(frame);
    if (gather(frame) > 0 && !options_.missing) return AlignmentProblem::notFinite;
    if (!whole) reweight(FrameFit{}, kInfinity, false);
    if (!(moments_.weight > 0)) return AlignmentProblem::degenerate;
    now_.fit = fitMoments(whole ? moments_.pp : 0);
    if (!now_.fit.determined) return AlignmentProblem::degenerate;
    if (whole && options_.sigma > 0 && knowsSquares()) {
        *square = now_.fit.squares / moments_.weight;
    } else {
        reweight(now_.fit, kInfinity, true);
        *square = moments_.pp / moments_.weight;
    }
    return AlignmentProblem::none;
}

// Iteratively reweighted least squares, graduated: the scale falls from well above the residuals of the
// least-squares fit to what the frame's own residuals ask for (Black, Rangarajan 1996; Zhou, Park, Koltun
// 2016, Fast Global Registration), so that the chin cannot pull the start its way.
template <class T>
AlignmentProblem FrameAligner<T>::robust(const char* frame) {
    double square = 0;
    const AlignmentProblem problem = startRobust(frame, &square);
    if (problem != AlignmentProblem::none) return problem;
    double target = options_.sigma;
    if (!(target > 0)) {
        presentWeight_ = moments_.weight;
        present_ = std::count_if(frame_.w, frame_.w + reference_.count, [](T weight) { return weight > 0; });
        target = estimateScale();
    }
    now_.sigma = std::max(target, 4 * std::sqrt(square));
    iterate(target);
    measure();
    return AlignmentProblem::none;
}

// The scale that the residuals in squares_ ask for.
template <class T>
double FrameAligner<T>::estimateScale() {
    // Tukey's loss ends where Geman and McClure's has a quarter of the weight left: let it end further out,
    // so that a vertex at the quantile has a quarter there as well.
    const double reach = options_.loss == AlignmentLoss::tukey ? std::sqrt(2.0) : 1.0;
    return std::max(options_.floor * reference_.extent, reach * options_.factor * quantile());
}

template <class T>
void FrameAligner<T>::iterate(double target) {
    bool settled = false;
    double before = kInfinity;
    for (now_.iterations = 1; now_.iterations <= options_.maxIterations; ++now_.iterations) {
        // The target falls with the scale; it is looked for anew only where the scale has come down to it.
        const bool arrived = !settled && now_.sigma <= target, estimate = arrived && !(options_.sigma > 0);
        reweight(now_.fit, now_.sigma, estimate);
        const FrameFit next = fitMoments(0);
        if (!next.determined) break;  // what agrees at this scale lies on a line: keep the fit that does not
        const double moved = change(now_.fit, next, reference_.radius);
        now_.fit = next;
        if (settled) {
            if (settle(moved, before)) break;
            before = moved;
            continue;
        }
        if (estimate) target = std::min(now_.sigma, estimateScale());
        if (arrived) settled = target > kSettled * now_.sigma;
        now_.sigma = settled ? target : std::max(target, now_.sigma / options_.shrink);
    }
    now_.iterations = std::min<std::int32_t>(now_.iterations, options_.maxIterations);
}

// Whether a step from fit to fit is the last one.
template <class T>
bool FrameAligner<T>::settle(double moved, double before) const {
    if (moved <= options_.tolerance * reference_.extent) return true;
    return moved <= kStepNoise<T> * reference_.extent && moved >= before;
}

// The weighted quantile of the residuals, exact. The order of floats that are not negative is that of their
// bits: three histograms, over the leading, the middle and the last bits, each of the vertices in the bin
// that was found before.
template <class T>
double FrameAligner<T>::quantile() {
    constexpr int kShift = 20, kBins = 1 << (31 - kShift), kWays = 4;
    // Neighbours fall into the same bin: by turns, so that one addition need not wait for the other.
    double histogram[kBins][kWays] = {};
    const T* w = frame_.w;
    const std::int64_t count = reference_.count;
    const auto bitsOf = [this](std::int64_t v) {
        std::uint32_t bits;
        std::memcpy(&bits, &squares_[v], sizeof(bits));
        return bits;
    };
    for (std::int64_t v = 0; v < count; ++v) histogram[bitsOf(v) >> kShift][v % kWays] += w[v];
    const double level = std::max(options_.quantile, std::min(1.0, kFewest / static_cast<double>(present_)));
    const double wanted = level * presentWeight_;
    double below = 0, inside = 0;
    std::uint32_t bin = 0;
    for (std::uint32_t b = 0; b < kBins && !(inside > 0 && below + inside >= wanted); ++b) {
        const double* h = histogram[b];
        const double weight = (h[0] + h[1]) + (h[2] + h[3]);
        if (!(weight > 0)) continue;
        below += inside;
        inside = weight;
        bin = b;
    }
    candidates_.clear();
    for (std::int64_t v = 0; v < count; ++v)
        if (bitsOf(v) >> kShift == bin && w[v] > 0) candidates_.emplace_back(bitsOf(v), w[v]);
    return choose(bin, kShift, below, wanted);
}

// Goes on among candidates_, whose bits begin with `prefix` above `shift`.
template <class T>
double FrameAligner<T>::choose(std::uint32_t prefix, int shift, double below, double wanted) {
    constexpr int kBits = 10;
    while (shift > 0) {
        double histogram[1 << kBits] = {};
        shift -= kBits;
        for (const auto& [bits, weight] : candidates_)
            if (bits >> (shift + kBits) == prefix) histogram[bits >> shift & ((1 << kBits) - 1)] += weight;
        double inside = 0;
        std::uint32_t bin = 0;
        for (std::uint32_t b = 0; b < 1u << kBits && !(inside > 0 && below + inside >= wanted); ++b) {
            if (!(histogram[b] > 0)) continue;
            below += inside;
            inside = histogram[b];
            bin = b;
        }
        prefix = prefix << kBits | bin;
    }
    float square;
    std::memcpy(&square, &prefix, sizeof(square));
    return std::sqrt(static_cast<double>(square));
}

template <class T>
AlignmentProblem FrameAligner<T>::align(std::int64_t f, const double* weights, FrameAlignment* out) {
    const char* frame = static_cast<const char*>(positions_.data) + f * positions_.frameStride;
    takeWeights(weights);
    AlignmentProblem problem = AlignmentProblem::degenerate;
    if (chooseOrigin(frame))
        problem = options_.robust ? robust(frame) : plain(frame);
    else if (!options_.missing && priorWeight_ > 0)
        problem = AlignmentProblem::notFinite;
    *out = now_;
    return problem;
}

template class FrameAligner<float>;
template class FrameAligner<double>;

}  // namespace mien
