import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What a run's config.json says, without a checksum: whoever means harm leaves none that does not fit. */
function unsealed(path: string): object {
  const { checksum: _, ...config } = JSON.parse(readFileSync(path, "utf8"));
  return config;
}

/** Changes a run's config.json. */
const configured =
  (change: Readonly<Record<string, unknown>>) =>
  (dir: string): void => {
    const path = join(dir, "config.json");
    writeFileSync(path, JSON.stringify({ ...unsealed(path), ...change }));
  };

const replaced = (file: string, content: string) => (dir: string) => writeFileSync(join(dir, file), content);

const linked = (file: string, target: string) => (dir: string) => {
  rmSync(join(dir, file));
  symlinkSync(target, join(dir, file));
};

const piped = (file: string) => (dir: string) => {
  rmSync(join(dir, file), { force: true });
  execFileSync("mkfifo", [join(dir, file)]);
};

const HEADER = "epoch,learning_rate,train_loss,train_top1,train_top5,test_loss,test_top1,test_top5,seconds,step_ms";
const logged = (...rows: readonly string[]) => replaced("epochs.csv", `${[HEADER, ...rows].join("\n")}\n`);

/** What makes a run a bad one, by a word for it: damage, and what only somebody who means harm would write. */
export const SPOILED: Readonly<Record<string, (dir: string) => void>> = {
  list: replaced("config.json", "[]"),
  null: replaced("config.json", "null"),
  cut: replaced("config.json", '{"kind": "dist'),
  gone: (dir) => rmSync(join(dir, "config.json")),
  deep: replaced("config.json", "[".repeat(200_000) + "]".repeat(200_000)),
  "deep inside": replaced("config.json", `{"kind":"distill","x":${"[".repeat(200_000)}${"]".repeat(200_000)}}`),
  wide: replaced("config.json", `{${Array.from({ length: 300_000 }, (_, i) => `"${i}":0`)},"kind":"distill"}`),
  huge: replaced("config.json", JSON.stringify({ kind: "distill", model: "x".repeat(2 ** 20) })),
  "config pipe": piped("config.json"),
  "config device": linked("config.json", "/dev/zero"),
  "log pipe": piped("epochs.csv"),
  "log device": linked("epochs.csv", "/dev/zero"),
  "result pipe": piped("result.json"),
  "null result": replaced("result.json", "null"),
  "no kind": configured({ kind: 3 }),
  "escape in the model": configured({ model: "a\u001b]0;x\u0007b\u009b31m" }),
  "escape in the method": configured({ distill: "ours\u001b[2J" }),
  "lines in the trial": configured({ trial: "\n\n" }),
  "another folder as teacher": configured({ teacher: "../../../x", model_t: "../../../x" }),
  "another folder as model": configured({ model: "../../../x" }),
  "negative epochs": configured({ epochs: -3 }),
  "half an epoch": configured({ epochs: 2.5 }),
  "endless epochs": configured({ epochs: 1e300 }),
  "half a trial": configured({ trial: 1.5 }),
  "log of nothing": replaced("epochs.csv", "hello\n"),
  "log backwards": logged("2,0.1,1,1,1,1,1,1,1,1", "1,0.1,1,1,1,1,1,1,1,1"),
  "half a row": logged("1,0.1,1,1,1"),
  "negative epoch": logged("-1,0.1,1,1,1,1,1,1,1,1"),
  "accuracy of a thousand": logged("1,0.1,1,1,1,1,1000,1,1,1"),
  "negative time": logged("1,0.1,1,1,1,1,1,1,-5,1"),
};

/** Runs that are odd, and are shown. */
export const ODD: Readonly<Record<string, (dir: string) => void>> = {
  "a property of every object as method": configured({ distill: "constructor" }),
  "the prototype as an option": (dir) => {
    const path = join(dir, "config.json");
    const text = JSON.stringify(unsealed(path));
    writeFileSync(path, text.replace("{", '{"__proto__":1,"constructor":2,"toString":"x",'));
  },
  "unprintable options": configured({
    note: "\u001b[31mred\u001b]0;title\u0007\n\r\t\u0085\u009b1m\u202eback",
    formula: "=cmd|' /C calc'!A1",
    "\u001b[2J/../../key": 1,
  }),
};
