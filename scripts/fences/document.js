/** Between these two lines of docs/architecture.md stands the table; `npm run docs` renews it. */
const BEGIN = "<!-- rooms: begin -->";
const END = "<!-- rooms: end -->";

/** @param {readonly import("./rooms.js").Room[]} rooms */
function table(rooms) {
  const rows = rooms.map(({ name, what, imports, packages }) => {
    const cells = [`\`${name}\``, what, imports.join(", ") || "nothing", packages.join(", ")];
    return `| ${cells.join(" | ")} |`;
  });
  return ["| folder | what | may import | packages |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

/**
 * The document with its table of rooms renewed.
 *
 * @param {string} text the document
 * @param {readonly import("./rooms.js").Room[]} rooms
 * @throws {Error} where the document has no place for the table
 */
export function withTable(text, rooms) {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`docs/architecture.md needs ${BEGIN} and ${END}`);
  return `${text.slice(0, begin + BEGIN.length)}\n${table(rooms)}\n${text.slice(end)}`;
}
