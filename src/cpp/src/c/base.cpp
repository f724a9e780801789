#include "mien/c/base.h"

#include "c/boundary.h"
#include "mien/dispatch.h"
#include "mien/rigid.h"

using namespace mien;
using namespace mien::c;

#define MIEN_TEXT_OF(value) #value
#define MIEN_TEXT(value) MIEN_TEXT_OF(value)

const char* mien_version(void) {
    return MIEN_TEXT(MIEN_VERSION_MAJOR) "." MIEN_TEXT(MIEN_VERSION_MINOR) "." MIEN_TEXT(MIEN_VERSION_PATCH);
}

int32_t mien_abi_version(void) {
    return MIEN_ABI_VERSION;
}

const char* mien_status_name(mien_status status) {
    switch (status) {
        case MIEN_OK:
            return "ok";
        case MIEN_INVALID_ARGUMENT:
            return "invalid argument";
        case MIEN_NUMERICAL_FAILURE:
            return "numerical failure";
        case MIEN_BAD_FORMAT:
            return "bad format";
        case MIEN_OUT_OF_MEMORY:
            return "out of memory";
        case MIEN_INTERNAL:
            return "internal error";
    }
    return "unknown status";
}

const char* mien_instruction_set(mien_error* error) {
    const char* name = nullptr;
    guarded(nullptr, error, [&] { name = instructionSet(); });
    return name;
}

mien_status mien_first_non_finite(const mien_points* points, int64_t* frame, int64_t* vertex,
                                  const mien_scheduler* scheduler, mien_error* error) {
    return guarded(scheduler, error, [&] {
        *need(frame, "frame") = *need(vertex, "vertex") = -1;
        const ConstFrames view = borrow(points, "points");
        if (view.vertices > 0) firstNonFinite(view, frame, vertex);
    });
}
