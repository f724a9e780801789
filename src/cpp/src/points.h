// Single points of borrowed frames, as doubles.
#pragma once

#include "mien/views.h"

namespace mien {

inline void getPoint(const ConstFrames& view, std::int64_t f, std::int64_t v, double (&out)[3]) {
    const char* at = static_cast<const char*>(view.data) + f * view.frameStride + v * view.vertexStride;
    for (int c = 0; c < 3; ++c)
        out[c] = view.scalar == Scalar::float32 ? reinterpret_cast<const float*>(at)[c]
                                                : reinterpret_cast<const double*>(at)[c];
}

inline void putPoint(const Frames& view, std::int64_t f, std::int64_t v, const double (&from)[3]) {
    char* at = static_cast<char*>(view.data) + f * view.frameStride + v * view.vertexStride;
    for (int c = 0; c < 3; ++c) {
        if (view.scalar == Scalar::float32)
            reinterpret_cast<float*>(at)[c] = static_cast<float>(from[c]);
        else
            reinterpret_cast<double*>(at)[c] = from[c];
    }
}

}  // namespace mien
