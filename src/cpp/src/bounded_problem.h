// What the parts of BoundedLeastSquares share.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <new>
#include <vector>

#include "kernels/table.h"

namespace mien {

// Memory that starts on a cache line, so that no load of eight doubles lies across two.
template <class T>
struct LineAllocator {
    using value_type = T;
    LineAllocator() = default;
    template <class U>
    LineAllocator(const LineAllocator<U>&) {}
    T* allocate(std::size_t count) {
        return static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t(64)));
    }
    void deallocate(T* memory, std::size_t) { ::operator delete(memory, std::align_val_t(64)); }
    friend bool operator==(const LineAllocator&, const LineAllocator&) { return true; }
    friend bool operator!=(const LineAllocator&, const LineAllocator&) { return false; }
};

using Vector = std::vector<double, LineAllocator<double>>;

struct BoundedProblem {
    BoundedProblem(const double* given, std::int64_t count, const double* below, const double* above);

    // How far one diagonal Newton step moves w_i, in widths of its bounds; g is the gradient.
    double residual(std::int64_t i, double w, double g, double curvature) const {
        return std::fabs(w - std::min(std::max(w - g / curvature, lower[i]), upper[i])) / width[i];
    }

    std::int64_t size, stride;
    Vector gram, lower, upper, width;  // gram with the ridge, rows padded with zeros
    Vector diagonal;                   // of gram
    double ridge = 0, least = 0;       // least: no pivot may be smaller
};

inline std::int64_t boundedPadded(std::int64_t count) {
    return (count + kBoundedPad - 1) / kBoundedPad * kBoundedPad;
}

// Moves `weights` (frames x size, within the bounds) to the minimum with the temporal term; the residual.
double smoothBounded(const BoundedProblem& problem, const double* rhs, std::int64_t frames, double smoothness,
                     double* weights);

}  // namespace mien
