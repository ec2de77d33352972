/** Longer than siblings of a healthy batch are apart; what is done must be reported though one of them hangs. */
const LONGEST_MS = 5000;

/**
 * Lets pieces of work that belong together end together. The ranges of a batch are waited for as a whole anyway; when
 * they report in the same millisecond, the workflow is woken once or twice for all of them, not once for each.
 * @returns called when a piece begins; what it returns is called when the piece is done, and resolves when it may report
 */
export function createFinishTogether(longestMs = LONGEST_MS): (group: string) => () => Promise<void> {
  const groups = new Map<string, { working: number; readonly waiting: (() => void)[] }>();
  return (name) => {
    const group = groups.get(name) ?? { working: 0, waiting: [] };
    groups.set(name, group);
    group.working += 1;
    return async () => {
      group.working -= 1;
      if (group.working === 0) {
        groups.delete(name);
        group.waiting.forEach((go) => go());
        return;
      }
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        group.waiting.push(resolve);
        timer = setTimeout(resolve, longestMs);
      });
      clearTimeout(timer);
    };
  };
}
