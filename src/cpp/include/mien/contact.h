// Contact: two sides of a surface kept where they touched, and out of each other.
#pragma once

#include <cstdint>
#include <memory>

namespace mien {

// One side, borrowed: triangles between its own vertices, which are numbered from 0.
struct ContactSide {
    std::int64_t vertices = 0;
    const std::int32_t* triangles = nullptr;  // 3 x triangleCount, below `vertices`
    std::int64_t triangleCount = 0;
};

struct ContactOptions {
    double near = 0.3;         // up to where sides count as touching, fading to twice that; above 0
    double unit = 1;           // about a millimetre, in the positions' unit; above 0
    bool secondYields = true;  // or only the first side gives way, as a lid on an eye
};

// Two sides, to be put right in any number of frames. Const after construction; many threads may use it.
class Contact {
  public:
    // Copies the sides. Throws Error (invalidArgument) where indices or options do not fit.
    Contact(const ContactSide& first, const ContactSide& second, const ContactOptions& options);
    ~Contact();
    Contact(Contact&&) noexcept;
    Contact& operator=(Contact&&) noexcept;

    std::int64_t vertices() const;  // of both sides: n
    std::int64_t moving() const;    // of those that give way, which come first: m

    // How far to move the sides, so that what touched before touches in the same place, and what was apart is
    // not pushed through. Sides that are missing (not finite) somewhere stay as they are there. Parallel over
    // frames; each frame by itself. O(n log T + n k) for T triangles, k of them within 4 units of a vertex.
    //   before  frameCount x n x 3: the first side's vertices and then the second's, as captured
    //   now     the same, as edited
    //   moves   frameCount x m x 3, owned by the caller
    void correct(const double* before, const double* now, std::int64_t frameCount, double* moves) const;

  private:
    struct Sides;
    std::unique_ptr<const Sides> sides_;
};

}  // namespace mien
