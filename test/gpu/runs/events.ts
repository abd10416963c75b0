import { existsSync, readFileSync } from "node:fs";

/** One thing that happened on a pretended GPU, as fake/log.h writes it. */
export interface GpuEvent {
  readonly kind:
    | "context"
    | "allocate"
    | "free"
    | "to-device"
    | "to-host"
    | "on-device"
    | "set"
    | "launch"
    | "load"
    | "graph"
    | "tf32"
    | "nothing"
    | "wrong";
  /** Bytes of memory and of copies; a GPU's number on the bus; whether TF32 is allowed; else 1. */
  readonly amount: number;
  /** The GPU's, kernel's or function's name. */
  readonly name: string;
}

/** What a process, or several, did on the GPU; nothing where there is no such file. */
export function readEvents(file: string): GpuEvent[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "latin1").split("\n").filter(Boolean);
  return lines.map((line) => {
    const [kind = "", amount = "", ...name] = line.split(" ");
    return { kind: kind as GpuEvent["kind"], amount: Number(amount), name: name.join(" ") };
  });
}

/** Only the events of one kind. */
export const eventsOf = (events: readonly GpuEvent[], kind: GpuEvent["kind"]): GpuEvent[] =>
  events.filter((event) => event.kind === kind);

/** Bytes of all events of a kind together. */
export const bytesOf = (events: readonly GpuEvent[], kind: GpuEvent["kind"]): number =>
  eventsOf(events, kind).reduce((sum, { amount }) => sum + amount, 0);
