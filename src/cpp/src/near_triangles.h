// The triangles near points, where both move: found once, looked at again while nothing has gone far.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "vector3.h"

namespace mien {

// Where on which triangle; -1 where none is within reach.
struct SurfacePlace {
    std::int32_t triangle = -1;
    double share[3] = {0, 0, 0};
};

// Nearest places on triangles, of equally near ones those of the first. What is not finite is near to
// nothing.
class NearTriangles {
  public:
    // Puts triangles (three rows of `corners` each) where they are now, and orders them for `nearest`.
    void place(const std::vector<Vector3>& corners, const std::vector<std::int32_t>& triangles);
    SurfacePlace nearest(const Vector3& point, double reach) const;

    // Puts points and triangles where they are now. Those within reach of a point are listed when first
    // called, and again once anything has gone far.
    void follow(const std::vector<Vector3>& points, const std::vector<Vector3>& corners,
                const std::vector<std::int32_t>& triangles, double reach);
    // Of the point v as last followed; `guess` is a triangle that may be near, or -1: only time depends on
    // it.
    SurfacePlace nearestTo(std::size_t v, std::int32_t guess) const;
    void forget() { reach_ = 0; }

  private:
    struct Flat {  // a triangle, and what its nearest points are worked out from
        Vector3 a, ab, ac, centre;
        double d00, d01, d11, radius;
    };
    struct Best;

    void measure(const std::vector<Vector3>& corners, const std::vector<std::int32_t>& triangles);
    void order();
    void list();
    template <typename Visit>
    void visitWithin(const Vector3& point, double reach, const Visit& visit) const;
    void look(const Vector3& point, std::int32_t triangle, Best& best) const;

    std::vector<Flat> flats_;
    std::vector<std::pair<double, std::int32_t>> ordered_;  // by the x of their centres
    double widest_ = 0;
    double reach_ = 0, gone_ = 0;  // 0: nothing is listed; how far anything may have gone since
    std::vector<Vector3> points_, listedPoints_, listedCorners_;
    std::vector<std::int64_t> begin_;                      // of each point's list
    std::vector<std::pair<double, std::int32_t>> listed_;  // how far the triangle was at least; ascending
};

}  // namespace mien
