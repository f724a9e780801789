#include "mien/skinning.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/table.h"
#include "mien/error.h"
#include "mien/parallel.h"
#include "points.h"
#include "quaternion.h"
#include "scratch.h"

namespace mien {
namespace {

constexpr int kLanes = kSkinLanes;
constexpr std::int64_t kChunk = 64;  // vertices that are blended, then unpacked: 24 KiB

void check(const ConstFrames& neutral, const SkinWeights& weights, std::int64_t jointCount,
           const Frames& out) {
    if (neutral.frames != 1 || out.vertices != neutral.vertices)
        throw Error(Status::invalidArgument, "neutral must be one frame with the vertices of out");
    for (std::int64_t v = 0; v < neutral.vertices; ++v) {
        if (weights.start[v + 1] <= weights.start[v])
            throw Error(
                Status::invalidArgument,
                "weights must name a joint for every vertex, got none for vertex " + std::to_string(v));
        for (std::int64_t k = weights.start[v]; k < weights.start[v + 1]; ++k)
            if (weights.joints[k] < 0 || weights.joints[k] >= jointCount)
                throw Error(Status::invalidArgument, "joints must be below " + std::to_string(jointCount) +
                                                         ", got " + std::to_string(weights.joints[k]));
    }
}

// One lane of the poses of all joints: rows of matrix and offset, ...
void putAffine(const double* matrix, const double* offset, std::int64_t joints, double* lane) {
    for (std::int64_t j = 0; j < joints; ++j)
        for (int c = 0; c < 3; ++c) {
            for (int a = 0; a < 3; ++a) lane[(12 * j + 4 * c + a) * kLanes] = matrix[9 * j + 3 * c + a];
            lane[(12 * j + 4 * c + 3) * kLanes] = offset[3 * j + c];
        }
}

// ... or quaternion q and dual part (0, t) q / 2.
void putQuaternion(const double* matrix, const double* offset, std::int64_t joints, double* lane) {
    for (std::int64_t j = 0; j < joints; ++j) {
        double q[4];
        quaternionOf(matrix + 9 * j, q);
        const double* t = offset + 3 * j;
        const double dual[4] = {
            -0.5 * (t[0] * q[1] + t[1] * q[2] + t[2] * q[3]), 0.5 * (t[0] * q[0] + t[1] * q[3] - t[2] * q[2]),
            0.5 * (t[1] * q[0] + t[2] * q[1] - t[0] * q[3]), 0.5 * (t[2] * q[0] + t[0] * q[2] - t[1] * q[1])};
        for (int n = 0; n < 4; ++n) {
            lane[(8 * j + n) * kLanes] = q[n];
            lane[(8 * j + 4 + n) * kLanes] = dual[n];
        }
    }
}

}  // namespace

void skinFrames(const ConstFrames& neutral, const SkinWeights& weights, SkinBlend blend, const double* matrix,
                const double* offset, std::int64_t jointCount, const Frames& out) {
    check(neutral, weights, jointCount, out);
    const bool rigid = blend == SkinBlend::dualQuaternion;
    std::vector<double> rest(3 * static_cast<std::size_t>(neutral.vertices));
    for (std::int64_t v = 0; v < neutral.vertices; ++v) {
        double p[3];
        getPoint(neutral, 0, v, p);
        std::copy_n(p, 3, rest.begin() + 3 * v);
    }
    std::int32_t inOrder[kChunk];
    std::iota(inOrder, inOrder + kChunk, 0);
    const auto kernel = rigid ? kernels().skinning.dualQuaternion : kernels().skinning.linear;
    const auto unpack = kernels().packing.unpack[out.scalar == Scalar::float64][1];
    const std::ptrdiff_t item = out.scalar == Scalar::float64 ? sizeof(double) : sizeof(float);
    parallelFor((out.frames + kLanes - 1) / kLanes, 1, [&](std::int64_t begin, std::int64_t end) {
        Scratch poses, tile;
        auto* pose = static_cast<double*>(
            poses.reserve(static_cast<std::size_t>(jointCount * (rigid ? 8 : 12) * kLanes) * sizeof(double)));
        auto* x = static_cast<double*>(tile.reserve(kChunk * 3 * kLanes * sizeof(double)));
        for (std::int64_t b = begin; b < end; ++b) {
            for (int lane = 0; lane < kLanes; ++lane) {
                const std::int64_t f = std::min(b * kLanes + lane, out.frames - 1) * jointCount;
                (rigid ? putQuaternion : putAffine)(matrix + 9 * f, offset + 3 * f, jointCount, pose + lane);
            }
            const int lines = static_cast<int>(std::min<std::int64_t>(kLanes, out.frames - b * kLanes));
            for (std::int64_t v = 0; v < out.vertices; v += kChunk) {
                const std::int64_t count = std::min(kChunk, out.vertices - v);
                kernel({rest.data() + 3 * v, weights.start + v, weights.joints, weights.weights, count}, pose,
                       x);
                if (lines == 1) {  // a single line would be taken for numbers that lie side by side
                    for (std::int64_t i = 0; i < count; ++i) {
                        const double* row = x + i * 3 * kLanes;
                        putPoint(out, b * kLanes, v + i, {row[0], row[kLanes], row[2 * kLanes]});
                    }
                    continue;
                }
                const char* to =
                    static_cast<const char*>(out.data) + b * kLanes * out.frameStride + v * out.vertexStride;
                unpack(
                    {to, out.frameStride, out.vertexStride, item, lines, 3, kLanes, inOrder, inOrder, count},
                    x, 3 * kLanes);
            }
        }
    });
}

}  // namespace mien
