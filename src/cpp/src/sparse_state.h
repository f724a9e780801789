// What a SparseFactor holds, for the parts of the core that work on it.
#pragma once

#include <memory>
#include <vector>

#include "mien/sparse_factor.h"
#include "scratch.h"
#include "scratch_pool.h"
#include "symbolic.h"

namespace mien {

struct SparseFactor::State {
    std::shared_ptr<const Symbolic> symbolic;
    Scalar storage = Scalar::float64;
    Scratch values;                // the panels, float or double
    std::vector<double> diagonal;  // of P A P'
    std::vector<double> lower;     // strictly below the diagonal of P A P', in the order of symbolic->rows
    Scratch workspace;             // kept from one factorisation to the next
    ScratchPool solveScratch;      // and from one solve to the next

    const Supernodes& pattern() const { return symbolic->supernodes; }
};

}  // namespace mien
