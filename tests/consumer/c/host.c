/* A host with threads of its own, and with its own floating-point mode. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <fenv.h>
#include <math.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include "check.h"

enum { kFrames = 8, kVertices = 20000, kThreads = 3 };

/* The rounding and flushing modes of this thread. */
static unsigned modes(void) {
#if defined(__SSE__)
    return _mm_getcsr() & 0xffc0u; /* without the flags of what has happened */
#else
    return (unsigned)fegetround();
#endif
}

static int threads_of_this_process(void) {
    int count = 0;
    DIR* folder = opendir("/proc/self/task");
    if (!folder) return -1;
    while (readdir(folder)) ++count;
    closedir(folder);
    return count;
}

typedef struct Host {
    int calls;
    int64_t tasks;
    int lazy; /* starts none of the tasks, though it should */
} Host;

typedef struct Part {
    mien_task task;
    void* data;
    int64_t index;
    unsigned before, after;
} Part;

static void* run_part(void* argument) {
    Part* part = argument;
    part->before = modes();
    part->task(part->data, part->index);
    part->after = modes();
    return NULL;
}

static void run_on_host(void* context, int64_t count, mien_task task, void* data) {
    Host* host = context;
    pthread_t threads[kThreads];
    Part parts[kThreads];
    int64_t i;
    ++host->calls;
    host->tasks += count;
    CHECK(count >= 1 && count <= kThreads);
    if (host->lazy) return;
    for (i = 0; i < count; ++i) {
        parts[i].task = task, parts[i].data = data, parts[i].index = i;
        CHECK(pthread_create(&threads[i], NULL, run_part, &parts[i]) == 0);
    }
    for (i = 0; i < count; ++i) {
        pthread_join(threads[i], NULL);
        CHECK(parts[i].before == parts[i].after);
    }
}

typedef struct Answer {
    double rotation[kFrames][9];
    float points[kFrames][kVertices][3];
} Answer;

static mien_status work(const float* take, const mien_scheduler* scheduler, Answer* answer,
                        mien_error* error) {
    mien_points from = {0}, about = {0}, out;
    mien_alignment result = {0};
    mien_alignment_options options = {0};
    memset(answer, 0, sizeof *answer);
    memcpy(answer->points, take, sizeof answer->points);
    from.data = answer->points, from.scalar = MIEN_FLOAT32, from.frames = kFrames, from.vertices = kVertices;
    about = from, about.frames = 1, about.data = (void*)take;
    out = from;
    options.loss = MIEN_LOSS_GEMAN_MCCLURE, options.iterations = 3;
    result.rotation = answer->rotation[0];
    return mien_align_frames(&from, &about, NULL, &options, &result, &out, scheduler, error);
}

static void fill(float* take) {
    int i;
    for (i = 0; i < kFrames * kVertices * 3; ++i) {
        const int within = i % (kVertices * 3), f = i / (kVertices * 3);
        take[i] = (float)(sin(0.37 * within) + 0.01 * f * cos(0.011 * within) + f);
    }
}

static void test_scheduler(const float* take, Answer* hosted, Answer* own) {
    Host host = {0, 0, 0};
    mien_scheduler scheduler = {0};
    mien_error error;
    const int threads = threads_of_this_process();
    scheduler.context = &host, scheduler.threads = kThreads, scheduler.parallel_for = run_on_host;
    CHECK(work(take, &scheduler, hosted, &error) == MIEN_OK);
    CHECK(host.calls > 0 && host.tasks >= 2);
    CHECK(threads_of_this_process() == threads); /* the pool was not started */
    CHECK(work(take, NULL, own, &error) == MIEN_OK);
    CHECK(memcmp(hosted, own, sizeof *own) == 0);
    host.lazy = 1; /* tasks that a host forgets are done all the same */
    CHECK(work(take, &scheduler, hosted, &error) == MIEN_OK);
    CHECK(memcmp(hosted, own, sizeof *own) == 0);
    scheduler.threads = 1, host.calls = 0;
    CHECK(work(take, &scheduler, hosted, &error) == MIEN_OK && host.calls == 0);
    CHECK(memcmp(hosted, own, sizeof *own) == 0);
    scheduler.threads = 0;
    REFUSED(work(take, &scheduler, hosted, &error), MIEN_INVALID_ARGUMENT, "threads >= 1");
    scheduler.threads = 2, scheduler.parallel_for = NULL;
    REFUSED(work(take, &scheduler, hosted, &error), MIEN_INVALID_ARGUMENT, "parallelFor");
}

/* Errors of bodies on the host's threads come back as a status. */
static void test_error_on_host(float* take, Answer* answer) {
    Host host = {0, 0, 0};
    mien_scheduler scheduler = {0};
    mien_error error;
    scheduler.context = &host, scheduler.threads = kThreads, scheduler.parallel_for = run_on_host;
    take[3 * (5 * kVertices + 77) + 1] = (float)NAN;
    REFUSED(work(take, &scheduler, answer, &error), MIEN_INVALID_ARGUMENT, "frame 5, vertex 77");
    CHECK(error.frame == 5 && error.vertex == 77);
    fill(take);
}

static void test_modes(const float* take, Answer* answer, unsigned before) {
    volatile double tiny = 1e-308;
    mien_error error;
    CHECK(modes() == before);
    CHECK(tiny / 4 > 0); /* denormal numbers live */
#if defined(__SSE__)
    _mm_setcsr(_mm_getcsr() | 0x8040u); /* a host that flushes them keeps doing so */
    CHECK(work(take, NULL, answer, &error) == MIEN_OK);
    CHECK((_mm_getcsr() & 0x8040u) == 0x8040u);
    _mm_setcsr(_mm_getcsr() & ~0x8040u);
#endif
    fesetround(FE_UPWARD);
    CHECK(work(take, NULL, answer, &error) == MIEN_OK);
    CHECK(fegetround() == FE_UPWARD);
    fesetround(FE_TONEAREST);
}

void test_host(void) {
    const unsigned before = modes();
    float* take = malloc(sizeof(float) * kFrames * kVertices * 3);
    Answer *one = malloc(sizeof *one), *two = malloc(sizeof *two);
    fill(take);
    test_scheduler(take, one, two);
    test_error_on_host(take, one);
    test_modes(take, one, before);
    free(take), free(one), free(two);
}
