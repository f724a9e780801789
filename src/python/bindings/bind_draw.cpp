#include <pybind11/stl.h>

#include <algorithm>
#include <optional>

#include "arrays.h"
#include "mien/draw.h"

namespace mien {
namespace {

using FloatArray = py::array_t<float, py::array::c_style>;
using ByteArray = py::array_t<std::uint8_t, py::array::c_style>;

// Rotation (9), position (3), scale, near.
DrawCamera readCamera(const DoubleArray& values, bool perspective) {
    requireShape(values, {14}, "camera");
    const double* from = values.data();
    DrawCamera camera;
    std::copy(from, from + 9, camera.rotation);
    std::copy(from + 9, from + 12, camera.position);
    camera.scale = from[12];
    camera.near = from[13];
    camera.perspective = perspective;
    return camera;
}

// The members of DrawLook in their order.
DrawLook readLook(const FloatArray& values) {
    requireShape(values, {35}, "look");
    const float* from = values.data();
    DrawLook look;
    const auto take = [&from](float* to, int count) {
        std::copy(from, from + count, to);
        from += count;
    };
    take(look.keyDirection, 3), take(look.keyLight, 3), take(&look.keyWrap, 1);
    take(look.skyLight, 3), take(look.groundLight, 3);
    take(look.rimDirection, 3), take(look.rimLight, 3);
    take(look.glossDirection, 3), take(&look.gloss, 1);
    take(&look.backFace, 1), take(look.clay, 3), take(look.background, 3), take(look.wire, 3);
    take(&look.wireWidth, 1), take(&look.wireOpacity, 1);
    return look;
}

// Attributes are (V, K) or, for every frame, (F, V, K); the stride from frame to frame in floats.
const float* readAttribute(const std::optional<FloatArray>& values, const ConstFrames& points,
                           py::ssize_t channels, const char* name, std::int64_t* stride) {
    if (!values) return nullptr;
    if (values->ndim() == 3) {
        requireShape(*values, {points.frames, points.vertices, channels}, name);
        *stride = points.vertices * channels;
    } else {
        requireShape(*values, {points.vertices, channels}, name);
    }
    return values->data();
}

void drawPictures(const py::array& points, const Int32Array& triangles, const ByteArray& edges,
                  const std::optional<FloatArray>& colors, const std::optional<FloatArray>& heat,
                  const FloatArray& heatTable, const std::optional<ByteArray>& texture,
                  const std::optional<FloatArray>& uvs, const std::optional<Int32Array>& uvTriangles,
                  const DoubleArray& camera, bool perspective, const FloatArray& look, int samples, bool flat,
                  bool wireframe, ByteArray out) {
    const ConstFrames view = borrowFrames(points, "points");
    DrawMesh mesh;
    mesh.triangleCount = triangles.shape(0);
    requireShape(triangles, {mesh.triangleCount, 3}, "triangles");
    requireShape(edges, {mesh.triangleCount}, "edges");
    requireShape(heatTable, {256, 3}, "heat_table");
    mesh.triangles = triangles.data();
    mesh.edges = edges.data();
    mesh.heatTable = heatTable.data();
    mesh.colors = readAttribute(colors, view, 3, "colors", &mesh.attributeFrameStride);
    mesh.heat = readAttribute(heat, view, 1, "heat", &mesh.attributeFrameStride);
    if (texture) {
        if (!uvs || !uvTriangles) throw py::value_error("`texture` needs `uvs` and `uv_triangles`");
        if (texture->ndim() != 3) throw py::value_error("`texture` has the wrong shape");
        requireShape(*texture, {texture->shape(0), texture->shape(1), 3}, "texture");
        mesh.uvCount = uvs->shape(0);
        requireShape(*uvs, {mesh.uvCount, 2}, "uvs");
        requireShape(*uvTriangles, {mesh.triangleCount, 3}, "uv_triangles");
        mesh.texture = texture->data();
        mesh.textureHeight = texture->shape(0);
        mesh.textureWidth = texture->shape(1);
        mesh.uvs = uvs->data();
        mesh.uvTriangles = uvTriangles->data();
    }
    if (out.ndim() != 4) throw py::value_error("`out` has the wrong shape");
    requireShape(out, {view.frames, out.shape(1), out.shape(2), 3}, "out");
    DrawOptions options;
    options.height = out.shape(1);
    options.width = out.shape(2);
    options.samples = samples;
    options.flat = flat;
    options.wireframe = wireframe;
    const DrawCamera eye = readCamera(camera, perspective);
    const DrawLook light = readLook(look);
    std::uint8_t* to = out.mutable_data();
    py::gil_scoped_release release;
    draw(view, mesh, eye, light, options, to);
}

}  // namespace

void bindDraw(py::module_& module) {
    module.def("draw", &drawPictures, py::arg("points").noconvert(), py::arg("triangles").noconvert(),
               py::arg("edges").noconvert(), py::arg("colors").noconvert(), py::arg("heat").noconvert(),
               py::arg("heat_table").noconvert(), py::arg("texture").noconvert(), py::arg("uvs").noconvert(),
               py::arg("uv_triangles").noconvert(), py::arg("camera").noconvert(), py::arg("perspective"),
               py::arg("look").noconvert(), py::arg("samples"), py::arg("flat"), py::arg("wireframe"),
               py::arg("out").noconvert());
}

}  // namespace mien
