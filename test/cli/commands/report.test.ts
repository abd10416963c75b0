import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { ROOT } from "../../helpers/paths.js";
import { pefd } from "../../helpers/pefd.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { writeRun } from "../../report/fakeRuns.js";

/** Below the folder's ./save: kd of two finished trials and one unfinished, and their teacher. */
async function makeRuns(t: TestContext): Promise<string> {
  const cwd = temporaryFolder(t);
  const kd = { distill: "kd", gamma: 0.1, alpha: 0, beta: 0.9 };
  const students = join(cwd, "save/student_model");
  await writeRun(students, "kd_1", { trial: 1, top1: [70, 73], config: kd });
  await writeRun(students, "kd_2", { trial: 2, top1: [70, 74], config: kd });
  await writeRun(students, "kd_3", { trial: 3, top1: [70, 74], config: kd, done: 1 });
  const teacher = { kind: "teacher", model: "resnet32x4", teacher: undefined, distill: undefined };
  await writeRun(join(cwd, "save/models"), "teacher", { top1: [79.38], config: teacher });
  return cwd;
}

describe("pefd report", () => {
  it("prints the table of ./save with the paper's figures, and what is unfinished on stderr", async (t) => {
    const cwd = await makeRuns(t);
    const { exitCode, stdout, stderr } = await pefd(["report"], { cwd });
    assert.equal(exitCode, 0);
    const lines = stdout.split("\n").map((line) => line.split(/ {2,}/));
    assert.deepEqual(lines[2]?.slice(1, 3), ["resnet32x4", "teacher"]);
    assert.ok(lines[2]?.includes("79.42 *"), "the teacher's published accuracy");
    assert.ok(lines[3]?.includes("73.50 ± 0.71"));
    assert.ok(lines[3]?.includes("73.33 *"), "the student's published accuracy with kd");
    assert.match(stdout, /\n\* .*kd: \d+ epochs?, published with 240/);
    assert.match(stdout, /\nPublished: https:\/\/\S+RepDistiller \(alone, kd\)\.\n/);
    assert.equal(stderr, "save/student_model/kd_3: unfinished, epoch 1 of 2\n");
  });

  it("gives JSON, CSV and markdown, one at a time", async (t) => {
    const cwd = await makeRuns(t);
    const json = JSON.parse((await pefd(["report", "--json"], { cwd })).stdout);
    assert.equal(json.experiments[1].last.mean, 73.5);
    const { published, publishedBy } = json.experiments[1];
    assert.deepEqual([published, publishedBy], [73.33, "RepDistiller"]);
    assert.equal(json.runs.length, 4);
    const csv = (await pefd(["report", "save", "--csv", "-"], { cwd })).stdout.trim().split("\n");
    assert.equal(csv.length, 3);
    assert.match(csv[2] ?? "", /^distill,resnet32x4,resnet8x4,kd,0\.1,0,0\.9,2,1,73\.5,/);
    const markdown = (await pefd(["report", "save", "--markdown"], { cwd })).stdout;
    assert.match(markdown, /^\| Teacher +\| Student +\| Method +\|/);
    assert.match((await pefd(["report", "save", "--latex"], { cwd })).stdout, /^\\begin{tabular}/);
    const both = await pefd(["report", "--csv", "-", "--json"], { cwd });
    assert.deepEqual([both.exitCode, both.stdout], [2, ""]);
  });

  it("writes the page and the plots", async (t) => {
    const cwd = await makeRuns(t);
    const { exitCode, stderr } = await pefd(
      ["report", "save/student_model", "--html", "r.html", "--svg", "out/plots"],
      { cwd },
    );
    assert.equal(exitCode, 0, stderr);
    const page = readFileSync(join(cwd, "r.html"), "utf8");
    assert.match(page, /<svg role="img"/);
    assert.match(page, /<\/html>\n$/);
    assert.deepEqual(readdirSync(join(cwd, "out/plots")).sort(), [
      "final_top1.svg",
      "learning_rate.svg",
      "test_loss.svg",
      "test_top1.svg",
      "train_loss.svg",
      "train_top1.svg",
    ]);
    assert.match(stderr, /The page is r\.html\./);
  });

  it("writes one figure, and says what a figure lacks or which formats there are", async (t) => {
    const cwd = await makeRuns(t);
    for (const figure of ["accuracy", "curves"]) {
      const { exitCode, stderr } = await pefd(["report", "--figure", figure, "--out", "x.svg"], { cwd });
      assert.deepEqual([exitCode, /The figure is x\.svg/.test(stderr)], [0, true], stderr);
      assert.match(readFileSync(join(cwd, "x.svg"), "utf8"), /^<svg role="img"[\s\S]*<\/svg>\n$/);
    }
    for (const [words, said] of [
      [["--figure", "cost", "--out", "c.svg"], /no figure cost: it needs three methods/],
      [["--figure", "curves", "--out", "c.pdf"], /figures are SVG\.\n.*rsvg-convert/],
      [["--figure", "curves"], /--figure and --out belong together/],
    ] as const) {
      const { exitCode, stderr } = await pefd(["report", ...words], { cwd });
      assert.deepEqual([exitCode, said.test(stderr)], [2, true], stderr);
    }
  });

  it("refuses a folder that is missing or holds no runs, and writes nothing then", async (t) => {
    const cwd = temporaryFolder(t);
    const missing = await pefd(["report", "nowhere", "--html", "r.html"], { cwd });
    assert.equal(missing.exitCode, 2);
    assert.match(missing.stderr, /No such folder: nowhere\./);
    const empty = await pefd(["report", ".", "--html", "r.html"], { cwd });
    assert.equal(empty.exitCode, 2);
    assert.match(empty.stderr, /No runs found in \.\./);
    assert.equal(existsSync(join(cwd, "r.html")), false);
  });

  it("says why a page cannot be written", async (t) => {
    const cwd = await makeRuns(t);
    const { exitCode, stderr, stdout } = await pefd(["report", "--html", "no/r.html"], { cwd });
    assert.deepEqual([exitCode, stdout], [2, ""]);
    assert.match(stderr, /no\/r\.html could not be written: its folder does not exist/);
  });
});

describe("pefd watch", () => {
  it("off a terminal shows the state once, as text or as JSON", async (t) => {
    const cwd = await makeRuns(t);
    const { exitCode, stdout, stderr } = await pefd(["watch"], { cwd });
    assert.deepEqual([exitCode, stderr], [0, ""]);
    assert.match(stdout, /^1 running, 3 finished\n/);
    assert.match(stdout, /\nrunning +kd +3 +1\/2 /);
    const json = JSON.parse((await pefd(["watch", "--json"], { cwd })).stdout);
    const states = json.runs.map(({ trial, state }: Record<string, unknown>) => [trial, state]);
    assert.deepEqual(states, [
      [1, "finished"],
      [1, "finished"],
      [2, "finished"],
      [3, "running"],
    ]);
  });

  const skip = spawnSync("script", ["--version"]).status === 0 ? false : "no script(1) here";

  it("on a terminal shows runs as they go, until Ctrl-C", { skip }, async (t) => {
    const cwd = await makeRuns(t);
    const command = `${process.execPath} ${join(ROOT, "bin/pefd.js")} watch save/student_model`;
    const child = spawn("script", ["-qec", `${command} --interval 0.1`, "/dev/null"], { cwd });
    t.after(() => child.kill("SIGKILL"));
    const shown: string[] = [];
    child.stdout.setEncoding("utf8").on("data", (text: string) => shown.push(text));
    const until = async (pattern: RegExp) => {
      while (!pattern.test(shown.join(""))) await once(child.stdout, "data");
    };
    await until(/1 running, 2 finished/);
    await writeRun(join(cwd, "save/student_model"), "ours_1", { top1: [60] });
    await until(/1 running, 3 finished/);
    child.stdin.write("\u0003");
    const [exitCode] = await once(child, "close");
    assert.equal(exitCode, 130);
    assert.doesNotMatch(shown.join(""), /error/);
  });

  it("on a terminal that cannot be written over shows the state once", { skip }, async (t) => {
    const cwd = await makeRuns(t);
    const command = `TERM=dumb ${process.execPath} ${join(ROOT, "bin/pefd.js")} watch`;
    const { status, stdout } = spawnSync("script", ["-qec", command, "/dev/null"], {
      cwd,
      encoding: "utf8",
      timeout: 60_000,
    });
    assert.equal(status, 0);
    assert.match(stdout, /^1 running, 3 finished\r?\n/);
  });

  it("on a terminal ends with q, too", { skip }, async (t) => {
    const cwd = await makeRuns(t);
    const command = `${process.execPath} ${join(ROOT, "bin/pefd.js")} watch --interval 30`;
    const child = spawn("script", ["-qec", command, "/dev/null"], { cwd });
    t.after(() => child.kill("SIGKILL"));
    const shown: string[] = [];
    child.stdout.setEncoding("utf8").on("data", (text: string) => shown.push(text));
    while (!/3 finished/.test(shown.join(""))) await once(child.stdout, "data");
    child.stdin.write("q");
    const [exitCode] = await once(child, "close");
    assert.equal(exitCode, 0);
  });

  it("refuses a folder that does not exist", async (t) => {
    const { exitCode, stderr } = await pefd(["watch", "nowhere"], { cwd: temporaryFolder(t) });
    assert.equal(exitCode, 2);
    assert.match(stderr, /No such folder: nowhere\./);
  });
});

describe("pefd report --html", () => {
  it("writes through a link, into /dev/stdout and to /dev/null", async (t) => {
    const cwd = await makeRuns(t);
    mkdirSync(join(cwd, "www"));
    symlinkSync("www/index.html", join(cwd, "link.html"));
    assert.equal((await pefd(["report", "--html", "link.html"], { cwd })).exitCode, 0);
    assert.ok(lstatSync(join(cwd, "link.html")).isSymbolicLink());
    assert.match(readFileSync(join(cwd, "www/index.html"), "utf8"), /<\/html>\n$/);
    const line = `${process.execPath} ${join(ROOT, "bin/pefd.js")} report --html /dev/stdout`;
    const shell = (command: string) => spawnSync("sh", ["-c", command], { cwd, encoding: "utf8" });
    for (const [command, output] of [
      [`${line} | cat`, () => ""],
      [`${line} > both.txt`, () => readFileSync(join(cwd, "both.txt"), "utf8")],
    ] as const) {
      const { stdout } = shell(command);
      assert.match(stdout + output(), /<\/html>\n[\s\S]*resnet32x4 +resnet8x4 +kd|kd[\s\S]*<\/html>/);
    }
    const nothing = await pefd(["report", "--html", "/dev/null"], { cwd });
    assert.equal(nothing.exitCode, 0, nothing.stderr);
    assert.ok(lstatSync("/dev/null").isCharacterDevice());
  });
});
