// Views of a caller's memory. They borrow: the caller owns the memory and keeps it alive during the call.
//
// Strides are in bytes, so that hosts which pad points to four floats, and every second frame of a take, can
// be passed without a copy. Within a vertex x, y, z lie next to each other.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mien {

enum class Scalar { float32, float64 };

// Positions of `frames` frames of `vertices` points each, read only.
struct ConstFrames {
    const void* data = nullptr;
    Scalar scalar = Scalar::float32;
    std::int64_t frames = 0;
    std::int64_t vertices = 0;
    std::ptrdiff_t frameStride = 0;   // bytes from one frame to the next; may be 0 to repeat a frame
    std::ptrdiff_t vertexStride = 0;  // bytes from one vertex to the next
};

// The same, writable. Frames and vertices must not overlap.
struct Frames {
    void* data = nullptr;
    Scalar scalar = Scalar::float32;
    std::int64_t frames = 0;
    std::int64_t vertices = 0;
    std::ptrdiff_t frameStride = 0;
    std::ptrdiff_t vertexStride = 0;

    operator ConstFrames() const { return {data, scalar, frames, vertices, frameStride, vertexStride}; }
};

}  // namespace mien
