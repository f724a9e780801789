#include "mien/draw.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "kernels/table.h"
#include "mien/error.h"
#include "mien/parallel.h"

namespace mien {
namespace {

constexpr std::int64_t kMaxSize = 8192;

// x^2.4 for x in (0, 1] from multiplications and divisions alone: libraries differ in the last bit of pow.
double power24(double x) {
    double root = 1;  // Newton for the fifth root; 40 steps reach full precision from 1 for all x above 0.01
    for (int i = 0; i < 40; ++i) {
        const double square = root * root, fourth = square * square;
        root -= (fourth * root - x) / (5 * fourth);
    }
    return x * x * (root * root);
}

double toLinear(double srgb) {
    return srgb <= 0.04045 ? srgb / 12.92 : power24((srgb + 0.055) / 1.055);
}

struct ColorTables {
    std::array<float, 256> decode;
    std::array<std::uint8_t, kDrawEncodeSize> encode;

    ColorTables() {
        for (int i = 0; i < 256; ++i) decode[i] = static_cast<float>(toLinear(i / 255.0));
        int level = 0;
        for (int i = 0; i < kDrawEncodeSize; ++i) {
            const double light = i / (kDrawEncodeSize - 1.0);
            while (level < 255 && light >= toLinear((level + 0.5) / 255)) ++level;
            encode[i] = static_cast<std::uint8_t>(level);
        }
    }
};

const ColorTables& colorTables() {
    static const ColorTables tables;
    return tables;
}

void require(bool holds, const char* message) {
    if (!holds) throw Error(Status::invalidArgument, message);
}

void check(const ConstFrames& points, const DrawMesh& mesh, const DrawCamera& camera,
           const DrawOptions& options) {
    require(
        options.width >= 1 && options.width <= kMaxSize && options.height >= 1 && options.height <= kMaxSize,
        "width and height must lie in 1 to 8192");
    require(options.samples >= 1 && options.samples <= 4, "samples must lie in 1 to 4");
    require(!options.wireframe || mesh.edges, "wireframe needs edges");
    require((mesh.colors != nullptr) + (mesh.heat != nullptr) + (mesh.texture != nullptr) <= 1,
            "at most one of colors, heat and texture may be given");
    require(!mesh.heat || mesh.heatTable, "heat needs heatTable");
    require(
        !mesh.texture || (mesh.uvs && mesh.uvTriangles && mesh.textureWidth > 0 && mesh.textureHeight > 0),
        "texture needs uvs, uvTriangles and a size");
    require(camera.scale > 0 && std::isfinite(camera.scale), "scale must be above 0");
    require(camera.perspective ? camera.near > 0 : camera.near >= 0,
            "near must be above 0 with perspective and at least 0 without");
    require(points.vertices < (1LL << 30) && mesh.triangleCount < (1LL << 29), "the mesh is too large");
    for (std::int64_t i = 0; i < 3 * mesh.triangleCount; ++i)
        require(mesh.triangles[i] >= 0 && mesh.triangles[i] < points.vertices,
                "triangles must name vertices below V");
    for (std::int64_t i = 0; mesh.texture && i < 3 * mesh.triangleCount; ++i)
        require(mesh.uvTriangles[i] >= 0 && mesh.uvTriangles[i] < mesh.uvCount,
                "uvTriangles must name one of the uvs");
}

// A mesh after cutting: what cut triangles became is appended to copies of everything.
struct CutMesh {
    std::vector<std::int32_t> triangles, corners;
    std::vector<std::uint8_t> edges;
    std::vector<float> attributes;
};

// A corner of a polygon while it is cut: camera position, smooth normal and attributes.
struct Corner {
    std::int32_t vertex = -1, attribute = -1;  // -1 for what cutting made
    double place[3], normal[3], values[3];
};

// Buffers of one thread.
struct Scratch {
    std::vector<DrawVertex> vertices;
    std::vector<float> camera, depth, rows;
    std::vector<std::int32_t> triangle, first, last;
    CutMesh cut;
};

// One frame's drawing. Reads the mesh, writes only its own scratch and picture.
class Painter {
  public:
    Painter(const DrawMesh& mesh, const DrawCamera& camera, const DrawLook& look, const DrawOptions& options,
            std::int64_t vertices);
    void paint(const void* points, std::ptrdiff_t stride, Scalar scalar, std::int64_t frame,
               std::uint8_t* out) {
        project(points, stride, scalar);
        bindAttributes(frame);
        if (special_) cutTriangles();
        const KernelTable& table = kernels();
        table.draw.rasterise(scene_.triangles, triangleCount_, scene_.vertices, &samples_);
        table.draw.shade(&scene_, &samples_, scratch_.rows.data(), out);
    }

  private:
    void project(const void* points, std::ptrdiff_t stride, Scalar scalar);
    void bindAttributes(std::int64_t frame);
    void cutTriangles();
    std::vector<Corner> polygonOf(std::int64_t t) const;
    std::vector<Corner> cutBy(const std::vector<Corner>& polygon, int plane) const;
    double distance(const Corner& corner, int plane) const;
    void appendPolygon(const std::vector<Corner>& polygon);
    DrawVertex place(const Corner& corner) const;

    const DrawMesh& mesh_;
    const DrawOptions& options_;
    const std::int64_t vertices_;
    DrawView view_;
    DrawScene scene_{};
    DrawSamples samples_{};
    float linear_[6];  // background and wire
    std::int64_t special_ = 0, triangleCount_ = 0;
    Scratch scratch_;
};

Painter::Painter(const DrawMesh& mesh, const DrawCamera& camera, const DrawLook& look,
                 const DrawOptions& options, std::int64_t vertices)
    : mesh_(mesh), options_(options), vertices_(vertices) {
    const std::int64_t width = options.width * options.samples, height = options.height * options.samples;
    std::copy(camera.rotation, camera.rotation + 9, view_.rotation);
    std::copy(camera.position, camera.position + 3, view_.position);
    view_.scale = camera.scale * options.samples;
    view_.near = camera.near;
    view_.centerX = 0.5 * static_cast<double>(width);
    view_.centerY = 0.5 * static_cast<double>(height);
    view_.perspective = camera.perspective;
    samples_.width = static_cast<std::int32_t>(width);
    samples_.height = static_cast<std::int32_t>(height);
    samples_.stride = static_cast<std::int32_t>((width + kDrawLanes - 1) / kDrawLanes * kDrawLanes);
    const std::size_t total = static_cast<std::size_t>(samples_.stride) * samples_.height;
    scratch_.depth.resize(total);
    scratch_.triangle.resize(total);
    scratch_.first.resize(height);
    scratch_.last.resize(height);
    scratch_.rows.resize(static_cast<std::size_t>(kDrawScratchRows) * samples_.stride + 3 * options.width);
    samples_.depth = scratch_.depth.data();
    samples_.triangle = scratch_.triangle.data();
    samples_.first = scratch_.first.data();
    samples_.last = scratch_.last.data();
    for (int c = 0; c < 3; ++c) {
        linear_[c] = static_cast<float>(toLinear(std::clamp(look.background[c], 0.0f, 1.0f)));
        linear_[3 + c] = static_cast<float>(toLinear(std::clamp(look.wire[c], 0.0f, 1.0f)));
    }
    scene_.heatTable = mesh.heatTable;
    scene_.texture = mesh.texture;
    scene_.textureWidth = mesh.textureWidth;
    scene_.textureHeight = mesh.textureHeight;
    scene_.decode = colorTables().decode.data();
    scene_.encode = colorTables().encode.data();
    scene_.keyDirection = look.keyDirection;
    scene_.keyLight = look.keyLight;
    scene_.skyLight = look.skyLight;
    scene_.groundLight = look.groundLight;
    scene_.rimDirection = look.rimDirection;
    scene_.rimLight = look.rimLight;
    scene_.glossDirection = look.glossDirection;
    scene_.clay = look.clay;
    scene_.background = linear_;
    scene_.wire = linear_ + 3;
    scene_.keyWrap = look.keyWrap;
    scene_.gloss = look.gloss;
    scene_.backFace = look.backFace;
    scene_.wireWidth = look.wireWidth;
    scene_.wireOpacity = look.wireOpacity;
    scene_.flat = options.flat;
    scene_.wireframe = options.wireframe;
    scene_.samples = options.samples;
}

void Painter::project(const void* points, std::ptrdiff_t stride, Scalar scalar) {
    scratch_.vertices.resize(vertices_);
    scratch_.camera.resize(3 * vertices_);
    const DrawKernels& draw = kernels().draw;
    const auto project = scalar == Scalar::float32 ? draw.projectFloat : draw.projectDouble;
    special_ = project(points, stride, vertices_, &view_, scratch_.vertices.data(), scratch_.camera.data());
    if (!options_.flat)
        draw.normals(mesh_.triangles, mesh_.triangleCount, scratch_.camera.data(), scratch_.vertices.data(),
                     vertices_);
    scene_.vertices = scratch_.vertices.data();
    scene_.camera = scratch_.camera.data();
    scene_.triangles = mesh_.triangles;
    scene_.edges = mesh_.edges;
    triangleCount_ = mesh_.triangleCount;
}

void Painter::bindAttributes(std::int64_t frame) {
    const std::int64_t offset = frame * mesh_.attributeFrameStride;
    scene_.channels = mesh_.colors ? 3 : mesh_.heat ? 1 : mesh_.texture ? 2 : 0;
    scene_.attributes = mesh_.colors ? mesh_.colors + offset : mesh_.heat ? mesh_.heat + offset : mesh_.uvs;
    scene_.corners = mesh_.texture ? mesh_.uvTriangles : mesh_.triangles;
}

std::vector<Corner> Painter::polygonOf(std::int64_t t) const {
    std::vector<Corner> polygon(3);
    for (int k = 0; k < 3; ++k) {
        Corner& corner = polygon[k];
        corner.vertex = mesh_.triangles[3 * t + k];
        corner.attribute = scene_.channels ? scene_.corners[3 * t + k] : -1;
        const DrawVertex& vertex = scratch_.vertices[corner.vertex];
        const double normal[3] = {vertex.nx, vertex.ny, vertex.nz};
        for (int c = 0; c < 3; ++c) {
            corner.place[c] = scratch_.camera[3 * static_cast<std::size_t>(corner.vertex) + c];
            corner.normal[c] = normal[c] / vertex.w;
            corner.values[c] =
                c < scene_.channels
                    ? scene_.attributes[static_cast<std::size_t>(scene_.channels) * corner.attribute + c]
                    : 0;
        }
    }
    return polygon;
}

// Plane 0 is the near plane, 1 to 4 the guard band left, right, below and above; positive is inside.
double Painter::distance(const Corner& corner, int plane) const {
    const double depth = -corner.place[2];
    if (plane == 0) return depth - view_.near;
    const double reach = kDrawGuard * (view_.perspective ? depth : 1.0) / view_.scale;
    const double sign = plane % 2 ? 1 : -1;
    return reach + sign * corner.place[plane < 3 ? 0 : 1];
}

std::vector<Corner> Painter::cutBy(const std::vector<Corner>& polygon, int plane) const {
    std::vector<Corner> out;
    for (std::size_t i = 0; i < polygon.size(); ++i) {
        const Corner &here = polygon[i], &next = polygon[(i + 1) % polygon.size()];
        const double a = distance(here, plane), b = distance(next, plane);
        if (a >= 0) out.push_back(here);
        if ((a >= 0) == (b >= 0)) continue;
        // Always from the inside out, so that both triangles of a shared edge find the same point.
        const Corner &inner = a >= 0 ? here : next, &outer = a >= 0 ? next : here;
        const double s = (a >= 0 ? a : b) / std::abs(a - b);
        Corner made;
        for (int c = 0; c < 3; ++c) {
            made.place[c] = inner.place[c] + s * (outer.place[c] - inner.place[c]);
            made.normal[c] = inner.normal[c] + s * (outer.normal[c] - inner.normal[c]);
            made.values[c] = inner.values[c] + s * (outer.values[c] - inner.values[c]);
        }
        out.push_back(made);
    }
    return out;
}

DrawVertex Painter::place(const Corner& corner) const {
    const double depth = -corner.place[2], w = view_.perspective ? 1 / depth : 1;
    const auto subpixels = [](double samples) {
        return static_cast<std::int32_t>(std::floor(samples * kDrawSubpixels + 0.5));
    };
    DrawVertex vertex{};
    vertex.x = subpixels(view_.centerX + view_.scale * corner.place[0] * w);
    vertex.y = subpixels(view_.centerY - view_.scale * corner.place[1] * w);
    vertex.z = static_cast<float>(view_.perspective ? w : -depth);
    vertex.w = static_cast<float>(w);
    vertex.nx = static_cast<float>(corner.normal[0] * w);
    vertex.ny = static_cast<float>(corner.normal[1] * w);
    vertex.nz = static_cast<float>(corner.normal[2] * w);
    return vertex;
}

void Painter::appendPolygon(const std::vector<Corner>& polygon) {
    CutMesh& cut = scratch_.cut;
    std::vector<std::int32_t> vertices, attributes;
    const std::size_t channels = scene_.channels;
    for (const Corner& corner : polygon) {
        if (corner.vertex >= 0 && scratch_.vertices[corner.vertex].kind == drawInside) {
            vertices.push_back(corner.vertex);
        } else {
            vertices.push_back(static_cast<std::int32_t>(scratch_.vertices.size()));
            scratch_.vertices.push_back(place(corner));
            for (const double coordinate : corner.place)
                scratch_.camera.push_back(static_cast<float>(coordinate));
        }
        if (channels == 0) continue;
        attributes.push_back(static_cast<std::int32_t>(cut.attributes.size() / channels));
        for (std::size_t c = 0; c < channels; ++c)
            cut.attributes.push_back(static_cast<float>(corner.values[c]));
    }
    for (std::size_t k = 2; k < polygon.size(); ++k) {
        for (const std::size_t i : {std::size_t{0}, k - 1, k}) {
            cut.triangles.push_back(vertices[i]);
            if (channels) cut.corners.push_back(attributes[i]);
        }
        cut.edges.push_back(0);  // the wire of a cut triangle is left out
    }
}

void Painter::cutTriangles() {
    CutMesh& cut = scratch_.cut;
    const std::int64_t count = scene_.channels == 2 ? mesh_.uvCount : vertices_;
    cut.triangles.clear();
    cut.corners.clear();
    cut.edges.clear();
    if (scene_.channels)
        cut.attributes.assign(scene_.attributes, scene_.attributes + count * scene_.channels);
    for (std::int64_t t = 0; t < mesh_.triangleCount; ++t) {
        int kind = 0;
        for (int k = 0; k < 3; ++k) kind |= scratch_.vertices[mesh_.triangles[3 * t + k]].kind;
        if (kind & drawMissing) continue;
        if (kind == drawInside) {
            for (int k = 0; k < 3; ++k) {
                cut.triangles.push_back(mesh_.triangles[3 * t + k]);
                if (scene_.channels) cut.corners.push_back(scene_.corners[3 * t + k]);
            }
            cut.edges.push_back(mesh_.edges ? mesh_.edges[t] : 0);
            continue;
        }
        std::vector<Corner> polygon = polygonOf(t);
        for (int plane = 0; plane < 5 && polygon.size() >= 3; ++plane) polygon = cutBy(polygon, plane);
        if (polygon.size() >= 3) appendPolygon(polygon);
    }
    scene_.triangles = cut.triangles.data();
    scene_.corners = cut.corners.data();
    scene_.edges = cut.edges.data();
    scene_.attributes = cut.attributes.data();
    scene_.vertices = scratch_.vertices.data();
    scene_.camera = scratch_.camera.data();
    triangleCount_ = static_cast<std::int64_t>(cut.edges.size());
}

}  // namespace

void draw(const ConstFrames& points, const DrawMesh& mesh, const DrawCamera& camera, const DrawLook& look,
          const DrawOptions& options, std::uint8_t* out) {
    check(points, mesh, camera, options);
    const std::int64_t bytes = 3 * options.width * options.height;
    // Painters own large buffers: at most one for each thread, passed on from frame to frame.
    std::mutex mutex;
    std::vector<std::unique_ptr<Painter>> idle;
    parallelFor(points.frames, 1, [&](std::int64_t f, std::int64_t) {
        std::unique_ptr<Painter> painter;
        {
            std::lock_guard<std::mutex> lock(mutex);
            if (!idle.empty()) {
                painter = std::move(idle.back());
                idle.pop_back();
            }
        }
        if (!painter) painter = std::make_unique<Painter>(mesh, camera, look, options, points.vertices);
        painter->paint(static_cast<const char*>(points.data) + f * points.frameStride, points.vertexStride,
                       points.scalar, f, out + f * bytes);
        std::lock_guard<std::mutex> lock(mutex);
        idle.push_back(std::move(painter));
    });
}

}  // namespace mien
