// The core's own thread pool. No OpenMP, no TBB: nothing to clash with what the host process brings.
//
// The pool starts on first use, forgets itself in a forked child, and is sized by the environment variable
// MIEN_NUM_THREADS or else by the CPUs this process may run on. Results never depend on its size: a body must
// write only to places that belong to its own range.
#pragma once

#include <cstdint>
#include <functional>

namespace mien {

using RangeBody = std::function<void(std::int64_t begin, std::int64_t end)>;

// Calls body(begin, end) on disjoint ranges that cover [0, count), each of at most `grain` elements (>= 1),
// and returns when all are done. Nested calls, and calls while another thread uses the pool, run in the
// calling thread. If bodies throw, the exception of the lowest range is rethrown here.
void parallelFor(std::int64_t count, std::int64_t grain, const RangeBody& body);

// How many threads parallelFor uses, the calling one included (>= 1).
int threadCount();

// A host's own threads, in place of the pool.
struct Scheduler {
    void* context = nullptr;  // handed back to parallelFor
    int threads = 1;          // how many tasks are worth having at once, the calling thread's included
    // Calls task(data, i) once for every i in [0, count), in any order and on any threads, and returns when
    // all calls have returned. Must not throw. count is at most `threads`; task does not throw.
    void (*parallelFor)(void* context, std::int64_t count, void (*task)(void* data, std::int64_t index),
                        void* data) = nullptr;
};

// While it lives, what this thread calls runs on the host's threads. Scopes nest; the pool is not started.
class SchedulerScope {
  public:
    // Throws Error (invalidArgument) if threads is below 1 or parallelFor is null.
    explicit SchedulerScope(const Scheduler& scheduler);
    ~SchedulerScope();
    SchedulerScope(const SchedulerScope&) = delete;
    SchedulerScope& operator=(const SchedulerScope&) = delete;

  private:
    Scheduler scheduler_;
    const Scheduler* outer_;
};

}  // namespace mien
