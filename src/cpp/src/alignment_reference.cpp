#include "alignment_reference.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

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
        const AlignmentPoints<double> points{x, y, z, nullptr};
        const AlignmentPose still{{1, 0, 0, 0, 1, 0, 0, 0, 1}, {0, 0, 0}};
        const AlignmentScale all{AlignmentLoss::tukey, std::numeric_limits<double>::infinity()};
        double here[kAlignmentStatistics];
        kernels().alignment.inDoubles.statistics(points, points, weight, padded, still, all, all, here);
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
        for (std::int64_t i = n; i < block.padded; ++i) block.present[i] = 0;
        for (std::int64_t i = 0; i < block.padded; ++i) {
            const double weight = !weights_ ? 1 : i < n ? weights_[block.begin + i] * unit_ : 0;
            block.w[i] = block.present[i] * weight;
        }
        if (about) {
            for (std::int64_t i = 0; i < block.padded; ++i) {
                const bool used = block.w[i] > 0;
                block.x[i] = used ? block.x[i] - about[0] : 0;
                block.y[i] = used ? block.y[i] - about[1] : 0;
                block.z[i] = used ? block.z[i] - about[2] : 0;
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
    radius = std::sqrt(floatLanes_.qq / about[0]);
    spread = distanceFromAxis(about);
}

// Weights of 1 leave the weighted reference what it is.
void AlignmentReference::fillFloats(const Block& block) {
    ReferenceLanes<float>& to = floatLanes_;
    double sums[4][kSumLanes] = {};
    for (std::int64_t i = 0; i < block.padded; i += kSumLanes) {
        const std::int64_t v = block.begin + i;
        for (std::int64_t l = 0; l < kSumLanes; ++l) {
            const double x = block.x[i + l], y = block.y[i + l], z = block.z[i + l], w = block.w[i + l];
            to.at.x[v + l] = static_cast<float>(x);
            to.at.y[v + l] = static_cast<float>(y);
            to.at.z[v + l] = static_cast<float>(z);
            to.at.w[v + l] = static_cast<float>(w);
            to.squared[v + l] = static_cast<float>((x * x + y * y) + z * z);
            const float wx = static_cast<float>(w * x), wy = static_cast<float>(w * y);
            const float wz = static_cast<float>(w * z);
            if (weights_) to.weighted.x[v + l] = wx, to.weighted.y[v + l] = wy, to.weighted.z[v + l] = wz;
            sums[0][l] += wx;
            sums[1][l] += wy;
            sums[2][l] += wz;
            sums[3][l] += static_cast<float>(w);
        }
    }
    for (int j = 0; j < 3; ++j)
        for (double sum : sums[j]) to.q[j] += sum;
    for (double sum : sums[3]) to.weight += sum;
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
