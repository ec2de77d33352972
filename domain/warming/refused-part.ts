/** The decision about the cached keys of a part whose read was refused. */
interface RefusedPart {
  /** Whether they are renewed. */
  readonly isKept: boolean;
  /** The decision as text. */
  readonly note: string;
}

/**
 * Decides whether the keys of a part are renewed although its read was refused. They are renewed while the last good warm is recent enough:
 * values of some hours ago are better than none, but values of last week are not.
 * @param warmedAt when the last good warm was, ISO 8601
 * @param maxAgeSeconds how old it may be; 0 renews nothing
 */
export function judgeRefusedPart(
  warmedAt: string,
  { now, maxAgeSeconds }: { readonly now: Date; readonly maxAgeSeconds: number },
): RefusedPart {
  const untilMs = Date.parse(warmedAt) + maxAgeSeconds * 1000;
  return untilMs > now.getTime() && maxAgeSeconds > 0
    ? { isKept: true, note: `kept until ${new Date(untilMs).toISOString()}, last good warm ${warmedAt}` }
    : { isKept: false, note: `not renewed any more, last good warm ${warmedAt}` };
}
