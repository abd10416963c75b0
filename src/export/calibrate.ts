import { nodesByName } from "../compile/graph/graph.js";
import { openSession } from "../compile/graphProgram.js";
import type { ForwardGraph } from "../compile/record/forwardGraph.js";
import type { ImageSet } from "../data/dataset.js";
import { DT } from "../runtime/native.js";
import { tf } from "../runtime/tf.js";
import { chooseSources, plainImages } from "../train/source.js";
import type { ActivationRange } from "./quantize.js";

/** Images per pass, whose activations are in memory at once. */
const BATCH = 8;
const BINS = 4096;
/** Share of an activation's values that may be clipped on each side. */
const CLIPPED = 1e-6;

/** The tensor of the recorded computation behind one of ONNX's, which may have permuted axes. */
const recordedName = (name: string): string => name.replace(/\/nchw$/, "");

/**
 * Ranges of activations over images: percentiles of their values, from histograms between the smallest and the largest.
 * Names that are not of the recorded computation are left out.
 * @param set images as evaluation shows them; all of them are used
 */
export function activationRanges(
  forward: ForwardGraph,
  names: readonly string[],
  set: ImageSet,
): Map<string, ActivationRange> {
  const known = nodesByName(forward.nodes);
  const tensorOf = (name: string) => recordedName(name).replace(/(?<!:\d+)$/, ":0");
  const found = names.filter((name) => known.has(tensorOf(name).replace(/:\d+$/, "")));
  const port = (name: string) => ({ tensor: tensorOf(name), dtype: DT.float, shape: [] });
  const outputs = Object.fromEntries(found.map((name) => [name, port(name)]));
  const session = openSession({
    nodes: forward.nodes,
    functions: [],
    signatures: { activations: { inputs: { images: forward.input }, outputs } },
  });
  const [source] = chooseSources([set], "eager", { batchSize: BATCH });
  if (source === undefined) throw new RangeError("No images.");
  const visit = (use: (name: string, values: Float32Array) => void) => {
    for (let from = 0; from < set.count; from += BATCH) {
      tf.tidy(() => {
        const images = plainImages(source, from, Math.min(set.count, from + BATCH));
        const results = session.run("activations", { images });
        for (const [name, result] of Object.entries(results)) {
          use(name, result.dataSync() as Float32Array);
          result.dispose();
        }
      });
    }
  };
  try {
    const histograms = new Map(found.map((name) => [name, { low: 0, high: 0, counts: new Float64Array(BINS) }]));
    visit((name, values) => {
      const entry = histograms.get(name) as { low: number; high: number };
      for (const value of values) {
        if (value < entry.low) entry.low = value;
        else if (value > entry.high) entry.high = value;
      }
    });
    visit((name, values) => {
      const { low, high, counts } = histograms.get(name) as { low: number; high: number; counts: Float64Array };
      const perUnit = high > low ? BINS / (high - low) : 0;
      for (const value of values) {
        const bin = Math.min(BINS - 1, Math.floor((value - low) * perUnit));
        counts[bin] = (counts[bin] as number) + 1;
      }
    });
    return new Map(Array.from(histograms, ([name, histogram]) => [name, percentiles(histogram)]));
  } finally {
    session.dispose();
    source.close?.();
    tf.dispose([...source.variables]);
  }
}

function percentiles(histogram: {
  readonly low: number;
  readonly high: number;
  readonly counts: Float64Array;
}): ActivationRange {
  const { low, high, counts } = histogram;
  const most = CLIPPED * counts.reduce((sum, count) => sum + count, 0);
  const width = (high - low) / BINS;
  const binsPast = (bins: Float64Array): number => {
    let sum = 0;
    return bins.findIndex((count) => {
      sum += count;
      return sum > most;
    });
  };
  return { low: low + width * binsPast(counts), high: high - width * binsPast(counts.slice().reverse()) };
}
