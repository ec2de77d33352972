/** Times named steps of a piece of work, in whole milliseconds. */
export function createPhaseTimer<Step extends string>() {
  const spent = {} as Record<Step, number>;
  const time = async <T>(step: Step, work: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    try {
      return await work();
    } finally {
      spent[step] = (spent[step] ?? 0) + Math.round(performance.now() - started);
    }
  };
  time.phases = (): Readonly<Record<Step, number>> => ({ ...spent });
  return time;
}
