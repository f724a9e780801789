#include <cstddef>
#include <string>
#include <vector>

#include "mien/error.h"
#include "mien/sparse_factor.h"
#include "sparse_state.h"
#include "triangular.h"

namespace mien {
namespace {

double read(const ConstColumns& view, std::int64_t f, std::int64_t v, std::int64_t k) {
    const char* at = static_cast<const char*>(view.data) + f * view.frameStride + v * view.rowStride +
                     k * view.columnStride;
    return view.scalar == Scalar::float32 ? static_cast<double>(*reinterpret_cast<const float*>(at))
                                          : *reinterpret_cast<const double*>(at);
}

void write(const Columns& view, std::int64_t f, std::int64_t v, std::int64_t k, double value) {
    char* at =
        static_cast<char*>(view.data) + f * view.frameStride + v * view.rowStride + k * view.columnStride;
    if (view.scalar == Scalar::float32)
        *reinterpret_cast<float*>(at) = static_cast<float>(value);
    else
        *reinterpret_cast<double*>(at) = value;
}

template <class T>
void solveFrame(const SparseFactor::State& state, const ConstColumns& rhs, const Columns& out,
                std::int64_t f) {
    const Supernodes& pattern = state.pattern();
    const std::int64_t width = rhs.columns;
    std::vector<T> x(static_cast<std::size_t>(pattern.size * width));
    for (std::int64_t v = 0; v < pattern.size; ++v)
        for (std::int64_t k = 0; k < width; ++k)
            x[v * width + k] = static_cast<T>(read(rhs, f, pattern.permutation[v], k));
    solveBlock(pattern, state.values.data(), state.storage, x.data(), static_cast<int>(width));
    for (std::int64_t v = 0; v < pattern.size; ++v)
        for (std::int64_t k = 0; k < width; ++k) write(out, f, pattern.permutation[v], k, x[v * width + k]);
}

}  // namespace

SolveReport SparseFactor::solve(const ConstColumns& rhs, const Columns& out, const SolveOptions&) const {
    if (rhs.rows != size() || out.rows != size() || rhs.columns != out.columns || rhs.frames != out.frames)
        throw Error(Status::invalidArgument,
                    "rhs and out must both have " + std::to_string(size()) + " rows");
    for (std::int64_t f = 0; f < rhs.frames; ++f) {
        if (storage() == Scalar::float32)
            solveFrame<float>(*state_, rhs, out, f);
        else
            solveFrame<double>(*state_, rhs, out, f);
    }
    return {};
}

}  // namespace mien
