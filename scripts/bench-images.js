// Images per second, and per second of CPU time, that training's transform makes of a folder's files, of the same
// packed into shards, and of shards with short sides of 256: node scripts/bench-images.js DATA [WORKERS] [EPOCHS].
// scripts/bench-images.py does the same with the folder in PyTorch.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FOLDER } from "../dist/data/folder/row.js";
import { normalizedBatch, wordsOf } from "../dist/data/images/byteBatch.js";
import { openImageStream } from "../dist/data/images/stream/stream.js";
import { packImages } from "../dist/data/shards/pack.js";
import { reencodingWords } from "../dist/data/shards/reencode.js";
import { reencodeAll } from "../dist/data/shards/reencodeAll.js";
import { loadTensorFlow, tf } from "../dist/runtime/tf.js";

const [data, workers = "2", epochs = "6"] = process.argv.slice(2);
const BATCH = 32;
const SMALL = { shortSide: 256, quality: 90 };

loadTensorFlow({ env: process.env, keepPrograms: false });

/** The rates at which images of a data folder become a training's. */
async function measure(images, folder) {
  const { train } = await FOLDER.open(folder);
  const settings = { seed: 1, workers: Number(workers), batchSize: BATCH };
  const stream = openImageStream([train], settings);
  const oneEpoch = (epoch) => {
    const rows = Array.from({ length: train.count }, (_, image) => [0, image, epoch]);
    for (let i = 0; i < rows.length; i += BATCH) {
      const batch = rows.slice(i, i + BATCH);
      const words = stream.take(batch, rows.slice(i + BATCH));
      // As a step does.
      tf.tidy(() => {
        const shape = [batch.length, wordsOf(train)];
        normalizedBatch(tf.tensor2d(words, shape, "int32"), train, false);
      });
    }
  };
  oneEpoch(1); // threads start, code is compiled
  const [processor, started] = [process.cpuUsage(), performance.now()];
  for (let epoch = 2; epoch < 2 + Number(epochs); epoch++) oneEpoch(epoch);
  const { user, system } = process.cpuUsage(processor);
  const count = train.count * Number(epochs);
  const perSecond = Math.round(count / ((performance.now() - started) / 1e3));
  const perProcessorSecond = Math.round(count / ((user + system) / 1e6));
  stream.close();
  const result = { images, count, workers, perSecond, perProcessorSecond };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

const scratch = mkdtempSync(join(tmpdir(), "pefd-bench-images-"));
try {
  const set = FOLDER.packable(data);
  const [shards, small] = ["shards", "small"].map((name) => join(scratch, name));
  const words = reencodingWords(SMALL);
  await packImages("folder", set, { out: shards, mostBytes: 512e6 });
  const reencoding = { words, read: reencodeAll(SMALL, Number(workers)) };
  await packImages("folder", set, { out: small, mostBytes: 512e6, reencoding });
  await measure("folder", data);
  await measure("shards", shards);
  await measure(`shards, ${words}`, small);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
