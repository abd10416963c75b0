/** One thing that pefd needs or can use. */
export interface Check {
  readonly name:
    | "node"
    | "binding"
    | "libtensorflow"
    | "files"
    | "tensorflow"
    | "convolutions"
    | "images"
    | "cpu"
    | "gpu"
    | "gpuLibraries"
    | "data";
  /** As people read it. */
  readonly title: string;
  readonly ok: boolean;
  /** Whether pefd cannot do its work without. */
  readonly required: boolean;
  /** What was found, or what is wrong. */
  readonly detail: string;
  /** What else there is to say, a line each. */
  readonly lines?: readonly string[];
  /** What to type where it is not ok. */
  readonly hint?: string;
}

/** The state of this installation. */
export interface Diagnosis {
  /** Whether everything required is ok. */
  readonly ok: boolean;
  readonly checks: readonly Check[];
  /** The GPU that TensorFlow computes on, if it does. */
  readonly gpu?: {
    readonly name: string;
    readonly capability: string | undefined;
    readonly driver: string | undefined;
    /** Bytes. */
    readonly memory: number | undefined;
    /** Version of the CUDA and cuDNN that serve, and the file of each library. */
    readonly cuda?: string;
    readonly cudnn?: string;
    readonly libraries: Readonly<Record<string, string>>;
  };
}
