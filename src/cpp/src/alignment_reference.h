// What of an alignment's reference is the same for every frame.
#pragma once

#include <cstdint>
#include <mutex>

#include "aligned.h"
#include "kernels/table.h"
#include "mien/alignment.h"

namespace mien {

// One array per coordinate, and weights, padded as the kernels want them.
//
// The arrays are read side by side. They begin nine cache lines apart in the first cache, which would else
// put what is read together into the same few of its lines; `first` moves all of them, for those that are
// read with others.
template <class T>
struct Coordinates {
    Coordinates() = default;
    explicit Coordinates(std::int64_t count, int first = 0) {
        constexpr std::size_t kLine = 64 / sizeof(T), kPage = 64 * kLine, kApart = 9 * kLine;
        const std::size_t length = static_cast<std::size_t>(count);
        const std::size_t stride = (length + kPage - kApart - 1) / kPage * kPage + kApart;
        memory.resize(4 * stride + kPage);
        T* begin = memory.data() + 4 * first * kApart;
        x = begin, y = begin + stride, z = begin + 2 * stride, w = begin + 3 * stride;
        size = length;
    }
    AlignmentPoints<T> points() const { return {x, y, z, nullptr}; }

    T *x = nullptr, *y = nullptr, *z = nullptr, *w = nullptr;
    std::size_t size = 0;
    UnsetVector<T> memory;
};

// The reference about its weighted centroid as one kind of lanes reads it.
template <class T>
struct ReferenceLanes {
    AlignmentPoints<T> points() const { return {at.x, at.y, at.z, squared.data()}; }

    Coordinates<T> at;        // with the prior weights; 0 where the reference is missing
    Coordinates<T> weighted;  // the weights times `at`, for the plain pass in floats; else empty
    UnsetVector<T> squared;   // |at|^2, for floats; else empty
    bool unit = false;        // all weights are 1, and known to be
    double weight = 0, q[3] = {0, 0, 0}, qq = 0;  // sum w, w q (what rounding leaves of 0), w |q|^2
};

// The extent measures how large the reference is: the diagonal of a solid box that has the spread of its
// vertices, weights aside. (The diagonal of the bounding box would change as the reference is turned.)
class AlignmentReference {
  public:
    // Borrows both for as long as it lives.
    AlignmentReference(const ConstFrames& view, const double* weights, bool withFloats);

    // Made when they are first asked for: most frames of floats never do.
    const ReferenceLanes<double>& inDoubles() const;
    const ReferenceLanes<float>& inFloats() const { return floatLanes_; }  // empty unless `floats`

    std::int64_t count, size;  // vertices, and the same padded
    bool floats = false;       // lanes of floats are asked for and can hold numbers of this size
    double centre[3] = {0, 0, 0};
    double extent = 0, radius = 0, spread = 0;

  private:
    struct Block;
    template <class Body>
    void overBlocks(const double* about, Body body) const;
    void findCentre(double* sums);
    void fillFloats(const Block& block);

    ConstFrames view_;
    const double* weights_;
    double unit_ = 1, origin_[3] = {0, 0, 0}, middle_[3] = {0, 0, 0};  // middle_: the centroid from origin_
    ReferenceLanes<float> floatLanes_;
    mutable ReferenceLanes<double> doubleLanes_;
    mutable std::once_flag once_;
};

// The first vertex with a weight above 0 (any, where `weights` is null) whose coordinates are finite; false
// if there is none.
template <class W>
bool firstFinite(const void* frame, Scalar scalar, std::ptrdiff_t stride, const W* weights,
                 std::int64_t count, double* out);

// Rms distance of weighted points from their own principal axis: the lever arm of the worst rotation. `sums`
// as the kernel `statistics` writes them.
double distanceFromAxis(const double* sums);

}  // namespace mien
