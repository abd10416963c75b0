// What the report's page and a poll of `pefd report --serve` cost for many runs, which it makes up:
// node scripts/bench-report.js DIR [RUNS] [EPOCHS] [TRIALS]
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { publishedOf } from "../dist/cli/published.js";
import { livePage } from "../dist/report/server.js";
import { sealedText } from "../dist/runFiles/stateFile.js";

const [dir, runs = "2000", epochs = "240", trials = "5"] = process.argv.slice(2);
if (dir === undefined) throw new Error("Usage: node scripts/bench-report.js DIR [RUNS] [EPOCHS] [TRIALS]");

const METHODS = ["kd", "ours", "similarity", "attention", "correlation", "vid", "rkd", "crd"];
const COLUMNS =
  "epoch,learning_rate,train_loss,train_top1,train_top5,test_loss,test_top1,test_top5,seconds,step_ms,train_ce,train_kd";

const sha256 = (text) => createHash("sha256").update(String(text)).digest("hex");

/** An epoch's line: a curve that rises by steps, with noise of its own. */
function line(epoch, run) {
  const decays = [150, 180, 210].filter((at) => epoch > (at / 240) * Number(epochs)).length;
  const noise = Math.sin(epoch * 12.9898 + run * 78.233) * (decays === 0 ? 1.6 : 0.25);
  const top1 = 55 * (1 - Math.exp((-9 * epoch) / Number(epochs))) + [0, 12, 15, 16][decays] + noise + 2;
  const [loss, ce] = [14 - 0.11 * top1, 4 - 0.03 * top1 + 0.01 * noise];
  const train = [loss, top1, Math.min(99, top1 + 25), 4.4 - 0.045 * top1];
  const test = [top1 + 0.1 * Math.cos(run * epoch), Math.min(98, top1 + 22)];
  return [epoch, 0.05 * 0.1 ** decays, ...train, ...test, 23.4 + noise, 8.1 + 0.1 * noise, ce, loss - ce].join();
}

/** A finished run's folder, as training leaves it but for its weights. */
function writeRun(run) {
  const experiment = Math.floor(run / Number(trials));
  const distill = METHODS[experiment % METHODS.length];
  const options = {
    kind: "distill",
    model: "resnet8x4",
    model_s: "resnet8x4",
    model_t: "resnet32x4",
    distill,
    gamma: 0.1,
    alpha: 0.9,
    beta: 1 + Math.floor(experiment / METHODS.length),
    batch_size: 64,
    learning_rate: 0.05,
    lr_decay_epochs: [150, 180, 210],
    lr_decay_rate: 0.1,
    momentum: 0.9,
    weight_decay: 0.0005,
    dataset: "cifar100",
    precision: "float32",
    trial: 1 + (run % Number(trials)),
    seed: 10 + run,
  };
  const identity = {
    trainSha256: sha256("train"),
    testSha256: sha256("test"),
    teacherSha256: sha256("teacher"),
    engine: "graph",
    device: "cpu",
    numerics: 7,
    options,
  };
  const others = {
    engine: "graph",
    device: "CPU",
    save_dir: "save",
    data: "data",
    epochs: Number(epochs),
  };
  const name = join(dir, "student_model", `S:resnet8x4_T:resnet32x4_cifar100_${distill}_${run}`);
  mkdirSync(name, { recursive: true });
  writeFileSync(join(name, "config.json"), sealedText({ ...options, ...others, identity }));
  const lines = Array.from({ length: Number(epochs) }, (_, at) => line(at + 1, run));
  writeFileSync(join(name, "epochs.csv"), `${[COLUMNS, ...lines].join("\n")}\n`);
  const metrics = { loss: 1, top1: 50, top5: 75 };
  const result = {
    runDir: name,
    epochs: Number(epochs),
    train: metrics,
    test: metrics,
    best: { top1: 50, epoch: 1 },
    seconds: 1,
    stepMs: 1,
    engine: "graph",
    precision: "float32",
    device: "CPU",
    weightsSha256: sha256(run),
  };
  writeFileSync(join(name, "result.json"), sealedText(result));
  return name;
}

const past = new Date(Date.now() - 60_000);
if (!existsSync(dir)) {
  for (let run = 0; run < Number(runs); run++) {
    const name = writeRun(run);
    for (const file of ["config.json", "epochs.csv", "result.json", ""]) utimesSync(join(name, file), past, past);
  }
}

/** Seconds of CPU time and of the clock that an action takes, and what it returns. */
function timed(action) {
  const [clock, cpu] = [performance.now(), process.cpuUsage()];
  const value = action();
  const { user, system } = process.cpuUsage(cpu);
  return { value, seconds: (performance.now() - clock) / 1000, cpu: (user + system) / 1e6 };
}
const told = ({ seconds, cpu }) => `${seconds.toFixed(3)} s, ${(1000 * cpu).toFixed(0)} ms of CPU time`;

const [bin, page] = [fileURLToPath(new URL("../bin/pefd.js", import.meta.url)), `${dir}.html`];
const made = timed(() =>
  spawnSync(
    "/usr/bin/time",
    ["-f", "%e s, %U s of CPU time, %M kB", process.execPath, bin, "report", dir, "--html", page, "--quiet"],
    {
      encoding: "utf8",
      maxBuffer: 2 ** 30,
    },
  ),
);
console.log(`pefd report --html: ${made.value.stderr.trim()}, ${statSync(page).size} bytes`);

let now = Date.now();
const look = livePage([dir], publishedOf, () => {
  now += 60_000;
  return now;
});
console.log(`the first page served: ${told(timed(look))}`);
for (let poll = 0; poll < 5; poll++) console.log(`a poll, nothing changed: ${told(timed(look))}`);
const last = join(dir, "student_model", `S:resnet8x4_T:resnet32x4_cifar100_${METHODS[0]}_0`, "epochs.csv");
appendFileSync(last, `${line(Number(epochs) + 1, 0)}\n`);
console.log(`a poll after an epoch of one run: ${told(timed(look))}`);
console.log(`most memory: ${process.resourceUsage().maxRSS} kB`);
