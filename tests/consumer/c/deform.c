/* Deformers, on motions whose answer is known: linear ones, rigid ones. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "check.h"

enum {
    kSide = 9,
    kVertices = kSide * kSide,
    kTriangles = 2 * (kSide - 1) * (kSide - 1),
    kFrames = 3,
    kBorder = 4 * (kSide - 1)
};

static float sheet[kVertices][4], other[kVertices][4], moved[kFrames][kVertices][4],
    out[kFrames][kVertices][4];
static int32_t triangles[kTriangles][3], border[kBorder];
static float targets[kFrames][kBorder][4];
static double turn[kFrames][9], shift[kFrames][3];

static mien_points points(void* data, int64_t frames, int64_t vertices) {
    mien_points view = {0};
    view.data = data, view.scalar = MIEN_FLOAT32, view.frames = frames, view.vertices = vertices;
    view.vertex_stride = 4 * sizeof(float);
    return view;
}

static void move(int f, const float* from, float* to) {
    int i, j;
    for (i = 0; i < 3; ++i) {
        double sum = shift[f][i];
        for (j = 0; j < 3; ++j) sum += turn[f][3 * i + j] * from[j];
        to[i] = (float)sum;
    }
}

static void make_sheet(int curved) {
    int i, j, f, v, t = 0, b = 0;
    for (i = 0; i < kSide; ++i)
        for (j = 0; j < kSide; ++j) {
            float* p = sheet[kSide * i + j];
            v = kSide * i + j;
            p[0] = (float)j + 0.2f * (float)sin(3.0 * v), p[1] = (float)i,
            p[2] = curved ? (float)sin(0.5 * j) : 0;
            p[3] = 5;
            other[v][0] = 2 * (float)j, other[v][1] = 3 * (float)i, other[v][2] = (float)cos(0.3 * i);
            if (i == 0 || j == 0 || i == kSide - 1 || j == kSide - 1) border[b++] = v;
        }
    for (i = 0; i + 1 < kSide; ++i)
        for (j = 0; j + 1 < kSide; ++j) {
            const int32_t a = kSide * i + j,
                          two[2][3] = {{a, a + 1, a + kSide + 1}, {a, a + kSide + 1, a + kSide}};
            memcpy(triangles[t], two, sizeof two);
            t += 2;
        }
    for (f = 0; f < kFrames; ++f) {
        const double angle = 0.3 * (f + 1), c = cos(angle), s = sin(angle),
                     r[9] = {1, 0, 0, 0, c, -s, 0, s, c};
        memcpy(turn[f], r, sizeof r);
        shift[f][0] = f, shift[f][1] = 1, shift[f][2] = -f;
        for (v = 0; v < kVertices; ++v) move(f, sheet[v], moved[f][v]);
        for (b = 0; b < kBorder; ++b) memcpy(targets[f][b], moved[f][border[b]], sizeof targets[f][b]);
    }
    for (f = 0; f < kFrames; ++f)
        for (v = 0; v < kVertices; ++v) out[f][v][3] = 6;
}

static double farthest(void) {
    double most = 0;
    int f, v, i;
    for (f = 0; f < kFrames; ++f)
        for (v = 0; v < kVertices; ++v) {
            for (i = 0; i < 3; ++i) most = fmax(most, fabs(out[f][v][i] - moved[f][v][i]));
            if (out[f][v][3] != 6) return HUGE_VAL; /* the host's padding */
        }
    return most;
}

/* Cotangent weights reproduce linear motions of a flat sheet whose border is given. */
static void test_laplacian_deformer(void) {
    const mien_points rest = points(sheet, 1, kVertices), goal = points(targets, kFrames, kBorder);
    const mien_points to = points(out, kFrames, kVertices);
    mien_points bad;
    mien_laplacian_deformer* deformer = NULL;
    mien_laplacian_deformer_options options = {0};
    mien_error error;
    uint8_t held[kVertices] = {0};
    double weights[kBorder];
    int i, b;
    make_sheet(0);
    for (i = 0; i < 4; ++i) {
        options.method = i % 3, options.double_precision = i > 1, options.rotation_passes = i == 3;
        CHECK(mien_laplacian_deformer_create(triangles[0], kTriangles, &rest, border, NULL, kBorder, NULL,
                                             &options, &deformer, NULL, &error) == MIEN_OK);
        CHECK(mien_laplacian_deformer_vertices(deformer) == kVertices);
        CHECK(mien_laplacian_deformer_solve(deformer, &goal, &rest, &to, NULL, &error) == MIEN_OK);
        NEAR(farthest(), 0, 1e-5);
        for (b = 0; b < kBorder; ++b) CHECK(out[1][border[b]][0] == targets[1][b][0]); /* hard: exact */
        if (i < 3) mien_laplacian_deformer_destroy(deformer);
    }
    targets[2][4][1] = (float)NAN;
    REFUSED(mien_laplacian_deformer_solve(deformer, &goal, &rest, &to, NULL, &error), MIEN_INVALID_ARGUMENT,
            "`targets` must be finite");
    CHECK(error.frame == 2 && error.vertex == 4);
    make_sheet(0);
    bad = goal, bad.vertices = 3;
    REFUSED(mien_laplacian_deformer_solve(deformer, &bad, &rest, &to, NULL, &error), MIEN_INVALID_ARGUMENT,
            "32 vertices, got 3");
    bad = goal, bad.frames = 2;
    REFUSED(mien_laplacian_deformer_solve(deformer, &bad, &rest, &to, NULL, &error), MIEN_INVALID_ARGUMENT,
            "frames of `out`, 3, got 2");
    bad = rest, bad.scalar = MIEN_FLOAT64;
    REFUSED(mien_laplacian_deformer_solve(deformer, &goal, &bad, &to, NULL, &error), MIEN_INVALID_ARGUMENT,
            "scalar");
    mien_laplacian_deformer_destroy(deformer);
    mien_laplacian_deformer_destroy(NULL);

    for (b = 0; b < kBorder; ++b) weights[b] = 1;
    held[kVertices / 2] = 1; /* soft handles, one vertex held */
    CHECK(mien_laplacian_deformer_create(triangles[0], kTriangles, &rest, border, weights, kBorder, held,
                                         NULL, &deformer, NULL, &error) == MIEN_OK);
    CHECK(mien_laplacian_deformer_solve(deformer, &goal, &rest, &to, NULL, &error) == MIEN_OK);
    CHECK(memcmp(out[0][kVertices / 2], sheet[kVertices / 2], 3 * sizeof(float)) == 0);
    mien_laplacian_deformer_destroy(deformer);
    weights[3] = -1;
    REFUSED(mien_laplacian_deformer_create(triangles[0], kTriangles, &rest, border, weights, kBorder, NULL,
                                           NULL, &deformer, NULL, &error),
            MIEN_INVALID_ARGUMENT, "weight is not above 0");
    CHECK(deformer == NULL);
    border[1] = border[0];
    REFUSED(mien_laplacian_deformer_create(triangles[0], kTriangles, &rest, border, NULL, kBorder, NULL, NULL,
                                           &deformer, NULL, &error),
            MIEN_INVALID_ARGUMENT, "handle twice");
    border[1] = kVertices;
    REFUSED(mien_laplacian_deformer_create(triangles[0], kTriangles, &rest, border, NULL, kBorder, NULL, NULL,
                                           &deformer, NULL, &error),
            MIEN_INVALID_ARGUMENT, "`handles` must be in [0, 81), got 81 at 1");
    REFUSED(mien_laplacian_deformer_create(triangles[0], kTriangles, &rest, border, NULL, 0, NULL, NULL,
                                           &deformer, NULL, &error),
            MIEN_INVALID_ARGUMENT, "`handle_count`");
    sheet[8][0] = (float)NAN;
    REFUSED(mien_laplacian_deformer_create(triangles[0], kTriangles, &rest, border, NULL, kBorder, NULL, NULL,
                                           &deformer, NULL, &error),
            MIEN_INVALID_ARGUMENT, "vertex 8");
}

/* Rigid motion of the handles moves everything rigidly, at no energy. */
static void test_arap(void) {
    enum { kCorners = 4 };
    const int32_t corners[kCorners] = {0, kSide - 1, kVertices - kSide, kVertices - 1}, twice[2] = {3, 3};
    const mien_points rest = points(sheet, 1, kVertices), to = points(out, kFrames, kVertices);
    const int32_t anchor[1] = {kVertices / 2};
    float goals[kFrames][kCorners][4];
    mien_points goal = points(goals, kFrames, kCorners);
    mien_arap_deformer* deformer = NULL;
    mien_arap_options options = {0};
    mien_arap_solve_options steps = {0};
    double energy[kFrames][4];
    mien_error error;
    int way, f, b;
    make_sheet(1);
    for (f = 0; f < kFrames; ++f)
        for (b = 0; b < kCorners; ++b) memcpy(goals[f][b], moved[f][corners[b]], sizeof goals[f][b]);
    for (way = 0; way < 3; ++way) {
        options.rims = way == 1, options.double_precision = way == 2;
        CHECK(mien_arap_deformer_create(&rest, triangles[0], kTriangles, corners, kCorners, NULL, 0, &options,
                                        &deformer, NULL, &error) == MIEN_OK);
        CHECK(mien_arap_deformer_vertices(deformer) == kVertices);
        CHECK(mien_arap_deformer_solve(deformer, &goal, NULL, NULL, &to, NULL, NULL, &error) == MIEN_OK);
        NEAR(farthest(), 0, 1e-4);
        steps.iterations = 3;
        CHECK(mien_arap_deformer_solve(deformer, &goal, NULL, &steps, &to, energy[0], NULL, &error) ==
              MIEN_OK);
        for (f = 0; f < kFrames; ++f) NEAR(energy[f][3], 0, 1e-8);
        if (way < 2) mien_arap_deformer_destroy(deformer);
    }
    steps.warm_iterations = 2;
    CHECK(mien_arap_deformer_solve(deformer, &goal, &rest, &steps, &to, NULL, NULL, &error) == MIEN_OK);
    CHECK(out[2][corners[1]][0] == goals[2][1][0]);
    REFUSED(mien_arap_deformer_solve(deformer, &goal, NULL, &steps, &to, energy[0], NULL, &error),
            MIEN_INVALID_ARGUMENT, "`energy`");
    goals[1][2][0] = (float)INFINITY;
    REFUSED(mien_arap_deformer_solve(deformer, &goal, NULL, NULL, &to, NULL, NULL, &error),
            MIEN_INVALID_ARGUMENT, "frame 1, vertex 2");
    REFUSED(mien_arap_deformer_solve(NULL, &goal, NULL, NULL, &to, NULL, NULL, &error), MIEN_INVALID_ARGUMENT,
            "`deformer`");
    mien_arap_deformer_destroy(deformer);
    mien_arap_deformer_destroy(NULL);
    goals[1][2][0] = 0;
    CHECK(mien_arap_deformer_create(&rest, triangles[0], kTriangles, corners, kCorners, anchor, 1, NULL,
                                    &deformer, NULL, &error) == MIEN_OK);
    CHECK(mien_arap_deformer_solve(deformer, &goal, NULL, NULL, &to, NULL, NULL, &error) == MIEN_OK);
    CHECK(memcmp(out[2][anchor[0]], sheet[anchor[0]], 3 * sizeof(float)) == 0);
    mien_arap_deformer_destroy(deformer);
    REFUSED(mien_arap_deformer_create(&rest, triangles[0], kTriangles, twice, 2, NULL, 0, NULL, &deformer,
                                      NULL, &error),
            MIEN_INVALID_ARGUMENT, "different");
    REFUSED(mien_arap_deformer_create(&rest, NULL, kTriangles, corners, 1, NULL, 0, NULL, &deformer, NULL,
                                      &error),
            MIEN_INVALID_ARGUMENT, "`triangles`");
    triangles[5][1] = -4;
    REFUSED(mien_arap_deformer_create(&rest, triangles[0], kTriangles, corners, 1, NULL, 0, NULL, &deformer,
                                      NULL, &error),
            MIEN_INVALID_ARGUMENT, "got -4 at 16");
    CHECK(deformer == NULL);
}

/* A face that turns makes the other face turn. */
/* Twice as large and turned; and turned inside out. */
static void test_split_gradients(void) {
    double matrices[2][9] = {{0, -2, 0, 2, 0, 0, 0, 0, 2}, {1, 0, 0, 0, 1, 0, 0, 0, -0.5}};
    double rotation[2][9], stretch[2][9], alone[2][9];
    const double quarter[9] = {0, -1, 0, 1, 0, 0, 0, 0, 1};
    mien_error error;
    int i;
    CHECK(mien_split_gradients(matrices[0], 2, rotation[0], stretch[0], NULL, &error) == MIEN_OK);
    for (i = 0; i < 9; ++i) {
        NEAR(rotation[0][i], quarter[i], 1e-12);
        NEAR(stretch[0][i], i % 4 == 0 ? 2 : 0, 1e-12);
        NEAR(rotation[1][i], i % 4 == 0 ? 1 : 0, 1e-12);
        NEAR(stretch[1][i], matrices[1][i], 1e-12);
    }
    CHECK(mien_split_gradients(matrices[0], 2, alone[0], NULL, NULL, &error) == MIEN_OK);
    CHECK(memcmp(alone, rotation, sizeof alone) == 0);
    CHECK(mien_split_gradients(NULL, 0, NULL, NULL, NULL, &error) == MIEN_OK);
    REFUSED(mien_split_gradients(NULL, 2, alone[0], NULL, NULL, &error), MIEN_INVALID_ARGUMENT, "`matrices`");
    REFUSED(mien_split_gradients(matrices[0], 2, NULL, NULL, NULL, &error), MIEN_INVALID_ARGUMENT,
            "`rotation`");
    REFUSED(mien_split_gradients(matrices[0], -1, alone[0], NULL, NULL, &error), MIEN_INVALID_ARGUMENT,
            "got -1");
    matrices[1][4] = NAN;
    REFUSED(mien_split_gradients(matrices[0], 2, alone[0], NULL, NULL, &error), MIEN_INVALID_ARGUMENT,
            "matrix 1");
}

static void test_transfer(void) {
    const mien_points from = points(sheet, 1, kVertices), about = points(other, 1, kVertices);
    const mien_points expression = points(moved, kFrames, kVertices), to = points(out, kFrames, kVertices);
    static float gradients[kFrames][kTriangles][9];
    const int32_t anchor[1] = {0};
    mien_mesh source, target, fewer;
    mien_transfer* transfer = NULL;
    mien_error error;
    double most = 0;
    int f, t, v, i, j;
    make_sheet(1);
    source.neutral = &from, source.triangles = triangles[0], source.triangle_count = kTriangles;
    target = source, target.neutral = &about;
    CHECK(mien_deformation_gradients(&source, &expression, gradients, NULL, &error) == MIEN_OK);
    for (f = 0; f < kFrames; ++f)
        for (t = 0; t < kTriangles; ++t)
            for (i = 0; i < 9; ++i) most = fmax(most, fabs(gradients[f][t][i] - turn[f][i]));
    NEAR(most, 0, 1e-5);
    for (j = 0; j < 2; ++j) {
        CHECK(mien_transfer_create(&source, &target, NULL, anchor, 1, j, &transfer, NULL, &error) == MIEN_OK);
        CHECK(mien_transfer_source_vertices(transfer) == kVertices &&
              mien_transfer_target_vertices(transfer) == kVertices);
        CHECK(mien_transfer_apply(transfer, &expression, &to, NULL, &error) == MIEN_OK);
        for (f = 0; f < kFrames; ++f) /* about the anchor, which stays */
            for (v = 0; v < kVertices; ++v) {
                move(f, other[v], moved[f][v]);
                for (i = 0; i < 3; ++i) {
                    double at = other[0][i] - shift[f][i];
                    at -= turn[f][3 * i] * other[0][0] + turn[f][3 * i + 1] * other[0][1] +
                          turn[f][3 * i + 2] * other[0][2];
                    moved[f][v][i] += (float)at;
                }
            }
        NEAR(farthest(), 0, 1e-4);
        make_sheet(1);
        if (j < 1) mien_transfer_destroy(transfer);
    }
    moved[1][7][2] = (float)NAN;
    REFUSED(mien_transfer_apply(transfer, &expression, &to, NULL, &error), MIEN_INVALID_ARGUMENT,
            "frame 1, vertex 7");
    REFUSED(mien_deformation_gradients(&source, &expression, gradients, NULL, &error), MIEN_INVALID_ARGUMENT,
            "frame 1, vertex 7");
    REFUSED(mien_deformation_gradients(&source, &expression, NULL, NULL, &error), MIEN_INVALID_ARGUMENT,
            "`out`");
    REFUSED(mien_transfer_apply(transfer, &from, &to, NULL, &error), MIEN_INVALID_ARGUMENT, "3, got 1");
    mien_transfer_destroy(transfer);
    mien_transfer_destroy(NULL);
    fewer = target, fewer.triangle_count = 5;
    REFUSED(mien_transfer_create(&source, &fewer, NULL, NULL, 0, 0, &transfer, NULL, &error),
            MIEN_INVALID_ARGUMENT, "`correspondence`");
    CHECK(transfer == NULL);
    REFUSED(mien_transfer_create(&source, NULL, NULL, NULL, 0, 0, &transfer, NULL, &error),
            MIEN_INVALID_ARGUMENT, "`target`");
    REFUSED(mien_transfer_create(&source, &target, NULL, NULL, 1, 0, &transfer, NULL, &error),
            MIEN_INVALID_ARGUMENT, "`anchors`");
}

void test_deformers(void) {
    test_laplacian_deformer();
    test_arap();
    test_split_gradients();
    test_transfer();
}
