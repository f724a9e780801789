// Carrying the deformation of one face to another: how every triangle is stretched and turned, and the
// positions that are stretched and turned most like it.
#pragma once

#include <cstdint>
#include <memory>

#include "mien/views.h"

namespace mien {

// out[f][t] (3 x 3 row-major, F x T x 9 of the scalar type of `positions`) = [x2 - x1, x3 - x1, m(x)]
// [v2 - v1, v3 - v1, m(v)]^-1 with m = n / |n|^(1/2), n = (x2 - x1) x (x3 - x1), x the positions and v the
// neutral: the affine map of each triangle and its normal (Sumner and Popovic 2004). The identity where the
// neutral's triangle has no area.
//   neutral    one frame, finite
//   triangles  3 x triangleCount indices below V
//   positions  F frames of V vertices, finite
void deformationGradients(const ConstFrames& neutral, const std::int32_t* triangles,
                          std::int64_t triangleCount, const ConstFrames& positions, void* out);

// count matrices, 3 x 3 row-major doubles: matrix = rotation stretch, with the rotation of determinant 1 that
// is nearest to the matrix, and a symmetric stretch (whose least eigenvalue is negative where the determinant
// is). `stretch` may be null: the rotations alone.
void splitGradients(const double* matrices, std::int64_t count, double* rotation, double* stretch);

struct TransferOptions {
    Scalar storage =
        Scalar::float32;  // of gradients, displacements and the factor, which is computed in double
};

// Const functions may be called from many threads at once. The bits of a result depend neither on the number
// of threads nor on the instruction set nor on the other frames.
class DeformationTransfer {
  public:
    // Factors the target's Laplacian.
    //   sourceNeutral, targetNeutral    one frame each, finite
    //   sourceTriangles, targetTriangles  3 x count indices
    //   correspondence  for each target triangle a source triangle, or -1: it keeps its shape; null: its own
    //                   number, and then there must be as many
    //   anchors         anchorCount target vertices that stay; may be null if 0
    // A part of the target that has no anchor is shifted so that its triangles move, on average by area, as
    // far as those of the source do, times the ratio of the two faces' sizes. Throws Error: invalidArgument
    // where indices are out of range, numericalFailure where the Laplacian is not positive definite.
    DeformationTransfer(const ConstFrames& sourceNeutral, const std::int32_t* sourceTriangles,
                        std::int64_t sourceTriangleCount, const ConstFrames& targetNeutral,
                        const std::int32_t* targetTriangles, std::int64_t targetTriangleCount,
                        const std::int32_t* correspondence, const std::int32_t* anchors,
                        std::int64_t anchorCount, const TransferOptions& options = {});
    DeformationTransfer(DeformationTransfer&&) noexcept;
    DeformationTransfer& operator=(DeformationTransfer&&) noexcept;
    ~DeformationTransfer();

    // out[f] = the target's neutral under the deformation of expression[f]; F frames each, finite.
    void apply(const ConstFrames& expression, const Frames& out) const;

    std::int64_t sourceVertices() const;
    std::int64_t targetVertices() const;

  private:
    struct State;
    std::unique_ptr<const State> state_;
};

}  // namespace mien
