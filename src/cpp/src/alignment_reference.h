// What of an alignment's reference is the same for every frame.
#pragma once

#include <cstdint>
#include "aligned.h"
#include "kernels/table.h"
#include "mien/alignment.h"

namespace mien {

// One array per coordinate, and weights, padded as the kernels want them.
template <class T>
struct Coordinates {
    Coordinates() = default;
    explicit Coordinates(std::int64_t count)
        : x(static_cast<std::size_t>(count)), y(x.size()), z(x.size()), w(x.size()) {}
    AlignmentPoints<T> points() const { return {x.data(), y.data(), z.data()}; }

    AlignedVector<T> x, y, z, w;
};

// The reference about its weighted centroid as one kind of lanes reads it.
template <class T>
struct ReferenceLanes {
    Coordinates<T> at;        // with the prior weights; 0 where the reference is missing
    Coordinates<T> weighted;  // the weights times `at`, for the plain pass in floats; else empty
    double weight = 0, q[3] = {0, 0, 0}, qq = 0;  // sum w, w q (what rounding leaves of 0), w |q|^2
};

// The extent measures how large the reference is: the diagonal of a solid box that has the spread of its
// vertices, weights aside. (The diagonal of the bounding box would change as the reference is turned.)
struct AlignmentReference {
    AlignmentReference(const ConstFrames& view, const double* weights, bool withFloats);

    std::int64_t count, size;  // vertices, and the same padded
    ReferenceLanes<double> inDoubles;
    ReferenceLanes<float> inFloats;  // empty unless `floats`
    bool floats = false;             // lanes of floats are asked for and can hold numbers of this size
    double centre[3] = {0, 0, 0};
    double extent = 0, radius = 0, spread = 0;
};

// The first vertex with a weight above 0 whose coordinates are finite; false if there is none.
template <class W>
bool firstFinite(const void* frame, Scalar scalar, std::ptrdiff_t stride, const W* weights,
                 std::int64_t count, double* out);

// Rms distance of weighted points from their own principal axis: the lever arm of the worst rotation. `sums`
// as the kernel `statistics` writes them.
double distanceFromAxis(const double* sums);

}  // namespace mien
