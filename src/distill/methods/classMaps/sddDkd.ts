import type { RowValues } from "../../../common/optionRow.js";
import { type Scalar, type Tensor1D, tf } from "../../../runtime/tf.js";
import { type ClassMaps, defineMethod, type StepContext } from "../../method.js";
import { regionLoss, regionsOf, repeatedRows, SCALE_OPTIONS, SDD_CODE, SDD_PAPER } from "../../parts/classMaps.js";
import { DECOUPLED_OPTIONS, DECOUPLED_PUBLISHED, decoupledOfEach, warmUp } from "../../parts/logits.js";

const OPTIONS = { ...DECOUPLED_OPTIONS, ...SCALE_OPTIONS };

function lossOf(
  maps: ClassMaps,
  { labels, oneHot, epoch }: Pick<StepContext, "labels" | "oneHot" | "epoch">,
  { dkd_alpha, dkd_beta, dkd_T, dkd_warmup }: RowValues<typeof OPTIONS>,
) {
  const rows = repeatedRows(oneHot, maps.teacher.shape[2]);
  const loss = regionLoss(maps, labels, (ours, theirs) => {
    const [label, rest] = decoupledOfEach(ours, theirs, rows, dkd_T);
    return tf.add(tf.mul(label, dkd_alpha), tf.mul(rest, dkd_beta)) as Tensor1D;
  });
  return { dkd: tf.mul(loss, warmUp(epoch, dkd_warmup)) as Scalar };
}

/** SD-DKD: dkd on regions; twice the weight where the teacher is right on region or whole image only. */
export const sddDkd = defineMethod({
  name: "sdd_dkd",
  summary: "dkd on regions of the last map (SDD)",
  paper: SDD_PAPER,
  code: SDD_CODE,
  formula:
    "min(epoch / warm-up, 1) mean over images and regions of w (dkd's loss of the region's logits), z: the classifier on a region's mean, w: 2 where the teacher is right of the region or of the whole alone, else 1",
  traps: [
    "The whole map is one of the regions, with weight 1.",
    "The mean is over images and regions, so that more regions do not weigh more.",
  ],
  weights: { gamma: 1, alpha: 0, beta: 1 },
  published: DECOUPLED_PUBLISHED,
  options: OPTIONS,
  terms: ["dkd"],
  sees: () => ["averaged"],
  ofClassMaps: lossOf,
  build(pair, options) {
    const regions = regionsOf(pair, options);
    return { terms: (at) => lossOf(regions(at), at, options) };
  },
});
