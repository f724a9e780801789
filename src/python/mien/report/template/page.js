// The page: one state, controls that change it, one function that draws it.

// Without an edit the first thing to see is what the head's removal leaves, beside the take.
const kFirstLayout = hasEdit ? "single" : "side";

const state = {
  frame: 0, // place in data.frames
  view: hasEdit ? "recombined" : "expression",
  layout: kFirstLayout,
  with: null, // null: the view's own partner
  heat: hasEdit ? "edit" : "expression",
  wipe: 0.5,
  wire: false,
  orbit: { ...kFront, zoom: 1, panX: 0, panY: 0 },
};
let playing = null; // {time, frame} at the start of playing
let renderer = null;
let curves = null;
let dirty = false;

function fail(status, sentence) {
  root.dataset.status = status;
  const message = $("message");
  message.textContent = sentence;
  message.hidden = false;
}

// --- the address keeps the state -------------------------------------------------------------------------------------

function nearestPlace(index) {
  let best = 0;
  data.frames.forEach((f, i) => {
    if (Math.abs(f - index) < Math.abs(data.frames[best] - index)) best = i;
  });
  return best;
}

function readAddress() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const number = (key, low, high, set) => {
    const value = parseFloat(wanted.get(key));
    if (Number.isFinite(value)) set(Math.min(high, Math.max(low, value)));
  };
  const word = (key, known, set) => {
    if (Object.hasOwn(known, wanted.get(key) ?? "")) set(wanted.get(key));
  };
  number("frame", -1e9, 1e9, (v) => (state.frame = nearestPlace(v - data.startFrame)));
  word("view", kViews, (v) => (state.view = v));
  word("layout", kLayouts, (v) => (state.layout = v));
  word("with", kViews, (v) => (state.with = v));
  word("heat", kHeats, (v) => (state.heat = v));
  number("wipe", 0, 1, (v) => (state.wipe = v));
  number("wire", 0, 1, (v) => (state.wire = v > 0));
  for (const [key, limit] of [["yaw", 50], ["pitch", 1.5], ["panX", 5], ["panY", 5]])
    number(key, -limit, limit, (v) => (state.orbit[key] = v));
  number("zoom", 0.2, 20, (v) => (state.orbit.zoom = v));
}

function address() {
  const out = new URLSearchParams({ frame: data.startFrame + data.frames[state.frame], view: state.view });
  if (state.layout !== kFirstLayout) out.set("layout", state.layout);
  if (state.with) out.set("with", state.with);
  if (state.view === "heat" && Object.keys(kHeats).length > 1) out.set("heat", state.heat);
  if (state.layout === "wipe") out.set("wipe", state.wipe.toFixed(3));
  if (state.wire) out.set("wire", "1");
  for (const [key, value] of Object.entries(state.orbit)) {
    const rest = key === "zoom" ? 1 : 0;
    if (Math.abs(value - rest) > 5e-4) out.set(key, value.toFixed(3));
  }
  return "#" + out;
}

let addressTimer = 0;
function keepAddress() {
  clearTimeout(addressTimer);
  addressTimer = setTimeout(() => {
    try {
      history.replaceState(null, "", address());
    } catch {
      // Some browsers refuse this for files; the page works without.
    }
  }, 250);
}

// --- drawing -----------------------------------------------------------------------------------------------------------

function stageColor() {
  return getComputedStyle($("stage")).backgroundColor.match(/[\d.]+/g).slice(0, 3).map(Number);
}

function partner() {
  return state.with && state.with !== state.view ? state.with : kViews[state.view].against;
}

// What the colours of a view measure; null where they are the face's own.
function heatOf(view) {
  const { heat } = kViews[view];
  return heat === true ? state.heat : heat || null;
}

function pictureOf(view) {
  return { ...kViews[view], heat: heatOf(view), wire: state.wire };
}

// Each picture with its rectangle: where its middle is and what of it is seen, in canvas pixels.
function panes(width, height) {
  const all = [0, 0, width, height];
  if (state.layout === "single") return [{ view: state.view, box: { view: all, clip: all } }];
  if (state.layout === "side") {
    const half = Math.floor(width / 2);
    const left = [0, 0, half, height];
    const right = [half, 0, width - half, height];
    return [
      { view: partner(), box: { view: left, clip: left } },
      { view: state.view, box: { view: right, clip: right } },
    ];
  }
  const cut = Math.round(state.wipe * width);
  return [
    { view: partner(), box: { view: all, clip: [0, 0, cut, height] } },
    { view: state.view, box: { view: all, clip: [cut, 0, width - cut, height] } },
  ];
}

function drawPictures() {
  const canvas = $("canvas");
  const scale = Math.min(2, window.devicePixelRatio || 1);
  const width = Math.max(1, Math.round(canvas.clientWidth * scale));
  const height = Math.max(1, Math.round(canvas.clientHeight * scale));
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const { camera, look } = data;
  const shown = panes(width, height);
  const spaces = { true: camera.world, false: camera.still };
  const aspect = shown[0].box.view[2] / shown[0].box.view[3];
  const distance = Math.max(
    ...shown.map(({ view }) => fittingDistance(camera, spaces[Boolean(kViews[view].world)], look.lens, aspect)),
  );
  const stage = stageColor();
  for (const { view, box } of shown) {
    if (!box.clip[2]) continue;
    const space = spaces[Boolean(kViews[view].world)];
    const matrices = cameraMatrices(camera, space, state.orbit, distance, look.lens, aspect);
    renderer.draw(pictureOf(view), state.frame, box, stage, matrices);
  }
}

function pressed(group, value) {
  const host = $(group);
  for (const button of host.children) {
    const chosen = button.value === value;
    if (chosen && button.getAttribute("aria-pressed") !== "true" && host.scrollWidth > host.clientWidth)
      host.scrollLeft = button.offsetLeft - (host.clientWidth - button.offsetWidth) / 2;
    button.setAttribute("aria-pressed", String(chosen));
  }
}

function tellControls() {
  const { view, layout } = state;
  const index = data.frames[state.frame];
  const number = data.startFrame + index;
  for (const group of ["views", "checks"]) pressed(group, view);
  pressed("layouts", layout);
  pressed("heats", state.heat);
  $("wire").setAttribute("aria-pressed", String(state.wire));
  const compared = layout !== "single";
  $("with").hidden = !compared;
  $("with").value = partner();
  $("tag-left").hidden = compared;
  $("tag-left").textContent = kViews[view].title;
  $("tag-right").textContent = compared ? kViews[view].title : "";
  $("tag-right").hidden = !compared;
  $("wipe").hidden = layout !== "wipe";
  $("wipe").style.left = 100 * state.wipe + "%";
  $("wipe").setAttribute("aria-valuenow", String(Math.round(100 * state.wipe)));
  $("stage").dataset.layout = layout;
  const beside = compared ? heatOf(partner()) : null;
  const heat = heatOf(view) || beside;
  $("legend").hidden = !heat;
  if (heat) tellLegend(heat, kViews[heatOf(view) ? view : partner()].heat === true, beside && beside !== heat);
  tellCaption(view);
  const slider = $("slider");
  slider.value = String(state.frame);
  slider.setAttribute("aria-valuetext", `frame ${number}`);
  slider.style.setProperty("--part", String(state.frame / Math.max(1, data.frames.length - 1)));
  $("frame").value = String(number);
  $("play").setAttribute("aria-label", playing ? "Pause" : "Play");
  $("play").classList.toggle("on", Boolean(playing));
  curves.show(index);
  Object.assign(root.dataset, { frame: number, view, layout });
}

// `choice`: whether the reader chooses what is measured; `right`: whether the left picture has another scale.
function tellLegend(heat, choice, right) {
  const range = data.heatRange[heat];
  const curve = data.curves.find(({ key }) => key === heat);
  const more = choice ? curve.lines[0].values.some((v) => v > range * 1.001) : true;
  $("legend-title").textContent = kLegends[heat] + `, ${data.unit}` + (right ? " (right picture)" : "");
  $("heats").hidden = !choice || Object.keys(kHeats).length < 2;
  const ticks = [0, range / 2, range].map((v) => element("span", {}, String(+v.toPrecision(3))));
  if (more) ticks[2].textContent += " +";
  $("ticks").replaceChildren(...ticks);
}

// How to read the view, and where to look: the frames that are worst by what it shows.
let told = null;
function tellCaption(view) {
  if (told === view) return;
  told = view;
  const { caption, worst } = kViews[view];
  $("caption").textContent = caption;
  const frames = (worst && data.worst[worst]) || [];
  $("worst").hidden = !frames.length;
  const buttons = frames.map((frame) => {
    const button = element("button", { type: "button" }, String(data.startFrame + frame));
    button.addEventListener("click", () => seek(nearestPlace(frame)));
    return button;
  });
  $("worst").replaceChildren(kWorst[worst] || "", ...buttons);
}

function update() {
  if (dirty) return;
  dirty = true;
  requestAnimationFrame(() => {
    dirty = false;
    if (!renderer) return;
    tellControls();
    drawPictures();
    keepAddress();
    root.dataset.drawn = String(+(root.dataset.drawn || 0) + 1);
  });
}

function change(values) {
  Object.assign(state, values);
  update();
}

// --- time --------------------------------------------------------------------------------------------------------------

function seek(place, keepPlaying = false) {
  if (!keepPlaying) pause();
  change({ frame: Math.min(data.frames.length - 1, Math.max(0, place)) });
}

function pause() {
  playing = null;
  update();
}

function play() {
  if (data.frames.length < 2) return;
  if (state.frame === data.frames.length - 1) state.frame = 0;
  playing = { time: performance.now(), frame: data.frames[state.frame] };
  const me = playing;
  const tick = (now) => {
    if (playing !== me) return;
    const last = data.frames[data.frames.length - 1];
    const period = last + 1;
    const wanted = (playing.frame + ((Math.max(0, now - playing.time) / 1000) * data.fps)) % period;
    let place = Math.min(data.frames.length - 1, Math.floor((wanted / last) * (data.frames.length - 1)));
    while (place + 1 < data.frames.length && data.frames[place + 1] <= wanted) place++;
    while (place > 0 && data.frames[place] > wanted) place--;
    if (place !== state.frame) seek(place, true);
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  update();
}

// --- controls ----------------------------------------------------------------------------------------------------------

function choices(group, titles, chosen) {
  for (const [value, title] of Object.entries(titles)) {
    const button = element("button", { type: "button", value, "aria-pressed": "false" }, title);
    button.addEventListener("click", () => chosen(value));
    $(group).append(button);
  }
}

function turnCamera(angle) {
  change({ orbit: { ...angle, zoom: 1, panX: 0, panY: 0 } });
}

function zoomBy(factor) {
  state.orbit.zoom = Math.min(20, Math.max(0.2, state.orbit.zoom * factor));
  update();
}

function connectControls() {
  const titles = Object.fromEntries(Object.entries(kViews).map(([key, { title }]) => [key, title]));
  const some = (wanted) => Object.fromEntries(Object.entries(titles).filter(([key]) => key in kChecks === wanted));
  for (const [group, wanted] of [["views", false], ["checks", true]])
    choices(group, some(wanted), (view) => change({ view, with: null }));
  choices("layouts", kLayouts, (layout) => change({ layout }));
  choices("heats", kHeats, (heat) => change({ heat }));
  for (const [title, { yaw, pitch }, name] of kAngles) {
    const button = element("button", { type: "button", ...(name && { "aria-label": name, title: name }) }, title);
    button.addEventListener("click", () => turnCamera({ yaw, pitch }));
    $("angles").append(button);
  }
  for (const [key, title] of Object.entries(titles)) $("with").append(element("option", { value: key }, title));
  $("with").addEventListener("change", () => change({ with: $("with").value }));
  $("wire").addEventListener("click", () => change({ wire: !state.wire }));
  $("play").addEventListener("click", () => (playing ? pause() : play()));
  const slider = $("slider");
  slider.max = String(data.frames.length - 1);
  slider.addEventListener("input", () => seek(+slider.value));
  // After a click the keys belong to the page again; reached by keyboard, a button keeps them.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button && event.detail > 0) button.blur();
  });
  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", () => {
    readAddress();
    update();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", update);
}

function onKey(event) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const { target, key } = event;
  const place = target.id;
  if (target.tagName === "SELECT" || (target.tagName === "BUTTON" && (key === " " || key === "Enter"))) return;
  const jump = event.shiftKey ? 10 : 1;
  const views = Object.keys(kViews);
  const layouts = Object.keys(kLayouts);
  const actions = {
    " ": () => (playing ? pause() : play()),
    ArrowLeft: () => (place === "wipe" ? wipeTo(state.wipe - 0.02 * jump) : seek(state.frame - jump)),
    ArrowRight: () => (place === "wipe" ? wipeTo(state.wipe + 0.02 * jump) : seek(state.frame + jump)),
    Home: () => (place === "wipe" ? wipeTo(0) : seek(0)),
    End: () => (place === "wipe" ? wipeTo(1) : seek(data.frames.length - 1)),
    l: () => change({ layout: layouts[(layouts.indexOf(state.layout) + 1) % layouts.length] }),
    w: () => change({ wire: !state.wire }),
    r: () => turnCamera(kFront),
    "+": () => zoomBy(1.2),
    "=": () => zoomBy(1.2),
    "-": () => zoomBy(1 / 1.2),
  };
  views.forEach((view, i) => (actions[String(i + 1)] = () => change({ view, with: null })));
  const action = actions[key.length === 1 ? key.toLowerCase() : key];
  if (!action) return;
  event.preventDefault();
  action();
}

function wipeTo(part) {
  change({ wipe: Math.min(1, Math.max(0, part)) });
}

// Orbit with one pointer; pan and zoom with two, or with Shift, or with the other mouse button.
function connectPointers() {
  const canvas = $("canvas");
  const pointers = new Map();
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY, pan: event.shiftKey || event.button > 0 });
  });
  const drop = (event) => pointers.delete(event.pointerId);
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, drop);
  canvas.addEventListener("pointermove", (event) => {
    const pointer = pointers.get(event.pointerId);
    if (!pointer) return;
    const [dx, dy] = [event.clientX - pointer.x, event.clientY - pointer.y];
    const { orbit } = state;
    const slope = (2 * tangent(data.look.lens)) / canvas.clientHeight / orbit.zoom;
    if (pointers.size > 1) {
      const other = [...pointers.entries()].find(([id]) => id !== event.pointerId)[1];
      const reach = (x, y) => Math.hypot(x - other.x, y - other.y);
      zoomBy(reach(event.clientX, event.clientY) / Math.max(1, reach(pointer.x, pointer.y)));
    }
    if (pointer.pan || pointers.size > 1) {
      orbit.panX += (dx * slope) / pointers.size;
      orbit.panY -= (dy * slope) / pointers.size;
    } else {
      orbit.yaw += dx * 0.008;
      orbit.pitch = Math.min(1.5, Math.max(-1.5, orbit.pitch + dy * 0.008));
    }
    [pointer.x, pointer.y] = [event.clientX, event.clientY];
    update();
  });
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("dblclick", () => turnCamera(kFront));
  const wheel = (event) => {
    event.preventDefault();
    zoomBy(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)));
  };
  canvas.addEventListener("wheel", wheel, { passive: false });

  const handle = $("wipe");
  handle.addEventListener("pointerdown", (event) => handle.setPointerCapture(event.pointerId));
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const box = $("canvas").getBoundingClientRect();
    wipeTo((event.clientX - box.left) / box.width);
  });
}

// --- words -------------------------------------------------------------------------------------------------------------

function tellWords() {
  const last = data.startFrame + data.nFrames - 1;
  const count = (n) => n.toLocaleString("en");
  const stride = data.frames.length > 1 ? data.frames[1] - data.frames[0] : data.nFrames;
  $("summary").textContent =
    `${count(data.nFrames)} frames${stride > 1 ? ` (one in ${stride} shown)` : ""} at ${+data.fps.toPrecision(5)} fps · ${count(data.nVertices)} vertices` +
    (hasEdit ? " · edited" : "");
  $("frames").textContent = `${data.startFrame} – ${last}`;
  $("last-view").textContent = String(Object.keys(kViews).length);
  $("facts").append(
    ...data.facts.map(([key, value]) => element("tr", {}, element("th", { scope: "row" }, key), element("td", {}, value))),
  );
  $("bands").hidden = !data.curves.some(({ band }) => band && band.some((v) => v > 0));
  $("notes").hidden = !data.notes.length;
  $("notes").append(...data.notes.map((sentence) => element("p", {}, sentence)));
  const stops = data.look.heat.filter((_, i) => i % 15 === 0).map((rgb) => `rgb(${rgb.join(" ")})`);
  $("ramp").style.background = `linear-gradient(to right, ${stops.join(", ")})`;
}

async function start() {
  if (typeof DecompressionStream === "undefined")
    return fail("no-inflate", "This browser cannot unpack the data in this page; Chrome 103, Firefox 113, Safari 16.4 or later can.");
  const gl = $("canvas").getContext("webgl2", { antialias: true, alpha: false, powerPreference: "high-performance" });
  root.dataset.webgl2 = String(Boolean(gl));
  $("main").hidden = false;
  tellWords();
  readAddress();
  curves = createCurves($("curves"), data, (index) => seek(nearestPlace(index)));
  connectControls();
  if (!gl) {
    fail("no-webgl2", "This browser has no WebGL2, so the pictures cannot be drawn; the curves and numbers below are complete.");
    renderer = { draw() {} };
    return update();
  }
  tellControls();
  const meshes = await readMeshes(data);
  renderer = createRenderer(gl, data, meshes);
  $("canvas").addEventListener("webglcontextlost", (event) => {
    event.preventDefault();
    renderer = null;
  });
  $("canvas").addEventListener("webglcontextrestored", () => {
    renderer = createRenderer(gl, data, meshes);
    update();
  });
  connectPointers();
  new ResizeObserver(update).observe($("canvas"));
  root.dataset.status = "ready";
  update();
}

start().catch((error) => {
  fail("error", "The data in this page cannot be shown: " + error.message);
  throw error;
});
