#include "solve_blocks.h"

#include <algorithm>
#include <cmath>

namespace mien {
namespace {

constexpr int kFew = 8;    // right-hand sides that the narrow kernels take
constexpr int kStep = 16;  // widths above that are multiples of this
constexpr int kTile = 8;   // frames that are transposed together

std::ptrdiff_t itemOf(Scalar scalar) {
    return scalar == Scalar::float32 ? sizeof(float) : sizeof(double);
}

int roundedUp(std::int64_t count, int unit) {
    return static_cast<int>((count + unit - 1) / unit * unit);
}

// Into how many parts: enough for the widest block, and as many for each thread where there is work for it.
std::int64_t parts(std::int64_t units, std::int64_t most, int threads) {
    const std::int64_t needed = (units + most - 1) / most;
    return std::max(needed, std::min<std::int64_t>((needed + threads - 1) / threads * threads, units));
}

}  // namespace

std::vector<SolveBlock> cutIntoBlocks(std::int64_t frames, std::int64_t columns, int widest, int threads) {
    std::vector<SolveBlock> out;
    if (frames * columns <= kFew) {
        const int f = static_cast<int>(frames), k = static_cast<int>(columns);
        if (f * k > 0) out.push_back({0, 0, f, k, f, f * k <= 4 ? 4 : kFew});
        return out;
    }
    if (columns <= kFew && frames > 1) {  // frames in lanes
        const std::int64_t units = (frames + kTile - 1) / kTile,
                           most = std::max<std::int64_t>(1, widest / (kTile * columns)),
                           count = parts(units, most, threads);
        for (std::int64_t b = 0; b < count; ++b) {
            const std::int64_t begin = units * b / count * kTile,
                               end = std::min(frames, units * (b + 1) / count * kTile);
            const int spread = static_cast<int>(end - begin);
            out.push_back({begin, 0, static_cast<int>(end - begin), static_cast<int>(columns), spread,
                           roundedUp(spread * columns, kStep)});
        }
        return out;
    }
    const std::int64_t units = (columns + kStep - 1) / kStep,
                       count = parts(units, widest / kStep, frames > 1 ? 1 : threads);
    for (std::int64_t f = 0; f < frames; ++f)
        for (std::int64_t b = 0; b < count; ++b) {
            const std::int64_t begin = units * b / count * kStep,
                               end = std::min(columns, units * (b + 1) / count * kStep);
            out.push_back({f, begin, 1, static_cast<int>(end - begin), 1, roundedUp(end - begin, kStep)});
        }
    return out;
}

ConstColumns byFrames(const ConstColumns& view) {
    if (view.frames != 1 || view.columns == 1 || view.columnStride == itemOf(view.scalar)) return view;
    return {view.data, view.scalar, view.columns, view.rows, 1, view.columnStride, view.rowStride, 0};
}

PackingView packingView(const ConstColumns& view, const SolveBlock& block, const std::int32_t* rows,
                        const std::int32_t* inverse) {
    const char* data = static_cast<const char*>(view.data) + block.frame * view.frameStride +
                       block.column * view.columnStride;
    return {data,
            view.frameStride,
            view.rowStride,
            view.columns == 1 ? itemOf(view.scalar) : view.columnStride,
            block.lines,
            block.columns,
            block.spread,
            rows,
            block.spread > 1 ? inverse : nullptr,
            view.rows};
}

bool firstNotFinite(const ConstColumns& view, Scalar scalar, Place* place) {
    for (std::int64_t f = 0; f < view.frames; ++f)
        for (std::int64_t v = 0; v < view.rows; ++v)
            for (std::int64_t k = 0; k < view.columns; ++k) {
                const char* at = static_cast<const char*>(view.data) + f * view.frameStride +
                                 v * view.rowStride + k * view.columnStride;
                const double value = view.scalar == Scalar::float32
                                         ? static_cast<double>(*reinterpret_cast<const float*>(at))
                                         : *reinterpret_cast<const double*>(at);
                const bool finite = scalar == Scalar::float32 ? std::isfinite(static_cast<float>(value))
                                                              : std::isfinite(value);
                if (finite) continue;
                *place = {f, v, k, value};
                return true;
            }
    return false;
}

}  // namespace mien
