#include "alignment_reference.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "horn.h"

namespace mien {
namespace {

// Lanes of floats are for shapes whose squares, and the squares of what is a millionth of their size, are far
// from both ends of what a float can hold; and for so many vertices that rounding cancels and time matters.
constexpr double kSmallest = 1e-9, kLargest = 1e9;
constexpr std::int64_t kFewestForFloats = 512;

constexpr std::int64_t kSumLanes = 8;  // that a sum goes to, whatever the width of the vectors

std::int64_t padded(std::int64_t count) {
    return (count + kAlignmentPad - 1) / kAlignmentPad * kAlignmentPad;
}

template <class T, class W>
bool firstFiniteOf(const char* frame, std::ptrdiff_t stride, const W* weights, std::int64_t count,
                   double* out) {
    for (std::int64_t v = 0; v < count; ++v) {
        const T* p = reinterpret_cast<const T*>(frame + v * stride);
        if ((weights && !(weights[v] > 0)) || !std::isfinite(p[0]) || !std::isfinite(p[1]) ||
            !std::isfinite(p[2]))
            continue;
        for (int i = 0; i < 3; ++i) out[i] = p[i];
        return true;
    }
    return false;
}

// Weights count by their ratios: a power of two brings the largest near 1, and changes no bit of a result.
double unitOf(const double* weights, std::int64_t count) {
    double largest = 0;
    for (std::int64_t v = 0; v < count; ++v) largest = std::max(largest, weights[v]);
    int exponent = 0;
    std::frexp(largest, &exponent);
    return std::ldexp(1.0, -std::clamp(exponent, -1000, 1000));
}

double sumOf(const float* values, std::int64_t padded) {
    double lanes[kSumLanes] = {};
    for (std::int64_t i = 0; i < padded; i += kSumLanes)
        for (std::int64_t l = 0; l < kSumLanes; ++l) lanes[l] += values[i + l];
    double sum = 0;
    for (double lane : lanes) sum += lane;
    return sum;
}

}  // namespace

template <class W>
bool firstFinite(const void* frame, Scalar scalar, std::ptrdiff_t stride, const W* weights,
                 std::int64_t count, double* out) {
    const char* from = static_cast<const char*>(frame);
    return scalar == Scalar::float32 ? firstFiniteOf<float>(from, stride, weights, count, out)
                                     : firstFiniteOf<double>(from, stride, weights, count, out);
}

template bool firstFinite(const void*, Scalar, std::ptrdiff_t, const float*, std::int64_t, double*);
template bool firstFinite(const void*, Scalar, std::ptrdiff_t, const double*, std::int64_t, double*);

double distanceFromAxis(const double* sums) {
    const double w = sums[0], mx = sums[1] / w, my = sums[2] / w, mz = sums[3] / w;
    const double covariance[6] = {sums[4] / w - mx * mx, sums[5] / w - mx * my, sums[6] / w - mx * mz,
                                  sums[7] / w - my * my, sums[8] / w - my * mz, sums[9] / w - mz * mz};
    double values[3];
    symmetricEigenvalues3(covariance, values);
    return std::sqrt(std::max(0.0, values[0] + values[1]));
}

// Some vertices of the reference, relative to a point; weight 0 where one is missing, and where the block is
// longer than what is left.
struct AlignmentReference::Block {
    static constexpr std::int64_t kSize = 512;
    static_assert(kSize % kAlignmentPad == 0, "blocks are padded");

    alignas(64) double x[kSize], y[kSize], z[kSize], present[kSize], w[kSize];
    std::int64_t begin, padded;

    // As the kernel `statistics` writes them, of these points and weights of their own.
    void addTo(double* sums, const double* weight) const {
        const AlignmentPoints<double> points{x, y, z, nullptr}, none{nullptr, nullptr, nullptr, nullptr};
        double here[kAlignmentStatistics];
        kernels().alignment.inDoubles.statistics(points, none, weight, padded, {}, {}, {}, here);
        for (int i = 0; i < 10; ++i) sums[i] += here[i];
    }
};

template <class Body>
void AlignmentReference::overBlocks(const double* about, Body body) const {
    const AlignmentPasses<double>& passes = kernels().alignment.inDoubles;
    const auto gather = view_.scalar == Scalar::float32 ? passes.gatherFloat : passes.gatherDouble;
    double ones[Block::kSize];
    std::fill_n(ones, Block::kSize, 1.0);
    Block block;
    for (block.begin = 0; block.begin < count; block.begin += Block::kSize) {
        const std::int64_t n = std::min(Block::kSize, count - block.begin);
        const char* from = static_cast<const char*>(view_.data) + block.begin * view_.vertexStride;
        block.padded = padded(n);
        gather(from, view_.vertexStride, n, origin_, ones, block.x, block.y, block.z, block.present);
        std::fill(block.present + n, block.present + block.padded, 0.0);
        std::copy_n(block.present, block.padded, block.w);
        if (weights_)
            for (std::int64_t i = 0; i < n; ++i) block.w[i] *= weights_[block.begin + i] * unit_;
        if (about) {
            for (std::int64_t i = 0; i < block.padded; ++i) {
                const double used = block.w[i] > 0 ? 1.0 : 0.0;
                block.x[i] = (block.x[i] - about[0]) * used;
                block.y[i] = (block.y[i] - about[1]) * used;
                block.z[i] = (block.z[i] - about[2]) * used;
            }
        }
        body(block);
    }
}

// The weighted centroid, and the extent, for which weights do not count.
void AlignmentReference::findCentre(double* sums) {
    double all[10] = {};
    overBlocks(nullptr, [&](const Block& block) {
        block.addTo(all, block.present);
        if (weights_) block.addTo(sums, block.w);
    });
    if (!weights_) std::copy_n(all, 10, sums);
    if (!(sums[0] > 0)) return;
    const double mean2 = ((all[1] * all[1] + all[2] * all[2]) + all[3] * all[3]) / (all[0] * all[0]);
    extent = std::sqrt(12 * std::max(0.0, ((all[4] + all[7]) + all[9]) / all[0] - mean2));
    for (int i = 0; i < 3; ++i) {
        middle_[i] = sums[1 + i] / sums[0];
        centre[i] = origin_[i] + middle_[i];
    }
}

AlignmentReference::AlignmentReference(const ConstFrames& view, const double* weights, bool withFloats)
    : count(view.vertices), size(padded(view.vertices)), view_(view), weights_(weights) {
    firstFinite(view.data, view.scalar, view.vertexStride, weights, count, origin_);
    if (weights) unit_ = unitOf(weights, count);
    double sums[10] = {};
    findCentre(sums);
    if (!(sums[0] > 0)) return;
    floats = withFloats && count >= kFewestForFloats && extent > kSmallest && extent < kLargest;
    double about[10] = {};
    if (floats) {
        floatLanes_.at = Coordinates<float>(size);
        if (weights_) floatLanes_.weighted = Coordinates<float>(size);
        floatLanes_.squared.resize(static_cast<std::size_t>(size));
    }
    overBlocks(middle_, [&](const Block& block) {
        block.addTo(about, block.w);
        if (floats) fillFloats(block);
    });
    floatLanes_.qq = (about[4] + about[7]) + about[9];
    floatLanes_.unit = !weights_ && about[0] == static_cast<double>(count);
    radius = std::sqrt(floatLanes_.qq / about[0]);
    spread = distanceFromAxis(about);
}

// Weights of 1 leave the weighted reference what it is.
void AlignmentReference::fillFloats(const Block& block) {
    ReferenceLanes<float>& to = floatLanes_;
    const std::int64_t n = block.padded;
    const auto narrow = [&](const double* from, float* at) {
        for (std::int64_t i = 0; i < n; ++i) at[block.begin + i] = static_cast<float>(from[i]);
    };
    narrow(block.x, to.at.x);
    narrow(block.y, to.at.y);
    narrow(block.z, to.at.z);
    narrow(block.w, to.at.w);
    float* squared = to.squared.data() + block.begin;
    for (std::int64_t i = 0; i < n; ++i) {
        const double x = block.x[i], y = block.y[i], z = block.z[i];
        squared[i] = static_cast<float>((x * x + y * y) + z * z);
    }
    const auto weigh = [&](const double* from, float* at) {
        if (weights_)
            for (std::int64_t i = 0; i < n; ++i) at[i] = static_cast<float>(block.w[i] * from[i]);
        return sumOf(at, n);
    };
    const Coordinates<float>& weighted = weights_ ? to.weighted : to.at;
    to.q[0] += weigh(block.x, weighted.x + block.begin);
    to.q[1] += weigh(block.y, weighted.y + block.begin);
    to.q[2] += weigh(block.z, weighted.z + block.begin);
    to.weight += sumOf(to.at.w + block.begin, n);
}

const ReferenceLanes<double>& AlignmentReference::inDoubles() const {
    std::call_once(once_, [this] {
        ReferenceLanes<double>& to = doubleLanes_;
        to.at = Coordinates<double>(size);
        overBlocks(middle_, [&](const Block& block) {
            const auto n = static_cast<std::size_t>(block.padded) * sizeof(double);
            std::memcpy(to.at.x + block.begin, block.x, n);
            std::memcpy(to.at.y + block.begin, block.y, n);
            std::memcpy(to.at.z + block.begin, block.z, n);
            std::memcpy(to.at.w + block.begin, block.w, n);
            double sums[10] = {};
            block.addTo(sums, block.w);
            to.weight += sums[0];
            for (int i = 0; i < 3; ++i) to.q[i] += sums[1 + i];
            to.qq += (sums[4] + sums[7]) + sums[9];
        });
    });
    return doubleLanes_;
}

}  // namespace mien
