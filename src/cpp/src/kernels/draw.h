#pragma once

#include <stddef.h>
#include <stdint.h>

namespace mien {

// What a vertex becomes for one picture. 32 bytes, so that one cache line holds two.
struct DrawVertex {
    int32_t x, y;      // place in the picture, 1/256 of a sample, y down
    float z;           // larger is nearer; affine over the picture
    float w;           // perspective weight: 1 / depth, or 1
    float nx, ny, nz;  // normal in camera axes times w
    int32_t kind;      // one of DrawKind
};

enum DrawKind { drawInside = 0, drawCut = 1, drawMissing = 2 };

constexpr int kDrawSubpixels = 256;    // steps per sample
constexpr int kDrawGuard = 1 << 16;    // samples from the centre beyond which triangles are cut
constexpr int kDrawLanes = 8;          // samples that are tested at once; rows are padded by as many
constexpr int kDrawEncodeSize = 4096;  // entries of the table from linear light to sRGB bytes

struct DrawView {
    double rotation[9], position[3], scale, near, centerX, centerY;  // in samples
    bool perspective;
};

// The samples of one picture. Only spans [first, last] of each row hold anything; the rest is stale.
struct DrawSamples {
    int32_t width, height, stride;
    float* depth;
    int32_t* triangle;  // -1 where nothing was drawn
    int32_t *first, *last;
};

// What shading reads; see DrawMesh and DrawLook for the meaning of fields with the same names.
struct DrawScene {
    const int32_t* triangles;
    const uint8_t* edges;
    const DrawVertex* vertices;
    const float* camera;      // V x 3 positions in camera axes
    const float* attributes;  // colors (3), heat (1) or uvs (2); null without
    const int32_t* corners;   // T x 3 into attributes: triangles or uvTriangles
    int32_t channels;         // of attributes: 0 to 3
    const float* heatTable;
    const uint8_t* texture;
    int64_t textureWidth, textureHeight;
    const float* decode;    // 256: sRGB byte to linear
    const uint8_t* encode;  // kDrawEncodeSize
    const float *keyDirection, *keyLight, *skyLight, *groundLight, *rimDirection, *rimLight, *glossDirection;
    const float *clay, *background, *wire;  // linear
    float keyWrap, gloss, backFace, wireWidth, wireOpacity;
    bool flat, wireframe;
    int32_t samples;
};

struct DrawKernels {
    // Fills place, depth, kind and camera position of every vertex; how many are not drawInside.
    int64_t (*projectFloat)(const void* points, ptrdiff_t stride, int64_t count, const DrawView* view,
                            DrawVertex* vertices, float* camera);
    int64_t (*projectDouble)(const void* points, ptrdiff_t stride, int64_t count, const DrawView* view,
                             DrawVertex* vertices, float* camera);
    // Area-weighted unit normals times w.
    void (*normals)(const int32_t* triangles, int64_t triangleCount, const float* camera,
                    DrawVertex* vertices, int64_t vertexCount);
    // Draws triangles in order; those with a vertex that is not drawInside are left out.
    void (*rasterise)(const int32_t* triangles, int64_t triangleCount, const DrawVertex* vertices,
                      const DrawSamples* samples);
    // Shades what was drawn. `rows` is scratch of drawScratchRows x stride floats plus 3 x width.
    void (*shade)(const DrawScene* scene, const DrawSamples* samples, float* rows, uint8_t* out);
};

constexpr int kDrawScratchRows = 12;

}  // namespace mien
