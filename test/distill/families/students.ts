import { MODELS } from "#pefd/models/registry.js";

/** The first model of each family and paper that expects 32 x 32. */
export const STUDENTS: readonly string[] = MODELS.rows()
  .filter(({ imageSize }) => imageSize === undefined)
  .filter(({ family, paper }, i, all) => all.findIndex((row) => row.family === family && row.paper === paper) === i)
  .map(({ name }) => name);
