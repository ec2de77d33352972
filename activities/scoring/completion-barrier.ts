/** Siblings of a healthy batch end within this time of each other. When one hangs, the others report after it. */
const MAX_WAIT_MS = 5000;

/** One participant of a group. Call one of its functions, once. */
export interface BarrierParticipant<T> {
  /** It is done. Resolves when it may report, with the results of all participants that report at that moment. */
  finish(result: T): Promise<readonly T[]>;
  /** It failed: the others do not wait for it. */
  fail(): void;
}

interface Waiting<T> {
  readonly result: T;
  readonly go: (together: readonly T[]) => void;
}

/**
 * Lets the participants of a group report at the same moment. The loop waits for all ranges of a batch anyway; when they report
 * in the same millisecond, the workflow wakes once or twice for all of them, not once for each.
 * @returns a function that registers a participant of the named group
 */
export function createCompletionBarrier<T>(
  maxWaitMs = MAX_WAIT_MS,
): (group: string) => BarrierParticipant<T> {
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
          }, maxWaitMs);
        });
        leave();
        return released.finally(() => clearTimeout(timer));
      },
    };
  };
}
