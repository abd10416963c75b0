// The picture of the report's page: node scripts/picture.js RUNS FILE.png [WIDTHxHEIGHT]. Takes a Chromium (PEFD_CHROMIUM).
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const [runs, picture, size = "1280x1000"] = process.argv.slice(2);
if (runs === undefined || picture === undefined) {
  console.error("node scripts/picture.js RUNS FILE.png [WIDTHxHEIGHT]");
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "pefd-picture-"));

function must(program, args) {
  const { status, error } = spawnSync(program, args, { stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error(`${program} ended with ${status ?? error?.message}`);
}

try {
  const page = join(folder, "report.html");
  const pefd = fileURLToPath(new URL("../bin/pefd.js", import.meta.url));
  must(process.execPath, [pefd, "report", runs, "--html", page]);
  must(process.env.PEFD_CHROMIUM ?? "chromium", [
    ...["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"],
    ...[`--user-data-dir=${join(folder, "profile")}`, `--window-size=${size.replace("x", ",")}`],
    `--screenshot=${resolve(picture)}`,
    pathToFileURL(page).href,
  ]);
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
