#include "triangular.h"

#include <string>

#include "kernels/table.h"
#include "mien/error.h"

namespace mien {

void solveBlock(const Supernodes& pattern, const void* values, Scalar storage, void* x, int width) {
    if (width != 4 && width != 8 && (width < 16 || width % 16 != 0))
        throw Error(Status::invalidArgument,
                    "width must be 4, 8 or a multiple of 16, got " + std::to_string(width));
    const TriangularKernels& kernel = kernels().triangular;
    const TriangularPattern bare{pattern.firstColumn.data(), pattern.rowStart.data(), pattern.rows.data(),
                                 pattern.panelStart.data()};
    const std::int32_t end = pattern.count();
    if (storage == Scalar::float32) {
        kernel.forwardFloat(bare, 0, end, static_cast<const float*>(values), static_cast<float*>(x), width);
        kernel.backwardFloat(bare, 0, end, static_cast<const float*>(values), static_cast<float*>(x), width);
    } else {
        kernel.forwardDouble(bare, 0, end, static_cast<const double*>(values), static_cast<double*>(x),
                             width);
        kernel.backwardDouble(bare, 0, end, static_cast<const double*>(values), static_cast<double*>(x),
                              width);
    }
}

}  // namespace mien
