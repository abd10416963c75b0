import { damage } from "./damage.js";
import { printable } from "./stateNames.js";

/**
 * Number of elements of a tensor in a file.
 * @throws an error that names the tensor where its sizes (the zeros aside) overflow when multiplied, as they do in
 *   other readers and in the strides of a tensor
 */
export function elementCount(name: string, shape: readonly number[]): number {
  const product = shape.reduce((count, size) => count * Math.max(size, 1), 1);
  if (!Number.isSafeInteger(product))
    throw damage(`the tensor ${printable(name)} has sizes whose product is ${product}`);
  return shape.includes(0) ? 0 : product;
}
