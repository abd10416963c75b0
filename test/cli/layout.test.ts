import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Invocation } from "#pefd/cli/command.js";
import { findCommand } from "#pefd/cli/commands.js";
import { assertPinned } from "../helpers/pinned.js";

const WIDTHS = [60, 80, 120, 200];

/** So many lines of what is printed are pinned. */
const SCREEN = 40;

/** Commands that print what the program knows, and flags that make others do so. */
const PRINTING: readonly (readonly [name: string, flags: Record<string, unknown>])[] = [
  ["models", {}],
  ["methods", {}],
  ["config list", {}],
  ["distill", { config: "smoke", dry_run: true, path_t: "a/resnet14_x/t.pth" }],
  ["train-teacher", { dry_run: true }],
];

/** What a command prints on a terminal of some columns. */
async function printed(name: string, values: Record<string, unknown>, width: number | undefined) {
  const { command } = await findCommand(name.split(" ")).load();
  let text = "";
  const output = {
    json: false,
    quiet: false,
    color: false,
    width,
    notice: () => {},
    result: (shown: string) => {
      text = shown;
    },
  };
  const flags = { label: String, origin: (option: string) => `flag --${option}`, values };
  const { config: _config, dry_run: _dry, ...given } = values;
  const layers = [{ ...flags, values: given }];
  await command.run({
    layers,
    flags: values,
    positionals: [],
    configuration: undefined,
    argv: [],
    env: {},
    output,
  } as Invocation);
  return text;
}

const words = (text: string) => text.split(/\s+/).filter((word) => /\w/.test(word));

describe("what a command prints", () => {
  for (const [name, flags] of PRINTING) {
    it(`pefd ${name} fits every terminal as pinned, and loses no word`, async () => {
      const whole = new Set(words(await printed(name, flags, undefined)));
      for (const width of WIDTHS) {
        const text = await printed(name, flags, width);
        for (const line of text.split("\n")) {
          const isOneWord = line.trim().split(/ +/).length <= 2;
          assert.ok([...line].length <= width || isOneWord, `${width}: ${line}`);
        }
        const seen = text.split("\n").slice(0, SCREEN).join("\n");
        assertPinned(`cli/pinned/${name.replace(" ", "_")}_${width}.txt`, seen);
        const shown = new Set(words(text.replaceAll(/[.,]( |\n)/g, " ")));
        const lost = [...whole].filter((word) => !shown.has(word.replace(/[.,]$/, "")));
        assert.deepEqual(
          lost.filter((word) => !shown.has(word)),
          [],
          `at ${width}`,
        );
      }
    });
  }
});
