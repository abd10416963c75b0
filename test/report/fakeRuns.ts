import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { figuresOf, type PublishedFigure } from "#pefd/config/published/lookup.js";
import type { EpochRow } from "#pefd/report/live/reporter.js";
import { openEpochLog } from "#pefd/report/log/epochLog.js";
import { CONFIG_FILE } from "#pefd/runFiles/identity.js";
import { sealedText } from "#pefd/runFiles/stateFile.js";

/** A run to be made up: what its config.json says, and how it went. */
export interface FakeRun {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly trial?: number;
  readonly epochs?: number;
  /** Epochs done; all by default. */
  readonly done?: number;
  /** About where the test top-1 ends. */
  readonly height?: number;
  readonly stepMs?: number;
  /** Test top-1 after each epoch; made up by default. */
  readonly top1?: readonly number[];
  /** Names of the terms of the loss that are logged one by one; none by default. */
  readonly terms?: readonly string[];
}

const CONFIG = {
  kind: "distill",
  model: "resnet8x4",
  model_s: "resnet8x4",
  model_t: "resnet32x4",
  path_t: "save/models/resnet32x4_vanilla/ckpt_epoch_240.pth",
  distill: "ours",
  gamma: 1,
  alpha: 0,
  beta: 25,
  batch_size: 64,
  learning_rate: 0.05,
  num_proj: 3,
  lr_decay_epochs: [150, 180, 210],
};

/** A published figure of some source, trained as KD of resnet8x4 was. */
export function publishedFigure(top1: number, source: PublishedFigure["source"]): PublishedFigure {
  const kd = figuresOf("resnet32x4-resnet8x4").get("kd") as PublishedFigure;
  return { ...kd, top1, source };
}

/** A learning curve like those of CIFAR-100: steps up where the rate falls, and noise of its own. */
export function curveRow(epoch: number, epochs: number, trial: number, height = 76): EpochRow {
  const decays = [150, 180, 210].filter((at) => epoch > (at / 240) * epochs).length;
  const rise = 1 - Math.exp((-9 * epoch) / epochs);
  const noise = Math.sin(epoch * 12.9898 + trial * 78.233) * (decays === 0 ? 1.6 : 0.25);
  const top1 = (0.78 * rise + ([0, 0.17, 0.21, 0.22][decays] ?? 0)) * height + noise;
  return {
    epoch,
    learningRate: 0.05 * 0.1 ** decays,
    train: { loss: 14 - 0.11 * top1, top1: top1 + 2 * decays, top5: Math.min(99, top1 + 25) },
    test: { loss: 4.4 - 0.045 * top1, top1, top5: Math.min(98, top1 + 22) },
    seconds: 1.75 + 0.02 * trial,
    stepMs: 1.9,
    imagesPerSecond: 33_000,
  };
}

/** Writes a run's folder as training does, and gives its path. */
export async function writeRun(parent: string, name: string, run: FakeRun = {}): Promise<string> {
  const { trial = 1, epochs = run.top1?.length ?? 240, done = epochs } = run;
  const dir = join(parent, name);
  mkdirSync(dir, { recursive: true });
  const config = { ...CONFIG, epochs, trial, seed: trial * 10, ...run.config };
  writeFileSync(join(dir, CONFIG_FILE), sealedText(config));
  const { terms = [] } = run;
  const log = await openEpochLog(dir, { afterEpoch: 0, terms });
  for (let epoch = 1; epoch <= done; epoch++) {
    const row = curveRow(epoch, epochs, trial, run.height);
    const top1 = run.top1?.[epoch - 1] ?? row.test.top1;
    const { stepMs = row.stepMs } = run;
    const each = Object.fromEntries(terms.map((term, at) => [term, row.train.loss / (at + 2)]));
    const train = terms.length > 0 ? { ...row.train, terms: each } : row.train;
    log.append({ ...row, stepMs, train, test: { ...row.test, top1 } });
  }
  log.close();
  return dir;
}
