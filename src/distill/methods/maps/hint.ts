import { inputError } from "../../../common/errors.js";
import { integer } from "../../../common/optionRow.js";
import { relu } from "../../../nn/activation.js";
import { meanSquaredError } from "../../../nn/gradients.js";
import type { ModelOutput } from "../../../nn/model.js";
import type { Tensor4D } from "../../../runtime/tf.js";
import { defineMethod, type Pair, REP_DISTILLER } from "../../method.js";
import type { PairedMaps } from "../../parts/maps.js";
import { convRegressor } from "../../parts/maps.js";

interface Layers<Map> {
  readonly stem?: Map | undefined;
  readonly maps: readonly Map[];
}

/** Layer 0 is the stem, then the stages, as in the authors' list of features; the other is not read. */
const layerOf = <Map>(of: Layers<Map>, layer: number): Map | undefined => (layer === 0 ? of.stem : of.maps[layer - 1]);

const layersText = ({ stem, maps }: Layers<unknown>): string =>
  `${stem === undefined ? "none of the stem and " : ""}${maps.length} of stages`;

const absent = (layer: number, { student, teacher }: Pick<Pair, "student" | "teacher">) =>
  inputError(
    `--hint_layer ${layer}: of maps, the student has ${layersText(student)}, and the teacher ${layersText(teacher)}.`,
    "Give the number of a map that both have.",
  );

/** FitNet: mean squared error of relu(bn(conv(f_s))) and f_t, for one map. */
export const hint = defineMethod({
  name: "hint",
  summary: "mean squared error of a regressed map (FitNet)",
  paper: "Romero et al., FitNets: Hints for Thin Deep Nets, ICLR 2015",
  code: REP_DISTILLER,
  formula: "mean of (relu(bn(conv f_s)) - f_t)^2, f one map",
  traps: [
    "The convolution has a bias before a batch normalisation: its gradient is rounding noise, and weight decay moves it.",
  ],
  weights: { gamma: 1, alpha: 0, beta: 100 },
  options: {
    hint_layer: integer(2, "The map that the hint is taken from; 0 is the stem's, 1 the first stage's.", {
      min: 0,
      max: 4,
      touches: "numbers",
    }),
  },
  terms: ["hint"],
  sees: ({ hint_layer }) => [hint_layer === 0 ? "stem" : `map${hint_layer}`],
  build({ student, teacher }, { hint_layer }, make) {
    const [from, to] = [layerOf(student, hint_layer), layerOf(teacher, hint_layer)];
    if (from === undefined || to === undefined) throw absent(hint_layer, { student, teacher });
    const pair = { student: from, teacher: to } as unknown as PairedMaps;
    const regress = convRegressor(make, "regress_s", pair);
    const mapOf = (output: ModelOutput) => layerOf(output, hint_layer)?.out as Tensor4D;
    return {
      terms(at, context) {
        const regressed = relu(regress(mapOf(at.student), context));
        return { hint: meanSquaredError(regressed, mapOf(at.teacher)) };
      },
    };
  },
});
