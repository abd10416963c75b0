import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { float32Tensor, int64Scalar, type StateTensor } from "#pefd/common/stateDict.js";
import type { Role } from "#pefd/nn/model.js";
import { formulaFill } from "../golden/compare/formula.js";
import { GOLDEN } from "./paths.js";

type Layout = readonly (readonly [name: string, shape: readonly number[], role: Role])[];

/** The layout of a model's state_dict: [name, shape, role] in PyTorch's order, from its golden file. */
export function goldenLayout(modelName: string): Layout {
  const file = resolve(GOLDEN, `models/${modelName}.json`);
  return (JSON.parse(readFileSync(file, "utf8")) as { stateDict: Layout }).stateDict;
}

/** A model's state filled by the formula of the golden files, as a checkpoint holds it. */
export const formulaState = (modelName: string): Map<string, StateTensor> => formulaOf(goldenLayout(modelName));

/** The same for any layout. */
export function formulaOf(layout: Layout): Map<string, StateTensor> {
  const fill = formulaFill();
  const tensors = layout.map(([name, shape, role], position) => {
    if (role === "bn.num_batches_tracked") return [name, int64Scalar(0)] as const;
    const fanIn = shape.slice(1).reduce((product, size) => product * size, 1);
    return [name, float32Tensor(fill({ name, role, shape, fanIn, position }), shape)] as const;
  });
  return new Map(tensors);
}
