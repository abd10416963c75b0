/** Numbers of a record in these tests: with its checksum it does not fit evenly into a page. */
export const SIZE = 300;

/** Records that writers write. */
export const RECORDS = 4000;

/** What belongs into a record. */
export const valuesOf = (index: number): Float32Array =>
  Float32Array.from({ length: SIZE }, (_, i) => Math.sin(index * SIZE + i));
