/** Mean and standard deviation of each channel (red, green, blue), pixel values taken as 0 to 1. */
export const CIFAR100_MEAN = [0.5071, 0.4867, 0.4408] as const;
export const CIFAR100_STD = [0.2675, 0.2565, 0.2761] as const;

/** The mean and deviation of each channel that images are normalised by. */
export interface Normalization {
  readonly mean: readonly [number, number, number];
  readonly deviation: readonly [number, number, number];
}

export const CIFAR100: Normalization = { mean: CIFAR100_MEAN, deviation: CIFAR100_STD };
/** What weights for ImageNet are trained with, torchvision's included. */
export const IMAGENET: Normalization = {
  mean: [0.485, 0.456, 0.406],
  deviation: [0.229, 0.224, 0.225],
};

/**
 * The normalised value of every byte in every channel, equal bit for bit to torchvision's ToTensor and
 * Normalize, which round to float32 after each of the three operations. Padding comes before these, so a
 * padded pixel has the values of row 0.
 * @returns [256, 3] float32
 */
export function normalizationTable(): Float32Array {
  const table = new Float32Array(256 * 3);
  for (let value = 0; value < 256; value++) {
    for (let channel = 0; channel < 3; channel++) {
      table[value * 3 + channel] = normalize(value, channel);
    }
  }
  return table;
}

function normalize(value: number, channel: number): number {
  const mean = Math.fround(CIFAR100_MEAN[channel] as number);
  const deviation = Math.fround(CIFAR100_STD[channel] as number);
  return Math.fround(Math.fround(Math.fround(value / 255) - mean) / deviation);
}
