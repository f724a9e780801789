// Uses the installed C++ core as a host would: borrowed vertex buffers, known answers, errors as exceptions.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "check.h"
#include "mien/alignment.h"
#include "mien/dispatch.h"
#include "mien/error.h"
#include "mien/laplacian_deformer.h"
#include "mien/parallel.h"
#include "mien/rigid.h"
#include "mien/sparse_factor.h"

namespace {

// Four points turned by a quarter about z, in place.
void testRigid() {
    float points[4][4] = {
        {1, 0, 0, 7}, {0, 1, 0, 7}, {0, 0, 1, 7}, {1, 2, 3, 7}};  // padded, as some hosts have them
    const double rotation[9] = {0, -1, 0, 1, 0, 0, 0, 0, 1}, translation[3] = {10, 0, 0};
    const mien::Frames view = {points, mien::Scalar::float32, 1, 4, 0, sizeof(points[0])};
    float before[4][4];
    std::memcpy(before, points, sizeof points);
    mien::applyRigid(view, rotation, translation, view);
    CHECK(points[3][0] == 8 && points[3][1] == 1 && points[3][2] == 3 && points[3][3] == 7);

    const mien::ConstFrames reference = {before, mien::Scalar::float32, 1, 4, 0, sizeof(before[0])};
    double r[9], t[3], scale, residual, support, spread, sigma;
    std::int32_t iterations;
    const mien::AlignmentResult result = {r, t, &scale, &residual, &support, &spread, &sigma, &iterations};
    const mien::AlignmentStatus status = mien::alignFrames(view, reference, nullptr, {}, result);
    CHECK(status.problem == mien::AlignmentProblem::none);
    for (int i = 0; i < 9; ++i) CHECK(std::fabs(r[i] - rotation[i]) < 1e-6);
    CHECK(std::fabs(t[0] - 10) < 1e-5);
}

// [4 1; 1 3] x = [9 5] is solved by x = (2, 1).
void testFactor() {
    const std::int64_t start[] = {0, 2, 3};
    const std::int32_t rows[] = {0, 1, 1};
    const double values[] = {4, 1, 3}, indefinite[] = {1, 2, 1};
    double x[] = {9, 5};
    mien::SparseFactor factor(mien::SparseMatrix{2, start, rows, values});
    const mien::Columns view = {x, mien::Scalar::float64, 1, 2, 1, 0, sizeof(double), 0};
    factor.solve(view, view);
    CHECK(std::fabs(x[0] - 2) < 1e-15 && std::fabs(x[1] - 1) < 1e-15);
    try {
        factor.refactor(indefinite);
        CHECK(!"refactor must throw");
    } catch (const mien::Error& error) {
        CHECK(error.status() == mien::Status::numericalFailure);
        CHECK(std::string(error.what()).find("row 1") != std::string::npos);
    }
}

// A strip whose ends move: what is between them follows linearly.
void testDeformer() {
    constexpr int kLength = 11;
    std::vector<float> strip;
    std::vector<std::int32_t> triangles;
    for (int i = 0; i < kLength; ++i)
        for (int j = 0; j < 2; ++j) strip.insert(strip.end(), {float(i), float(j), 0});
    for (int i = 0; i + 1 < kLength; ++i) {
        const int a = 2 * i;
        triangles.insert(triangles.end(), {a, a + 2, a + 3, a, a + 3, a + 1});
    }
    const int n = 2 * kLength;
    const mien::ConstFrames neutral = {strip.data(), mien::Scalar::float32, 1, n, 0, 12};
    const std::int32_t handles[] = {0, 1, n - 2, n - 1};
    const float targets[4][3] = {{0, 0, 0}, {0, 1, 0}, {kLength - 1, 0, 5}, {kLength - 1, 1, 5}};
    const mien::LaplacianDeformer deformer(triangles.data(), std::int64_t(triangles.size() / 3), neutral,
                                           handles, nullptr, 4, nullptr);
    std::vector<float> out(strip.size());
    deformer.solve({targets, mien::Scalar::float32, 1, 4, 0, 12}, neutral,
                   {out.data(), mien::Scalar::float32, 1, n, 0, 12});
    for (int i = 0; i < n; ++i) CHECK(std::fabs(out[3 * i + 2] - 0.5f * (i / 2)) < 1e-5f);
}

}  // namespace

int main() {
    testThreads();  // first: it sees whether the pool is started
    testRigid();
    testFactor();
    testDeformer();
    std::printf("C++ consumer: %s path, %d threads, %d failures\n", mien::instructionSet(),
                mien::threadCount(), failures);
    return failures ? 1 : 0;
}
