#include "mien/parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "mien/error.h"

#if defined(__linux__)
#include <sched.h>
#endif
#if !defined(_WIN32)
#include <unistd.h>
#endif

namespace mien {
namespace {

int processId() {
#if defined(_WIN32)
    return 0;  // no fork there
#else
    return static_cast<int>(getpid());
#endif
}

int usableProcessors() {
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

int requestedThreads() {
    if (const char* text = std::getenv("MIEN_NUM_THREADS")) {
        char* end = nullptr;
        const long n = std::strtol(text, &end, 10);
        if (end != text && *end == '\0' && n >= 1) return static_cast<int>(std::min(n, 1024L));
    }
    return usableProcessors();
}

// One call of parallelFor. Ranges are handed out by a counter, so a slow range delays nobody else.
struct Job {
    Job(std::int64_t jobCount, std::int64_t jobGrain, const RangeBody& jobBody)
        : count(jobCount), grain(jobGrain), ranges((jobCount + jobGrain - 1) / jobGrain), body(&jobBody) {}

    const std::int64_t count, grain, ranges;
    const RangeBody* const body;
    std::atomic<std::int64_t> next{0};
    std::atomic<int> working{0};
    std::mutex failureMutex;
    std::int64_t failedRange = std::numeric_limits<std::int64_t>::max();
    std::exception_ptr failure;

    void work() {
        for (std::int64_t i; (i = next.fetch_add(1)) < ranges;) {
            try {
                (*body)(i* grain, std::min(count, (i + 1) * grain));
            } catch (...) {
                std::lock_guard<std::mutex> lock(failureMutex);
                if (i < failedRange) {
                    failedRange = i;
                    failure = std::current_exception();
                }
            }
        }
    }
};

class Pool {
  public:
    explicit Pool(int threads) : pid_(processId()), threads_(threads) {
        for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { serve(); });
    }

    ~Pool() {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_all();
        for (auto& worker : workers_) worker.join();
    }

    int pid() const { return pid_; }
    int threads() const { return threads_; }

    // False if another thread is using the pool; the caller then does its work alone.
    bool run(Job& job) {
        std::unique_lock<std::mutex> use(useMutex_, std::try_to_lock);
        if (!use.owns_lock()) return false;
        {
            std::lock_guard<std::mutex> lock(mutex_);
            job_ = &job;
            ++generation_;
        }
        wake_.notify_all();
        job.work();
        std::unique_lock<std::mutex> lock(mutex_);
        job_ = nullptr;  // a worker that wakes late must not pick it up
        done_.wait(lock, [&] { return job.working.load() == 0; });
        return true;
    }

  private:
    void serve();

    const int pid_, threads_;
    std::mutex useMutex_, mutex_;
    std::condition_variable wake_, done_;
    Job* job_ = nullptr;
    std::uint64_t generation_ = 0;
    bool stopping_ = false;
    std::vector<std::thread> workers_;
};

thread_local bool insidePool = false;
thread_local const Scheduler* hostScheduler = nullptr;  // of the innermost scope of this thread

// What a thread calls from inside a body runs serially, on whichever thread that is.
class InsidePool {
  public:
    InsidePool() : before_(insidePool) { insidePool = true; }
    ~InsidePool() { insidePool = before_; }

  private:
    const bool before_;
};

// Tasks take ranges until there are none, so it does not matter which of them a host starts, or when; what
// it has left undone is done here.
void runOnHost(const Scheduler& host, Job& job) {
    const std::int64_t tasks = std::min<std::int64_t>(job.ranges, host.threads);
    const auto task = [](void* data, std::int64_t) {
        const InsidePool inside;
        static_cast<Job*>(data)->work();
    };
    if (tasks > 1) host.parallelFor(host.context, tasks, task, &job);
    task(&job, 0);
}

void Pool::serve() {
    insidePool = true;
    std::uint64_t seen = 0;
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
        wake_.wait(lock, [&] { return stopping_ || (job_ && generation_ != seen); });
        if (stopping_) return;
        seen = generation_;
        Job* job = job_;
        job->working.fetch_add(1);
        lock.unlock();
        job->work();
        lock.lock();
        job->working.fetch_sub(1);
        done_.notify_all();
    }
}

// The pool lives behind a pointer so that a forked child, which has the parent's pool but none of its
// threads, can drop it without touching its locks.
struct PoolOwner {
    std::atomic<Pool*> pool{nullptr};

    Pool& get() {
        Pool* current = pool.load();
        if (current && current->pid() == processId()) return *current;
        auto fresh = std::make_unique<Pool>(requestedThreads());
        if (pool.compare_exchange_strong(current, fresh.get())) return *fresh.release();
        return *current;  // another thread was first
    }

    ~PoolOwner() {
#if !defined(_WIN32)  // joining while a DLL unloads would deadlock there; the process ends anyway
        Pool* current = pool.load();
        if (current && current->pid() == processId()) delete current;
#endif
    }
};

Pool& sharedPool() {
    static PoolOwner owner;
    return owner.get();
}

}  // namespace

SchedulerScope::SchedulerScope(const Scheduler& scheduler) : scheduler_(scheduler), outer_(hostScheduler) {
    if (scheduler.threads < 1 || !scheduler.parallelFor)
        throw Error(Status::invalidArgument, "a scheduler must have threads >= 1 and a parallelFor, got " +
                                                 std::to_string(scheduler.threads) + " threads and " +
                                                 (scheduler.parallelFor ? "one" : "none"));
    hostScheduler = &scheduler_;
}

SchedulerScope::~SchedulerScope() {
    hostScheduler = outer_;
}

int threadCount() {
    return hostScheduler ? hostScheduler->threads : sharedPool().threads();
}

void parallelFor(std::int64_t count, std::int64_t grain, const RangeBody& body) {
    if (count <= 0) return;
    Job job(count, std::max<std::int64_t>(grain, 1), body);
    if (insidePool || job.ranges == 1) {
        job.work();
    } else if (hostScheduler) {
        runOnHost(*hostScheduler, job);
    } else if (sharedPool().threads() == 1) {
        job.work();
    } else {
        const InsidePool inside;
        if (!sharedPool().run(job)) job.work();
    }
    if (job.failure) std::rethrow_exception(job.failure);
}

}  // namespace mien
