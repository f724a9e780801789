// parallelFor on the pool, on a host's threads, from many threads at once, nested, and when bodies throw.
#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "mien/error.h"
#include "mien/parallel.h"

namespace {

struct Host {
    std::atomic<int> calls{0};

    static void run(void* context, std::int64_t count, void (*task)(void*, std::int64_t), void* data) {
        ++static_cast<Host*>(context)->calls;
        std::vector<std::thread> threads;
        for (std::int64_t i = 0; i < count; ++i) threads.emplace_back(task, data, i);
        for (std::thread& thread : threads) thread.join();
    }
};

// Every element once, in ranges of at most the grain.
bool covers(std::int64_t count, std::int64_t grain) {
    std::vector<int> seen(static_cast<std::size_t>(count), 0);
    std::atomic<bool> small{true};
    mien::parallelFor(count, grain, [&](std::int64_t begin, std::int64_t end) {
        if (begin >= end || end - begin > grain) small = false;
        for (std::int64_t i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
        mien::parallelFor(3, 1, [](std::int64_t, std::int64_t) {});  // nested: serial
    });
    for (const int times : seen)
        if (times != 1) return false;
    return small;
}

// What the lowest range throws is what comes back.
bool throwsLowest() {
    for (int again = 0; again < 20; ++again) {
        try {
            mien::parallelFor(100, 1, [](std::int64_t begin, std::int64_t) {
                if (begin % 10 == 3) throw std::runtime_error(std::to_string(begin));
            });
            return false;
        } catch (const std::runtime_error& error) {
            if (std::string(error.what()) != "3") return false;
        }
    }
    return true;
}

bool works() {
    return covers(0, 1) && covers(1, 1) && covers(1000, 7) && covers(33, 100) && throwsLowest();
}

void testHost() {
    Host host;
    {
        const mien::SchedulerScope scope({&host, 3, &Host::run});
        CHECK(mien::threadCount() == 3);
        CHECK(works());
        CHECK(host.calls > 0);
        const int calls = host.calls;
        {
            Host inner;
            const mien::SchedulerScope scope2({&inner, 2, &Host::run});
            CHECK(works() && inner.calls > 0);
        }
        CHECK(host.calls == calls && mien::threadCount() == 3);
    }
    const int calls = host.calls;
    CHECK(works() && host.calls == calls);
    for (const mien::Scheduler& bad :
         {mien::Scheduler{&host, 0, &Host::run}, mien::Scheduler{&host, 2, nullptr}}) {
        try {
            const mien::SchedulerScope scope(bad);
            CHECK(!"a scope must refuse it");
        } catch (const mien::Error& error) {
            CHECK(error.status() == mien::Status::invalidArgument);
        }
    }
}

}  // namespace

void testThreads() {
    testHost();
    std::atomic<int> good{0};
    std::vector<std::thread> users;
    for (int i = 0; i < 6; ++i)
        users.emplace_back([&, i] {
            Host host;
            for (int again = 0; again < 10; ++again) {
                if (i % 2) {
                    good += works();
                } else {
                    const mien::SchedulerScope scope({&host, 2, &Host::run});
                    good += works();
                }
            }
        });
    for (std::thread& user : users) user.join();
    CHECK(good == 60);
}
