// Checks of a rig's shapes that its users share.
#pragma once

#include <cstdint>

#include "mien/rig.h"

namespace mien {

// Throws Error (invalidArgument) unless shape `s` names ascending vertices below `vertices`.
void checkShape(const ConstShapes& shapes, std::int64_t s, std::int64_t vertices);

}  // namespace mien
