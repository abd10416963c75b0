/**
 * Values of a plot where the pointer is, or where the arrow keys have led to. The values lie beside each
 * drawing as JSON (src/report/plots/hover.ts).
 */

/** @typedef {{ of: string, text: string, value: number }} Told */
/** @typedef {{ x: number, y: number | undefined, title: string, told: Told[] }} Place */
/** @typedef {{ of: string, values: (number | null)[], stds?: (number | null)[] }} Curve */
/** @typedef {{ by: "point", points: [number, number, string, string][] } | { by: "place", places: [number, string][], curves: Curve[] }} Hover */

/** Pixels of the screen within which a pointer means a point. */
const NEAR = 36;
const TONES = 8;
/** More lines than these stand in two columns. */
const MANY = 16;
/** More lines than these are counted only. */
const MOST = 40;

const tip = document.body.appendChild(document.createElement("div"));
Object.assign(tip, { className: "tip", hidden: true });
tip.setAttribute("role", "status");

/** Run data of the page (htmlPage.ts). */
const readData = () => JSON.parse(document.querySelector("#data")?.textContent ?? "{}");

let data = readData();

const mark = document.createElementNS("http://www.w3.org/2000/svg", "path");
mark.setAttribute("class", "mark");

/** Whether strokes of a class are shown; without picks the experiments' means and single points are shown. @param {string} of @param {boolean} single */
function isShown(of, single) {
  const shown = document.documentElement.dataset.shown?.split(" ");
  if (shown !== undefined) return shown.includes(of);
  return single || of.startsWith("e");
}

/** The name of an experiment or a run, and the number of its color. @param {string} of */
function nameOf(of) {
  const at = Number(of.slice(1));
  const run = of.startsWith("r") ? data.runs[at] : undefined;
  const experiment = run?.experiment ?? at;
  return {
    name: run?.name ?? data.experiments[experiment]?.label ?? "",
    tone: (data.experiments[experiment]?.tone ?? 0) % TONES,
  };
}

/** Digits after the point of a mean and its deviation alike. @param {number} value */
const digitsOf = (value) => (Math.abs(value) >= 10 ? 2 : 4);

/** All places of a plot that have values to show now. @param {Hover} hover @returns {Place[]} */
function placesOf(hover) {
  if (hover.by === "point") {
    const points = hover.points.filter(([, , of]) => isShown(of, true));
    return points
      .map(([x, y, of, text]) => ({ x, y, title: "", told: [{ of, text, value: 0 }] }))
      .sort((a, b) => a.x - b.x);
  }
  const curves = hover.curves.filter(({ of }) => isShown(of, false));
  return hover.places.map(([x, title], at) => {
    const told = curves.flatMap(({ of, values, stds }) => {
      const [value, std] = [values[at], stds?.[at]];
      if (value === null || value === undefined) return [];
      const text = std ? `${value.toFixed(digitsOf(value))} ± ${std.toFixed(digitsOf(value))}` : String(value);
      return [{ of, text, value }];
    });
    return { x, y: undefined, title, told: told.sort((a, b) => b.value - a.value) };
  });
}

/** @param {Told} told */
function tipLine({ of, text }) {
  const { name, tone } = nameOf(of);
  const line = document.createElement("p");
  const chip = document.createElement("span");
  chip.className = "chip";
  chip.style.background = `var(--series-${tone})`;
  line.append(chip, `${name}: ${text}`);
  return line;
}

/** Shows a place, and marks it in the drawing. @param {SVGSVGElement} svg @param {Place} place */
function tell(svg, { x, y, title, told }) {
  const box = svg.getBoundingClientRect();
  const { width, height } = svg.viewBox.baseVal;
  const scale = box.width / width;
  const circle = `M${x - 8} ${y}a8 8 0 1 0 16 0a8 8 0 1 0 -16 0`;
  mark.setAttribute("d", y === undefined ? `M${x} 40V${height - 40}` : circle);
  svg.append(mark);
  const lines = told.slice(0, MOST).map(tipLine);
  if (told.length > MOST) {
    const more = `and ${told.length - MOST} more; select some to isolate them`;
    lines.push(Object.assign(document.createElement("p"), { textContent: more }));
  }
  if (title !== "") lines.unshift(Object.assign(document.createElement("p"), { textContent: title }));
  tip.replaceChildren(...lines);
  tip.classList.toggle("many", lines.length > MANY);
  tip.hidden = false;
  const left = box.left + x * scale + 16;
  const fits = left + tip.offsetWidth < document.documentElement.clientWidth - 8;
  const other = Math.max(8, box.left + x * scale - 16 - tip.offsetWidth);
  const top = box.top + (y === undefined ? 48 : y + 12) * scale;
  tip.style.left = `${(fits ? left : other) + scrollX}px`;
  tip.style.top = `${Math.max(8, Math.min(top, innerHeight - tip.offsetHeight - 8)) + scrollY}px`;
}

function hide() {
  tip.hidden = true;
  mark.remove();
}

/** The place nearest to the pointer; undefined where none is near. @param {SVGSVGElement} svg @param {readonly Place[]} places @param {PointerEvent} event */
function nearest(svg, places, { clientX, clientY }) {
  const box = svg.getBoundingClientRect();
  const scale = box.width / svg.viewBox.baseVal.width;
  /** @param {Place} place */
  const distance = ({ x, y }) => {
    const across = box.left + x * scale - clientX;
    return y === undefined ? Math.abs(across) : Math.hypot(across, box.top + y * scale - clientY);
  };
  const at = places.reduce(
    (best, place, i) => (distance(place) < distance(/** @type {Place} */ (places[best])) ? i : best),
    0,
  );
  const place = places[at];
  if (place === undefined) return undefined;
  return place.y === undefined || distance(place) <= NEAR ? at : undefined;
}

/** Where keys lead from a place. @param {string} key @param {number} at @param {number} count */
function nextPlace(key, at, count) {
  if (key === "ArrowRight") return Math.min(count - 1, at + 1);
  if (key === "ArrowLeft") return Math.max(0, at < 0 ? count - 1 : at - 1);
  if (key === "Home") return 0;
  return key === "End" ? count - 1 : undefined;
}

/** @param {string} address @param {string} name */
function download(address, name) {
  Object.assign(document.createElement("a"), { href: address, download: name }).click();
}

/** A drawing as a file, and as an image of twice its size. @param {SVGSVGElement} svg */
const addressOf = (svg) => {
  const copy = /** @type {SVGSVGElement} */ (svg.cloneNode(true));
  copy.querySelector(".mark")?.remove();
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
};

/** @param {SVGSVGElement} svg @param {string} name */
async function savePng(svg, name) {
  const image = Object.assign(new Image(), { src: addressOf(svg) });
  await image.decode();
  const { width, height } = svg.viewBox.baseVal;
  const canvas = Object.assign(document.createElement("canvas"), { width: 2 * width, height: 2 * height });
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  download(canvas.toDataURL("image/png"), name);
}

/** Buttons that download a drawing. @param {HTMLElement} drawing @param {SVGSVGElement} svg */
function addSaving(drawing, svg) {
  const line = Object.assign(document.createElement("div"), { className: "tools" });
  const name = (svg.getAttribute("aria-label") ?? "plot").toLowerCase().replace(/\W+/g, "_");
  for (const [kind, save] of /** @type {const} */ ([
    ["SVG", () => download(addressOf(svg), `${name}.svg`)],
    ["PNG", () => savePng(svg, `${name}.png`)],
  ])) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: kind });
    button.setAttribute("aria-label", `Download ${svg.getAttribute("aria-label")} as ${kind}`);
    button.addEventListener("click", save);
    line.append(button);
  }
  drawing.append(line);
}

/** @param {HTMLElement} drawing */
function listen(drawing) {
  const svg = drawing.querySelector("svg");
  const json = drawing.querySelector("script")?.textContent;
  if (!svg || !json || drawing.tabIndex === 0) return;
  /** Read when it is first wanted: a page of many runs has megabytes of them. @type {Hover | undefined} */
  let parsed;
  const places = () => {
    parsed ??= /** @type {Hover} */ (JSON.parse(json));
    return placesOf(parsed);
  };
  let at = -1;
  /** @param {number | undefined} next */
  const show = (next) => {
    const place = next === undefined ? undefined : places()[next];
    if (next === undefined || place === undefined) return hide();
    at = next;
    tell(svg, place);
  };
  addSaving(drawing, svg);
  drawing.tabIndex = 0;
  drawing.setAttribute("role", "group");
  drawing.setAttribute("aria-label", `${svg.getAttribute("aria-label")}: use arrow keys to read values`);
  for (const kind of /** @type {const} */ (["pointermove", "pointerdown"])) {
    drawing.addEventListener(kind, (event) => show(nearest(svg, places(), event)));
  }
  drawing.addEventListener("pointerleave", hide);
  drawing.addEventListener("blur", hide);
  drawing.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return hide();
    const next = nextPlace(event.key, at, places().length);
    if (next === undefined) return;
    event.preventDefault();
    show(next);
  });
}

function prepare() {
  for (const drawing of document.querySelectorAll("div.drawing")) {
    listen(/** @type {HTMLElement} */ (drawing));
  }
}

document.addEventListener("pefd-renewed", () => {
  data = readData();
  hide();
  prepare();
});
prepare();
