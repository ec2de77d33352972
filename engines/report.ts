/** Prints one line for people to read. */
export type Report = (line: string) => void;

/** @returns seconds with one decimal below ten, whole seconds above: "0.4 s", "72 s" */
export function formatSeconds(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  return seconds < 9.95 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
}
