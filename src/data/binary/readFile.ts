/** A file as it was read. */
export interface ReadFile {
  readonly bytes: Uint8Array;
  /** In hexadecimal digits. */
  readonly sha256: string;
}

/** Files that were read before they are needed, by their paths. */
export type FilesAhead = ReadonlyMap<string, ReadFile>;

/** A file to read, if it has no more bytes. */
export interface AheadOf {
  readonly path: string;
  readonly maxBytes: number;
}
