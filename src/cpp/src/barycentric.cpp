#include "mien/barycentric.h"

#include <algorithm>
#include <string>

#include "kernels/table.h"
#include "mien/error.h"
#include "mien/parallel.h"

namespace mien {

void surfacePoints(const ConstFrames& positions, const std::int32_t* corners, const double* coordinates,
                   const Frames& out) {
    if (positions.frames != out.frames || positions.scalar != out.scalar)
        throw Error(Status::invalidArgument, "positions and out must have the same frames and scalar type");
    for (std::int64_t k = 0; k < 3 * out.vertices; ++k)
        if (corners[k] < 0 || corners[k] >= positions.vertices)
            throw Error(Status::invalidArgument, "corners must be vertices below " +
                                                     std::to_string(positions.vertices) + ", got " +
                                                     std::to_string(corners[k]));
    const auto& table = kernels().barycentric;
    const auto kernel = positions.scalar == Scalar::float32 ? table.ofFloats : table.ofDoubles;
    // About 16,000 points pay for handing out a range.
    const std::int64_t grain = std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(out.vertices, 1));
    parallelFor(out.frames, grain, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t f = begin; f < end; ++f)
            kernel(static_cast<const char*>(positions.data) + f * positions.frameStride,
                   positions.vertexStride, corners, coordinates, out.vertices,
                   static_cast<char*>(out.data) + f * out.frameStride, out.vertexStride);
    });
}

}  // namespace mien
