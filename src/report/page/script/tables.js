/**
 * Every table with a head can be sorted by a column and filtered by words. What was chosen stays when the page is renewed.
 */

/** By a table's id: the column that it is sorted by, and whether the largest come first. @type {Map<string, { column: number, down: boolean }>} */
const orders = new Map();
/** By a table's id: what was typed. @type {Map<string, string>} */
const filters = new Map();

const SECONDS = { d: 86_400, h: 3600, min: 60, s: 1 };
const DURATION = /^(?:[\d.]+ (?:d|h|min|s)\b ?)+$/;
const PART = /([\d.]+) (d|h|min|s)\b/g;
const byText = new Intl.Collator("en", { numeric: true });

/**
 * The number that a cell is sorted by: a duration in seconds, else what it begins with.
 * @param {string} text
 * @returns {number} NaN where it is no number
 */
function numberOf(text) {
  if (!DURATION.test(text)) return Number.parseFloat(text);
  const parts = [...text.matchAll(PART)];
  return parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * SECONDS[/** @type {keyof typeof SECONDS} */ (unit)],
    0,
  );
}

/** @param {HTMLTableRowElement} row @param {number} column */
const textIn = (row, column) => row.cells[column]?.textContent?.trim() ?? "";

/** @param {string} text */
const isEmpty = (text) => text === "-" || text === "";

/** @param {readonly HTMLTableRowElement[]} rows @param {number} column */
const isNumeric = (rows, column) =>
  rows.every((row) => isEmpty(textIn(row, column)) || !Number.isNaN(numberOf(textIn(row, column))));

/** @param {HTMLTableElement} table */
const rowsOf = (table) =>
  [...(table.tBodies[0]?.rows ?? [])].sort((a, b) => Number(a.dataset.order) - Number(b.dataset.order));

/** Puts a table's rows in the chosen order, those without a value last. @param {HTMLTableElement} table */
function sort(table) {
  const order = orders.get(table.id);
  const rows = rowsOf(table);
  if (order !== undefined) {
    const { column, down } = order;
    const numeric = isNumeric(rows, column);
    /** @param {string} a @param {string} b */
    const compare = (a, b) => (numeric ? numberOf(a) - numberOf(b) : byText.compare(a, b));
    rows.sort((one, other) => {
      const [a, b] = [textIn(one, column), textIn(other, column)];
      if (isEmpty(a) || isEmpty(b)) return Number(isEmpty(a)) - Number(isEmpty(b));
      return down ? compare(b, a) : compare(a, b);
    });
  }
  table.tBodies[0]?.append(...rows);
  for (const [column, head] of [...(table.tHead?.rows[0]?.cells ?? [])].entries()) {
    if (order?.column !== column) head.removeAttribute("aria-sort");
    else head.setAttribute("aria-sort", order.down ? "descending" : "ascending");
  }
}

/** Numbers begin with the largest, words with the first; the third time the report's own order is back. @param {HTMLTableElement} table @param {number} column */
function chooseOrder(table, column) {
  const now = orders.get(table.id);
  const first = isNumeric(rowsOf(table), column);
  if (now?.column !== column) orders.set(table.id, { column, down: first });
  else if (now.down === first) orders.set(table.id, { column, down: !first });
  else orders.delete(table.id);
  sort(table);
}

/** Shows the rows that hold every word. @param {HTMLTableElement} table @param {HTMLOutputElement} count */
function filter(table, count) {
  const words = (filters.get(table.id) ?? "").toLowerCase().split(/\s+/);
  const rows = rowsOf(table);
  for (const row of rows) {
    const text = row.textContent?.toLowerCase() ?? "";
    row.hidden = !words.every((word) => text.includes(word));
  }
  const shown = rows.filter((row) => !row.hidden).length;
  count.textContent = shown === rows.length ? "" : `${shown} of ${rows.length} rows`;
}

/** @param {HTMLTableElement} table @param {HTMLTableCellElement} head @param {number} column */
function addSortButton(table, head, column) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", id: `${table.id}-sort-${column}` });
  button.append(...head.childNodes);
  button.addEventListener("click", () => chooseOrder(table, column));
  head.append(button);
}

/** The rows that are shown, as text. @param {HTMLTableElement} table @param {(cells: string[]) => string} line */
const textOf = (table, line) =>
  [...table.rows]
    .filter((row) => !row.hidden)
    .map((row) => line([...row.cells].map((cell) => cell.textContent?.trim() ?? "")))
    .join("\n");

/** A cell of a CSV file; a spreadsheet computes nothing of it. @param {string} text */
const csvCell = (text) => {
  const safe = /^[=+@]|^-(?![\d.])/.test(text) ? `'${text}` : text;
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

/** Buttons that take a table elsewhere. @param {HTMLElement} line @param {HTMLTableElement} table */
function addSaving(line, table) {
  const csv = () => textOf(table, (cells) => cells.map(csvCell).join(","));
  for (const [label, act] of /** @type {const} */ ([
    ["Copy", () => navigator.clipboard.writeText(textOf(table, (cells) => cells.join("\t")))],
    [
      "CSV",
      () => {
        const href = `data:text/csv;charset=utf-8,${encodeURIComponent(`${csv()}\n`)}`;
        Object.assign(document.createElement("a"), { href, download: `${table.id}.csv` }).click();
      },
    ],
  ])) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: label });
    button.addEventListener("click", act);
    line.append(button);
  }
}

/** A field to type into above a table. @param {HTMLTableElement} table */
function addFilter(table) {
  const line = document.createElement("p");
  const label = document.createElement("label");
  const field = document.createElement("input");
  const count = document.createElement("output");
  Object.assign(field, { type: "search", id: `${table.id}-filter` });
  field.value = filters.get(table.id) ?? "";
  field.addEventListener("input", () => {
    filters.set(table.id, field.value);
    filter(table, count);
  });
  line.className = "tools";
  label.append("Filter rows ", field);
  line.append(label, count);
  addSaving(line, table);
  table.parentElement?.before(line);
  filter(table, count);
}

function prepare() {
  for (const table of document.querySelectorAll("table")) {
    const heads = [...(table.tHead?.rows[0]?.cells ?? [])];
    if (heads.length === 0 || table.id === "" || heads[0]?.querySelector("button")) continue;
    for (const [at, row] of [...(table.tBodies[0]?.rows ?? [])].entries()) {
      row.dataset.order = String(at);
    }
    for (const [column, head] of heads.entries()) addSortButton(table, head, column);
    addFilter(table);
    sort(table);
  }
}

document.documentElement.classList.add("scripted");
document.addEventListener("pefd-renewed", prepare);
prepare();
