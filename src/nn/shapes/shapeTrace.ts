import { type Tensor4D, type Variable, withStandIn } from "../../runtime/tf.js";
import type { ModelBuilder } from "../builder.js";
import {
  type ForwardContext,
  featureList,
  type Insertion,
  type ModelOutput,
  type StateEntry,
} from "../model.js";
import { type Shaped, shapeTensorFlow } from "./shapeTensorFlow.js";

/** What shapes alone tell of a model. */
export interface ShapeTrace {
  readonly state: readonly StateEntry[];
  /** Shapes of the feature list for one image, [H, W, C] each and [C] for the last. */
  readonly features: readonly (readonly number[])[];
  /** That of the first convolution's map among them; undefined for models that do not tell it. */
  readonly stem: readonly number[] | undefined;
  /** Those of the stages' maps among them. */
  readonly maps: readonly (readonly number[])[];
  /** [H, W, C] of the map behind which layers can be inserted. */
  readonly lastMap: readonly number[];
  /** Names of the batch normalisations that the maps' last ReLUs follow; none where the family has no such thing. */
  readonly norms: readonly string[];
  /** Multiplications with an addition in convolutions and linear layers, for one image. */
  readonly multiplyAdds: number;
}

/** Makes the layers of a model and runs them on one image. */
type Describe = (builder: ModelBuilder) => {
  readonly norms?: readonly string[];
  forward(images: Tensor4D, context: ForwardContext): ModelOutput;
};

/** A builder whose variables are shapes only; it works while the stand-in of TensorFlow.js is there. */
const shapeBuilder = (): ModelBuilder => ({
  scope: "shapes",
  makeVariable: (_, shape) => ({ shape: [...shape] }) as Shaped as Variable,
  state: [],
  folds: [],
});

/** Makes layers without values. @returns what they are, and the tensors that they have */
export const traceLayers = <Made>(make: (builder: ModelBuilder) => Made) =>
  withStandIn(shapeTensorFlow({ multiplyAdds: 0 }), () => {
    const builder = shapeBuilder();
    return { made: make(builder), state: builder.state as readonly StateEntry[] };
  });

/**
 * Follows the shapes through a model in evaluation mode; no values are made and the native library is not needed.
 * @param imageSize side of the square image
 */
export function traceShapes(describe: Describe, imageSize: number): ShapeTrace {
  const work = { multiplyAdds: 0 };
  return withStandIn(shapeTensorFlow(work), () => {
    const builder = shapeBuilder();
    const images = { shape: [1, imageSize, imageSize, 3] } as Shaped as Tensor4D;
    let lastMap: readonly number[] = [];
    const insertion: Insertion = (map) => {
      lastMap = map.shape.slice(1);
      return { out: map, inserted: map };
    };
    const context: ForwardContext = { training: false, updates: [], insertion };
    const { norms = [], forward } = describe(builder);
    const output = forward(images, context);
    return {
      state: builder.state,
      features: featureList(output).map(({ shape }) => shape.slice(1)),
      stem: output.stem?.out.shape.slice(1),
      maps: output.maps.map(({ out }) => out.shape.slice(1)),
      ...{ lastMap, norms },
      multiplyAdds: work.multiplyAdds,
    };
  });
}
