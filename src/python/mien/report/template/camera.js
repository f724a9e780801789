// A portrait lens that orbits the face. Matrices are column-major, as WebGL wants them.

const kFront = { yaw: 0, pitch: 0 };
const kAngles = [
  ["Front", kFront],
  ["3/4", { yaw: -0.6435, pitch: 0.12 }, "Three-quarter"],
  ["Side", { yaw: -Math.PI / 2, pitch: 0 }],
];

function product(a, b) {
  const out = new Float64Array(16);
  for (let c = 0; c < 4; c++)
    for (let r = 0; r < 4; r++)
      for (let k = 0; k < 4; k++) out[4 * c + r] += a[4 * k + r] * b[4 * c + k];
  return out;
}

function translation(x, y, z) {
  return Float64Array.of(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, x, y, z, 1);
}

function turnAboutX(angle) {
  const c = Math.cos(angle), s = Math.sin(angle);
  return Float64Array.of(1, 0, 0, 0, 0, c, s, 0, 0, -s, c, 0, 0, 0, 0, 1);
}

function turnAboutY(angle) {
  const c = Math.cos(angle), s = Math.sin(angle);
  return Float64Array.of(c, 0, -s, 0, 0, 1, 0, 0, s, 0, c, 0, 0, 0, 0, 1);
}

// Scene axes -> axes in which y is up and the face looks along z.
function upright(up) {
  return up === "z" ? Float64Array.of(1, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, 0, 0, 0, 0, 1) : translation(0, 0, 0);
}

// Head -> world of one frame, from the 12 numbers of `pose`: a rotation row by row, and a translation.
function poseMatrix(pose, frame) {
  return rigidMatrix(pose.subarray(12 * frame, 12 * frame + 12));
}

function rigidMatrix(p) {
  return Float64Array.of(p[0], p[3], p[6], 0, p[1], p[4], p[7], 0, p[2], p[5], p[8], 0, p[9], p[10], p[11], 1);
}

// How far away the lens must stand to see all of a space, at an aspect ratio.
function fittingDistance(camera, space, lens, aspect) {
  const base = product(turnAboutY(-camera.yaw), upright(camera.up));
  const half = [0, 1, 2].map((r) => [0, 1, 2].reduce((sum, c) => sum + Math.abs(base[4 * c + r]) * space.half[c], 0));
  const slope = tangent(lens);
  const widest = Math.max(half[0], 0.75 * half[2]);
  return 1.06 * Math.max(half[1] / slope, widest / (slope * aspect)) + 0.8 * half[2];
}

// Half the vertical field of view: the lens on a gate 36 mm wide and square.
function tangent(lens) {
  return 18 / lens;
}

// Scene -> eye, and eye -> clip.
function cameraMatrices(camera, space, orbit, distance, lens, aspect) {
  const away = distance / orbit.zoom;
  const slope = tangent(lens);
  let view = product(turnAboutY(orbit.yaw - camera.yaw), upright(camera.up));
  view = product(turnAboutX(orbit.pitch), view);
  view = product(translation(orbit.panX * distance, orbit.panY * distance, -away), view);
  view = product(view, translation(-space.centre[0], -space.centre[1], -space.centre[2]));
  const size = Math.hypot(...space.half);
  const near = Math.max(away - 2.5 * size, 0.01 * away);
  const far = away + 2.5 * size;
  const projection = new Float64Array(16);
  projection[0] = 1 / (slope * aspect);
  projection[5] = 1 / slope;
  projection[10] = (near + far) / (near - far);
  projection[11] = -1;
  projection[14] = (2 * near * far) / (near - far);
  return { view, projection };
}
