#include "mien/editing.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/table.h"
#include "mien/error.h"
#include "mien/parallel.h"

namespace mien {
namespace {

// Frames per range: enough work (about 16,000 vertices) to pay for handing it out.
std::int64_t frameGrain(std::int64_t vertices) {
    return 1 + 16384 / std::max<std::int64_t>(vertices, 1);
}

const char* frameAt(const ConstFrames& view, std::int64_t f) {
    return static_cast<const char*>(view.data) + f * view.frameStride;
}

char* frameAt(const Frames& view, std::int64_t f) {
    return static_cast<char*>(view.data) + f * view.frameStride;
}

// World -> head of one frame, as a matrix and an offset.
struct IntoHead {
    std::array<double, 9> matrix;
    std::array<double, 3> offset;

    IntoHead(const HeadTake& head, std::int64_t f) {
        const double *r = head.rotation + 9 * f, *t = head.translation + 3 * f;
        for (int i = 0; i < 3; ++i) {
            for (int j = 0; j < 3; ++j) matrix[3 * i + j] = r[3 * j + i];
            offset[i] = -((r[i] * t[0] + r[3 + i] * t[1]) + r[6 + i] * t[2]);
        }
    }

    EditPoints points(const ConstFrames& take, std::int64_t f) const {
        return {frameAt(take, f), take.vertexStride, matrix.data(), offset.data()};
    }
};

// Calls body(f) for the frames whose factor is not zero.
template <class Body>
void forFrames(std::int64_t frames, std::int64_t vertices, const double* factors, const Body& body) {
    parallelFor(frames, frameGrain(vertices), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t f = begin; f < end; ++f)
            if (factors[f] != 0) body(f);
    });
}

EditingKernels::Towards towardsKernel(Scalar take, Scalar source) {
    const EditingKernels& table = kernels().editing;
    if (take == Scalar::float32)
        return source == Scalar::float32 ? table.towardsFloatFloat : table.towardsFloatDouble;
    return source == Scalar::float32 ? table.towardsDoubleFloat : table.towardsDoubleDouble;
}

void checkOut(const ConstFrames& take, const Frames& out) {
    if (out.frames != take.frames || out.vertices != take.vertices || out.scalar != take.scalar)
        throw Error(Status::invalidArgument,
                    "out must have the frames, vertices and scalar type of the take");
}

}  // namespace

void accumulateTowardsShape(const HeadTake& head, const double* shape, const double* weights,
                            const double* factors, double* delta) {
    const ConstFrames& take = head.take;
    const auto kernel = take.scalar == Scalar::float32 ? kernels().editing.towardsShapeFloat
                                                       : kernels().editing.towardsShapeDouble;
    forFrames(take.frames, take.vertices, factors, [&](std::int64_t f) {
        const IntoHead into(head, f);
        kernel(into.points(take, f), shape, weights, factors[f], take.vertices,
               delta + 3 * take.vertices * f);
    });
}

void accumulateTowards(const HeadTake& head, const ConstFrames& source, const double* matrix,
                       const double* offset, const double* rest, const double* weights, const double* factors,
                       double* delta) {
    const ConstFrames& take = head.take;
    if (source.frames != take.frames || source.vertices != take.vertices)
        throw Error(Status::invalidArgument, "source and take must have the same frames and vertices");
    const auto kernel = towardsKernel(take.scalar, source.scalar);
    forFrames(take.frames, take.vertices, factors, [&](std::int64_t f) {
        const IntoHead into(head, f);
        const EditPoints goal{frameAt(source, f), source.vertexStride, matrix + 9 * f, offset + 3 * f};
        kernel(into.points(take, f), goal, rest, weights, factors[f], take.vertices,
               delta + 3 * take.vertices * f);
    });
}

void accumulateDisplacement(const double* displacement, std::int64_t frames, std::int64_t vertices,
                            const double* weights, const double* factors, double* delta) {
    const auto kernel = kernels().editing.displace;
    forFrames(frames, vertices, factors, [&](std::int64_t f) {
        kernel(displacement, weights, factors[f], vertices, delta + 3 * vertices * f);
    });
}

void writeEdited(const HeadTake& head, const double* weights, double* delta, const Frames& out) {
    const ConstFrames& take = head.take;
    checkOut(take, out);
    const auto kernel =
        take.scalar == Scalar::float32 ? kernels().editing.writeFloat : kernels().editing.writeDouble;
    parallelFor(take.frames, frameGrain(take.vertices), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t f = begin; f < end; ++f) {
            const EditPoints points{frameAt(take, f), take.vertexStride, head.rotation + 9 * f, nullptr};
            kernel(points, weights, take.vertices, delta + 3 * take.vertices * f, frameAt(out, f),
                   out.vertexStride);
        }
    });
}

void copyFrames(const ConstFrames& take, const Frames& out) {
    checkOut(take, out);
    const std::size_t size = 3 * (take.scalar == Scalar::float32 ? sizeof(float) : sizeof(double));
    const auto packed = static_cast<std::ptrdiff_t>(size);
    parallelFor(take.frames, frameGrain(take.vertices), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t f = begin; f < end; ++f) {
            const char* from = frameAt(take, f);
            char* to = frameAt(out, f);
            if (take.vertexStride == packed && out.vertexStride == packed) {
                std::memcpy(to, from, size * static_cast<std::size_t>(take.vertices));
                continue;
            }
            for (std::int64_t v = 0; v < take.vertices; ++v)
                std::memcpy(to + v * out.vertexStride, from + v * take.vertexStride, size);
        }
    });
}

}  // namespace mien
