#include "mien/alignment.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "horn.h"
#include "kernels/table.h"
#include "mien/error.h"
#include "mien/parallel.h"

namespace mien {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Residuals of this size, relative to the reference's extent, quarter the agreement of a vertex: 0.5 mm on a
// face.
constexpr double kAgreement = 2e-3;

// The scale of a robust fit is never taken from fewer vertices: a few more than the three that any pose fits.
constexpr double kFewest = 6;

// The scale has settled when the one that the residuals ask for is no smaller than this part of it.
constexpr double kSettled = 0.9;

std::int64_t padded(std::int64_t count) {
    return (count + kAlignmentPad - 1) / kAlignmentPad * kAlignmentPad;
}

struct Coordinates {
    explicit Coordinates(std::int64_t count)
        : x(static_cast<std::size_t>(count)), y(x.size()), z(x.size()), w(x.size()) {}
    AlignmentPoints points() const { return {x.data(), y.data(), z.data()}; }

    std::vector<double> x, y, z, w;
};

template <class T>
bool firstFinite(const char* frame, std::ptrdiff_t stride, const double* weights, std::int64_t count,
                 double* out) {
    for (std::int64_t v = 0; v < count; ++v) {
        const T* p = reinterpret_cast<const T*>(frame + v * stride);
        if (!(weights[v] > 0) || !std::isfinite(p[0]) || !std::isfinite(p[1]) || !std::isfinite(p[2]))
            continue;
        for (int i = 0; i < 3; ++i) out[i] = p[i];
        return true;
    }
    return false;
}

double distanceFromAxis(const double* sums);

// The reference about its weighted centroid, with what is the same for every frame. The extent measures how
// large it is: the diagonal of a solid box that has the spread of its vertices, weights aside. (The diagonal
// of the bounding box would change as the reference is turned.)
struct Reference {
    Reference(const ConstFrames& view, const double* weights);

    std::int64_t count, size;  // vertices, and the same padded
    Coordinates at;
    double centre[3] = {0, 0, 0};
    double q[3] = {0, 0, 0};  // sum w q about the centre: what rounding leaves of 0
    double weight = 0, qq = 0, extent = 0, radius = 0, spread = 0;
};

Reference::Reference(const ConstFrames& view, const double* weights)
    : count(view.vertices), size(padded(view.vertices)), at(size) {
    const std::vector<double> ones(static_cast<std::size_t>(size), 1.0);
    double origin[3] = {0, 0, 0};
    const auto find = view.scalar == Scalar::float32 ? firstFinite<float> : firstFinite<double>;
    find(static_cast<const char*>(view.data), view.vertexStride, weights ? weights : ones.data(), count,
         origin);
    const auto gather =
        view.scalar == Scalar::float32 ? kernels().alignment.gatherFloat : kernels().alignment.gatherDouble;
    gather(view.data, view.vertexStride, count, origin, ones.data(), at.x.data(), at.y.data(), at.z.data(),
           at.w.data());
    double sum[3] = {0, 0, 0}, squares = 0, finite = 0;
    for (std::int64_t v = 0; v < size; ++v) {
        const bool present = v < count && at.w[v] > 0;
        at.w[v] = present ? (weights ? weights[v] : 1.0) : 0.0;
        if (!present) continue;
        const double point[3] = {at.x[v], at.y[v], at.z[v]};
        for (int i = 0; i < 3; ++i) {
            sum[i] += point[i];
            centre[i] += at.w[v] * point[i];
        }
        squares += (point[0] * point[0] + point[1] * point[1]) + point[2] * point[2];
        finite += 1;
        weight += at.w[v];
    }
    if (!(weight > 0)) return;
    const double mean2 = ((sum[0] * sum[0] + sum[1] * sum[1]) + sum[2] * sum[2]) / (finite * finite);
    extent = std::sqrt(12 * std::max(0.0, squares / finite - mean2));
    for (int i = 0; i < 3; ++i) centre[i] /= weight;
    double sums[11] = {weight};
    for (std::int64_t v = 0; v < size; ++v) {
        const bool used = at.w[v] > 0;
        const double x = at.x[v] = used ? at.x[v] - centre[0] : 0;
        const double y = at.y[v] = used ? at.y[v] - centre[1] : 0;
        const double z = at.z[v] = used ? at.z[v] - centre[2] : 0;
        const double w = at.w[v];
        q[0] += w * x, q[1] += w * y, q[2] += w * z;
        const double product[6] = {x * x, x * y, x * z, y * y, y * z, z * z};
        for (int i = 0; i < 6; ++i) sums[4 + i] += w * product[i];
    }
    for (int i = 0; i < 3; ++i) centre[i] += origin[i];
    qq = (sums[4] + sums[7]) + sums[9];
    radius = std::sqrt(qq / weight);
    spread = distanceFromAxis(sums);
}

// Rms distance of weighted points from their own principal axis: the lever arm of the worst rotation. `sums`
// as the kernel `statistics` writes them.
double distanceFromAxis(const double* sums) {
    const double w = sums[0], mx = sums[1] / w, my = sums[2] / w, mz = sums[3] / w;
    const double covariance[6] = {sums[4] / w - mx * mx, sums[5] / w - mx * my, sums[6] / w - mx * mz,
                                  sums[7] / w - my * my, sums[8] / w - my * mz, sums[9] / w - mz * mz};
    double values[3];
    symmetricEigenvalues3(covariance, values);
    return std::sqrt(std::max(0.0, values[0] + values[1]));
}

// One frame's fit, about the reference's centroid and the frame's origin.
struct Fit {
    double rotation[9], scale = 1, offset[3];
    double squares = 0;  // sum of weighted squared distances, as the moments give it
    bool determined = false;

    AlignmentPose pose() const {
        AlignmentPose out;
        for (int i = 0; i < 9; ++i) out.matrix[i] = scale * rotation[i];
        for (int i = 0; i < 3; ++i) out.offset[i] = offset[i];
        return out;
    }
};

// Kabsch's problem from moments; `frameSquares` is sum w |p|^2 where known (for Fit::squares), else 0.
// `rounding` is the error of a coordinate of the frame. Points on a line leave the gap of Horn's eigenvalues
// at what rounding makes of 0, which is less than a coordinate's error times sum w |q|.
Fit fitMoments(const AlignmentMoments& m, double frameSquares, double rounding, bool withScale) {
    Fit fit;
    double q[3], p[3], cross[9], qq = m.qq, pp = frameSquares;
    for (int i = 0; i < 3; ++i) q[i] = m.q[i] / m.weight, p[i] = m.p[i] / m.weight;
    for (int i = 0; i < 3; ++i) {
        qq -= m.weight * q[i] * q[i];
        pp -= m.weight * p[i] * p[i];
        for (int j = 0; j < 3; ++j) cross[3 * i + j] = m.cross[3 * i + j] - m.weight * q[i] * p[j];
    }
    const RotationFit best = fitRotation(cross);
    std::memcpy(fit.rotation, best.rotation, sizeof(fit.rotation));
    const double noise = 2 * rounding * std::sqrt(std::max(0.0, qq) * m.weight);
    fit.determined = best.gap > noise + 1e-12 * std::fabs(best.largest) && best.largest > 0;
    if (withScale && qq > 0) fit.scale = best.largest / qq;
    for (int i = 0; i < 3; ++i) {
        const double* r = fit.rotation + 3 * i;
        fit.offset[i] = p[i] - fit.scale * ((r[0] * q[0] + r[1] * q[1]) + r[2] * q[2]);
    }
    fit.squares = (pp + fit.scale * fit.scale * qq) - 2 * fit.scale * best.largest;
    return fit;
}

// How far the reference's points move, root mean square, from one fit to another.
double change(const Fit& a, const Fit& b, double radius) {
    double turn = 0, shift = 0;
    for (int i = 0; i < 9; ++i) {
        const double d = a.scale * a.rotation[i] - b.scale * b.rotation[i];
        turn += d * d;
    }
    for (int i = 0; i < 3; ++i) shift += (a.offset[i] - b.offset[i]) * (a.offset[i] - b.offset[i]);
    return std::sqrt(turn) * radius + std::sqrt(shift);
}

// The work on one frame, with its scratch memory, reused from frame to frame of a range.
class FrameAligner {
  public:
    FrameAligner(const ConstFrames& positions, const Reference& reference, const AlignmentOptions& options)
        : positions_(positions), reference_(reference), options_(options) {}

    AlignmentProblem align(std::int64_t f, const AlignmentResult& result);

  private:
    bool chooseOrigin(const char* frame);
    AlignmentProblem plain(const char* frame);
    AlignmentProblem robust(const char* frame);
    std::int64_t gather(const char* frame);
    void reweight(const Fit& fit, double sigma, bool withSquares);
    void measure();
    double quantile();

    const ConstFrames& positions_;
    const Reference& reference_;
    const AlignmentOptions& options_;
    double origin_[3] = {0, 0, 0}, rounding_ = 0;
    std::vector<Coordinates> frame_;  // empty until a frame needs it, then one
    std::vector<float> squares_;
    std::vector<std::pair<float, double>> candidates_;
    AlignmentMoments moments_{};
    Fit fit_;
    double presentWeight_ = 0, sigma_ = kInfinity, residual_ = 0, support_ = 1, spread_ = 0;
    std::int64_t present_ = 0;
    std::int32_t iterations_ = 0;
};

// Positions are taken relative to a vertex of their own, so that a head far from the origin loses nothing.
bool FrameAligner::chooseOrigin(const char* frame) {
    const auto find = positions_.scalar == Scalar::float32 ? firstFinite<float> : firstFinite<double>;
    if (!find(frame, positions_.vertexStride, reference_.at.w.data(), reference_.count, origin_))
        return false;
    const double epsilon = positions_.scalar == Scalar::float32 ? std::numeric_limits<float>::epsilon()
                                                                : std::numeric_limits<double>::epsilon();
    rounding_ = epsilon * std::max({std::fabs(origin_[0]), std::fabs(origin_[1]), std::fabs(origin_[2])});
    return true;
}

std::int64_t FrameAligner::gather(const char* frame) {
    if (frame_.empty()) {
        frame_.emplace_back(reference_.size);
        squares_.resize(static_cast<std::size_t>(reference_.size));
    }
    Coordinates& to = frame_.front();
    const auto kernel = positions_.scalar == Scalar::float32 ? kernels().alignment.gatherFloat
                                                             : kernels().alignment.gatherDouble;
    return kernel(frame, positions_.vertexStride, reference_.count, origin_, reference_.at.w.data(),
                  to.x.data(), to.y.data(), to.z.data(), to.w.data());
}

void FrameAligner::reweight(const Fit& fit, double sigma, bool withSquares) {
    const Coordinates& from = frame_.front();
    kernels().alignment.reweight(reference_.at.points(), from.points(), from.w.data(), reference_.size,
                                 fit.pose(), sigma * sigma, withSquares ? squares_.data() : nullptr,
                                 &moments_);
}

// Residual, support and spread of the current fit, from the residuals themselves.
void FrameAligner::measure() {
    const Coordinates& from = frame_.front();
    double sums[11];
    kernels().alignment.statistics(reference_.at.points(), from.points(), from.w.data(), reference_.size,
                                   fit_.pose(), sigma_ * sigma_, sums);
    residual_ = std::sqrt(sums[10] / sums[0]);
    if (options_.robust) {
        // The frame's own scale says nothing about how good the agreement is: judge by one that is the same
        // for all frames.
        const double agreement = kAgreement * reference_.extent;
        kernels().alignment.statistics(reference_.at.points(), from.points(), from.w.data(), reference_.size,
                                       fit_.pose(), agreement * agreement, sums);
    }
    support_ = std::min(1.0, sums[0] / reference_.weight);
    spread_ = distanceFromAxis(sums);
}

AlignmentProblem FrameAligner::plain(const char* frame) {
    sigma_ = kInfinity;
    iterations_ = 0;
    if (options_.missing) {
        gather(frame);
        reweight(Fit{}, kInfinity, false);
        if (!(moments_.weight > 0)) return AlignmentProblem::degenerate;
        fit_ = fitMoments(moments_, 0, rounding_, options_.scale);
        if (!fit_.determined) return AlignmentProblem::degenerate;
        measure();
        return AlignmentProblem::none;
    }
    const auto kernel = positions_.scalar == Scalar::float32 ? kernels().alignment.plainFloat
                                                             : kernels().alignment.plainDouble;
    moments_ = AlignmentMoments{};
    kernel(frame, positions_.vertexStride, reference_.count, origin_, reference_.at.points(),
           reference_.at.w.data(), &moments_);
    moments_.weight = reference_.weight;
    for (int i = 0; i < 3; ++i) moments_.q[i] = reference_.q[i];
    moments_.qq = reference_.qq;
    if (!std::isfinite((moments_.p[0] + moments_.p[1]) + moments_.p[2])) return AlignmentProblem::notFinite;
    fit_ = fitMoments(moments_, moments_.pp, rounding_, options_.scale);
    if (!fit_.determined) return AlignmentProblem::degenerate;
    support_ = 1;
    spread_ = reference_.spread;
    residual_ = std::sqrt(std::max(0.0, fit_.squares) / moments_.weight);
    // The difference of large sums keeps half of the digits; where that is not enough, measure.
    if (fit_.squares < 1e-7 * moments_.pp) {
        gather(frame);
        measure();
    }
    return AlignmentProblem::none;
}

// Iteratively reweighted least squares under Geman and McClure's loss, graduated: the scale falls from well
// above the residuals of the least-squares fit to what the frame's own residuals ask for (Black, Rangarajan
// 1996; Zhou, Park, Koltun 2016, Fast Global Registration), so that the chin cannot pull the start its way.
AlignmentProblem FrameAligner::robust(const char* frame) {
    if (gather(frame) > 0 && !options_.missing) return AlignmentProblem::notFinite;
    reweight(Fit{}, kInfinity, false);
    if (!(moments_.weight > 0)) return AlignmentProblem::degenerate;
    presentWeight_ = moments_.weight;
    const std::vector<double>& w = frame_.front().w;
    present_ = std::count_if(w.begin(), w.end(), [](double weight) { return weight > 0; });
    fit_ = fitMoments(moments_, 0, rounding_, options_.scale);
    if (!fit_.determined) return AlignmentProblem::degenerate;

    const double floor = options_.floor * reference_.extent, still = options_.tolerance * reference_.extent;
    reweight(fit_, kInfinity, true);
    double target = std::max(floor, options_.factor * quantile());
    sigma_ = std::max(target, 4 * std::sqrt(moments_.pp / moments_.weight));
    bool settled = false;
    for (iterations_ = 1; iterations_ <= options_.maxIterations; ++iterations_) {
        // The target falls with the scale; it is looked for anew only where the scale has come down to it.
        const bool arrived = !settled && sigma_ <= target;
        reweight(fit_, sigma_, arrived);
        const Fit next = fitMoments(moments_, 0, rounding_, options_.scale);
        if (!next.determined) break;  // what agrees at this scale lies on a line: keep the fit that does not
        const double moved = change(fit_, next, reference_.radius);
        fit_ = next;
        if (settled) {
            if (moved <= still) break;
            continue;
        }
        if (arrived) {
            target = std::min(sigma_, std::max(floor, options_.factor * quantile()));
            settled = target > kSettled * sigma_;
        }
        sigma_ = settled ? target : std::max(target, sigma_ / options_.shrink);
    }
    iterations_ = std::min<std::int32_t>(iterations_, options_.maxIterations);
    measure();
    return AlignmentProblem::none;
}

// The weighted quantile of the residuals, exact: a histogram over the leading bits of the squares, whose
// order is that of the floats, finds the bin; the few in it are sorted.
double FrameAligner::quantile() {
    constexpr int kShift = 20, kBins = 1 << (31 - kShift);
    const std::vector<double>& w = frame_.front().w;
    double histogram[kBins] = {};
    for (std::int64_t v = 0; v < reference_.count; ++v) {
        std::uint32_t bits;
        std::memcpy(&bits, &squares_[v], sizeof(bits));
        histogram[bits >> kShift] += w[v];
    }
    double below = 0;
    const double level = std::max(options_.quantile, std::min(1.0, kFewest / static_cast<double>(present_)));
    const double wanted = level * presentWeight_;
    int bin = 0;
    while (bin < kBins - 1 && below + histogram[bin] < wanted) below += histogram[bin++];
    candidates_.clear();
    for (std::int64_t v = 0; v < reference_.count; ++v) {
        std::uint32_t bits;
        std::memcpy(&bits, &squares_[v], sizeof(bits));
        if (static_cast<int>(bits >> kShift) == bin && w[v] > 0) candidates_.emplace_back(squares_[v], w[v]);
    }
    if (candidates_.empty()) return 0;
    std::sort(candidates_.begin(), candidates_.end());
    for (const auto& [square, weight] : candidates_) {
        below += weight;
        if (below >= wanted) return std::sqrt(static_cast<double>(square));
    }
    return std::sqrt(static_cast<double>(candidates_.back().first));
}

AlignmentProblem FrameAligner::align(std::int64_t f, const AlignmentResult& result) {
    const char* frame = static_cast<const char*>(positions_.data) + f * positions_.frameStride;
    AlignmentProblem problem = AlignmentProblem::degenerate;
    if (chooseOrigin(frame))
        problem = options_.robust ? robust(frame) : plain(frame);
    else if (!options_.missing && reference_.weight > 0)
        problem = AlignmentProblem::notFinite;
    const bool good = problem == AlignmentProblem::none;
    for (int i = 0; i < 9; ++i) result.rotation[9 * f + i] = good ? fit_.rotation[i] : kNaN;
    for (int i = 0; i < 3; ++i) {
        const double *r = fit_.rotation + 3 * i, *c = reference_.centre;
        const double moved = fit_.scale * ((r[0] * c[0] + r[1] * c[1]) + r[2] * c[2]);
        result.translation[3 * f + i] = good ? origin_[i] + (fit_.offset[i] - moved) : kNaN;
    }
    result.scale[f] = good ? fit_.scale : kNaN;
    result.residual[f] = good ? residual_ : kNaN;
    result.support[f] = good ? support_ : kNaN;
    result.spread[f] = good ? spread_ : kNaN;
    result.sigma[f] = good ? sigma_ : kNaN;
    result.iterations[f] = good ? iterations_ : 0;
    return problem;
}

void check(const ConstFrames& positions, const ConstFrames& reference, const double* weights,
           const AlignmentOptions& options) {
    if (reference.frames != 1 || reference.vertices != positions.vertices)
        throw Error(Status::invalidArgument, "reference must be one frame with the vertices of positions");
    const bool sound = options.quantile > 0 && options.quantile < 1 && options.factor > 0 &&
                       options.floor > 0 && options.shrink > 1 && options.tolerance >= 0 &&
                       options.maxIterations >= 1;
    if (!sound) throw Error(Status::invalidArgument, "alignment options are out of range");
    for (std::int64_t v = 0; weights && v < positions.vertices; ++v) {
        if (!(weights[v] >= 0) || !std::isfinite(weights[v]))
            throw Error(Status::invalidArgument, "weights must be finite and at least 0");
    }
}

}  // namespace

AlignmentStatus alignFrames(const ConstFrames& positions, const ConstFrames& reference, const double* weights,
                            const AlignmentOptions& options, const AlignmentResult& result) {
    check(positions, reference, weights, options);
    const Reference prepared(reference, weights);
    std::vector<AlignmentProblem> problems(static_cast<std::size_t>(positions.frames));
    const std::int64_t grain = std::max<std::int64_t>(1, 32768 / std::max<std::int64_t>(1, prepared.size));
    parallelFor(positions.frames, grain, [&](std::int64_t begin, std::int64_t end) {
        FrameAligner aligner(positions, prepared, options);
        for (std::int64_t f = begin; f < end; ++f) problems[f] = aligner.align(f, result);
    });
    for (std::int64_t f = 0; f < positions.frames; ++f)
        if (problems[f] != AlignmentProblem::none) return {problems[f], f};
    return {};
}

}  // namespace mien
