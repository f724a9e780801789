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

}  // namespace mien
