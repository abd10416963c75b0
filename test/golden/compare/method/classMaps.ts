import { z } from "zod";
import type { Method } from "#pefd/distill/method.js";
import { type OpenedMethod, ownOptions } from "#pefd/distill/open.js";
import type { ModelOutput } from "#pefd/nn/model.js";
import type { Tensor4D } from "#pefd/runtime/tf.js";
import { formulaValues, signedValue, unitValue } from "../formula.js";
import { shape } from "../schema.js";
import type { HostTensor } from "../summary.js";
import { LAST_MAP, mapFeatures } from "./mapEntry.js";
import type { TermGolden } from "./schema.js";
import { channelsLast, type StandIn } from "./standIn.js";

const regions = z.object({ k: z.int(), shape });
const regionsOnly = z.object({ regionLogitS: regions, regionLogitT: regions, kHit: z.int() });

const lastMap = ({ maps }: ModelOutput): Tensor4D => maps.at(-1)?.out as Tensor4D;

/** A method whose terms follow from class maps, between stand-ins whose last maps these are. */
export function onClassMaps(row: Method, told: object): OpenedMethod {
  const options = ownOptions(row, told);
  return {
    name: row.name,
    options,
    termNames: row.terms,
    sees: row.sees(options),
    state: [],
    teacherTrains: false,
    strongView: false,
    classView: false,
    wholeBatches: false,
    terms: (at) => {
      const maps = { student: lastMap(at.student), teacher: lastMap(at.teacher) };
      return row.ofClassMaps?.(maps, at, options) ?? {};
    },
  };
}

/** An entry of region logits [N, classes, regions] as one of class maps that are one place high and a region wide. */
interface RegionEntry {
  readonly entry: TermGolden;
  /** Stand-ins with the region logits for their last maps. */
  put(standIns: { student: StandIn; teacher: StandIn }): { student: StandIn; teacher: StandIn };
}

/** 4 s, and 6 more for the label of half of the regions. @param labels of the batch's images */
function regionLogits({ k, shape }: z.infer<typeof regions>, hits: number, labels: readonly number[]) {
  const [batch, classes, count] = shape as [number, number, number];
  const values = formulaValues(shape, (i) => {
    const [region, label, image] = [i % count, Math.floor(i / count) % classes, Math.floor(i / (count * classes))];
    const isHit = labels[image] === label && unitValue(hits, region * batch + image) < 0.5;
    return 4 * signedValue(k, i) + (isHit ? 6 : 0);
  });
  return channelsLast([batch, classes, 1, count], values);
}

const withLastMap = (one: StandIn, map: HostTensor): StandIn => ({
  ...one,
  tensors: { ...one.tensors, [`feat${LAST_MAP}`]: map },
});

/** An entry that calls its authors' function with both networks' region logits; undefined for every other entry. */
export function fromRegions(entry: TermGolden, labels: (batch: number) => readonly number[]): RegionEntry | undefined {
  const parsed = regionsOnly.safeParse(entry.inputs);
  if (!parsed.success) return undefined;
  const { regionLogitS, regionLogitT, kHit } = parsed.data;
  const [batch, classes, count] = regionLogitS.shape as [number, number, number];
  const gradient = entry.grads.regionLogitS;
  const features = mapFeatures([classes, 1, count]);
  return {
    entry: {
      ...entry,
      shapes: { student: features, teacher: features, batch },
      grads: gradient ? { [`feat${LAST_MAP}`]: { ...gradient, shape: [batch, classes, 1, count] } } : {},
    },
    put: ({ student, teacher }) => ({
      student: withLastMap(student, regionLogits(regionLogitS, kHit, labels(batch))),
      teacher: withLastMap(teacher, regionLogits(regionLogitT, kHit, labels(batch))),
    }),
  };
}
