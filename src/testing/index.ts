// Checks for the tests of plug-ins: the package's export pefd/testing. Each throws where something is wrong, and resolves
// where nothing is. docs/plugins.md tells how.
export { checkDataset } from "./dataset.js";
export { checkDatasetEngines, checkMethodEngines, checkModelEngines } from "./engines.js";
export { checkMethodGradients, checkModelGradients } from "./gradients.js";
export type { TestedPair } from "./scene.js";
