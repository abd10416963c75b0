// A program: compiles a model's training for the graph engine in bfloat16, takes a step, and prints the names of the
// nodes of TensorFlow's that take bfloat16. What it makes of them is in its log.

import { observePasses, passesOf } from "#pefd/compile/passes/passes.js";
import { DT } from "#pefd/runtime/native.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { noiseImages, openTraining, teacherPupil } from "../scenes.js";
import { elementType } from "./nodes.js";

loadTensorFlow();
const last = passesOf("graph", "bfloat16").at(-1);
observePasses(({ nodes }, after) => {
  if (after !== last) return;
  for (const node of nodes) {
    // What an evaluation takes is another program that is not run here.
    const isOurs = node.op === "Cast" || node.op.startsWith("Pefd");
    if (node.name.startsWith("train/") && !isOurs && elementType(node) === DT.bfloat16) {
      console.log(`bfloat16 ${node.name}`);
    }
  }
});
const setup = { engine: "graph", precision: "bfloat16", batchSize: 4 } as const;
const session = openTraining(teacherPupil(process.argv[2] ?? ""), {
  ...setup,
  train: noiseImages(4, 1),
});
session.train(new Int32Array(16), { learningRate: 0.1, epoch: 1, step: 1 });
session.metrics();
