// Turns four points by a quarter about z, in place, through the installed core.
#include <cmath>
#include <cstdio>

#include "mien/dispatch.h"
#include "mien/parallel.h"
#include "mien/rigid.h"

int main() {
    float points[4][4] = {{1, 0, 0, 7}, {0, 1, 0, 7}, {0, 0, 1, 7}, {1, 2, 3, 7}};  // padded, as some hosts have them
    const double rotation[9] = {0, -1, 0, 1, 0, 0, 0, 0, 1}, translation[3] = {10, 0, 0};
    const mien::Frames view = {points, mien::Scalar::float32, 1, 4, 0, sizeof(points[0])};
    mien::applyRigid(view, rotation, translation, view);
    const float expected[3] = {8, 1, 3};
    for (int i = 0; i < 3; ++i)
        if (std::fabs(points[3][i] - expected[i]) > 1e-6f) return 1;
    if (points[3][3] != 7) return 2;
    std::printf("consumer: %s path, %d threads, right answer\n", mien::instructionSet(), mien::threadCount());
    return 0;
}
