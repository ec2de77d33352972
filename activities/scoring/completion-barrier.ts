/** Longer than siblings of a healthy batch are apart; what is done must be reported though one of them hangs. */
const LONGEST_MS = 5000;

/** A piece of work that belongs to a group. Call one of its functions, once. */
export interface BarrierParticipant<T> {
  /** It is done: resolves when it may report, with what those brought that report in the same moment, itself among them. */
  finish(result: T): Promise<readonly T[]>;
  /** It failed: nobody need wait for it. */
  fail(): void;
}

interface Waiting<T> {
  readonly result: T;
  readonly go: (together: readonly T[]) => void;
}

/**
 * Lets pieces of work that belong together end together. The ranges of a batch are waited for as a whole anyway; when
 * they report in the same millisecond, the workflow is woken once or twice for all of them, not once for each.
 * @returns called when a piece of the named group begins
 */
export function createCompletionBarrier<T>(longestMs = LONGEST_MS): (group: string) => BarrierParticipant<T> {
  const groups = new Map<string, { working: number; waiting: Waiting<T>[] }>();
  return (name) => {
    const group = groups.get(name) ?? { working: 0, waiting: [] };
    groups.set(name, group);
    group.working += 1;
    const leave = () => {
      group.working -= 1;
      if (group.working > 0) return;
      groups.delete(name);
      const together = group.waiting.map(({ result }) => result);
      group.waiting.forEach(({ go }) => go(together));
    };
    return {
      fail: leave,
      async finish(result) {
        let timer: NodeJS.Timeout | undefined;
        const released = new Promise<readonly T[]>((go) => {
          const own = { result, go };
          group.waiting.push(own);
          timer = setTimeout(() => {
            group.waiting = group.waiting.filter((one) => one !== own);
            go([result]);
          }, longestMs);
        });
        leave();
        return released.finally(() => clearTimeout(timer));
      },
    };
  };
}
