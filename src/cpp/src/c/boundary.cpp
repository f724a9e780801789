#include "c/boundary.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <limits>
#include <new>

#include "mien/rigid.h"

namespace mien::c {
namespace {

constexpr std::int64_t kMostBytes = std::numeric_limits<std::int64_t>::max() / 4;

mien_status statusOf(Status status) {
    switch (status) {
        case Status::invalidArgument:
            return MIEN_INVALID_ARGUMENT;
        case Status::numericalFailure:
            return MIEN_NUMERICAL_FAILURE;
        case Status::badFormat:
            return MIEN_BAD_FORMAT;
    }
    return MIEN_INTERNAL;
}

mien_status describe(mien_error* error, mien_status status, const char* message, std::int64_t frame = -1,
                     std::int64_t vertex = -1) noexcept {
    if (error) {
        error->status = status;
        error->frame = frame;
        error->vertex = vertex;
        std::snprintf(error->message, sizeof error->message, "%s", message);
    }
    return status;
}

std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", value);
    return text;
}

double coordinate(const ConstFrames& points, std::int64_t f, std::int64_t v, int c) {
    const char* at = static_cast<const char*>(points.data) + f * points.frameStride + v * points.vertexStride;
    return points.scalar == Scalar::float32 ? reinterpret_cast<const float*>(at)[c]
                                            : reinterpret_cast<const double*>(at)[c];
}

// Two strides, one of which steps over what the other covers.
bool overlapsItself(const Frames& view) {
    const std::int64_t item = 3 * sizeOf(view.scalar);
    std::int64_t inner = std::abs(view.vertexStride), innerCount = view.vertices;
    std::int64_t outer = std::abs(view.frameStride), outerCount = view.frames;
    if (outer < inner) std::swap(inner, outer), std::swap(innerCount, outerCount);
    if (innerCount == 0 || outerCount == 0) return false;
    const bool within = innerCount > 1 && inner < item;
    return within || (outerCount > 1 && outer < (innerCount - 1) * inner + item);
}

}  // namespace

void refuse(const std::string& message) {
    throw Error(Status::invalidArgument, message);
}

void clear(mien_error* error) noexcept {
    describe(error, MIEN_OK, "");
}

mien_status fail(mien_error* error) noexcept {
    try {
        throw;
    } catch (const PlacedError& e) {
        return describe(error, statusOf(e.status()), e.what(), e.frame, e.vertex);
    } catch (const Error& e) {
        return describe(error, statusOf(e.status()), e.what());
    } catch (const std::bad_alloc&) {
        return describe(error, MIEN_OUT_OF_MEMORY, "out of memory");
    } catch (const std::length_error&) {  // a container that no memory could hold
        return describe(error, MIEN_OUT_OF_MEMORY, "out of memory");
    } catch (const std::exception& e) {
        return describe(error, MIEN_INTERNAL, e.what());
    } catch (...) {
        return describe(error, MIEN_INTERNAL, "an unknown exception");
    }
}

std::int64_t needCount(std::int64_t count, std::int64_t least, std::int64_t most, const char* name) {
    if (count < least || count > most)
        refuse(std::string("`") + name + "` must be in [" + std::to_string(least) + ", " +
               std::to_string(most) + "], got " + std::to_string(count));
    return count;
}

Scalar scalarOf(mien_scalar scalar, const char* name) {
    if (scalar == MIEN_FLOAT32) return Scalar::float32;
    if (scalar == MIEN_FLOAT64) return Scalar::float64;
    refuse(std::string("`") + name + "` must have scalar MIEN_FLOAT32 or MIEN_FLOAT64, got " +
           std::to_string(static_cast<int>(scalar)));
}

std::int64_t sizeOf(Scalar scalar) {
    return scalar == Scalar::float32 ? 4 : 8;
}

void needStride(std::int64_t stride, std::int64_t count, Scalar scalar, const char* name) {
    if (stride % sizeOf(scalar) != 0)
        refuse(std::string("`") + name + "` must have strides that are multiples of " +
               std::to_string(sizeOf(scalar)) + " bytes, got " + std::to_string(stride));
    const std::int64_t most = kMostBytes / std::max<std::int64_t>(count, 1);
    if (stride > most || stride < -most)
        refuse(std::string("`") + name + "` must have strides that stay in memory, got " +
               std::to_string(count) + " of " + std::to_string(stride) + " bytes");
}

void needAligned(const void* data, Scalar scalar, const char* name) {
    if (reinterpret_cast<std::uintptr_t>(data) % static_cast<std::uintptr_t>(sizeOf(scalar)) != 0)
        refuse(std::string("`") + name + "` must lie at a multiple of " + std::to_string(sizeOf(scalar)) +
               " bytes");
}

Frames borrowOut(const mien_points* points, const char* name) {
    const ConstFrames view = borrow(points, name);
    const Frames out{points->data,  view.scalar,      view.frames,
                     view.vertices, view.frameStride, view.vertexStride};
    if (overlapsItself(out))
        refuse(std::string("`") + name + "` must not overlap itself, got strides of " +
               std::to_string(out.frameStride) + " and " + std::to_string(out.vertexStride) + " bytes");
    return out;
}

ConstFrames borrow(const mien_points* points, const char* name) {
    need(points, name);
    ConstFrames out;
    out.scalar = scalarOf(points->scalar, name);
    out.vertices = points->vertices;
    out.frames = points->frames;
    if (out.vertices < 0 || out.vertices > std::numeric_limits<std::int32_t>::max() || out.frames < 0)
        refuse(std::string("`") + name + "` must have frames >= 0 and vertices in [0, 2^31), got " +
               std::to_string(out.frames) + " and " + std::to_string(out.vertices));
    out.vertexStride = points->vertex_stride ? points->vertex_stride : 3 * sizeOf(out.scalar);
    needStride(out.vertexStride, out.vertices, out.scalar, name);
    out.frameStride = points->frame_stride ? points->frame_stride : out.vertices * out.vertexStride;
    needStride(out.frameStride, out.frames, out.scalar, name);
    if (out.frames > 0 && out.vertices > 0 && !points->data)
        refuse(std::string("`") + name + "` must have data, got null");
    needAligned(points->data, out.scalar, name);
    out.data = points->data;
    return out;
}

ConstFrames borrowOne(const mien_points* points, const char* name) {
    const ConstFrames out = borrow(points, name);
    if (out.frames != 1)
        refuse(std::string("`") + name + "` must be one frame, got " + std::to_string(out.frames));
    return out;
}

void needVertices(const ConstFrames& points, std::int64_t vertices, const char* name) {
    if (points.vertices != vertices)
        refuse(std::string("`") + name + "` must have " + std::to_string(vertices) + " vertices, got " +
               std::to_string(points.vertices));
}

void needFrames(const ConstFrames& points, std::int64_t frames, const char* name) {
    if (points.frames != frames)
        refuse(std::string("`") + name + "` must have the frames of `out`, " + std::to_string(frames) +
               ", got " + std::to_string(points.frames));
}

void needIndices(const std::int32_t* indices, std::int64_t count, std::int64_t least, std::int64_t below,
                 const char* name) {
    needCount(count, 0, std::numeric_limits<std::int32_t>::max(), (std::string("count of ") + name).c_str());
    if (count > 0) need(indices, name);
    for (std::int64_t i = 0; i < count; ++i)
        if (indices[i] < least || indices[i] >= below)
            refuse(std::string("`") + name + "` must be in [" + std::to_string(least) + ", " +
                   std::to_string(below) + "), got " + std::to_string(indices[i]) + " at " +
                   std::to_string(i));
}

void needTriangles(const std::int32_t* triangles, std::int64_t count, std::int64_t vertices,
                   const char* name) {
    constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max() / 8;  // corners are int32
    needCount(count, 0, kMost, "triangle_count");
    needIndices(triangles, 3 * count, 0, vertices, name);
}

void needFinite(const ConstFrames& points, const char* name) {
    std::int64_t f = 0, v = 0;
    if (points.vertices == 0 || !firstNonFinite(points, &f, &v)) return;
    throw PlacedError(Status::invalidArgument,
                      std::string("`") + name + "` must be finite, got (" +
                          number(coordinate(points, f, v, 0)) + ", " + number(coordinate(points, f, v, 1)) +
                          ", " + number(coordinate(points, f, v, 2)) + ") at " +
                          (points.frames > 1 ? "frame " + std::to_string(f) + ", " : std::string()) +
                          "vertex " + std::to_string(v),
                      f, v);
}

void needFinite(const double* values, std::int64_t frames, std::int64_t each, const char* name,
                const char* item) {
    for (std::int64_t f = 0; f < frames; ++f)
        for (std::int64_t i = 0; i < each; ++i)
            if (!std::isfinite(values[f * each + i]))
                throw PlacedError(Status::invalidArgument,
                                  std::string("`") + name + "` must be finite, got " +
                                      number(values[f * each + i]) + " at frame " + std::to_string(f) + ", " +
                                      item + " " + std::to_string(i),
                                  f, -1);
}

}  // namespace mien::c
