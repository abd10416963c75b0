import { z } from "zod";
import { sizeOf } from "#pefd/common/shapes.js";
import { hasDecay, layerFactors } from "#pefd/learn/recipe.js";
import { MODELS } from "#pefd/models/registry.js";
import { stateLayout } from "#pefd/models/survey.js";
import { isParameter } from "#pefd/nn/builder.js";
import { absent, type Check, checkNumber, checkSame } from "../comparison.js";
import { rowName } from "../timmCheck.js";

/** param_groups.json: which tensors decay, and the factor of each one's learning rate. */
export const groupsSchema = z.object({
  models: z.record(
    z.string(),
    z.object({
      adamwGroups: z.array(z.object({ weightDecay: z.number(), count: z.int(), elements: z.int() })),
      noDecayNot1d: z.array(z.string()),
      "layerDecay0.65": z.array(z.tuple([z.number(), z.number(), z.array(z.string())])),
    }),
  ),
});

type Groups = z.infer<typeof groupsSchema>["models"][string];

const LAYER_DECAY = 0.65;

export const checkGroups = ({ models }: z.infer<typeof groupsSchema>): Check[] =>
  Object.entries(models).flatMap(([name, groups]) =>
    MODELS.find(rowName(name)) === undefined ? [absent(name)] : checkModelGroups(name, groups),
  );

function checkModelGroups(model: string, groups: Groups): Check[] {
  const { adamwGroups, noDecayNot1d, "layerDecay0.65": layers } = groups;
  const parameters = stateLayout(rowName(model)).filter(({ role }) => isParameter(role));
  const names = parameters.map(({ name }) => name);
  const factors = new Map(layerFactors(names, LAYER_DECAY).map((factor, i) => [names[i], factor]));
  const decays = new Map(parameters.map(({ name, shape }) => [name, hasDecay(name, shape)]));
  return [
    ...adamwGroups.flatMap(({ weightDecay, count, elements }) => {
      const own = parameters.filter(({ name }) => decays.get(name) === weightDecay > 0);
      const sum = own.reduce((total, { shape }) => total + sizeOf(shape), 0);
      return [checkSame(`${model} decay ${weightDecay}`, [own.length, sum], [count, elements])];
    }),
    checkSame(
      `${model} without decay, not of one dimension`,
      parameters.filter(({ name, shape }) => shape.length > 1 && !decays.get(name)).map(({ name }) => name),
      parameters.filter(({ name }) => noDecayNot1d.includes(name)).map(({ name }) => name),
    ),
    ...layers.flatMap(([factor, weightDecay, tensors]) =>
      tensors.flatMap((name) => [
        checkNumber(`${model} factor of ${name}`, factors.get(name) ?? 0, factor, (x) => 1e-9 * x),
        checkSame(`${model} decay of ${name}`, decays.get(name), weightDecay > 0),
      ]),
    ),
  ];
}
