// Compiles a step of your own: 100 steps of gradient descent on a parabola, in one native program.
//
//   node examples/ownStep.mjs
import { compile, loadTensorFlow } from "pefd";

const tf = loadTensorFlow();
const x = tf.variable(tf.tensor1d([3, -2]));

// A step is a pure function from feeds to new values of variables.
const program = compile("graph", {
  name: "parabola",
  precision: "float32",
  entries: {
    descend: {
      step: ({ rate }) => [[x, tf.sub(x, tf.mul(tf.mul(x, 2), rate))]],
      perStep: {},
      shared: { rate: { shape: [], dtype: "float32" } },
      stepsPerCall: 100,
    },
  },
  variables: { state: [x] },
});

program.push("state");
program.run("descend", { rate: Float32Array.of(0.1) }, 100);
program.pull("state");
console.log(`x = ${[...x.dataSync()].map((value) => value.toExponential(2)).join(", ")}`);
program.dispose();
