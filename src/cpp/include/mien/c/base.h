/* What the whole C API shares: status and message, views of the host's memory, the host's threads, versions.
 */
#ifndef MIEN_C_BASE_H
#define MIEN_C_BASE_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && defined(MIEN_C_BUILD)
#define MIEN_API __declspec(dllexport)
#elif defined(_WIN32)
#define MIEN_API __declspec(dllimport)
#elif defined(__GNUC__)
#define MIEN_API __attribute__((visibility("default")))
#else
#define MIEN_API
#endif

#define MIEN_VERSION_MAJOR 0
#define MIEN_VERSION_MINOR 1
#define MIEN_VERSION_PATCH 0
/* Grows when a struct or signature changes: compare with mien_abi_version() after loading by hand. */
#define MIEN_ABI_VERSION 1

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t mien_status;
enum {
    MIEN_OK = 0,
    MIEN_INVALID_ARGUMENT = 1,  /* a pointer, size, stride, index or value is not what it must be */
    MIEN_NUMERICAL_FAILURE = 2, /* the mathematics failed; the message names frame, vertex or row */
    MIEN_BAD_FORMAT = 3,        /* bytes are not what their format says */
    MIEN_OUT_OF_MEMORY = 4,
    MIEN_INTERNAL = 5 /* a mistake of the library: please report */
};

/* Filled by every function that gets one, also on success (MIEN_OK, empty message). */
typedef struct mien_error {
    mien_status status;
    int64_t frame;     /* the first frame concerned, -1 where there is none or only the message knows */
    int64_t vertex;    /* the first vertex concerned, likewise */
    char message[240]; /* one English sentence, ends with 0, cut off if longer */
} mien_error;

typedef int32_t mien_scalar;
enum { MIEN_FLOAT32 = 0, MIEN_FLOAT64 = 1 };

/* Points of F frames, borrowed. x, y, z lie side by side; strides are bytes, multiples of the scalar's size,
 * may be negative, and 0 means packed. What is written to must not overlap itself. */
typedef struct mien_points {
    void* data; /* of frame 0, vertex 0; aligned to the scalar; may be null if F or V is 0 */
    mien_scalar scalar;
    int64_t frames, vertices;
    int64_t frame_stride;  /* from a frame to the next; 0: V * vertex_stride */
    int64_t vertex_stride; /* from a vertex to the next; 0: three scalars */
} mien_points;

/* The host's threads, in place of the library's own pool, which is then not started. */
typedef void (*mien_task)(void* data, int64_t index);
typedef struct mien_scheduler {
    void* context;   /* handed back to parallel_for */
    int32_t threads; /* how many tasks are worth having at once, >= 1 */
    /* Calls task(data, i) once for every i in [0, count), in any order and on any threads, and returns when
     * all of them have returned. Must not throw. */
    void (*parallel_for)(void* context, int64_t count, mien_task task, void* data);
} mien_scheduler;

/* Arguments of every working function that are not named there:
 *   scheduler  null: the library's pool (environment variable MIEN_NUM_THREADS, else the usable CPUs)
 *   error      null: only the returned status tells */

MIEN_API const char* mien_version(void);                   /* "0.1.0" */
MIEN_API int32_t mien_abi_version(void);                   /* MIEN_ABI_VERSION of the library itself */
MIEN_API const char* mien_status_name(mien_status status); /* "invalid argument"; never null */

/* Which kernels run: "base", "avx2" or "avx512"; null with an error if the environment variable MIEN_ISA asks
 * for what is not there. */
MIEN_API const char* mien_instruction_set(mien_error* error);

/* The first point, in frame order, that has a coordinate which is not finite: *frame and *vertex, or -1 both.
 */
MIEN_API mien_status mien_first_non_finite(const mien_points* points, int64_t* frame, int64_t* vertex,
                                           const mien_scheduler* scheduler, mien_error* error);

#ifdef __cplusplus
}
#endif
#endif
