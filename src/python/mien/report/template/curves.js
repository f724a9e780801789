// Curves over all frames of the take, as SVG: drawn once a width, read and clicked at any frame.

const kSvg = "http://www.w3.org/2000/svg";
const kPad = 8; // half the thumb of the frame slider, so that plots and slider share one axis
const kGutter = 56; // room for the numbers of the axis, as in the style sheet

function element(name, attributes, ...children) {
  const out = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) out.setAttribute(key, value);
  out.append(...children);
  return out;
}

function shape(name, attributes) {
  const out = document.createElementNS(kSvg, name);
  for (const [key, value] of Object.entries(attributes)) out.setAttribute(key, value);
  return out;
}

// As many places as a hundredth of the range needs, and a true minus sign.
function readable(value, [low, high]) {
  if (value === null) return "–";
  const places = Math.min(6, Math.max(0, Math.ceil(-Math.log10((high - low) / 100) - 1e-9)));
  return value.toFixed(places).replace(/^-(?=.*[1-9])/, "−").replace("-", "");
}

// The values, or where a band around them ends.
function withBand(values, band) {
  if (!band) return values;
  return values.flatMap((v, i) => (v === null || band[i] === null ? [v] : [v - band[i], v + band[i]]));
}

// A range whose ends are round numbers.
function roundRange(curve) {
  const values = curve.lines.flatMap((line) => withBand(line.values, curve.band)).filter((v) => v !== null);
  let low = curve.least ?? values.reduce((a, b) => Math.min(a, b), Infinity);
  let high = curve.most ?? values.reduce((a, b) => Math.max(a, b), -Infinity);
  if (!isFinite(low) || !isFinite(high)) [low, high] = [0, 1];
  if (high - low < 1e-9 * Math.max(1, Math.abs(high))) high = low + 1;
  const unit = 10 ** Math.floor(Math.log10((high - low) / 2));
  const step = unit * [1, 2, 5, 10].find((k) => k * unit >= (high - low) / 4);
  if (curve.least === undefined) low = Math.floor(low / step + 1e-9) * step;
  if (curve.most === undefined) high = Math.ceil(high / step - 1e-9) * step;
  return [low, high];
}

// A path with at most two points a pixel: the least and the largest value there.
function pathText(values, width, toX, toY) {
  let text = "";
  let pen = "M";
  const perPixel = values.length / width;
  const flush = (x, v) => {
    text += pen + x.toFixed(2) + " " + toY(v).toFixed(2);
    pen = "L";
  };
  const stride = Math.max(1, Math.floor(perPixel));
  for (let i = 0; i < values.length; i += stride) {
    let least = null, most = null;
    for (let j = i; j < Math.min(i + stride, values.length); j++) {
      const v = values[j];
      if (v === null) continue;
      if (least === null || v < values[least]) least = j;
      if (most === null || v > values[most]) most = j;
    }
    if (least === null) {
      pen = "M";
      continue;
    }
    const [first, second] = least <= most ? [least, most] : [most, least];
    flush(toX(first), values[first]);
    if (second !== first) flush(toX(second), values[second]);
    else if (values.length === 1) text += "h0.01";
  }
  return text;
}

// The outline of a band around values, at most one point a pixel above and one below: the furthest there.
function bandText(values, band, width, toX, toY) {
  const stride = Math.max(1, Math.floor(values.length / width));
  let text = "";
  let upper = [], lower = [];
  const close = () => {
    if (upper.length) text += "M" + upper.concat(lower.reverse()).join("L") + "Z";
    [upper, lower] = [[], []];
  };
  for (let i = 0; i < values.length; i += stride) {
    let low = Infinity, high = -Infinity;
    for (let j = i; j < Math.min(i + stride, values.length); j++) {
      if (values[j] === null || band[j] === null) continue;
      low = Math.min(low, values[j] - band[j]);
      high = Math.max(high, values[j] + band[j]);
    }
    if (low > high) {
      close();
      continue;
    }
    upper.push(toX(i).toFixed(2) + " " + toY(high).toFixed(2));
    lower.push(toX(i).toFixed(2) + " " + toY(low).toFixed(2));
  }
  close();
  return text;
}

// Runs of frames in which something was edited, as [first, last].
function editedRuns(data) {
  const edit = data.curves.find((curve) => curve.key === "edit");
  const runs = [];
  if (edit)
    edit.lines[0].values.forEach((v, f) => {
      if (!v) return;
      if (runs.length && runs[runs.length - 1][1] === f - 1) runs[runs.length - 1][1] = f;
      else runs.push([f, f]);
    });
  return runs;
}

function curveRow(curve, index) {
  const value = element("output", { class: "value" });
  const detail = element("p", { class: "detail" });
  const label = element("div", { class: "label" }, element("h3", {}, curve.title), value, detail);
  const svg = shape("svg", { role: "img", "aria-label": curve.title + " over all frames" });
  const cursor = element("div", { class: "cursor" });
  const plot = element("div", { class: "plot" }, svg, cursor);
  const row = element("div", { class: "row curve " + curve.key }, label, plot);
  return { row, svg, cursor, plot, value, detail, curve, range: roundRange(curve), index };
}

function innerWidthOf(width) {
  return Math.max(1, width - 2 * kPad - kGutter);
}

function drawCurve(view, nFrames, runs, width, height) {
  const { svg, curve, range } = view;
  const [low, high] = range;
  const inner = innerWidthOf(width);
  const toX = (f) => kPad + (nFrames > 1 ? (f / (nFrames - 1)) * inner : inner / 2);
  const toY = (v) => height - 9 - ((v - low) / (high - low)) * (height - 18);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren();
  for (const [first, last] of runs) {
    const x = toX(Math.max(0, first - 0.5));
    const wide = Math.max(1, toX(Math.min(nFrames - 1, last + 0.5)) - x);
    svg.append(shape("rect", { class: "edited", x, y: 0, width: wide, height }));
  }
  const ticks = low < 0 && high > 0 ? [low, 0, high] : [low, high];
  for (const tick of ticks) {
    svg.append(shape("line", { class: tick ? "grid" : "grid zero", x1: 0, x2: width - kGutter, y1: toY(tick), y2: toY(tick) }));
  }
  if (curve.band)
    curve.lines.forEach(({ values }, i) => {
      svg.append(shape("path", { class: `band band-${i}`, d: bandText(values, curve.band, inner, toX, toY) }));
    });
  curve.lines.forEach((line, i) => {
    const path = pathText(line.values, inner, toX, toY);
    svg.append(shape("path", { class: `line line-${i}`, d: path }));
  });
  for (const tick of ticks) {
    const text = shape("text", { class: "tick", x: width - kGutter + 6, y: toY(tick) + 4 });
    text.textContent = withUnit(String(+tick.toPrecision(3)).replace("-", "−"), curve.unit);
    svg.append(text);
  }
}

function withUnit(text, unit) {
  return unit && unit !== "°" ? text + " " + unit : text + unit;
}

// What a row says about one frame.
function tellCurve(view, frame) {
  const { curve, value, detail, range } = view;
  const values = curve.lines.map((line) => line.values[frame]);
  const total = values.length > 1 ? Math.hypot(...values) : values[0];
  value.value = total === null ? "missing" : withUnit(readable(total, range), curve.unit);
  if (values.length === 1) {
    const off = view.bands.map(({ band, unit }) => withUnit(readable(band[frame], [0, Math.max(...band)]), unit));
    detail.textContent = off.length ? "head within " + off.join(", ") : curve.detail || "";
    return;
  }
  detail.replaceChildren(
    ...curve.lines.map((line, i) => {
      const key = element("span", { class: `key key-${i}` });
      return element("span", { class: "part" }, key, `${line.name} ${readable(line.values[frame], range)}`);
    }),
  );
}

// All rows. `seek` is called with a frame of the take.
function createCurves(host, data, seek) {
  const runs = editedRuns(data);
  const views = data.curves.map(curveRow);
  for (const view of views)
    view.bands = view.curve.key === "confidence" ? data.curves.filter(({ band }) => band && band.some(Boolean)) : [];
  host.append(...views.map((view) => view.row));
  let current = 0;

  function place() {
    for (const view of views) {
      const inner = innerWidthOf(view.plot.clientWidth);
      const part = data.nFrames > 1 ? current / (data.nFrames - 1) : 0.5;
      view.cursor.style.transform = `translateX(${kPad + part * inner}px)`;
    }
  }

  function show(frame) {
    current = frame;
    place();
    for (const view of views) tellCurve(view, frame);
  }

  new ResizeObserver(() => {
    for (const view of views) {
      const { clientWidth, clientHeight } = view.plot;
      if (clientWidth) drawCurve(view, data.nFrames, runs, clientWidth, clientHeight);
    }
    place();
  }).observe(host);

  for (const { plot } of views) {
    const at = (event) => {
      const inner = innerWidthOf(plot.clientWidth);
      const part = (event.clientX - plot.getBoundingClientRect().left - kPad) / inner;
      seek(Math.round(Math.min(1, Math.max(0, part)) * (data.nFrames - 1)));
    };
    plot.addEventListener("pointerdown", (event) => {
      plot.setPointerCapture(event.pointerId);
      at(event);
    });
    plot.addEventListener("pointermove", (event) => {
      if (plot.hasPointerCapture(event.pointerId)) at(event);
    });
  }
  return { show };
}
