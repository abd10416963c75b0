import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../../helpers/paths.js";
import { pefd } from "../../helpers/pefd.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { writeRun } from "../fakeRuns.js";
import { findChromium, openTab, type Tab } from "../page/browser.js";

const chromium = findChromium();
const skip = chromium === undefined ? "no Chromium here (PEFD_CHROMIUM names one)" : false;

/** Starts `pefd report --serve`, and gives the address that it prints. */
async function startServer(
  t: TestContext,
  cwd: string,
  words: readonly string[] = [],
): Promise<{ child: ChildProcess; url: string }> {
  const line = [join(ROOT, "bin/pefd.js"), "report", "--serve", ...words];
  const child = spawn(process.execPath, line, { cwd, stdio: ["ignore", "pipe", "ignore"] });
  t.after(() => child.kill("SIGKILL"));
  const [text] = await once(child.stdout as NodeJS.ReadableStream, "data");
  return { child, url: String(text).trim() };
}

/** Waits until an expression is true in a tab. */
async function until(tab: Tab, expression: string): Promise<void> {
  for (;;) {
    if (await tab.evaluate<boolean>(expression)) return;
    await sleep(200);
  }
}

describe("pefd report --serve", () => {
  it("prints an address, answers there, and ends at Ctrl-C with 130", async (t) => {
    const cwd = temporaryFolder(t);
    await writeRun(join(cwd, "save"), "run", { epochs: 2 });
    const { child, url } = await startServer(t, cwd, ["save"]);
    const page = await fetch(url);
    assert.equal(page.status, 200);
    assert.match(await page.text(), /Distillation resnet32x4 → resnet8x4/);
    child.kill("SIGINT");
    const [exitCode] = await once(child, "close");
    assert.equal(exitCode, 130);
    await assert.rejects(fetch(url));
  });

  it("takes a port that is free, and says it of one that is not", async (t) => {
    const cwd = temporaryFolder(t);
    await writeRun(join(cwd, "save"), "run", { epochs: 2 });
    const { url } = await startServer(t, cwd);
    const { port } = new URL(url);
    const again = await pefd(["report", "--serve", port], { cwd });
    assert.deepEqual([again.exitCode, again.stdout], [2, ""]);
    assert.match(again.stderr, new RegExp(`Port ${port} is already in use`));
    const missing = await pefd(["report", "--serve", "0", "nowhere"], { cwd });
    assert.equal(missing.exitCode, 2);
    assert.match(missing.stderr, /No such folder: nowhere/);
  });

  it("follows a training in a browser, and a run that is added and removed", {
    skip,
  }, async (t) => {
    const cwd = temporaryFolder(t);
    await writeRun(join(cwd, "save"), "before", { epochs: 2, config: { distill: "kd" } });
    const made = await pefd(["data", "synthesize", "--train", "64", "--test", "20", "--classes", "10"], { cwd });
    assert.equal(made.exitCode, 0, made.stderr);
    const { url } = await startServer(t, cwd);
    const tab = await openTab(t, chromium ?? "");
    await tab.open(url);
    await tab.evaluate(`(() => {
      const field = document.querySelector("#runs-table-filter");
      field.value = "save";
      field.dispatchEvent(new Event("input"));
      document.querySelector("details").open = true;
    })()`);
    const training = pefd(["train-teacher", "--model", "resnet8", "--data", "data/synthetic", "--epochs", "6"], {
      cwd,
    });
    const epochs = `[...document.querySelectorAll('#runs-table [data-label="Epochs"]')].map((it) => it.textContent)`;
    await until(tab, `${epochs}.some((text) => /^[1-6]\\/6$/.test(text))`);
    await until(tab, `${epochs}.includes("6/6")`);
    const { exitCode, stderr } = await training;
    assert.equal(exitCode, 0, stderr);
    await until(tab, `/, 2 finished/.test(document.querySelector("#about").textContent)`);
    assert.equal(await tab.evaluate(`document.querySelector("#runs-table-filter").value`), "save");
    assert.equal(await tab.evaluate(`document.querySelector("details[open]") !== null`), true);
    rmSync(join(cwd, "save/before"), { recursive: true });
    await until(tab, `document.querySelector("h1").textContent === "Teachers"`);
    assert.deepEqual(tab.complaints, []);
  });
});
