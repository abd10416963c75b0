/** One thing that pefd needs or can use. */
export interface Check {
  readonly name:
    | "node"
    | "binding"
    | "libtensorflow"
    | "files"
    | "tensorflow"
    | "convolutions"
    | "cpu"
    | "gpu"
    | "data";
  /** As people read it. */
  readonly title: string;
  readonly ok: boolean;
  /** Whether pefd cannot do its work without. */
  readonly required: boolean;
  /** What was found, or what is wrong. */
  readonly detail: string;
  /** What to type where it is not ok. */
  readonly hint?: string;
}

/** The state of this installation. */
export interface Diagnosis {
  /** Whether everything required is ok. */
  readonly ok: boolean;
  readonly checks: readonly Check[];
}
