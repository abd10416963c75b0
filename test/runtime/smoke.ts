import { loadTensorFlow } from "#pefd/runtime/tf.js";

// Run by nodeVersions.test.ts with each version of Node.js. mean, topk and concat call helpers of Node.js
// that newer versions lack. Deprecations are silenced as bin/pefd.js does.
process.noDeprecation = true;
const tf = loadTensorFlow();

const values = tf.tensor1d([1, 2, 3, 4]);
const result = {
  mean: (await values.mean().data())[0],
  top: [...(await tf.topk(values, 2).values.data())],
  joined: [...(await tf.concat([values, tf.ones([1])]).data())],
};
process.stdout.write(JSON.stringify(result));
