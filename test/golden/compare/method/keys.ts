/** Keys of the formula, as the methods' golden files have them. */
export const KEYS = {
  /** First memory bank. */
  bank: 7001,
  /** Negatives of the first step. */
  negatives: 7011,
  /** Probabilities by class that gkl_kd starts from. */
  classPrior: 9501,
  /** Class centres of kdpp, queue of rrd, ground distance of wkd_l. */
  centers: 9503,
  queue: 9504,
  distance: 9502,
  /** First noise of the first step of tekap. */
  noise: 9510,
  /** Batch normalisation before the ReLU of the stem; those of the maps follow, ten keys apart. */
  norms: 9300,
  /** What each network gives, of features the first one of the list: stem, maps, pooled vector; its classifier. */
  student: { logits: 9101, strongLogits: 9106, out: 9210, beforeRelu: 9220, classifier: 9401 },
  teacher: { logits: 9102, strongLogits: 9107, out: 9230, beforeRelu: 9240, classifier: 9403 },
} as const;

/** Our epoch of one that a program numbers otherwise: kdpp's counts from 0, and here an epoch gathers means before it. */
export const epochOf = (method: string, epoch: number): number =>
  ["kdpp", "dkdpp"].includes(method) ? epoch + 2 : epoch;

/** Labels of every stand-in batch; a batch of N takes the first N. */
const LABELS = [3, 17, 42, 99, 0, 50, 17, 3];

/** Which images of the training set the batch is, where it matters. */
const IMAGES = [5, 130, 257, 511, 64, 201, 333, 480];

/** Images of the stand-in training set. */
export const SET_SIZE = 512;

export const labelsOf = (batch: number): number[] => LABELS.slice(0, batch);
export const imagesOf = (batch: number): number[] => IMAGES.slice(0, batch);

/** Classes of every stand-in. */
export const CLASSES = 100;
