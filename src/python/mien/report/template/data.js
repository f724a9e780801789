// Unpacks what the file holds: base64, deflate, then sums of differences.

function packedBytes(name) {
  const element = document.getElementById("data-" + name);
  const text = atob(element.textContent);
  element.remove();
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

async function inflated(name) {
  const stream = new Blob([packedBytes(name)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

async function readIntegers(name) {
  const values = new Int32Array(await inflated(name));
  for (let i = 1; i < values.length; i++) values[i] += values[i - 1];
  return values;
}

async function readFloats(name) {
  return new Float32Array(await inflated(name));
}

// Frames of int16 counts, x y z interleaved: low and high bytes of x, of y, of z, each frame less the one before.
async function readFrames(name, nFrames, nVertices) {
  const bytes = new Uint8Array(await inflated(name));
  const out = new Int16Array(nFrames * nVertices * 3);
  const size = nVertices * 3;
  for (let f = 0; f < nFrames; f++) {
    for (let c = 0; c < 3; c++) {
      let low = (f * 3 + c) * 2 * nVertices;
      let to = f * size + c;
      for (let v = 0; v < nVertices; v++, low++, to += 3) {
        const change = bytes[low] | (bytes[low + nVertices] << 8);
        out[to] = f ? out[to - size] + change : change;
      }
    }
  }
  return out;
}

// Polygons as fans of triangles, and their edges, each once.
function trianglesAndEdges(counts, indices, nVertices) {
  const triangles = new Uint32Array(3 * (indices.length - 2 * counts.length));
  const edges = [];
  const seen = new Set();
  let corner = 0;
  let next = 0;
  for (const count of counts) {
    for (let i = 2; i < count; i++) {
      triangles[next++] = indices[corner];
      triangles[next++] = indices[corner + i - 1];
      triangles[next++] = indices[corner + i];
    }
    for (let i = 0; i < count; i++) {
      const a = indices[corner + i];
      const b = indices[corner + ((i + 1) % count)];
      const key = Math.min(a, b) * nVertices + Math.max(a, b);
      if (!seen.has(key)) {
        seen.add(key);
        edges.push(a, b);
      }
    }
    corner += count;
  }
  return { triangles, edges: Uint32Array.from(edges) };
}

async function readMeshes(data) {
  const n = data.nVertices;
  const k = data.frames.length;
  const [counts, indices] = [await readIntegers("counts"), await readIntegers("indices")];
  const all = await readFrames("expression", k + 1, n);
  const meshes = {
    ...trianglesAndEdges(counts, indices, n),
    pose: await readFloats("pose"),
    neutral: all.subarray(0, 3 * n),
    expression: all.subarray(3 * n),
    edit: null,
    mobility: new Uint8Array(await inflated("mobility")),
    relative: data.other === null ? null : await readFloats("relative"),
    colors: data.colored ? new Uint8Array(await inflated("colors")) : null,
  };
  if (data.edited) {
    const vertices = await readIntegers("vertices");
    const places = new Map(data.edited.map((frame, place) => [frame, place]));
    meshes.edit = { vertices, places, changes: await readFrames("edited", places.size, vertices.length) };
  }
  return meshes;
}

// Counts of one frame, before or after the edit, in four int16 a vertex; the fourth is 1 where the vertex is missing.
function frameCounts(meshes, nVertices, frame, after, out) {
  const source = frame < 0 ? meshes.neutral : meshes.expression;
  const start = Math.max(frame, 0) * nVertices * 3;
  for (let v = 0, from = start; v < nVertices; v++, from += 3) {
    out[4 * v] = source[from];
    out[4 * v + 1] = source[from + 1];
    out[4 * v + 2] = source[from + 2];
  }
  const place = after && meshes.edit ? meshes.edit.places.get(frame) : undefined;
  if (place !== undefined) {
    const { vertices, changes } = meshes.edit;
    for (let i = 0, from = place * vertices.length * 3; i < vertices.length; i++, from += 3) {
      const to = 4 * vertices[i];
      out[to] += changes[from];
      out[to + 1] += changes[from + 1];
      out[to + 2] += changes[from + 2];
    }
  }
  for (let v = 0; v < nVertices; v++) out[4 * v + 3] = out[4 * v] === -32768 ? 1 : 0;
  return out;
}

// Smooth vertex normals, weighted by area, as int16 in [-32767, 32767]; four a vertex. The grid has one step for all
// axes, so counts have the angles of positions.
function vertexNormals(counts, triangles, sums, out) {
  sums.fill(0);
  for (let i = 0; i < triangles.length; i += 3) {
    const a = 4 * triangles[i];
    const b = 4 * triangles[i + 1];
    const c = 4 * triangles[i + 2];
    if (counts[a + 3] || counts[b + 3] || counts[c + 3]) continue;
    const ux = counts[b] - counts[a], uy = counts[b + 1] - counts[a + 1], uz = counts[b + 2] - counts[a + 2];
    const vx = counts[c] - counts[a], vy = counts[c + 1] - counts[a + 1], vz = counts[c + 2] - counts[a + 2];
    const nx = uy * vz - uz * vy, ny = uz * vx - ux * vz, nz = ux * vy - uy * vx;
    sums[a] += nx, sums[a + 1] += ny, sums[a + 2] += nz;
    sums[b] += nx, sums[b + 1] += ny, sums[b + 2] += nz;
    sums[c] += nx, sums[c + 1] += ny, sums[c + 2] += nz;
  }
  for (let i = 0; i < sums.length; i += 4) {
    const length = Math.hypot(sums[i], sums[i + 1], sums[i + 2]) || 1;
    out[i] = (32767 * sums[i]) / length;
    out[i + 1] = (32767 * sums[i + 1]) / length;
    out[i + 2] = (32767 * sums[i + 2]) / length;
  }
  return out;
}
