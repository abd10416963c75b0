/**
 * Runs are picked in the tables: the plots then show only them, and what they differ in stands side by side. The picked
 * runs are known by their folders, so they stay picked when the page is renewed.
 */

/** @typedef {{ folder: string, name: string, experiment: number, settings: Record<string, string> }} Run */
/** @typedef {{ experiments: { label: string, runs: number[] }[], runs: Run[] }} Data */

/** Folders of the picked runs. @type {Set<string>} */
const picked = new Set();

/** @returns {Data} what the report says of its runs */
const readData = () => JSON.parse(document.querySelector("#data")?.textContent ?? "{}");

let data = readData();

/** @param {number} run */
const isPicked = (run) => picked.has(data.runs[run]?.folder ?? "");

/** The classes of strokes that are shown: those of picked runs, and of experiments whose runs are all picked. */
function shownClasses() {
  const experiments = data.experiments.flatMap(({ runs }, at) => (runs.every(isPicked) ? [`e${at}`] : []));
  const runs = data.runs.flatMap((_, at) => (isPicked(at) ? [`r${at}`] : []));
  return [...experiments, ...runs];
}

const sheet = document.head.appendChild(document.createElement("style"));

function showInPlots() {
  const root = document.documentElement;
  if (picked.size === 0) {
    delete root.dataset.shown;
    sheet.textContent = "";
    return;
  }
  const shown = shownClasses();
  root.dataset.shown = shown.join(" ");
  const rules = shown.map((name) => `.drawing .${name}{display:inline;stroke-opacity:1}`);
  sheet.textContent = `.drawing .e,.drawing .r{display:none}${rules.join("")}`;
}

/** @param {string} tag @param {string} text */
function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

/** A line of the comparison, its first cell a heading. @param {string} title @param {readonly string[]} values */
function line(title, values) {
  const row = document.createElement("tr");
  const head = element("th", title);
  head.setAttribute("scope", "row");
  row.append(head, ...values.map((value) => element("td", value)));
  return row;
}

/** Cells of some runs in the table, by column title. @param {readonly number[]} runs */
function figuresOf(runs) {
  const rows = runs.map((run) => [
    .../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(`#runs-table tr[data-run="${run}"] td`)),
  ]);
  const titles = (rows[0] ?? []).map((cell) => cell.dataset.label ?? "");
  return titles.map((title, at) =>
    line(
      title,
      rows.map((cells) => cells[at]?.textContent?.trim() ?? "-"),
    ),
  );
}

/** The settings in which some runs differ. @param {readonly number[]} runs */
function differencesOf(runs) {
  const settings = runs.map((run) => data.runs[run]?.settings ?? {});
  const keys = [...new Set(settings.flatMap(Object.keys))];
  return keys.flatMap((key) => {
    const values = settings.map((each) => each[key] ?? "-");
    return new Set(values).size > 1 ? [line(key, values)] : [];
  });
}

/** Runs side by side. @param {readonly number[]} runs */
function comparison(runs) {
  const table = document.createElement("table");
  const head = document.createElement("thead");
  const body = document.createElement("tbody");
  const titles = document.createElement("tr");
  titles.append(element("td", ""));
  for (const run of runs) {
    const title = element("th", data.runs[run]?.name ?? "");
    title.setAttribute("scope", "col");
    titles.append(title);
  }
  head.append(titles);
  body.append(...figuresOf(runs), ...differencesOf(runs));
  table.append(head, body);
  table.className = "compared";
  table.style.minWidth = `${140 + runs.length * 120}px`;
  const wide = document.createElement("div");
  Object.assign(wide, { className: "scrolled", tabIndex: 0 });
  wide.setAttribute("role", "region");
  wide.setAttribute("aria-label", "Selected runs side by side");
  wide.append(table);
  return wide;
}

function compare() {
  const section = /** @type {HTMLElement | null} */ (document.querySelector("#comparison"));
  if (section === null) return;
  const runs = data.runs.flatMap((_, at) => (isPicked(at) ? [at] : []));
  section.hidden = runs.length === 0;
  const status = element("p", `${runs.length} of ${data.runs.length} runs selected. `);
  status.setAttribute("role", "status");
  const clear = element("button", "Clear selection");
  clear.id = "clear-picks";
  clear.addEventListener("click", () => {
    picked.clear();
    showPicks();
    document.querySelector("h1")?.focus();
  });
  status.append(clear);
  const table = runs.length > 1 ? [comparison(runs)] : [];
  section.replaceChildren(element("h2", "Selected runs"), status, ...table);
}

/** The box of a row: of one run, or of all runs of an experiment. @param {HTMLElement} row */
function boxRuns(row) {
  if (row.dataset.run !== undefined) return [Number(row.dataset.run)];
  return data.experiments[Number(row.dataset.experiment)]?.runs ?? [];
}

function showPicks() {
  for (const box of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("input.pick"))) {
    const row = /** @type {HTMLElement} */ (box.closest("tr"));
    const runs = boxRuns(row);
    box.checked = runs.length > 0 && runs.every(isPicked);
    box.indeterminate = !box.checked && runs.some(isPicked);
  }
  showInPlots();
  compare();
}

/** @param {HTMLElement} row */
function addBox(row) {
  const runs = boxRuns(row);
  const box = document.createElement("input");
  const run = data.runs[Number(row.dataset.run)];
  const experiment = data.experiments[Number(row.dataset.experiment)];
  Object.assign(box, { type: "checkbox", className: "pick" });
  box.id = row.dataset.run ? `pick-run-${row.dataset.run}` : `pick-${row.dataset.experiment}`;
  box.setAttribute("aria-label", `Select ${run?.name ?? `all runs of ${experiment?.label}`}`);
  box.addEventListener("change", () => {
    for (const one of runs) {
      const folder = data.runs[one]?.folder ?? "";
      if (box.checked) picked.add(folder);
      else picked.delete(folder);
    }
    showPicks();
  });
  row.querySelector("td")?.prepend(box);
}

function prepare() {
  data = readData();
  for (const row of /** @type {NodeListOf<HTMLElement>} */ (
    document.querySelectorAll("tr[data-run], tr[data-experiment]")
  )) {
    if (!row.querySelector("input.pick")) addBox(row);
  }
  showPicks();
}

document.addEventListener("pefd-renewed", prepare);
prepare();
