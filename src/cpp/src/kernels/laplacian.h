#pragma once

#include <stddef.h>
#include <stdint.h>

namespace mien {

// A triangle whose doubled area is below this part of half its summed squared edges (that is, about of its
// longest edge squared) is treated as if it were that wide: its weights stay finite and semi-definite.
constexpr double kSliver = 1e-6;

// Smallest doubled area that anything is divided by; that of triangles which are one point.
constexpr double kNoArea = 1e-280;

// One frame of points and the triangles [begin, end) over them. Corner k of triangle t goes to
// out[k * plane + t].
struct LaplacianCorners {
    const void* points;
    ptrdiff_t stride;
    const int32_t* triangles;
    int64_t begin, end;
    double* out;
    ptrdiff_t plane;
};

struct LaplacianKernels {
    using Corners = void (*)(const LaplacianCorners& job);
    Corners halfCotangentsFloat, halfCotangentsDouble;  // half the cotangent of the angle at every corner
    Corners thirdAreasFloat, thirdAreasDouble;          // a third of the area, for every corner
    Corners voronoiAreasFloat, voronoiAreasDouble;  // the part of the area that is nearest to every corner
    Corners gradientsFloat, gradientsDouble;  // of the hat functions: component c, corner k in plane 3 c + k

    // For the edges [begin, end), each with two corners and two entries: both entries become -(sum of the
    // corners).
    void (*edges)(const double* corners, const int32_t* corner, const uint32_t* entries, int64_t begin,
                  int64_t end, double* values);
    // The diagonal entry of each column in [begin, end) = -(sum of its others, in order).
    void (*diagonals)(const int64_t* columnStart, const int64_t* diagonal, int64_t begin, int64_t end,
                      double* values);
    // sums[v] = sum of values[members[i]] for i in [start[v], start[v + 1]), in order, for v in [begin, end).
    void (*sumGroups)(const double* values, const int64_t* start, const int32_t* members, int64_t begin,
                      int64_t end, double* sums);
};

}  // namespace mien
