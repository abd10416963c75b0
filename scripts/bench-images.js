// Images per second, and per second of processor time, that training's transform makes of files:
// node scripts/bench-images.js DATA [WORKERS] [EPOCHS]. scripts/bench-images.py does the same in PyTorch.
import { FOLDER } from "../dist/data/folder/row.js";
import { openImageStream } from "../dist/data/images/stream/stream.js";
import { loadTensorFlow } from "../dist/runtime/tf.js";

const [data, workers = "2", epochs = "6"] = process.argv.slice(2);
const BATCH = 32;

loadTensorFlow({ env: process.env, keepPrograms: false });
const { train } = await FOLDER.open(data);
const settings = { seed: 1, workers: Number(workers), batchSize: BATCH };
const stream = openImageStream([train], settings);

function oneEpoch(epoch) {
  const rows = Array.from({ length: train.count }, (_, image) => [0, image, epoch]);
  for (let i = 0; i < rows.length; i += BATCH)
    stream.take(rows.slice(i, i + BATCH), rows.slice(i + BATCH));
}

oneEpoch(1); // threads start, code is compiled
const [processor, started] = [process.cpuUsage(), performance.now()];
for (let epoch = 2; epoch < 2 + Number(epochs); epoch++) oneEpoch(epoch);
const { user, system } = process.cpuUsage(processor);
const images = train.count * Number(epochs);
const perSecond = Math.round(images / ((performance.now() - started) / 1e3));
const perProcessorSecond = Math.round(images / ((user + system) / 1e6));
process.stdout.write(`${JSON.stringify({ images, workers, perSecond, perProcessorSecond })}\n`);
stream.close();
