import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The command of this checkout. */
export const PEFD = fileURLToPath(new URL("../../bin/pefd.js", import.meta.url));

/** Runs a program that has to end well. @throws Error */
export function must(program, args, options = {}) {
  const stdio = ["ignore", "ignore", "inherit"];
  const { status, error } = spawnSync(program, args, { stdio, ...options });
  if (status !== 0) throw new Error(`${program} ended with ${status ?? error?.message}`);
}

/**
 * Draws a page as Chromium shows it (PEFD_CHROMIUM, else the one in the path).
 * @param write is given a folder of its own, writes the page there, and returns its file and the window's [width, height]
 */
export function drawPage(picture, write) {
  const folder = mkdtempSync(join(tmpdir(), "pefd-picture-"));
  try {
    const { page, size } = write(folder);
    must(process.env.PEFD_CHROMIUM ?? "chromium", [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--hide-scrollbars",
      `--user-data-dir=${join(folder, "profile")}`,
      `--window-size=${size.join(",")}`,
      `--screenshot=${resolve(picture)}`,
      pathToFileURL(page).href,
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
