// When to write past the caches.
#pragma once

#include "mien/views.h"

namespace mien {

// Plain stores read what they overwrite first; streaming ones do not, and leave nothing in the caches for who
// reads the result. They pay where the result is larger than the caches and not the memory it is made from.
inline bool streamed(const ConstFrames& from, const Frames& to) {
    constexpr std::int64_t kCaches = std::int64_t{16} << 20;
    const std::int64_t item = to.scalar == Scalar::float32 ? 4 : 8;
    return to.data != from.data && to.frames * to.vertices * 3 * item >= kCaches;
}

}  // namespace mien
