/* Alignment, rigid motion, and what is refused. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "check.h"

enum { kFrames = 3, kVertices = 40 };

/* A vertex buffer: the position among other things, padded to four floats. */
typedef struct Vertex {
    float position[4], normal[3], weight;
} Vertex;

static float reference[kVertices][4];
static Vertex take[kFrames][kVertices];
static double truth_rotation[kFrames][9], truth_translation[kFrames][3];

static mien_points reference_points(void) {
    mien_points view = {0};
    view.data = reference, view.scalar = MIEN_FLOAT32, view.frames = 1, view.vertices = kVertices;
    view.vertex_stride = sizeof reference[0];
    return view;
}

static mien_points take_points(void) {
    mien_points view = {0};
    view.data = take, view.scalar = MIEN_FLOAT32, view.frames = kFrames, view.vertices = kVertices;
    view.frame_stride = sizeof take[0], view.vertex_stride = sizeof take[0][0];
    return view;
}

/* Turned by `angle` about z, then moved. */
static void make_take(void) {
    int f, v, i, j;
    memset(take, 0, sizeof take);
    for (v = 0; v < kVertices; ++v) {
        reference[v][0] = (float)cos(1.3 * v), reference[v][1] = (float)sin(2.1 * v);
        reference[v][2] = (float)(0.05 * v - 1), reference[v][3] = 77;
    }
    for (f = 0; f < kFrames; ++f) {
        const double angle = 0.4 * f + 0.1, c = cos(angle), s = sin(angle);
        const double r[9] = {c, -s, 0, s, c, 0, 0, 0, 1}, t[3] = {1.5 * f, -2, 10};
        memcpy(truth_rotation[f], r, sizeof r);
        memcpy(truth_translation[f], t, sizeof t);
        for (v = 0; v < kVertices; ++v) {
            for (i = 0; i < 3; ++i) {
                double sum = t[i];
                for (j = 0; j < 3; ++j) sum += r[3 * i + j] * reference[v][j];
                take[f][v].position[i] = (float)sum;
            }
            take[f][v].position[3] = 7, take[f][v].normal[0] = 8, take[f][v].weight = 9;
        }
    }
}

static int padding_untouched(void) {
    int f, v;
    for (f = 0; f < kFrames; ++f)
        for (v = 0; v < kVertices; ++v)
            if (take[f][v].position[3] != 7 || take[f][v].normal[0] != 8 || take[f][v].weight != 9) return 0;
    return 1;
}

static void test_alignment(void) {
    const mien_points from = take_points(), about = reference_points();
    double rotation[kFrames][9], translation[kFrames][3], residual[kFrames], weights[kVertices];
    int32_t iterations[kFrames];
    mien_alignment result = {0};
    mien_alignment_options options = {0};
    mien_error error;
    int f, v, i;
    make_take();
    result.rotation = rotation[0], result.translation = translation[0], result.residual = residual;
    CHECK(mien_align_frames(&from, &about, NULL, NULL, &result, NULL, NULL, &error) == MIEN_OK);
    for (f = 0; f < kFrames; ++f) {
        for (i = 0; i < 9; ++i) NEAR(rotation[f][i], truth_rotation[f][i], 1e-6);
        for (i = 0; i < 3; ++i) NEAR(translation[f][i], truth_translation[f][i], 5e-6);
        NEAR(residual[f], 0, 2e-6);
    }

    /* Four vertices open the mouth: weight 0 takes them out, and so does a robust fit. */
    for (v = 0; v < kVertices; ++v) weights[v] = v < 4 ? 0 : 1;
    for (v = 0; v < 4; ++v) take[1][v].position[1] -= 3;
    CHECK(mien_align_frames(&from, &about, NULL, NULL, &result, NULL, NULL, &error) == MIEN_OK);
    CHECK(fabs(rotation[1][0] - truth_rotation[1][0]) > 1e-3);
    CHECK(mien_align_frames(&from, &about, weights, NULL, &result, NULL, NULL, &error) == MIEN_OK);
    NEAR(rotation[1][0], truth_rotation[1][0], 1e-6);
    result.iterations = iterations;
    for (i = MIEN_LOSS_GEMAN_MCCLURE; i <= MIEN_LOSS_TUKEY; ++i) {
        options.loss = i;
        CHECK(mien_align_frames(&from, &about, NULL, &options, &result, NULL, NULL, &error) == MIEN_OK);
        NEAR(rotation[1][0], truth_rotation[1][0], i == MIEN_LOSS_HUBER ? 1e-2 : 1e-6);
        CHECK(iterations[1] > 0);
    }

    /* In place: every frame where the reference lies, and nothing else of the vertex buffer. */
    options.loss = MIEN_LOSS_GEMAN_MCCLURE;
    CHECK(mien_align_frames(&from, &about, NULL, &options, &result, &from, NULL, &error) == MIEN_OK);
    for (f = 0; f < kFrames; ++f)
        for (v = 4; v < kVertices; ++v)
            for (i = 0; i < 3; ++i) NEAR(take[f][v].position[i], reference[v][i], 1e-5);
    CHECK(padding_untouched());
}

static void test_scale(void) {
    const mien_points from = take_points(), about = reference_points();
    double scale[kFrames], weights[kFrames][kVertices];
    mien_alignment result = {0};
    mien_alignment_options options = {0};
    mien_error error;
    int f, v, i;
    make_take();
    for (f = 0; f < kFrames; ++f)
        for (v = 0; v < kVertices; ++v) {
            for (i = 0; i < 3; ++i) take[f][v].position[i] *= 1.25f;
            weights[f][v] = f == 1 && v == 0 ? 0 : 1;
        }
    take[1][0].position[0] += 100; /* out by the weights of frame 1 alone */
    options.scale = 1, options.weight_stride = sizeof weights[0];
    result.scale = scale;
    CHECK(mien_align_frames(&from, &about, weights[0], &options, &result, NULL, NULL, &error) == MIEN_OK);
    for (f = 0; f < kFrames; ++f) NEAR(scale[f], 1.25, 1e-6);
    options.weight_stride = 0;
    CHECK(mien_align_frames(&from, &about, NULL, &options, &result, NULL, NULL, &error) == MIEN_OK);
    CHECK(fabs(scale[1] - 1.25) > 1e-3);
}

static void test_rigid(void) {
    double points[2][2][3] = {{{1, 2, 3}, {4, 5, 6}}, {{1, 0, 0}, {0, 1, 0}}}, out[2][2][3];
    const double quarter[2][9] = {{0, -1, 0, 1, 0, 0, 0, 0, 1}, {1, 0, 0, 0, 0, -1, 0, 1, 0}};
    const double shift[2][3] = {{10, 0, 0}, {0, 0, -1}};
    const double expected[2][2][3] = {{{8, 1, 3}, {5, 4, 6}}, {{1, 0, -1}, {0, 0, 0}}};
    mien_points from = {0}, to = {0}, backwards;
    mien_error error;
    int f, v, i;
    from.data = points, from.scalar = MIEN_FLOAT64, from.frames = from.vertices = 2; /* packed */
    to = from, to.data = out;
    CHECK(mien_apply_rigid(&from, quarter[0], shift[0], &to, NULL, &error) == MIEN_OK);
    CHECK(memcmp(out, expected, sizeof out) == 0);
    CHECK(mien_apply_rigid_inverse(&to, quarter[0], shift[0], &to, NULL, NULL) == MIEN_OK);
    CHECK(memcmp(out, points, sizeof out) == 0);
    backwards = from; /* the last vertex first */
    backwards.data = points[0][1], backwards.frame_stride = sizeof points[0];
    backwards.vertex_stride = -(int64_t)sizeof points[0][0];
    CHECK(mien_apply_rigid(&backwards, quarter[0], shift[0], &to, NULL, &error) == MIEN_OK);
    for (f = 0; f < 2; ++f)
        for (v = 0; v < 2; ++v)
            for (i = 0; i < 3; ++i) CHECK(out[f][v][i] == expected[f][1 - v][i]);
    from.frames = 1; /* one frame for all */
    CHECK(mien_apply_rigid(&from, quarter[0], shift[0], &to, NULL, &error) == MIEN_OK);
    CHECK(out[1][0][0] == 1 && out[1][0][1] == -3 && out[1][0][2] == 1);
}

static void test_not_finite(void) {
    const mien_points from = take_points(), about = reference_points();
    double rotation[kFrames][9] = {{0}}, translation[kFrames][3] = {{0}}, weights[kVertices];
    mien_alignment result = {0};
    mien_alignment_options options = {0};
    mien_error error;
    int64_t frame, vertex;
    int v;
    make_take();
    result.rotation = rotation[0];
    take[2][5].position[1] = (float)NAN;
    REFUSED(mien_align_frames(&from, &about, NULL, NULL, &result, NULL, NULL, &error), MIEN_INVALID_ARGUMENT,
            "`positions` must be finite");
    CHECK(error.frame == 2 && error.vertex == 5 && strstr(error.message, "frame 2, vertex 5"));
    NEAR(rotation[1][0], truth_rotation[1][0], 1e-6); /* the others are right */
    CHECK(mien_align_frames(&from, &about, NULL, NULL, &result, NULL, NULL, NULL) == MIEN_INVALID_ARGUMENT);
    REFUSED(mien_apply_rigid(&from, rotation[0], translation[0], &from, NULL, &error), MIEN_INVALID_ARGUMENT,
            "`rotation` must be finite");
    CHECK(mien_first_non_finite(&from, &frame, &vertex, NULL, &error) == MIEN_OK);
    CHECK(frame == 2 && vertex == 5);
    options.missing = 1;
    CHECK(mien_align_frames(&from, &about, NULL, &options, &result, NULL, NULL, &error) == MIEN_OK);
    NEAR(rotation[2][0], truth_rotation[2][0], 1e-6);
    REFUSED(mien_apply_rigid(&from, rotation[0], translation[0], &from, NULL, &error), MIEN_INVALID_ARGUMENT,
            "frame 2, vertex 5");
    CHECK(padding_untouched());

    make_take();
    CHECK(mien_first_non_finite(&from, &frame, &vertex, NULL, &error) == MIEN_OK && frame == -1 &&
          vertex == -1);
    for (v = 0; v < kVertices; ++v) weights[v] = v != 3;
    reference[3][2] = (float)INFINITY;
    CHECK(mien_align_frames(&from, &about, weights, NULL, &result, NULL, NULL, &error) == MIEN_OK);
    weights[3] = 0.5;
    REFUSED(mien_align_frames(&from, &about, weights, NULL, &result, NULL, NULL, &error),
            MIEN_INVALID_ARGUMENT, "vertex 3");
    reference[3][2] = 0;
    weights[3] = NAN;
    REFUSED(mien_align_frames(&from, &about, weights, NULL, &result, NULL, NULL, &error),
            MIEN_INVALID_ARGUMENT, "weights must be finite");
    for (v = 0; v < kVertices; ++v) weights[v] = v < 2;
    REFUSED(mien_align_frames(&from, &about, weights, NULL, &result, NULL, NULL, &error),
            MIEN_NUMERICAL_FAILURE, "frame 0 cannot be aligned");
}

static void test_refused(void) {
    const mien_points good = take_points(), about = reference_points();
    mien_points bad;
    double rotation[kFrames][9] = {{0}}, translation[kFrames][3] = {{0}};
    mien_alignment result = {0};
    mien_alignment_options options = {0};
    mien_error error;
    const mien_status wrong = MIEN_INVALID_ARGUMENT;
    make_take();
    REFUSED(mien_align_frames(NULL, &about, NULL, NULL, &result, NULL, NULL, &error), wrong, "`positions`");
    REFUSED(mien_align_frames(&good, NULL, NULL, NULL, &result, NULL, NULL, &error), wrong, "`reference`");
    REFUSED(mien_align_frames(&good, &about, NULL, NULL, NULL, NULL, NULL, &error), wrong, "`result`");
    REFUSED(mien_align_frames(&good, &good, NULL, NULL, &result, NULL, NULL, &error), wrong,
            "`reference` must be one frame, got 3");
    bad = about, bad.vertices = 5;
    REFUSED(mien_align_frames(&good, &bad, NULL, NULL, &result, NULL, NULL, &error), wrong, "40, got 5");
    bad = good, bad.data = NULL;
    REFUSED(mien_align_frames(&bad, &about, NULL, NULL, &result, NULL, NULL, &error), wrong, "got null");
    bad = good, bad.data = (char*)good.data + 2;
    REFUSED(mien_align_frames(&bad, &about, NULL, NULL, &result, NULL, NULL, &error), wrong,
            "must lie at a multiple of 4");
    bad = good, bad.scalar = 9;
    REFUSED(mien_align_frames(&bad, &about, NULL, NULL, &result, NULL, NULL, &error), wrong, "MIEN_FLOAT64");
    bad = good, bad.vertex_stride = 13;
    REFUSED(mien_align_frames(&bad, &about, NULL, NULL, &result, NULL, NULL, &error), wrong,
            "multiples of 4");
    bad = good, bad.frame_stride = INT64_MAX - 3;
    REFUSED(mien_align_frames(&bad, &about, NULL, NULL, &result, NULL, NULL, &error), wrong,
            "stay in memory");
    bad = good, bad.vertices = -1;
    REFUSED(mien_align_frames(&bad, &about, NULL, NULL, &result, NULL, NULL, &error), wrong, "got 3 and -1");
    bad = good, bad.vertex_stride = 8;
    REFUSED(mien_apply_rigid(&good, rotation[0], translation[0], &bad, NULL, &error), wrong,
            "`out` must not overlap itself");
    bad = good, bad.frame_stride = 16;
    REFUSED(mien_align_frames(&good, &about, NULL, NULL, &result, &bad, NULL, &error), wrong, "overlap");
    REFUSED(mien_apply_rigid(&good, NULL, translation[0], &good, NULL, &error), wrong, "`rotation`");
    REFUSED(mien_apply_rigid(&good, rotation[0], NULL, &good, NULL, &error), wrong, "`translation`");
    REFUSED(mien_apply_rigid(&good, rotation[0], translation[0], NULL, NULL, &error), wrong, "`out`");
    REFUSED(mien_apply_rigid(&good, rotation[0], translation[0], &about, NULL, &error), wrong,
            "got 1 and 40");
    REFUSED(mien_first_non_finite(&good, NULL, NULL, NULL, &error), wrong, "null");
    options.loss = 12;
    REFUSED(mien_align_frames(&good, &about, NULL, &options, &result, NULL, NULL, &error), wrong, "`loss`");
    options.loss = MIEN_LOSS_HUBER, options.quantile = 2;
    REFUSED(mien_align_frames(&good, &about, NULL, &options, &result, NULL, NULL, &error), wrong, "options");
    bad = good, bad.data = NULL, bad.vertices = 0, bad.frames = (int64_t)1 << 59, bad.frame_stride = 0;
    bad.vertex_stride = 0;
    options.quantile = 0;
    {
        mien_points none = about;
        none.vertices = 0;
        REFUSED(mien_align_frames(&bad, &none, NULL, &options, &result, NULL, NULL, &error),
                MIEN_OUT_OF_MEMORY, "memory");
    }
    CHECK(padding_untouched());
}

void test_geometry(void) {
    test_alignment();
    test_scale();
    test_rigid();
    test_not_finite();
    test_refused();
}
