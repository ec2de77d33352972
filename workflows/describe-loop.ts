import type { LoopState } from './scoring-loop.ts';

/** The loop's state for the Temporal UI, as Markdown. */
export function describeLoop({
  state,
  topic,
  settings,
  batches,
  totals,
  lastBatch,
  lag,
  truncated,
}: LoopState): string {
  const seconds = lastBatch === null ? 0 : Math.max(lastBatch.durationMs, 1) / 1000;
  return [
    `**${state}** on \`${topic}\`, ${lag} offsets behind`,
    '',
    `At most ${settings.maxOffsets} offsets a batch, ${settings.trigger === 'available' ? 'as soon as there is data' : `every ${settings.trigger} s`}`,
    '',
    '| batches | records | done | dead letters | late | superseded | expired |',
    '|---|---|---|---|---|---|---|',
    `| ${batches} | ${totals.records} | ${totals.scored} | ${totals.deadLetters} | ${totals.late} | ${totals.superseded} | ${totals.expired} |`,
    ...(lastBatch === null
      ? []
      : [
          '',
          `Last batch: ${lastBatch.offsets} offsets of ${lastBatch.partitions} partitions in ${lastBatch.durationMs} ms (${Math.round(lastBatch.offsets / seconds)} a second), planned ${new Date(lastBatch.plannedAtMs).toISOString()}`,
        ]),
    ...(truncated.length === 0
      ? []
      : ['', `Partitions ${truncated.join(', ')} end before the committed offset and wait for a seek.`]),
  ].join('\n');
}
