// Moving a few vertices of a surface and letting the rest follow smoothly: Laplacian and bi-Laplacian
// deformation, factored once, for one frame or whole takes.
#pragma once

#include <cstdint>
#include <memory>

#include "mien/laplacian.h"
#include "mien/views.h"

namespace mien {

enum class DeformationMethod {
    automatic,  // whichever costs less a frame, see responseCost and solveCost
    response,   // one matrix from handles to vertices, found once; a product for every frame
    solve,      // a back-substitution for every frame
};

struct LaplacianDeformerOptions {
    bool bilaplacian = false;  // energy of the mean curvature change (L M^-1 L) instead of Dirichlet's (L)
    bool intrinsic = false;    // L and M of the intrinsic Delaunay triangulation
    int rotationPasses = 0;    // how often the differential coordinates are turned and solved for again; >= 0
    DeformationMethod method = DeformationMethod::automatic;
    Scalar precision = Scalar::float32;  // of the displacement
};

// Minimises, over the displacements d of the free vertices,
//     d' Q d / 2 + sum of w_h |d_h - (target_h - base_h)|^2 / 2 over soft handles,   Q = L or L M^-1 L,
// with hard handles (infinite weight) at their targets and held vertices at their base. The result is base +
// d. Cotangents and masses are the neutral's; masses below 1e-8 of the mean count as that much.
//
// With rotation passes, the local rotations of the result against the base are found (the best rotation of
// the edges around every vertex), the differential coordinates of the base are turned by them, and the system
// is solved again (Lipman, Sorkine, Cohen-Or, Levin, Rossl, Seidel 2004, Differential coordinates for
// interactive mesh editing).
//
// Const after construction; may be used from many threads at once. The bits of the result depend neither on
// the number of threads nor on the instruction set.
class LaplacianDeformer {
  public:
    // Throws Error: invalidArgument where a handle is repeated, held or does not exist, a weight is not above
    // 0, or a piece of the surface has free vertices but neither handle nor held vertex (the message names
    // one of its vertices); numericalFailure where the system is not positive definite.
    //   triangles      3 x triangleCount indices
    //   neutral        one frame of finite points
    //   handles        handleCount indices of vertices that get targets
    //   handleWeights  handleCount weights above 0, infinity for hard; null: all hard
    //   held           for each vertex, whether it stays at its base (anchors, and what is outside the
    //                  region); null: none. Vertices of no triangle stay as well, unless they are handles.
    LaplacianDeformer(const std::int32_t* triangles, std::int64_t triangleCount, const ConstFrames& neutral,
                      const std::int32_t* handles, const double* handleWeights, std::int64_t handleCount,
                      const std::uint8_t* held, const LaplacianDeformerOptions& options = {});
    LaplacianDeformer(LaplacianDeformer&&) noexcept;
    LaplacianDeformer& operator=(LaplacianDeformer&&) noexcept;
    ~LaplacianDeformer();

    // out = base + d. A vertex of the base that is not finite spoils only itself, unless it is a handle or
    // there are rotation passes.
    //   targets  F frames of handleCount points, in the order of the handles
    //   base     1 or F frames; out's scalar type
    //   out      F frames; must not overlap the base
    void solve(const ConstFrames& targets, const ConstFrames& base, const Frames& out) const;

    std::int64_t vertexCount() const;
    std::int64_t handleCount() const;
    std::int64_t freeCount() const;    // unknowns
    DeformationMethod method() const;  // response or solve
    // Estimated cost of one frame by each method, in float operations of the product.
    double responseCost() const;
    double solveCost() const;
    std::int64_t memory() const;  // bytes held by the response and the factor

    struct State;  // internal

  private:
    std::unique_ptr<State> state_;
};

}  // namespace mien
