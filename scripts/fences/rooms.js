/**
 * The rooms of `src`, in order: a room imports from rooms above it, and from those of them that its row names.
 * `packages` are the npm packages that it may import, `computed` its files that import modules by names which are only
 * known when they run. Nothing else is allowed; `npm run lint` checks it
 * (check.js), and the table of docs/architecture.md is written from here (`npm run docs`).
 *
 * A room is a folder; where one row names a folder and another a folder inside it, a file belongs to the inner one.
 *
 * @typedef {{ name: string, what: string, imports: string[], packages: string[], computed?: string[] }} Room
 * @type {readonly Room[]}
 */
export const ROOMS = [
  {
    name: "common",
    what: "errors with exit codes, seeded random streams, state dicts, protobuf, text; `files/` atomic files and folders",
    imports: [],
    packages: ["leven", "pure-rand"],
  },
  {
    name: "runtime",
    what: "the native library: setup, loading (`tf.ts`), its environment (`prepare.ts`), device, doctor; `gpu/` GPU checks before it is loaded",
    imports: ["common"],
    packages: ["@tensorflow/tfjs", "yauzl"],
  },
  {
    name: "ops",
    what: "the table of ops, TensorFlow's and pefd's: arguments, output shapes, facts for passes",
    imports: ["common", "runtime"],
    packages: [],
  },
  {
    name: "compile",
    what: "eager, graph and XLA engines; knows nothing of models or distillation",
    imports: ["common", "runtime", "ops"],
    packages: [],
  },
  {
    name: "nn",
    what: "layers with PyTorch's semantics, NHWC; ops with gradients of our own, gather by index, shape inference",
    imports: ["common", "runtime", "ops"],
    packages: [],
  },
  {
    name: "models",
    what: "the registry and one file per family",
    imports: ["common", "runtime", "nn"],
    packages: [],
  },
  {
    name: "distill",
    what: "the registry, one file per method in `methods/`, building blocks of losses in `parts/`",
    imports: ["common", "runtime", "nn", "models"],
    packages: [],
  },
  {
    name: "data",
    what: "data sets, subsets, sampling, batches, download",
    imports: ["common", "runtime"],
    packages: ["tar", "yauzl"],
  },
  {
    name: "checkpoint",
    what: "safetensors, both `.pth` formats, the restricted unpickler",
    imports: ["common"],
    packages: ["yauzl", "yazl"],
  },
  {
    name: "runFiles",
    what: "files of a run: names, schemas, checksums, identity",
    imports: ["common"],
    packages: ["zod"],
  },
  {
    name: "config",
    what: "the table of options and their effects, presets, precedence",
    imports: ["common", "models", "distill", "data"],
    packages: [],
  },
  {
    name: "plugin",
    what: "user files with methods, models and data sets: their API (`index.ts`) and loading",
    imports: ["common", "runtime", "nn", "models", "distill", "data"],
    packages: [],
    computed: ["load.ts"],
  },
  {
    name: "report/log",
    what: "a run's messages and logs: epochs.csv, TensorBoard",
    imports: ["common"],
    packages: [],
  },
  {
    name: "report",
    what: "progress, tables, plots, pages; `runs/` reads runs, `track/` reports to trackers",
    imports: ["common", "runFiles", "config", "report/log"],
    packages: ["chalk", "cli-progress", "echarts"],
  },
  {
    name: "learn",
    what: "the training step: losses, gradients, optimizer, metrics",
    imports: ["common", "runtime", "nn", "models", "distill", "config"],
    packages: [],
  },
  {
    name: "train",
    what: "the training loop: preparation, epochs, evaluation, resume; `claim/` and `files/` the run folder, `teacherCache/`",
    imports: [
      "common",
      "runtime",
      "compile",
      "nn",
      "models",
      "distill",
      "data",
      "checkpoint",
      "runFiles",
      "config",
      "report/log",
      "learn",
    ],
    packages: [],
  },
  {
    name: "testing",
    what: "checks for plug-in tests: finite-difference gradients, compiled steps compared with eager ones, data sets",
    imports: ["common", "runtime", "compile", "nn", "models", "distill", "data", "plugin", "learn", "train"],
    packages: [],
  },
  {
    name: "export",
    what: "graphs of trained models: SavedModel, ONNX, TF.js, LiteRT",
    imports: ["common", "runtime", "compile", "nn", "models", "data", "checkpoint", "learn", "train"],
    packages: [],
  },
  {
    name: "analysis",
    what: "feature analysis of finished runs: alignment, CKA, class similarity",
    imports: ["common", "runtime", "nn", "models", "data", "checkpoint", "runFiles", "report", "learn", "train"],
    packages: [],
  },
  {
    name: "bench",
    what: "time per step of training and evaluation, and of predictions",
    imports: ["common", "runtime", "compile", "models", "distill", "data", "learn", "train", "export"],
    packages: [],
  },
  {
    name: "sweep",
    what: "many runs from lists of options, here or on a cluster",
    imports: ["common", "runtime", "distill", "data", "runFiles", "config", "report/log", "report", "learn", "train"],
    packages: [],
  },
  {
    name: "verify",
    what: "checks that a run's files are intact and belong together",
    imports: ["common", "data", "checkpoint", "runFiles", "config", "report/log", "train"],
    packages: [],
  },
  {
    name: "library",
    what: "the API for programs (`index.ts`): events, an abort signal, no output",
    imports: [
      "common",
      "runtime",
      "compile",
      "data",
      "checkpoint",
      "config",
      "plugin",
      "report/log",
      "report",
      "train",
    ],
    packages: [],
  },
  {
    name: "cli",
    what: "commands, signals, help",
    imports: [
      "common",
      "runtime",
      "models",
      "distill",
      "data",
      "checkpoint",
      "config",
      "plugin",
      "report",
      "learn",
      "train",
      "export",
      "analysis",
      "bench",
      "sweep",
      "verify",
    ],
    packages: ["yargs"],
  },
];
