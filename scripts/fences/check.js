import { isBuiltin } from "node:module";
import { importsOf } from "./imports.js";

/** @typedef {import("./rooms.js").Room} Room */

/** The room of a file below `src`: the row with the longest name that its path starts with. */
function roomOf(rooms, file) {
  const inside = rooms.filter((room) => file.startsWith(`${room.name}/`));
  return inside.sort((one, other) => other.name.length - one.name.length)[0];
}

/** Complaints about the table itself: rooms named twice, and rooms that a row names before they stand in it. */
function* judgeTable(rooms) {
  const above = new Set();
  for (const room of rooms) {
    if (above.has(room.name)) yield `the table of rooms names ${room.name} twice`;
    for (const name of room.imports) {
      if (!above.has(name)) yield `${room.name} may import ${name}, which does not stand above it`;
    }
    above.add(room.name);
  }
}

/** Complaint about one import, or undefined; what is allowed is noted in `used`. */
function judgeImport(rooms, room, target, used) {
  if (target.package !== undefined) {
    if (isBuiltin(target.package) && target.package !== "node:process") return undefined;
    used.add(`${room.name} > ${target.package}`);
    return room.packages.includes(target.package) ? undefined : `may not import ${target.package}`;
  }
  const other = roomOf(rooms, target.file);
  if (other === room) return undefined;
  if (other === undefined) return `imports ${target.file}, which is in no room of the table`;
  used.add(`${room.name} > ${other.name}`);
  return room.imports.includes(other.name) ? undefined : `may not import ${other.name}`;
}

/** Complaints about files that import each other in a circle, types included. */
function* judgeCircles(edges) {
  const state = new Map();
  function* visit(file, path) {
    if (state.get(file) === "done") return;
    if (state.get(file) === "open") {
      yield `circle: ${[...path.slice(path.indexOf(file)), file].join(" -> ")}`;
      return;
    }
    state.set(file, "open");
    for (const next of edges.get(file) ?? []) yield* visit(next, [...path, file]);
    state.set(file, "done");
  }
  for (const file of edges.keys()) yield* visit(file, []);
}

/** Complaints about what the table allows and nobody does. */
function* judgeUnused(rooms, used) {
  for (const room of rooms) {
    for (const name of room.computed ?? []) {
      if (!used.has(`${room.name}/${name}`)) {
        yield `${room.name}/${name} may import modules by computed names and does not: take it out of the table`;
      }
    }
    for (const name of [...room.imports, ...room.packages]) {
      if (!used.has(`${room.name} > ${name}`)) {
        yield `${room.name} may import ${name} and does not: take it out of the table`;
      }
    }
  }
}

/**
 * Compares files with the table of rooms.
 *
 * @param {readonly Room[]} rooms the table
 * @param {ReadonlyMap<string, string>} files text by path below `src`, with slashes
 * @returns {string[]} complaints, none where all is well
 */
export function judge(rooms, files) {
  const complaints = [...judgeTable(rooms)];
  const used = new Set();
  const edges = new Map();
  for (const [file, text] of files) {
    const room = roomOf(rooms, file);
    if (room === undefined) {
      complaints.push(`src/${file}: its folder is in no row of scripts/fences/rooms.js`);
      continue;
    }
    const { targets, computed } = importsOf(file, text);
    const isAllowed = room.computed?.some((name) => file === `${room.name}/${name}`);
    if (computed && isAllowed) used.add(file);
    else if (computed) complaints.push(`src/${file}: imports a module by a name that is computed`);
    for (const target of targets) {
      const complaint = judgeImport(rooms, room, target, used);
      if (complaint !== undefined) complaints.push(`src/${file}: ${room.name} ${complaint}`);
    }
    edges.set(
      file,
      targets.flatMap((target) => target.file ?? []),
    );
  }
  return [...complaints, ...judgeCircles(edges), ...judgeUnused(rooms, used)];
}
