const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const pair = (seconds: number, unit: number, name: string, small: number, smallName: string) => {
  const smalls = Math.round(seconds / small);
  const whole = Math.floor((smalls * small) / unit);
  const rest = smalls - Math.round((whole * unit) / small);
  return rest === 0 ? `${whole} ${name}` : `${whole} ${name} ${rest} ${smallName}`;
};

/** A duration in at most two units: "3.2 s", "45 s", "7 min 6 s", "2 d 4 h"; "?" if negative or not finite. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return "?";
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < MINUTE - 0.5) return `${Math.round(seconds)} s`;
  if (seconds < HOUR - 0.5) return pair(seconds, MINUTE, "min", 1, "s");
  if (seconds < DAY - MINUTE / 2) return pair(seconds, HOUR, "h", MINUTE, "min");
  return pair(seconds, DAY, "d", HOUR, "h");
}

/** Seconds left when `done` of `total` equal pieces took `elapsed` seconds; undefined before the first is done. */
export function secondsLeft(elapsed: number, done: number, total: number): number | undefined {
  if (done <= 0 || !(elapsed >= 0)) return undefined;
  return (elapsed / done) * Math.max(0, total - done);
}
