import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type TestContext, test } from "node:test";
import { COMMANDS } from "#pefd/cli/commands.js";
import { ROOT } from "../helpers/paths.js";
import { pefd } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { betweenMarkers, formatsReference } from "./reference.js";

const TEXT = readFileSync(resolve(ROOT, "docs/formats.md"), "utf8");

/** A place in a document: `runs[].test.top1`; `*` stands for any name, `[]` for every element. */
interface Place {
  readonly path: string;
  /** Whether it is there only where its sentence says. */
  readonly sometimes: boolean;
}

/** What is documented below a heading: the first cells of its table. */
function documented(heading: string): Place[] {
  const start = TEXT.indexOf(`\n### ${heading}\n`);
  assert.ok(start >= 0, `docs/formats.md has no ${heading}`);
  const part = TEXT.slice(start + 5).split(/\n##/)[0] ?? "";
  return part.split("\n").flatMap((line) => {
    const [, cell = "", meaning = ""] = line.split(" | ").length > 1 ? line.split(/^\| | \| /) : [];
    return [...cell.matchAll(/`([^`]+)`/g)].map(([, path]) => {
      return { path: path as string, sometimes: meaning.startsWith("Only") };
    });
  });
}

/** Every place of a value: the empty ones, below which nothing can be told, apart. */
function placesOf(value: unknown, path: string, maps: ReadonlySet<string>): [string, boolean][] {
  if (maps.has(`${path}.*`)) return [[`${path}.*`, false]];
  const isList = Array.isArray(value);
  if (isList && value.every((one) => typeof one !== "object")) return [[path, value.length === 0]];
  if (isList) return value.flatMap((one) => placesOf(one, `${path}[]`, maps));
  if (typeof value !== "object" || value === null) return [[path, value === null]];
  return Object.entries(value).flatMap(([name, one]) => placesOf(one, path === "" ? name : `${path}.${name}`, maps));
}

const isBelow = (path: string, above: string) =>
  path === above || path.startsWith(`${above}.`) || path.startsWith(`${above}[]`);

function compare(heading: string, found: [string, boolean][]): void {
  const places = documented(heading);
  const paths = places.map(({ path }) => path);
  const unknown = found.filter(([path, isEmpty]) =>
    isEmpty ? !paths.some((known) => isBelow(known, path)) : !paths.includes(path),
  );
  assert.deepEqual([...new Set(unknown.map(([path]) => path))], [], `${heading}: not documented`);
  const missing = places.filter(
    ({ path, sometimes }) =>
      !sometimes && !found.some(([own, isEmpty]) => own === path || (isEmpty && isBelow(path, own))),
  );
  assert.deepEqual(
    missing.map(({ path }) => path),
    [],
    `${heading}: documented, and not there`,
  );
}

function compareJson(heading: string, text: string): void {
  const maps = new Set(documented(heading).map(({ path }) => path));
  compare(heading, placesOf(JSON.parse(text), "", maps));
}

function compareCsv(heading: string, text: string): void {
  const [titles = ""] = text.split("\n");
  compare(
    heading,
    titles.split(",").map((title) => [title, false]),
  );
}

test("the list of settings in docs/formats.md is what the options say: `npm run docs`", () => {
  assert.equal(TEXT, betweenMarkers(TEXT, formatsReference(), "settings"));
});

const RUN = "`pefd train-teacher --json`, `pefd distill --json`, `pefd rerun --json`, `result.json`";

test("every command that prints a document has its place in docs/formats.md", async () => {
  const missing: string[] = [];
  for (const { name, load } of COMMANDS) {
    const { sections } = (await load()).command;
    const isTold = new RegExp(`^### .*\`pefd ${name} .*--json\``, "m").test(TEXT);
    if (sections.some(({ rows }) => "json" in rows) && !isTold) missing.push(name);
  }
  assert.deepEqual(missing, []);
});

const SMALL = ["--data", "data", "--batch_size", "20", "--epochs", "1"];
const PAIR = ["--model_t", "resnet8", "--model_s", "resnet8", "--distill", "kd"];

async function typed(t: TestContext) {
  const cwd = temporaryFolder(t);
  const run = async (words: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await pefd([...words, "--quiet"], { cwd });
    assert.ok(exitCode === 0 || words[0] === "doctor", `${words.join(" ")}: ${stderr}`);
    return stdout;
  };
  return {
    cwd,
    json: (...words: string[]) => run([...words, "--json"]),
    csv: (...words: string[]) => run(words),
  };
}

test("what programs read is as docs/formats.md says, all of it", async (t) => {
  const { cwd, json, csv } = await typed(t);
  const made = await json("data", "synthesize", "--out", "data", "--train", "40", "--test", "20");
  compareJson("`pefd data synthesize --json`", made);
  compareJson("`pefd data verify --json`", await json("data", "verify", "--data", "data"));
  compareJson("`pefd data show --json`", await json("data", "show", "data", "--svg", "sheet.svg"));
  const reading = ["bench", "--what", "data", "--data", "data", "--batch_size", "4", "--repeats", "1"];
  compareJson("`pefd bench --what data --json`", await json(...reading));
  const steps = await json(...reading, "--model_s", "resnet8", "--steps", "1");
  compareJson("`pefd bench --what data --json`", steps);
  const teacher = await json("train-teacher", "--model", "resnet8", ...SMALL);
  compareJson(RUN, teacher);
  const student = JSON.parse(await json("distill", ...PAIR, ...SMALL));
  const log = readFileSync(join(cwd, student.runDir, "epochs.csv"), "utf8");
  compareCsv("`epochs.csv`", log.replace(/train_(ce|kd)/g, "train_TERM"));
  const checkpoint = join(student.runDir, "resnet8_last.safetensors");
  const images = ["--checkpoint", checkpoint, "--data", "data"];
  compareJson("`pefd eval --json`", await json("eval", ...images, "--per_class", "classes.csv"));
  compareCsv("`pefd eval --per_class`", await csv("eval", ...images, "--per_class", "-"));
  compareJson("`pefd report --json`", await json("report"));
  compareCsv("`pefd report --csv`", await csv("report", "--csv", "-"));
  compareJson("`pefd watch --json`", await json("watch"));
  const sweep = await json("sweep", ...PAIR, ...SMALL, "--trials", "1");
  const { sweep: ended, ...report } = JSON.parse(sweep);
  const alone = { sweep: ended, experiments: [], runs: [], problems: [] };
  compareJson("`pefd sweep --json`", JSON.stringify(alone));
  compareJson("`pefd report --json`", JSON.stringify(report));
  const run = ["--run", student.runDir, "--data", "data"];
  compareJson("`pefd analyze --json`", await json("analyze", "--last", ...run));
  compareCsv("`pefd analyze --csv`", await csv("analyze", "--last", ...run, "--csv", "-"));
  compareJson("`pefd verify --json`", await json("verify", student.runDir));
  compareJson("`pefd convert --json`", await json("convert", checkpoint, "student.pth"));
  compareJson(RUN, await json("rerun", student.runDir));
});

test("data sets of files and timings are told as docs/formats.md says", async (t) => {
  const { json } = await typed(t);
  const folder = ["--dataset", "folder", "--data", "images"];
  await json("data", "synthesize", "--dataset", "folder", "--out", "images", "--train", "8");
  compareJson("`pefd data pack --json`", await json("data", "pack", ...folder, "--out", "shards"));
  const timed = ["bench", "--engine", "graph", "--precision", "float32", "--repeats", "1"];
  const pair = ["--model_t", "resnet8", "--model_s", "resnet8", "--batch_size", "4"];
  for (const chosen of [
    ["--distill", "dkd"],
    ["--distill", "kd", "--alone"],
  ]) {
    compareJson("`pefd bench --json`", await json(...timed, ...pair, ...chosen));
  }
  compareJson(
    "`pefd new method --json`, `pefd new model --json`, `pefd new dataset --json`",
    await json("new", "method", "mine"),
  );
});

test("what the program tells of itself is as docs/formats.md says", async (t) => {
  const { json } = await typed(t);
  compareJson("`pefd models --json`", await json("models"));
  compareJson("`pefd methods --json`", await json("methods"));
  compareJson("`pefd config list --json`", await json("config", "list"));
  compareJson("`--dry_run --json`", await json("train-teacher", "--dry_run"));
  compareJson("`pefd doctor --json`", await json("doctor"));
});
