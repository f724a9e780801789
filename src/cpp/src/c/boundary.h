// What every function of the C API does at its door: check, lend the host's threads, catch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mien/c/base.h"
#include "mien/error.h"
#include "mien/parallel.h"
#include "mien/views.h"

namespace mien::c {

// An error that knows where it is.
class PlacedError : public Error {
  public:
    PlacedError(Status status, const std::string& message, std::int64_t frame, std::int64_t vertex)
        : Error(status, message), frame(frame), vertex(vertex) {}
    const std::int64_t frame, vertex;
};

[[noreturn]] void refuse(const std::string& message);  // invalidArgument

void clear(mien_error* error) noexcept;
mien_status fail(mien_error* error) noexcept;  // describes the exception that is being handled

template <class Body>
mien_status guarded(const mien_scheduler* scheduler, mien_error* error, Body body) noexcept {
    clear(error);
    try {
        std::optional<SchedulerScope> scope;
        if (scheduler)
            scope.emplace(Scheduler{scheduler->context, scheduler->threads, scheduler->parallel_for});
        body();
        return MIEN_OK;
    } catch (...) {
        return fail(error);
    }
}

// A pointer that must not be null.
template <class Pointer>
Pointer need(Pointer pointer, const char* name) {
    if (!pointer) refuse(std::string("`") + name + "` must not be null");
    return pointer;
}

// A count within [least, most].
std::int64_t needCount(std::int64_t count, std::int64_t least, std::int64_t most, const char* name);

// The numbers of an option struct, 0 for the default.
inline double orDefault(double given, double standard) {
    return given == 0 ? standard : given;
}

Scalar scalarOf(mien_scalar scalar, const char* name);
std::int64_t sizeOf(Scalar scalar);

// Alignment of data and stride to the scalar; no overflow of count strides.
void needStride(std::int64_t stride, std::int64_t count, Scalar scalar, const char* name);
void needAligned(const void* data, Scalar scalar, const char* name);

// Views of what the host has, checked for everything but whether the numbers are finite.
ConstFrames borrow(const mien_points* points, const char* name);
ConstFrames borrowOne(const mien_points* points, const char* name);  // one frame
Frames borrowOut(const mien_points* points, const char* name);       // does not overlap itself

void needVertices(const ConstFrames& points, std::int64_t vertices, const char* name);
void needFrames(const ConstFrames& points, std::int64_t frames, const char* name);

// `count` indices in [least, below); null is fine if there are none.
void needIndices(const std::int32_t* indices, std::int64_t count, std::int64_t least, std::int64_t below,
                 const char* name);
void needTriangles(const std::int32_t* triangles, std::int64_t count, std::int64_t vertices,
                   const char* name);

void needFinite(const ConstFrames& points, const char* name);  // names frame and vertex
void needFinite(const double* values, std::int64_t frames, std::int64_t each, const char* name,
                const char* item);

}  // namespace mien::c
