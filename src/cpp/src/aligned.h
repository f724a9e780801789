// Arrays that begin at a cache line: a vector read across two lines costs two reads.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace mien {

template <class T>
struct LineAllocator {
    using value_type = T;
    static constexpr std::align_val_t kLine{64};

    LineAllocator() = default;
    template <class U>
    LineAllocator(const LineAllocator<U>&) {}

    T* allocate(std::size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), kLine)); }
    void deallocate(T* place, std::size_t) { ::operator delete(place, kLine); }
    friend bool operator==(const LineAllocator&, const LineAllocator&) { return true; }
    friend bool operator!=(const LineAllocator&, const LineAllocator&) { return false; }
};

// The same, not set to anything: for what is written whole before it is read.
template <class T>
struct UnsetAllocator : LineAllocator<T> {
    UnsetAllocator() = default;
    template <class U>
    UnsetAllocator(const UnsetAllocator<U>&) {}

    template <class U>
    void construct(U* place) {
        ::new (static_cast<void*>(place)) U;
    }
};

template <class T>
using UnsetVector = std::vector<T, UnsetAllocator<T>>;

template <class T>
using AlignedVector = std::vector<T, LineAllocator<T>>;

}  // namespace mien
