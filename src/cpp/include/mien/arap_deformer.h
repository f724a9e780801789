// As-rigid-as-possible deformation: handles go where they are told, and every small neighbourhood follows by
// a movement as near to a rotation as can be. Whole sequences, frames side by side in the lanes of a vector.
#pragma once

#include <cstdint>
#include <memory>

#include "mien/views.h"

namespace mien {

enum class ArapEnergy {
    spokes,         // a vertex's cell is the edges at it (Sorkine and Alexa 2007)
    spokesAndRims,  // and the edges opposite of it in its triangles (Chao et al. 2010): consistent
};

enum class ArapWeights {
    cotangent,  // as the triangles have them, negative where angles are obtuse
    clamped,    // negative ones become 0
};

struct ArapOptions {
    ArapEnergy energy = ArapEnergy::spokes;
    ArapWeights weights = ArapWeights::cotangent;
    Scalar storage = Scalar::float32;  // of positions, rotations and the factor, which is computed in double
};

struct ArapSolveOptions {
    int iterations = 10;  // local and global steps, at least 0
    // At least 0: frames follow each other in runs of at most 16, every frame but a run's first starts from
    // the one before it and takes this many iterations. -1: every frame is on its own.
    int warmIterations = -1;
};

// Handles and anchors are held exactly; so are parts of the surface that no chain of triangles joins to them,
// where the neutral has them. Const functions may be called from many threads at once. The bits of a result
// depend neither on the number of threads nor on the instruction set, and without warm starts not on the
// other frames.
class ArapDeformer {
  public:
    // Factors the Laplacian of the free vertices.
    //   neutral        one frame of V vertices, finite
    //   triangles      3 x triangleCount indices below V; those without area count for nothing
    //   handles        handleCount (>= 1) different indices below V
    //   anchors        anchorCount indices below V that stay where the neutral has them; may be null if 0.
    //                  A handle among them is a handle
    // Throws Error: invalidArgument where indices are not so, numericalFailure where the Laplacian is not
    // positive definite.
    ArapDeformer(const ConstFrames& neutral, const std::int32_t* triangles, std::int64_t triangleCount,
                 const std::int32_t* handles, std::int64_t handleCount, const std::int32_t* anchors,
                 std::int64_t anchorCount, const ArapOptions& options = {});
    ArapDeformer(ArapDeformer&&) noexcept;
    ArapDeformer& operator=(ArapDeformer&&) noexcept;
    ~ArapDeformer();

    // out[f] = the deformed neutral.
    //   targets  F frames of handleCount positions, finite
    //   start    F frames of V positions from which the first local step starts, one frame for all, or null:
    //            the best rigid placement, then one global step
    //   out      F frames of V vertices
    //   energy   F x (iterations + 1) doubles or null: the energy at the start and after every iteration;
    //            only without warm starts
    void solve(const ConstFrames& targets, const ConstFrames* start, const ArapSolveOptions& options,
               const Frames& out, double* energy = nullptr) const;

    // energy[f] = sum_i sum_edges of cell i w |(x_a - x_b) - R_i (v_a - v_b)|^2 with the best rotations R_i,
    // v the neutral, in double.
    void energy(const ConstFrames& positions, double* energy) const;

    std::int64_t vertices() const;
    std::int64_t handles() const;
    std::int64_t freeVertices() const;

  private:
    struct State;
    std::unique_ptr<const State> state_;
};

}  // namespace mien
