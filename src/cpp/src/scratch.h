// Large blocks of memory, not set to anything, that the system is asked to back with huge pages.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace mien {

class Scratch {
  public:
    Scratch() = default;

    // At least `bytes`, aligned to a cache line. What it held before is gone if it had to grow.
    void* reserve(std::size_t bytes) {
        if (bytes <= bytes_) return data_.get();
        data_.reset();
        bytes_ = 0;
        const bool huge = bytes >= kHuge;
        const std::size_t unit = huge ? kHuge : 64, rounded = (bytes + unit - 1) / unit * unit;
#if defined(_WIN32)
        void* block = _aligned_malloc(rounded, unit);
#else
        void* block = std::aligned_alloc(unit, rounded);
#endif
        if (!block) throw std::bad_alloc();
#if defined(__linux__) && defined(MADV_HUGEPAGE)
        if (huge) madvise(block, rounded, MADV_HUGEPAGE);
#endif
        data_.reset(block);
        bytes_ = rounded;
        return block;
    }

    void* data() const { return data_.get(); }
    std::size_t bytes() const { return bytes_; }

  private:
    static constexpr std::size_t kHuge = std::size_t{1} << 21;
    struct Free {
        void operator()(void* block) const {
#if defined(_WIN32)
            _aligned_free(block);
#else
            std::free(block);
#endif
        }
    };
    std::unique_ptr<void, Free> data_;
    std::size_t bytes_ = 0;
};

}  // namespace mien
