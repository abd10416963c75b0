// Checks for tests of plug-ins: the package's export pefd/testing (docs/plugins.md). They throw, or reject, on a
// defect.
export { checkDataset } from "./dataset.js";
export { checkDatasetEngines, checkMethodEngines, checkModelEngines } from "./engines.js";
export { checkMethodGradients, checkModelGradients } from "./gradients.js";
export type { TestedPair } from "./scene.js";
