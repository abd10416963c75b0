// The picture of a command on a terminal: node scripts/pictures/terminal.js "pefd distill ..." FILE.png [FOLDER].
// Takes util-linux's script, and a Chromium. Runs the command in FOLDER on 92 columns, and draws what is
// left to be seen in the end.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { drawPage, must, PEFD } from "./chromium.js";

const [command, picture, cwd = "."] = process.argv.slice(2);
if (command === undefined || picture === undefined) {
  console.error('node scripts/pictures/terminal.js "pefd COMMAND ..." FILE.png [FOLDER]');
  process.exit(2);
}

const [COLUMNS, LINE_HEIGHT, MARGIN] = [92, 20, 16];
const ESCAPE = String.fromCharCode(27);
const COLORS = { 31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 34: "#79c0ff", 36: "#76e3ea" };

/** What a terminal shows of a line on which the cursor has gone back: each return begins it anew. */
const lastOf = (line) => line.replace(/\r+$/, "").split("\r").at(-1) ?? "";

/** A line without what colours it. */
const visible = (line) => line.replaceAll(new RegExp(`${ESCAPE}\\[[\\d;?]*[A-Za-z]`, "g"), "");

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** A line with its colours as HTML; what else a terminal is told is left out. */
function html(line) {
  let open = false;
  const close = () => {
    const tag = open ? "</span>" : "";
    open = false;
    return tag;
  };
  const parts = line.split(ESCAPE).map((part, index) => {
    const [, code = "", kind, text = ""] =
      index === 0 ? ["", "", "", part] : (/^\[([\d;?]*)([A-Za-z])(.*)$/.exec(part) ?? []);
    const color = kind === "m" ? COLORS[code] : undefined;
    if (color === undefined) return `${kind === "m" ? close() : ""}${escaped(text)}`;
    const tag = `${close()}<span style="color:${color}">`;
    open = true;
    return tag + escaped(text);
  });
  return parts.join("") + close();
}

drawPage(picture, (folder) => {
  const typed = command.replace(/^pefd /, `node ${PEFD} `);
  const stream = join(folder, "stream");
  must("script", ["-qec", `stty cols ${COLUMNS} rows 40; ${typed}`, stream], { cwd });
  const lines = readFileSync(stream, "utf8")
    .replace(/^Script started.*\n/, "")
    .replace(/\nScript done[\s\S]*$/, "")
    .replaceAll(`node ${PEFD}`, "pefd")
    .split("\n")
    .map(lastOf)
    .filter((line) => line !== "");
  const shown = [`$ ${command}`, ...lines].map(html).join("\n");
  const heights = [command, ...lines].map((line) => Math.ceil(visible(line).length / COLUMNS));
  const rows = heights.reduce((sum, height) => sum + height, 1);
  const page = join(folder, "page.html");
  const style = `margin:0;padding:${MARGIN}px;background:#0d1117;color:#e6edf3;white-space:pre-wrap;font:14px/${LINE_HEIGHT}px monospace`;
  writeFileSync(
    page,
    `<!doctype html><meta charset="utf-8"><body style="margin:0"><pre style="${style}">${shown}</pre>`,
  );
  const width = Math.ceil(COLUMNS * 8.43) + 2 * MARGIN + 4;
  return { page, size: [width, rows * LINE_HEIGHT + 2 * MARGIN] };
});
