#include "triangular.h"

#include <cstddef>

namespace mien {
namespace {

template <class T>
void forward(const Supernodes& pattern, const T* values, T* x, int width) {
    for (std::int32_t s = 0; s < pattern.count(); ++s) {
        const std::int32_t first = pattern.firstColumn[s], nc = pattern.columns(s);
        const std::int64_t ld = nc + pattern.rowsBelow(s);
        const std::int32_t* below = pattern.rows.data() + pattern.rowStart[s] - nc;
        for (std::int32_t c = 0; c < nc; ++c) {
            const T* column = values + pattern.panelStart[s] + c * ld;
            T* from = x + static_cast<std::ptrdiff_t>(first + c) * width;
            for (int k = 0; k < width; ++k) from[k] *= column[c];
            for (std::int64_t r = c + 1; r < ld; ++r) {
                T* to = x + static_cast<std::ptrdiff_t>(r < nc ? first + r : below[r]) * width;
                for (int k = 0; k < width; ++k) to[k] -= column[r] * from[k];
            }
        }
    }
}

template <class T>
void backward(const Supernodes& pattern, const T* values, T* x, int width) {
    for (std::int32_t s = pattern.count(); s-- > 0;) {
        const std::int32_t first = pattern.firstColumn[s], nc = pattern.columns(s);
        const std::int64_t ld = nc + pattern.rowsBelow(s);
        const std::int32_t* below = pattern.rows.data() + pattern.rowStart[s] - nc;
        for (std::int32_t c = nc; c-- > 0;) {
            const T* column = values + pattern.panelStart[s] + c * ld;
            T* to = x + static_cast<std::ptrdiff_t>(first + c) * width;
            for (std::int64_t r = c + 1; r < ld; ++r) {
                const T* from = x + static_cast<std::ptrdiff_t>(r < nc ? first + r : below[r]) * width;
                for (int k = 0; k < width; ++k) to[k] -= column[r] * from[k];
            }
            for (int k = 0; k < width; ++k) to[k] *= column[c];
        }
    }
}

}  // namespace

void solveBlock(const Supernodes& pattern, const void* values, Scalar storage, void* x, int width) {
    if (storage == Scalar::float32) {
        forward(pattern, static_cast<const float*>(values), static_cast<float*>(x), width);
        backward(pattern, static_cast<const float*>(values), static_cast<float*>(x), width);
    } else {
        forward(pattern, static_cast<const double*>(values), static_cast<double*>(x), width);
        backward(pattern, static_cast<const double*>(values), static_cast<double*>(x), width);
    }
}

}  // namespace mien
