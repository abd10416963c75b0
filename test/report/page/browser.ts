import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** A Chromium that starts, or undefined. PEFD_CHROMIUM names another than those on the PATH. */
export function findChromium(): string | undefined {
  const names = process.env.PEFD_CHROMIUM ? [process.env.PEFD_CHROMIUM] : NAMES;
  return names.find((name) => spawnSync(name, ["--version"]).status === 0);
}

const QUIET = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

/** Runs Chromium on a file with a fresh profile, which is removed. @returns what it prints */
function browse(chromium: string, file: string, flags: readonly string[]): string {
  const profile = mkdtempSync(join(tmpdir(), "pefd-chromium-"));
  const url = pathToFileURL(file).href;
  const run = spawnSync(chromium, [...QUIET, `--user-data-dir=${profile}`, ...flags, url], {
    encoding: "utf8",
    timeout: 120_000,
    maxBuffer: 1 << 26,
  });
  rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  if (run.status !== 0) throw new Error(`${chromium} ended with ${run.status}: ${run.stderr}`);
  return run.stdout;
}

/** The document as the browser understood it. */
export const dumpDom = (chromium: string, file: string): string =>
  browse(chromium, file, ["--dump-dom"]);

/** A PNG of the page for a reader who prefers light or dark. */
export function screenshot(chromium: string, file: string, scheme: "light" | "dark"): Buffer {
  const image = `${file}.${scheme}.png`;
  const scheming = scheme === "dark" ? ["--blink-settings=preferredColorScheme=0"] : [];
  browse(chromium, file, [...scheming, "--window-size=1200,1600", `--screenshot=${image}`]);
  return readFileSync(image);
}
