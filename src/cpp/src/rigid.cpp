#include "mien/rigid.h"

#include <atomic>
#include <limits>
#include <vector>

#include "kernels/table.h"
#include "mien/error.h"
#include "mien/parallel.h"
#include "streaming.h"

namespace mien {
namespace {

// Frames per range: enough work (about 32,000 vertices) to pay for handing it out.
std::int64_t frameGrain(std::int64_t vertices) {
    return vertices >= 32768 ? 1 : 32768 / (vertices < 1 ? 1 : vertices) + 1;
}

const char* frameAt(const ConstFrames& view, std::int64_t f) {
    return static_cast<const char*>(view.data) + (view.frames == 1 ? 0 : f) * view.frameStride;
}

void check(const ConstFrames& points, const Frames& out) {
    if (points.vertices != out.vertices || (points.frames != out.frames && points.frames != 1))
        throw Error(Status::invalidArgument, "points and out must have the same frames and vertices");
    if (points.scalar != out.scalar)
        throw Error(Status::invalidArgument, "points and out must have the same scalar type");
}

void applyAffine(const ConstFrames& points, const double* matrix, const double* offset, const Frames& out) {
    const auto kernel =
        points.scalar == Scalar::float32 ? kernels().rigid.applyFloat : kernels().rigid.applyDouble;
    const bool stream = streamed(points, out);
    parallelFor(out.frames, frameGrain(out.vertices), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t f = begin; f < end; ++f)
            kernel(frameAt(points, f), points.vertexStride, out.vertices, matrix + 9 * f, offset + 3 * f,
                   static_cast<char*>(out.data) + f * out.frameStride, out.vertexStride, stream);
    });
}

}  // namespace

void applyRigid(const ConstFrames& points, const double* rotation, const double* translation,
                const Frames& out) {
    check(points, out);
    applyAffine(points, rotation, translation, out);
}

void applyRigidInverse(const ConstFrames& points, const double* rotation, const double* translation,
                       const Frames& out) {
    check(points, out);
    std::vector<double> matrix(9 * static_cast<std::size_t>(out.frames)),
        offset(3 * static_cast<std::size_t>(out.frames));
    for (std::int64_t f = 0; f < out.frames; ++f) {
        const double *r = rotation + 9 * f, *t = translation + 3 * f;
        for (int i = 0; i < 3; ++i) {
            for (int j = 0; j < 3; ++j) matrix[9 * f + 3 * i + j] = r[3 * j + i];
            offset[3 * f + i] = -((r[i] * t[0] + r[3 + i] * t[1]) + r[6 + i] * t[2]);
        }
    }
    applyAffine(points, matrix.data(), offset.data(), out);
}

bool firstNonFinite(const ConstFrames& points, std::int64_t* frame, std::int64_t* vertex) {
    const auto kernel = points.scalar == Scalar::float32 ? kernels().rigid.firstNonFiniteFloat
                                                         : kernels().rigid.firstNonFiniteDouble;
    std::atomic<std::int64_t> first{std::numeric_limits<std::int64_t>::max()};
    parallelFor(points.frames, frameGrain(points.vertices), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t f = begin; f < end && f < first.load(); ++f) {
            if (kernel(frameAt(points, f), points.vertexStride, points.vertices) < 0) continue;
            std::int64_t known = first.load();
            while (f < known && !first.compare_exchange_weak(known, f)) {
            }
        }
    });
    if (first.load() == std::numeric_limits<std::int64_t>::max()) return false;
    *frame = first.load();
    *vertex = kernel(frameAt(points, *frame), points.vertexStride, points.vertices);
    return true;
}

}  // namespace mien
