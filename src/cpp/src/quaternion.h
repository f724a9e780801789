// Unit quaternions of rotation matrices.
#pragma once

#include <algorithm>
#include <cmath>

namespace mien {

// Scalar first, of a row-major rotation; the largest component decides by which formula, so that nothing
// small is divided by.
inline void quaternionOf(const double* r, double* q) {
    const double diagonal[4] = {r[0] + r[4] + r[8], r[0] - r[4] - r[8], r[4] - r[0] - r[8],
                                r[8] - r[0] - r[4]};
    const int big = static_cast<int>(std::max_element(diagonal, diagonal + 4) - diagonal);
    const double all[4][4] = {{1 + diagonal[0], r[7] - r[5], r[2] - r[6], r[3] - r[1]},
                              {r[7] - r[5], 1 + diagonal[1], r[1] + r[3], r[2] + r[6]},
                              {r[2] - r[6], r[1] + r[3], 1 + diagonal[2], r[5] + r[7]},
                              {r[3] - r[1], r[2] + r[6], r[5] + r[7], 1 + diagonal[3]}};
    const double* row = all[big];
    const double size = std::sqrt((row[0] * row[0] + row[1] * row[1]) + (row[2] * row[2] + row[3] * row[3]));
    for (int i = 0; i < 4; ++i) q[i] = row[i] / size;
}

}  // namespace mien
