import { type ClassMaps, defineMethod, type StepContext } from "../../method.js";
import { KL_OPTIONS } from "../../options.js";
import { regionLoss, regionsOf, SCALE_OPTIONS, SDD_CODE, SDD_PAPER } from "../../parts/classMaps.js";
import { klOfEach } from "../../parts/logits.js";

const lossOf = (maps: ClassMaps, { labels }: Pick<StepContext, "labels">, { kd_T }: { readonly kd_T: number }) => ({
  kd: regionLoss(maps, labels, (ours, theirs) => klOfEach(ours, theirs, kd_T)),
});

/** SD-KD: kd on regions; twice the weight where the teacher is right on region or whole image only. */
export const sddKd = defineMethod({
  name: "sdd_kd",
  summary: "KL of softened logits on regions of the last map (SDD)",
  paper: SDD_PAPER,
  code: SDD_CODE,
  formula:
    "mean over images and regions of w T^2 KL(softmax(z_t / T), softmax(z_s / T)), z: the classifier on a region's mean, w: 2 where the teacher is right of the region or of the whole alone, else 1",
  traps: [
    "The whole map is one of the regions, with weight 1.",
    "The gradient reaches the student's classifier from every region.",
  ],
  weights: { gamma: 0.1, alpha: 0, beta: 0.9 },
  published: [{ pairs: ["resnet32x4-resnet8x4"], options: { sdd_M: "2" } }],
  options: { ...KL_OPTIONS, ...SCALE_OPTIONS },
  terms: ["kd"],
  sees: () => ["averaged"],
  ofClassMaps: lossOf,
  build(pair, options) {
    const regions = regionsOf(pair, options);
    return { terms: (at) => lossOf(regions(at), at, options) };
  },
});
