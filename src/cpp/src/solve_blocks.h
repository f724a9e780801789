// Right-hand sides in the caller's memory, cut into blocks that are solved apart from each other.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/packing.h"
#include "mien/sparse_factor.h"

namespace mien {

// Frames [frame, frame + lines) x columns [column, column + columns); see PackingView for `spread`.
struct SolveBlock {
    std::int64_t frame, column;
    int lines, columns, spread, width;
};

// How frames and columns are cut. A column's answer does not depend on it, so it may follow the number of
// threads.
//   widest  of a block: a multiple of 16
std::vector<SolveBlock> cutIntoBlocks(std::int64_t frames, std::int64_t columns, int widest, int threads);

// The same numbers, seen as frames of one column where one frame's columns are not side by side.
ConstColumns byFrames(const ConstColumns& view);

// The part of a view that a block is.
PackingView packingView(const ConstColumns& view, const SolveBlock& block, const std::int32_t* rows,
                        const std::int32_t* inverse);

// The first number that is not finite in `scalar`, by frame, then row. False if there is none.
struct Place {
    std::int64_t frame = 0, row = 0, column = 0;
    double value = 0;
};
bool firstNotFinite(const ConstColumns& view, Scalar scalar, Place* place);

}  // namespace mien
