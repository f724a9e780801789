// Scratch memory that is kept between calls: fresh pages cost more than the solves of a small block.
#pragma once

#include <mutex>
#include <utility>
#include <vector>

#include "scratch.h"

namespace mien {

class ScratchPool {
  public:
    // A block of memory of at least `bytes`, given back when the lease ends.
    class Lease {
      public:
        Lease(ScratchPool* pool, std::size_t bytes) : pool_(pool), scratch_(pool->take()) {
            scratch_.reserve(bytes);
        }
        ~Lease() { pool_->give(std::move(scratch_)); }
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        char* data() const { return static_cast<char*>(scratch_.data()); }

      private:
        ScratchPool* pool_;
        Scratch scratch_;
    };

    std::size_t bytes() const {
        std::lock_guard<std::mutex> lock(mutex_);
        std::size_t sum = 0;
        for (const Scratch& one : free_) sum += one.bytes();
        return sum;
    }

  private:
    Scratch take() {
        std::lock_guard<std::mutex> lock(mutex_);
        if (free_.empty()) return {};
        Scratch out = std::move(free_.back());
        free_.pop_back();
        return out;
    }
    void give(Scratch scratch) {
        std::lock_guard<std::mutex> lock(mutex_);
        free_.push_back(std::move(scratch));
    }

    mutable std::mutex mutex_;
    std::vector<Scratch> free_;
};

}  // namespace mien
