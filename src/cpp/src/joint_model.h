// What a joint estimator keeps of its model: panels of floats in the order in which the kernels read them.
#pragma once

#include <cstdint>
#include <vector>

#include "aligned.h"
#include "kernels/joint.h"
#include "mien/joint.h"

namespace mien {

constexpr std::int64_t kJointBlock = 64;  // vertices whose sums are floats before they go to doubles
static_assert(kJointBlock * 3 % kJointRows == 0, "blocks fill tiles");

// Lengths are relative to the radius.
struct JointPanels {
    explicit JointPanels(const JointModel& model);

    std::int64_t vertices = 0, padded = 0;     // S, and a multiple of 4
    std::int64_t fieldCount = 0, columns = 0;  // P, and a multiple of kJointRows
    std::int64_t waves = 0, probes = 0;        // 6 a wave, padded
    AlignedVector<float> points, inverse;      // 3 and 1 a vertex; inverse of the squared scale
    AlignedVector<float> fields;               // tiles of rows, depth P
    AlignedVector<float> gain, probe;          // for each block: tiles of columns, depth its rows
    AlignedVector<float> held;                 // spread times precision: tiles of rows, depth P
    AlignedVector<float> believed, ones;       // 1 a vertex: what `inverse` is before anything is told, and 1
    std::vector<double> weights;               // S
    std::vector<double> spread;                // P x P
    std::vector<double> told;                  // 6 waves x P: the probes of the fields
    double metric[36];                         // mean squared displacement by a rigid motion
    double centre[3], radius = 1;
    float freedom = 4, lost = 25;

    std::int64_t blockRows(std::int64_t firstVertex) const {
        const std::int64_t left = padded - firstVertex;
        return 3 * (left < kJointBlock ? left : kJointBlock);
    }
};

}  // namespace mien
