import { createRandom } from "#pefd/common/random.js";
import { openRecordFile } from "#pefd/train/teacherCache/store.js";
import { RECORDS, SIZE, valuesOf } from "./records.js";

/** A process that writes records in a random order until it is killed: `node recordWriter.js PATH SEED`. */
const [path, seed] = process.argv.slice(2) as [string, string];
const file = openRecordFile(path, SIZE);
const random = createRandom(Number(seed), "order of records");
for (;;) {
  const index = random.integer(RECORDS);
  file.write(index, valuesOf(index));
}
