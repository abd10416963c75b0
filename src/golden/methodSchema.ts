import { z } from "zod";
import type { Method } from "../distill/method.js";
import { lossesSchema } from "./schema.js";

const shapes = z.array(z.array(z.int().positive()));
const entry = lossesSchema.shape.losses.valueType.extend({
  shapes: z.object({ student: shapes, teacher: shapes, batch: z.int().positive() }).optional(),
  flags: z.array(z.string()).optional(),
  inputs: z.record(z.string(), z.unknown()).optional(),
  spread: z.object({
    valueMaxRel: z.number(),
    gradL2MaxRel: z.number(),
    gradFirst8MaxAbs: z.number().optional(),
  }),
});

/** METHOD.json of a method's authors: its own term alone. Four steps of it (`trajectory`) are not compared. */
export const methodSchema = z.object({
  method: z.string(),
  upstream: z.object({ repo: z.string() }),
  losses: z.record(z.string(), entry),
});

export type MethodGolden = z.infer<typeof methodSchema>;

/**
 * The options that the authors' flags, configuration keys (`DKD.WARMUP`) or arguments (`temp` of nkd) mean. Those that no
 * option of the method is called by are of the program around it.
 */
export function optionsOf(
  { name, options }: Pick<Method, "name" | "options">,
  { flags = [], inputs = {} }: MethodGolden["losses"][string],
): Record<string, number> {
  const told = new Map<string, unknown>();
  for (let i = 0; i + 1 < flags.length; i += 2) {
    if (/^-\w$/.test(flags[i] as string)) continue;
    const flag = flags[i]?.replace(/^-+/, "").replace(".", "_").toLowerCase() as string;
    told.set(flag, flags[i + 1]).set(`${name}_${flag.split("_").at(-1)}`, flags[i + 1]);
  }
  for (const [key, value] of Object.entries(inputs)) told.set(`${name}_${key}`, value);
  const found = Object.keys(options).filter((option) => told.has(option.toLowerCase()));
  return Object.fromEntries(
    found.map((option) => [option, Number(told.get(option.toLowerCase()))]),
  );
}
