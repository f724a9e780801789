#include "alignment_reference.h"

#include <algorithm>
#include <cmath>

#include "horn.h"

namespace mien {
namespace {

// Lanes of floats are for shapes whose squares, and the squares of what is a millionth of their size, are far
// from both ends of what a float can hold; and for so many vertices that rounding cancels and time matters.
constexpr double kSmallest = 1e-9, kLargest = 1e9;
constexpr std::int64_t kFewestForFloats = 512;

std::int64_t padded(std::int64_t count) {
    return (count + kAlignmentPad - 1) / kAlignmentPad * kAlignmentPad;
}

template <class T, class W>
bool firstFiniteOf(const char* frame, std::ptrdiff_t stride, const W* weights, std::int64_t count,
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

// Weights count by their ratios: a power of two brings the largest near 1, and changes no bit of a result.
double unitOf(const double* weights, std::int64_t count) {
    double largest = 0;
    for (std::int64_t v = 0; v < count; ++v) largest = std::max(largest, weights[v]);
    int exponent = 0;
    std::frexp(largest, &exponent);
    return std::ldexp(1.0, -std::clamp(exponent, -1000, 1000));
}

void fillFloats(const ReferenceLanes<double>& from, ReferenceLanes<float>* to) {
    const std::size_t size = from.at.size;
    to->at = Coordinates<float>(static_cast<std::int64_t>(size));
    to->weighted = Coordinates<float>(static_cast<std::int64_t>(size));
    const auto narrow = [size](const double* a, float* b) {
        for (std::size_t v = 0; v < size; ++v) b[v] = static_cast<float>(a[v]);
    };
    narrow(from.at.x, to->at.x);
    narrow(from.at.y, to->at.y);
    narrow(from.at.z, to->at.z);
    narrow(from.at.w, to->at.w);
    for (std::size_t v = 0; v < size; ++v) {
        const double w = from.at.w[v];
        to->q[0] += to->weighted.x[v] = static_cast<float>(w * from.at.x[v]);
        to->q[1] += to->weighted.y[v] = static_cast<float>(w * from.at.y[v]);
        to->q[2] += to->weighted.z[v] = static_cast<float>(w * from.at.z[v]);
        to->weight += to->at.w[v];
    }
    to->qq = from.qq;
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

AlignmentReference::AlignmentReference(const ConstFrames& view, const double* weights, bool withFloats)
    : count(view.vertices), size(padded(view.vertices)) {
    ReferenceLanes<double>& lanes = inDoubles;
    lanes.at = Coordinates<double>(size);
    Coordinates<double>& at = lanes.at;
    const AlignedVector<double> ones(static_cast<std::size_t>(size), 1.0);
    double origin[3] = {0, 0, 0};
    firstFinite(view.data, view.scalar, view.vertexStride, weights ? weights : ones.data(), count, origin);
    const AlignmentPasses<double>& passes = kernels().alignment.inDoubles;
    const auto gather = view.scalar == Scalar::float32 ? passes.gatherFloat : passes.gatherDouble;
    gather(view.data, view.vertexStride, count, origin, ones.data(), at.x, at.y, at.z, at.w);
    const double unit = weights ? unitOf(weights, count) : 1.0;
    double sum[3] = {0, 0, 0}, squares = 0, finite = 0;
    for (std::int64_t v = 0; v < size; ++v) {
        const bool present = v < count && at.w[v] > 0;
        at.w[v] = present ? (weights ? weights[v] * unit : 1.0) : 0.0;
        if (!present) continue;
        const double point[3] = {at.x[v], at.y[v], at.z[v]};
        for (int i = 0; i < 3; ++i) {
            sum[i] += point[i];
            centre[i] += at.w[v] * point[i];
        }
        squares += (point[0] * point[0] + point[1] * point[1]) + point[2] * point[2];
        finite += 1;
        lanes.weight += at.w[v];
    }
    if (!(lanes.weight > 0)) return;
    const double mean2 = ((sum[0] * sum[0] + sum[1] * sum[1]) + sum[2] * sum[2]) / (finite * finite);
    extent = std::sqrt(12 * std::max(0.0, squares / finite - mean2));
    for (int i = 0; i < 3; ++i) centre[i] /= lanes.weight;
    double sums[11] = {lanes.weight};
    for (std::int64_t v = 0; v < size; ++v) {
        const bool used = at.w[v] > 0;
        const double x = at.x[v] = used ? at.x[v] - centre[0] : 0;
        const double y = at.y[v] = used ? at.y[v] - centre[1] : 0;
        const double z = at.z[v] = used ? at.z[v] - centre[2] : 0;
        const double w = at.w[v];
        lanes.q[0] += w * x, lanes.q[1] += w * y, lanes.q[2] += w * z;
        const double product[6] = {x * x, x * y, x * z, y * y, y * z, z * z};
        for (int i = 0; i < 6; ++i) sums[4 + i] += w * product[i];
    }
    for (int i = 0; i < 3; ++i) centre[i] += origin[i];
    lanes.qq = (sums[4] + sums[7]) + sums[9];
    radius = std::sqrt(lanes.qq / lanes.weight);
    spread = distanceFromAxis(sums);
    floats = withFloats && count >= kFewestForFloats && extent > kSmallest && extent < kLargest;
    if (floats) fillFloats(inDoubles, &inFloats);
}

}  // namespace mien
