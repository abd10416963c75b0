import { inputError } from "../../../common/errors.js";
import { integer } from "../../../common/optionRow.js";
import { relu } from "../../../nn/activation.js";
import { meanSquaredError } from "../../../nn/gradients/squares.js";
import type { ModelOutput } from "../../../nn/model.js";
import type { Tensor4D } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";
import { REP_DISTILLER } from "../../papers.js";
import { convRegressor } from "../../parts/maps/convRegressor.js";
import type { PairedMaps } from "../../parts/maps/pairedMaps.js";

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
    hint_layer: integer(2, "The map that the hint is taken from; 1 is the first stage's.", {
      ...{ min: 1, max: 4, touches: "numbers" },
    }),
  },
  terms: ["hint"],
  sees: ({ hint_layer }) => [`map${hint_layer}`],
  build({ student, teacher }, { hint_layer }, make) {
    const [from, to] = [student.maps[hint_layer - 1], teacher.maps[hint_layer - 1]];
    if (from === undefined || to === undefined) {
      throw inputError(
        `--hint_layer ${hint_layer}: the student has ${student.maps.length} maps and the teacher ${teacher.maps.length}.`,
        "Give the number of a map that both have.",
      );
    }
    const pair = { student: from, teacher: to } as unknown as PairedMaps;
    const regress = convRegressor(make, "regress_s", pair);
    const mapOf = ({ maps }: ModelOutput) => maps[hint_layer - 1]?.out as Tensor4D;
    return {
      terms(at, context) {
        const regressed = relu(regress(mapOf(at.student), context));
        return { hint: meanSquaredError(regressed, mapOf(at.teacher)) };
      },
    };
  },
});
