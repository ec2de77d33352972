import type { LoopState } from '../../contract/scoring-loop.ts';

/** The loop's state for the Temporal UI, as Markdown. */
export function formatLoopDetails({
  state,
  topic,
  settings,
  batches,
  totals,
  lastBatch,
  lag,
  truncated,
  disagreement,
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
    ...(disagreement === null ? [] : ['', describeDisagreement(disagreement)]),
  ].join('\n');
}

function describeDisagreement({
  atMs,
  ahead,
  behind,
  forgotten,
}: NonNullable<LoopState['disagreement']>): string {
  const what = [
    ahead.length > 0 &&
      `stood further than the loop knew in ${ahead.join(', ')} (committed by somebody else, or by a batch that a seek ended)`,
    behind.length > 0 && `had been set back in ${behind.join(', ')} (those events were scored again)`,
    forgotten.length > 0 && `had forgotten ${forgotten.join(', ')} (went on where the loop knew it was)`,
  ].filter((one) => one !== false);
  return `Committed offsets, ${new Date(atMs).toISOString()}, by partition: Kafka ${what.join('; ')}.`;
}
