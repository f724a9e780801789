// The normal equations of blendshapes: what a fit of weights needs to know of a take.
#pragma once

#include <cstdint>
#include <memory>

#include "mien/rig.h"
#include "mien/views.h"

namespace mien {

// Packs shapes B_k (with vertex weights m) once, then gives B' M B and, for whole takes, B' M (x - neutral).
//
// Only vertices that a shape moves and whose weight is above 0 are read, in blocks of 64 with the shapes that
// move one of them. Products are of floats for a take of floats: sums of 64 vertices in float, sums of blocks
// in double, which is an error below that of the positions' own rounding. All is double for a take of
// doubles, and for the Gram matrix. Const after construction, usable from many threads. The bits of the
// results depend neither on the number of threads nor on the instruction set.
class ShapeProjection {
  public:
    // shapes         as in evaluateShapes; throws Error (invalidArgument) when one names a vertex out of
    // range
    //                or out of order
    // neutral        1 frame; its vertices are those that shapes may name
    // vertexWeights  V finite, >= 0, or null for 1
    // scalar         of the takes that will be projected
    ShapeProjection(const ConstShapes& shapes, const ConstFrames& neutral, const double* vertexWeights,
                    Scalar scalar);
    ~ShapeProjection();
    ShapeProjection(ShapeProjection&&) noexcept;
    ShapeProjection& operator=(ShapeProjection&&) noexcept;

    std::int64_t shapes() const;

    // B' M B, K x K, symmetric bit for bit.
    void gram(double* out) const;

    // out[f] = B' M (positions[f] - neutral), F x K. Returns false, and the first frame and vertex where a
    // coordinate that is read is not finite, if there is one; `out` is then not complete.
    bool project(const ConstFrames& positions, double* out, std::int64_t* frame, std::int64_t* vertex) const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace mien
