// The pattern of a sparse Cholesky factor, gathered into supernodes: neighbouring columns whose rows agree.
#pragma once

#include <cstdint>
#include <vector>

namespace mien {

// P A P' = L L', columns in the postorder of the supernodal elimination tree. Const after construction.
//
// The values of supernode s are one column-major panel that starts at panelStart[s]. With nc columns and nr
// rows below them its leading dimension is nc + nr. The diagonal of its top nc x nc block holds the
// RECIPROCAL of L's diagonal; above the diagonal it is zero. Panels are stored as float or double, and always
// factored in double.
struct Supernodes {
    std::int32_t size = 0;                  // n
    std::vector<std::int32_t> permutation;  // n: permutation[new] = old
    std::vector<std::int32_t> firstColumn;  // S + 1
    std::vector<std::int64_t> rowStart;     // S + 1, into rows
    std::vector<std::int32_t> rows;         // the rows BELOW each diagonal block, ascending, new numbering
    std::vector<std::int64_t> panelStart;   // S + 1, into the values
    std::vector<std::int32_t> parent;       // S, -1 at roots

    std::int32_t count() const { return static_cast<std::int32_t>(parent.size()); }
    std::int32_t columns(std::int32_t s) const { return firstColumn[s + 1] - firstColumn[s]; }
    std::int32_t rowsBelow(std::int32_t s) const {
        return static_cast<std::int32_t>(rowStart[s + 1] - rowStart[s]);
    }
};

}  // namespace mien
