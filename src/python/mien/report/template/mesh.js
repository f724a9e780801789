// Draws meshes with WebGL2, in the light of mien's other pictures.

const kVertexShader = `#version 300 es
in vec4 a_position;
in vec4 a_base;
in vec3 a_normal;
in vec3 a_color;
in float a_share;
uniform mat4 u_model;
uniform mat4 u_second;
uniform int u_measure;
uniform float u_heatRange;
uniform mat4 u_projection;
uniform vec3 u_offset;
uniform float u_step;
uniform float u_lift;
centroid out vec3 v_normal;
centroid out vec3 v_color;
out float v_distance;
out float v_missing;
void main() {
  vec4 place = vec4(u_offset + u_step * a_position.xyz, 1.0);
  vec4 eye = u_model * place;
  v_normal = mat3(u_model) * a_normal;
  v_color = a_color;
  if (u_measure == 0) v_distance = u_step * length(a_position.xyz - a_base.xyz);
  if (u_measure == 1) v_distance = length((u_second * place - place).xyz);
  if (u_measure == 2) v_distance = a_share * u_heatRange;
  v_missing = max(a_position.w, 0.0);
  gl_Position = u_projection * eye;
  gl_Position.z -= u_lift * gl_Position.w;
  gl_PointSize = 3.0;
}`;

const kFragmentShader = `#version 300 es
precision highp float;
centroid in vec3 v_normal;
centroid in vec3 v_color;
in float v_distance;
in float v_missing;
uniform int u_mode;
uniform vec4 u_flat;
uniform float u_heatRange;
uniform sampler2D u_heat;
uniform vec3 u_keyDirection, u_keyLight, u_skyLight, u_groundLight, u_rimDirection, u_rimLight, u_glossDirection;
uniform float u_keyWrap, u_gloss, u_backFace;
out vec4 o_color;
vec3 decoded(vec3 c) {
  return mix(c / 12.92, pow((c + 0.055) / 1.055, vec3(2.4)), step(0.04045, c));
}
vec3 encoded(vec3 c) {
  return mix(12.92 * c, 1.055 * pow(c, vec3(1.0 / 2.4)) - 0.055, step(0.0031308, c));
}
void main() {
  if (v_missing > 0.0) discard;
  if (u_mode == 2) {
    o_color = vec4(u_flat.rgb * u_flat.a, u_flat.a);
    return;
  }
  vec3 albedo = v_color;
  if (u_mode == 1) {
    float n = float(textureSize(u_heat, 0).x);
    float at = clamp(v_distance / u_heatRange, 0.0, 1.0);
    albedo = texture(u_heat, vec2((0.5 + at * (n - 1.0)) / n, 0.5)).rgb;
  }
  albedo = decoded(albedo);
  vec3 n = normalize(v_normal);
  bool front = gl_FrontFacing;
  if (dot(v_normal, v_normal) == 0.0) n = vec3(0.0, 0.0, 1.0);
  if (!front) n = -n;
  vec3 key = u_keyLight * max(0.0, (dot(n, u_keyDirection) + u_keyWrap) / (1.0 + u_keyWrap));
  vec3 hemi = u_groundLight + (u_skyLight - u_groundLight) * (n.y + 1.0) / 2.0;
  vec3 rim = u_rimLight * max(0.0, dot(n, u_rimDirection)) * pow(1.0 - max(0.0, n.z), 3.0);
  float gloss = u_gloss * pow(max(0.0, dot(n, u_glossDirection)), 16.0);
  vec3 light = (front ? 1.0 : u_backFace) * (albedo * (key + hemi + rim) + gloss);
  o_color = vec4(encoded(clamp(light, 0.0, 1.0)), 1.0);
}`;

function compiled(gl) {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, kVertexShader], [gl.FRAGMENT_SHADER, kFragmentShader]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  ["a_position", "a_base", "a_normal", "a_color", "a_share"].forEach((name, place) => gl.bindAttribLocation(program, place, name));
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost())
    throw new Error("The shader does not link: " + gl.getProgramInfoLog(program));
  const at = {};
  const count = gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS);
  for (let i = 0; i < count; i++) {
    const { name } = gl.getActiveUniform(program, i);
    at[name] = gl.getUniformLocation(program, name);
  }
  return { program, at };
}


// How the shader measures what colours show: between two places counted on the grid, under two heads, or as it is told.
const kMeasures = { edit: 0, expression: 0, residual: 0, difference: 1, mobility: 2 };

// Sets what never changes: light, heat map, the grid of positions.
function setLook(gl, { program, at }, data) {
  const { look } = data;
  gl.useProgram(program);
  for (const name of ["keyDirection", "keyLight", "skyLight", "groundLight", "rimDirection", "rimLight", "glossDirection"])
    gl.uniform3fv(at["u_" + name], look[name]);
  for (const name of ["keyWrap", "gloss", "backFace"]) gl.uniform1f(at["u_" + name], look[name]);
  gl.uniform3fv(at.u_offset, data.offset);
  gl.uniform1f(at.u_step, data.step);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  const texels = Uint8Array.from(look.heat.flat());
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB8, look.heat.length, 1, 0, gl.RGB, gl.UNSIGNED_BYTE, texels);
  for (const [key, value] of [
    [gl.TEXTURE_MIN_FILTER, gl.LINEAR],
    [gl.TEXTURE_MAG_FILTER, gl.LINEAR],
    [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE],
    [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE],
  ])
    gl.texParameteri(gl.TEXTURE_2D, key, value);
}

// Keeps the meshes of the current frame in WebGL and draws them into rectangles of the canvas.
function createRenderer(gl, data, meshes) {
  const n = data.nVertices;
  const shader = compiled(gl);
  const still = rigidMatrix([...data.camera.mean, 0, 0, 0]);
  setLook(gl, shader, data);
  const { at } = shader;
  const scratch = { counts: new Int16Array(4 * n), sums: new Float32Array(4 * n), normals: new Int16Array(4 * n) };
  const slot = () => ({ frame: null, counts: gl.createBuffer(), normals: gl.createBuffer() });
  const slots = { neutral: slot(), before: slot(), after: slot() };
  const lists = { triangles: gl.createBuffer(), edges: gl.createBuffer() };
  for (const key of ["triangles", "edges"]) {
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, lists[key]);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, meshes[key], gl.STATIC_DRAW);
  }
  gl.enable(gl.DEPTH_TEST);
  gl.enable(gl.SCISSOR_TEST);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  for (let place = 0; place < 3; place++) gl.enableVertexAttribArray(place);
  if (meshes.colors) {
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, meshes.colors, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(3);
    gl.vertexAttribPointer(3, 3, gl.UNSIGNED_BYTE, true, 3, 0);
  } else {
    gl.vertexAttrib3f(3, ...data.look.clay.map((c) => c / 255));
  }
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ARRAY_BUFFER, meshes.mobility, gl.STATIC_DRAW);
  gl.enableVertexAttribArray(4);
  gl.vertexAttribPointer(4, 1, gl.UNSIGNED_BYTE, true, 1, 0);

  function filled(name, frame) {
    const target = slots[name];
    if (target.frame === frame) return target;
    frameCounts(meshes, n, frame, name === "after", scratch.counts);
    vertexNormals(scratch.counts, meshes.triangles, scratch.sums, scratch.normals);
    for (const key of ["counts", "normals"]) {
      gl.bindBuffer(gl.ARRAY_BUFFER, target[key]);
      gl.bufferData(gl.ARRAY_BUFFER, scratch[key], gl.DYNAMIC_DRAW);
    }
    target.frame = frame;
    return target;
  }

  function attribute(place, buffer, size, normalised) {
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.vertexAttribPointer(place, size, gl.SHORT, normalised, 8, 0);
  }

  function clear(box, color) {
    gl.viewport(...box.view);
    gl.scissor(...box.clip);
    gl.clearColor(color[0] / 255, color[1] / 255, color[2] / 255, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
  }

  function surface(picture) {
    gl.uniform1i(at.u_mode, picture.heat ? 1 : 0);
    if (!meshes.triangles.length) return gl.drawArrays(gl.POINTS, 0, n);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, lists.triangles);
    // The insides of open meshes are drawn a little farther away, or they shine through at outlines.
    gl.enable(gl.CULL_FACE);
    gl.cullFace(gl.BACK);
    gl.drawElements(gl.TRIANGLES, meshes.triangles.length, gl.UNSIGNED_INT, 0);
    gl.cullFace(gl.FRONT);
    gl.enable(gl.POLYGON_OFFSET_FILL);
    gl.polygonOffset(1, 1);
    gl.drawElements(gl.TRIANGLES, meshes.triangles.length, gl.UNSIGNED_INT, 0);
    gl.disable(gl.POLYGON_OFFSET_FILL);
    gl.disable(gl.CULL_FACE);
  }

  function wires() {
    const color = data.look.wire.map((c) => c / 255);
    gl.uniform1i(at.u_mode, 2);
    gl.uniform4f(at.u_flat, ...color, 0.75 * data.look.wireOpacity);
    gl.enable(gl.BLEND);
    gl.uniform1f(at.u_lift, 1e-4); // edges win over the faces they bound
    gl.depthMask(false);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, lists.edges);
    gl.drawElements(gl.LINES, meshes.edges.length, gl.UNSIGNED_INT, 0);
    gl.depthMask(true);
    gl.uniform1f(at.u_lift, 0);
    gl.disable(gl.BLEND);
  }

  // The place under the other method's head of what stands at a place under this one's; both in head space.
  function second(frame) {
    return rigidMatrix(meshes.relative.subarray(12 * frame, 12 * frame + 12));
  }

  // picture: {after, world, rest, other, heat: null or a key of kMeasures, wire}; box: {view, clip} in pixels.
  function draw(picture, frame, box, stage, { view, projection }) {
    const shape = picture.rest ? filled("neutral", -1) : filled(picture.after ? "after" : "before", frame);
    const base = picture.heat === "edit" ? filled("before", frame) : filled("neutral", -1);
    clear(box, stage);
    attribute(0, shape.counts, 4, false);
    attribute(1, base.counts, 4, false);
    attribute(2, shape.normals, 3, true);
    // With the head removed the face is held as the mean head holds it, however head space lies in the head.
    const held = picture.other ? product(still, second(frame)) : still;
    const model = product(view, picture.world ? poseMatrix(meshes.pose, frame) : held);
    gl.uniformMatrix4fv(at.u_model, false, Float32Array.from(model));
    gl.uniformMatrix4fv(at.u_projection, false, Float32Array.from(projection));
    if (picture.heat) {
      gl.uniform1i(at.u_measure, kMeasures[picture.heat]);
      gl.uniform1f(at.u_heatRange, data.heatRange[picture.heat] / data.unitScale);
    }
    if (picture.heat === "difference") gl.uniformMatrix4fv(at.u_second, false, Float32Array.from(second(frame)));
    surface(picture);
    if (picture.wire && meshes.edges.length) wires();
  }
  return { draw };
}
