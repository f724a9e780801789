// What can be looked at: views with what each is compared with, what its colours measure, and how to read it.

const $ = (id) => document.getElementById(id);
const root = document.documentElement;
const data = JSON.parse($("data").textContent);
const hasEdit = Boolean(data.edited);
const hasOther = data.other !== null;

// after: with the edit; world: under the head's motion; rest: the neutral; other: as the other method found the head;
// heat: what the colours measure, or true where the reader chooses among `kHeats`.
const kViews = {
  take: {
    title: "Take",
    world: true,
    against: hasEdit ? "recombined" : "expression",
    caption: "The take as it was captured: head and expression together.",
  },
  expression: {
    title: "Head removed",
    against: "take",
    caption:
      "The take without the motion of its head. What still moves is expression; where bone moves (forehead, scalp, bridge of the nose), the head is wrong there. Side by side with the take, both follow the frame slider.",
  },
  ...(hasEdit && {
    edited: {
      title: "Edited",
      after: true,
      against: "expression",
      caption: "The edited face without the motion of its head.",
    },
    recombined: {
      title: "Recombined",
      world: true,
      after: true,
      against: "take",
      caption: "The edited face under the untouched head: what is delivered.",
    },
  }),
  heat: {
    title: "Displacement",
    after: hasEdit,
    heat: true,
    against: "expression",
    caption: `How far each vertex is from where it was, in ${data.unit}, with the head removed. The scale holds 99 % of the frames.`,
  },
};

// How well the head came out.
const kChecks = {
  residual: {
    title: "Residual",
    heat: "residual",
    against: "take",
    worst: "residual",
    caption: `How far each vertex is from the neutral in this frame; the scale ends at ${readableTop("residual")}. Bone should have the colour of clay: where it does not, the head is off by that much. Most expression is further off, and all of it equally dark.`,
  },
  mobility: {
    title: "Mobility",
    heat: "mobility",
    rest: true,
    against: "residual",
    caption: `How far each vertex strays from its usual place in head space in 95 % of the frames: one picture for the whole take; the scale ends at ${readableTop("mobility")}. Bone should have the colour of clay: a scalp or a nose bridge with colour means that the head took part of the expression, or left some of its own motion.`,
  },
  ...(hasOther && {
    other: {
      title: `By ${data.other.length > 24 ? data.other.slice(0, 23) + "…" : data.other}`,
      other: true,
      against: "expression",
      worst: "difference",
      caption: `The same frame with the head removed as “${data.other}” found it; the other views are by “${data.method}”. Side by side, the better head is the one whose bone keeps still.`,
    },
    difference: {
      title: "Difference",
      heat: "difference",
      against: "other",
      worst: "difference",
      caption: `How far each vertex under the head of “${data.method}” is from its place under the head of “${data.other}” in this frame, in ${data.unit}.`,
    },
  }),
};
Object.assign(kViews, kChecks);

const kLayouts = { single: "Single", side: "Side by side", wipe: "Wipe" };
const kHeats = { ...(hasEdit && { edit: "from the take" }), expression: "from the neutral" };
const kLegends = {
  edit: "Displacement",
  expression: hasEdit ? "Displacement" : "Displacement from the neutral",
  residual: "Distance from the neutral",
  mobility: "Distance from the usual place",
  difference: "Distance between the two heads’ faces",
};
const kWorst = { residual: "Largest residuals: ", difference: "Largest differences: " };

function readableTop(heat) {
  return `${+data.heatRange[heat].toPrecision(3)} ${data.unit}`;
}
