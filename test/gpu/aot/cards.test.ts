import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { WORK_NAMES } from "#pefd/bench/types.js";
import { judgeGpu } from "#pefd/runtime/gpu/requirements.js";
import { fastestOf } from "#pefd/train/engine.js";
import { ROOT } from "../../helpers/paths.js";
import { CARDS, type Card, capabilityOf } from "./cards.js";

type Bounds = Record<string, Record<string, { readonly kernels: number; readonly megabytes: number } | undefined>>;

const BOUNDS = JSON.parse(readFileSync(join(ROOT, "test/gpu/aot/bounds.json"), "utf8")) as Bounds;
const DOCUMENT = join(ROOT, "docs/gpu.md");
const PLACE = /(?<=<!-- cards: begin -->\n)[\s\S]*(?=<!-- cards: end -->)/;

/** The oldest driver that pefd takes for a card. */
function driverFor(card: Card): string {
  const verdict = judgeGpu({ name: card.product, capability: capabilityOf(card).toFixed(1), driver: "1.0" } as Gpu);
  return (!verdict.fits && /needs ([\d.]+) or newer/.exec(verdict.why)?.[1]) || assert.fail(card.product);
}

type Gpu = Parameters<typeof judgeGpu>[0];

/** A card's row of docs/gpu.md. */
function rowOf(card: Card, document: string): string {
  const programs = WORK_NAMES.flatMap((work) =>
    [fastestOf(capabilityOf(card)), "float32"].map((precision) => {
      const found = BOUNDS[`${work} ${precision}`]?.[card.name] ?? assert.fail(`${work} ${precision}, ${card.name}`);
      return `${Math.round(found.kernels)}, ${Math.round(found.megabytes).toLocaleString("en")}`;
    }),
  );
  const measured = document.includes(`<!-- gpu-table: ${card.product}`) ? "below" : "not yet";
  const read = [fastestOf(capabilityOf(card)), driverFor(card)];
  const name = `${card.product.replace(/^(?:Tesla|NVIDIA)(?: GeForce)? /, "")} (${capabilityOf(card).toFixed(1)})`;
  return `| ${[name, ...read, ...programs, measured].join(" | ")} |`;
}

test("docs/gpu.md has a row per card: what is read, compiled and measured", () => {
  const document = readFileSync(DOCUMENT, "utf8");
  const works = WORK_NAMES.flatMap((work) => [`${work}, 16 bits`, `${work}, float32`]);
  const head = [
    "card",
    "`auto` (read)",
    "oldest driver (read)",
    ...works.map((one) => `${one} (compiled)`),
    "measured",
  ];
  const lines = [head, head.map(() => "---")].map((cells) => `| ${cells.join(" | ")} |`);
  const table = [...lines, ...CARDS.map((card) => rowOf(card, document))].map((line) => `${line}\n`).join("");
  if (process.env.UPDATE_AOT === "1") writeFileSync(DOCUMENT, document.replace(PLACE, table));
  else assert.equal(PLACE.exec(document)?.[0], table, "UPDATE_AOT=1 writes it");
});

test("cards are as on their data sheets: cores, lanes and clock make the float32 peak", () => {
  for (const { product, multiprocessors, lanes, clock, teraflops } of CARDS) {
    const peak = (multiprocessors * lanes * 2 * clock) / 1000;
    assert.ok(Math.abs(peak / teraflops - 1) < 0.01, `${product}: ${peak.toFixed(1)}, not ${teraflops} TFLOPS`);
  }
});
