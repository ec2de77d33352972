import type { LoopState } from '../../contract/scoring-loop.ts';

/** The state of a scoring loop as Markdown, for the Temporal UI. */
export function formatLoopDetails(state: LoopState): string {
  const { topic, settings, batches, totals, lag, truncated, disagreement } = state;
  return [
    `**${state.state}** on \`${topic}\`, lag ${lag} offsets`,
    '',
    `At most ${settings.maxOffsets} offsets in a batch, ${settings.trigger === 'available' ? 'as soon as there is data' : `every ${settings.trigger} s`}`,
    '',
    '| batches | records | done | dead letters | late | superseded | expired |',
    '|---|---|---|---|---|---|---|',
    `| ${batches} | ${totals.records} | ${totals.scored} | ${totals.deadLetters} | ${totals.late} | ${totals.superseded} | ${totals.expired} |`,
    ...formatLastBatch(state),
    ...(truncated.length === 0
      ? []
      : [
          '',
          `The log of partitions ${truncated.join(', ')} ends before the committed offset; they wait for a seek.`,
        ]),
    ...(disagreement === null ? [] : ['', formatDisagreement(disagreement)]),
  ].join('\n');
}

function formatLastBatch({ lastBatch }: LoopState): string[] {
  if (lastBatch === null) return [];
  const { offsets, partitions, durationMs, plannedAtMs } = lastBatch;
  const perSecond = Math.round(offsets / (Math.max(durationMs, 1) / 1000));
  return [
    '',
    `Last batch: ${offsets} offsets of ${partitions} partitions in ${durationMs} ms (${perSecond} per second), planned ${new Date(plannedAtMs).toISOString()}`,
  ];
}

function formatDisagreement({
  atMs,
  ahead,
  behind,
  forgotten,
}: NonNullable<LoopState['disagreement']>): string {
  const differences = [
    ahead.length > 0 &&
      `was ahead in partitions ${ahead.join(', ')} (another client committed, or a batch that a seek cancelled)`,
    behind.length > 0 && `was set back in partitions ${behind.join(', ')} (those events were scored again)`,
    forgotten.length > 0 &&
      `had lost partitions ${forgotten.join(', ')} (the loop continued from the offsets it knew)`,
  ].filter((one) => one !== false);
  return `Committed offsets, ${new Date(atMs).toISOString()}: Kafka ${differences.join('; ')}.`;
}
