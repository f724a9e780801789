#include <pybind11/stl.h>

#include <memory>
#include <vector>

#include "arrays.h"
#include "mien/decimal.h"
#include "mien/error.h"
#include "mien/obj.h"
#include "mien/parallel.h"

namespace mien {
namespace {

struct Bytes {
    explicit Bytes(const py::buffer& buffer)
        : info(buffer.request()), data(static_cast<const char*>(info.ptr)), size(0) {
        if (info.itemsize != 1 || info.ndim != 1 || (info.shape[0] > 1 && info.strides[0] != 1))
            throw py::type_error("`text` must be bytes side by side");
        size = static_cast<std::size_t>(info.shape[0]);
    }
    py::buffer_info info;
    const char* data;
    std::size_t size;
};

// A parsed mesh and the text it came from, which other frames are compared with.
struct ObjFrame {
    ObjMesh mesh;
    std::shared_ptr<Bytes> text;
};

std::unique_ptr<ObjFrame> parse(const py::buffer& buffer) {
    auto frame = std::make_unique<ObjFrame>();
    frame->text = std::make_shared<Bytes>(buffer);
    py::gil_scoped_release release;
    frame->mesh = parseObj(frame->text->data, frame->text->size);
    return frame;
}

// An array over a vector that lives as long as `owner`.
template <class T>
py::array viewOf(const py::object& owner, const std::vector<T>& values, py::ssize_t width) {
    const auto count = static_cast<py::ssize_t>(values.size());
    py::array_t<T> out = width ? py::array_t<T>({count / width, width}, values.data(), owner)
                               : py::array_t<T>(count, values.data(), owner);
    out.attr("flags").attr("writeable") = false;
    return std::move(out);
}

template <class T, std::vector<T> ObjMesh::* member, int width>
py::object property(const py::object& self) {
    return viewOf(self, self.cast<const ObjFrame&>().mesh.*member, width);
}

// Frames after the first, in parallel. Returns None, or (which text, what is wrong with it) for the first bad
// one.
py::object parseFrames(const std::vector<py::buffer>& buffers, const ObjFrame& first, py::array out) {
    const Frames frames = borrowMutableFrames(out, "out");
    const auto count = static_cast<std::int64_t>(buffers.size());
    requireShape(out, {count, static_cast<py::ssize_t>(first.mesh.positions.size() / 3), 3}, "out");
    if (frames.scalar != Scalar::float32 || frames.vertexStride != 12)
        throw py::type_error("`out` must be float32 and contiguous");
    std::vector<std::unique_ptr<Bytes>> texts;
    for (const py::buffer& buffer : buffers) texts.push_back(std::make_unique<Bytes>(buffer));
    std::vector<std::string> problems(texts.size());
    {
        py::gil_scoped_release release;
        parallelFor(count, 1, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t f = begin; f < end; ++f) {
                const auto i = static_cast<std::size_t>(f);
                auto* positions =
                    reinterpret_cast<float*>(static_cast<char*>(frames.data) + f * frames.frameStride);
                try {
                    parseObjPositions(texts[i]->data, texts[i]->size, first.mesh, first.text->data,
                                      positions);
                } catch (const Error& error) {
                    problems[i] = error.what();
                }
            }
        });
    }
    for (std::size_t i = 0; i < problems.size(); ++i)
        if (!problems[i].empty()) return py::make_tuple(i, problems[i]);
    return py::none();
}

std::vector<py::bytes> formatFrames(const py::array& points) {
    const ConstFrames frames = borrowFrames(points, "points");
    std::vector<std::string> texts(static_cast<std::size_t>(frames.frames));
    {
        py::gil_scoped_release release;
        parallelFor(frames.frames, 1, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t f = begin; f < end; ++f) {
                ConstFrames one = frames;
                one.data = static_cast<const char*>(frames.data) + f * frames.frameStride;
                one.frames = 1;
                texts[static_cast<std::size_t>(f)] = formatObjPositions(one);
            }
        });
    }
    return {texts.begin(), texts.end()};
}

py::bytes formatFaces(const Int32Array& counts, const Int32Array& indices,
                      const std::optional<py::array_t<float, py::array::c_style>>& uvs,
                      const std::optional<Int32Array>& uvIndices) {
    return formatObjFaces(counts.data(), counts.size(), indices.data(), uvs ? uvs->data() : nullptr,
                          uvs ? uvs->shape(0) : 0, uvIndices ? uvIndices->data() : nullptr);
}

py::tuple numbers(const py::buffer& text, py::array_t<double, py::array::c_style> out) {
    const Bytes bytes(text);
    double* to = out.mutable_data();
    const std::int64_t capacity = out.size();
    std::size_t consumed = 0;
    std::int64_t count = 0;
    {
        py::gil_scoped_release release;
        count = parseNumbers(bytes.data, bytes.size, to, capacity, &consumed);
    }
    return py::make_tuple(count, consumed);
}

}  // namespace

void bindObj(py::module_& module) {
    py::class_<ObjFrame>(module, "ObjFrame")
        .def_property_readonly("positions", &property<float, &ObjMesh::positions, 3>)
        .def_property_readonly("uvs", &property<float, &ObjMesh::uvs, 2>)
        .def_property_readonly("face_counts", &property<std::int32_t, &ObjMesh::faceCounts, 0>)
        .def_property_readonly("face_indices", &property<std::int32_t, &ObjMesh::faceIndices, 0>)
        .def_property_readonly("uv_indices", &property<std::int32_t, &ObjMesh::uvIndices, 0>)
        .def_property_readonly("names", [](const ObjFrame& self) {
            py::list names;
            for (const std::string& name : self.mesh.names) names.append(py::bytes(name));
            return names;
        });
    module.def("parse_obj", &parse, py::arg("text"));
    module.def("parse_obj_frames", &parseFrames, py::arg("texts"), py::arg("first"),
               py::arg("out").noconvert());
    module.def("format_obj_frames", &formatFrames, py::arg("points").noconvert());
    module.def("format_obj_faces", &formatFaces, py::arg("face_counts").noconvert(),
               py::arg("face_indices").noconvert(), py::arg("uvs").noconvert().none(true),
               py::arg("uv_indices").noconvert().none(true));
    module.def("parse_numbers", &numbers, py::arg("text"), py::arg("out").noconvert());
}

}  // namespace mien
