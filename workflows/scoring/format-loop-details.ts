import { asCode } from '../as-code.ts';
import type { LoopState, PartitionState } from '../../contract/scoring-loop.ts';

/** The state of a scoring loop as Markdown, for the Temporal UI. */
export function formatLoopDetails(state: LoopState): string {
  const { topic, settings, totals, lag, shards } = state;
  const trigger =
    settings.trigger === 'available' ? 'as soon as there is data' : `every ${settings.trigger} s`;
  return [
    `**${state.state}** on \`${topic}\`, lag ${lag} offsets`,
    '',
    `At most ${settings.maxOffsets} offsets of a partition in a batch, ${trigger}`,
    '',
    '| batches | records | done | dead letters | superseded | late | dropped | expired |',
    '|---|---|---|---|---|---|---|---|',
    `| ${[totals.batches, totals.records, totals.scored, totals.deadLetters, totals.superseded, totals.late, totals.dropped, totals.expired].join(' | ')} |`,
    '',
    '| partition | offset | lag | behind | records/s | last batch | worker |',
    '|---|---|---|---|---|---|---|',
    ...state.partitions.map(formatPartition),
    ...state.partitions.flatMap(formatNotes),
    ...state.unstarted.flatMap(({ partition, reason }) =>
      noteOn(partition, `not started: ${asCode(reason)}`),
    ),
    ...(shards.length === 0 ? [] : ['', `Other partitions: ${shards.map((id) => `\`${id}\``).join(', ')}`]),
  ].join('\n');
}

function formatPartition({ partition, lag, lastBatch, ...state }: PartitionState): string {
  const behind = lag.eventSeconds === null ? '' : `${lag.eventSeconds} s`;
  const batch =
    lastBatch === null
      ? ''
      : `${lastBatch.offsets} offsets in ${lastBatch.durationMs} ms, ${formatTime(lastBatch.startedAtMs)}`;
  const name = state.stuck === null ? String(partition) : `**${partition}, stuck**`;
  return `| ${[name, state.position, lag.offsets, behind, state.perSecond, batch, state.worker ?? ''].join(' | ')} |`;
}

const differences: Readonly<Record<NonNullable<PartitionState['disagreement']>['kind'], string>> = {
  ahead: 'Kafka had a higher offset: another client committed for this group.',
  behind: 'Kafka had a lower offset: another client set it back, and those events were scored again.',
  forgotten: 'Kafka had lost the offset. The loop continued from the one that it knew.',
  recreated: 'the topic was created again. It is read from its beginning.',
  replaced: 'this is another Kafka cluster. The topic is read from its beginning.',
};

function formatNotes({ partition, stuck, blocked, disagreement }: PartitionState): string[] {
  const notes: string[] = [];
  if (stuck !== null)
    notes.push(
      `stuck since ${formatTime(stuck.sinceMs)}, ${stuck.attempts} attempts: ${asCode(stuck.reason)}`,
    );
  if (blocked !== null)
    notes.push(
      `blocked since ${formatTime(blocked.sinceMs)} by an open transaction of another producer, ${blocked.offsets} offsets behind`,
    );
  if (disagreement !== null)
    notes.push(`${formatTime(disagreement.atMs)}: ${differences[disagreement.kind]}`);
  return notes.flatMap((note) => noteOn(partition, note));
}

const noteOn = (partition: number, note: string): string[] => ['', `Partition ${partition}: ${note}`];

const formatTime = (ms: number): string => new Date(ms).toISOString();
