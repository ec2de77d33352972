/** The largest value of -ln(x) for a random number x: `Math.random` has 53 bits. */
const MAX_DRAW = 53 * Math.LN2;

/**
 * Whether one read refreshes a value before it expires (XFetch: Vattani, Chierichetti and Lowenstein, 2015). The probability grows towards
 * the expiry, and starts earlier the longer a refresh takes. So one of many readers refreshes in time, and only few at the same time.
 * @param leftMs time until the value expires
 * @param costMs how long a refresh takes
 * @param random evenly distributed, from 0 to below 1; called only near the end
 */
export const isRefreshDue = (leftMs: number, costMs: number, random: () => number): boolean =>
  leftMs <= costMs * MAX_DRAW && leftMs <= -costMs * Math.log(1 - random());
