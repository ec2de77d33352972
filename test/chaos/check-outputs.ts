import type { Score } from '../../domain/entities/score.ts';
import type { PartitionOffset } from '../../domain/kafka-location.ts';
import type { PrintedRecord } from '../support/read-topics.ts';
import type { LedgerOutcome } from './check-ledger.ts';
import { isNewer, locationKey, type InputEvent, type ObservedRun, type OutcomeKind } from './observed-run.ts';
import type { Violations } from './violations.ts';

/** The input and its outcomes in the ledger, by location. */
export interface InputAndOutcomes {
  readonly input: ReadonlyMap<string, InputEvent>;
  readonly outcomes: ReadonlyMap<string, LedgerOutcome>;
}

const inLogOrder = (records: readonly PrintedRecord[]) =>
  [...records].sort((a, b) => a.partition - b.partition || a.offset - b.offset);

/**
 * scores.stream has exactly one record for each offset that the ledger calls scored, computed from that event, and the scores of
 * each KOL are in order in one partition. For videos it has no records.
 */
export function checkScores(
  { topic, scores }: ObservedRun,
  found: InputAndOutcomes,
  violations: Violations,
): void {
  const seen = new Set<string>();
  const lastOf = new Map<string, PartitionOffset>();
  for (const record of inLogOrder(scores ?? [])) {
    const { kol_id, source, event_time_ms } = JSON.parse(record.value) as Score;
    if (source?.topic !== topic) continue;
    const location = locationKey(source);
    const event = found.input.get(location);
    if (seen.has(location)) violations.add('score twice in the stream', location);
    seen.add(location);
    if (found.outcomes.get(location)?.kind !== 'scored')
      violations.add('score that the ledger does not have', location);
    if (event?.id !== kol_id || record.key !== kol_id || event.eventTimeMs !== event_time_ms)
      violations.add('score does not match its source event', `${location}: ${record.key}`);
    const last = lastOf.get(kol_id);
    if (last !== undefined && last.partition !== record.partition)
      violations.add('KOL in two partitions of the stream', kol_id);
    if (last !== undefined && last.offset >= source.offset)
      violations.add('scores of a KOL out of order', `${kol_id}: ${source.offset} after ${last.offset}`);
    lastOf.set(kol_id, { partition: record.partition, offset: source.offset });
  }
  if (scores !== null) addMissing('scored', 'score missing in the stream', seen, found, violations);
}

/** The dead-letter topic has exactly one record for each offset that the ledger calls dead. */
export function checkDeadLetters(
  { topic, deadLetters }: ObservedRun,
  found: InputAndOutcomes,
  violations: Violations,
): void {
  const seen = new Set<string>();
  for (const { headers } of deadLetters) {
    if (headers['__connect.errors.topic'] !== topic) continue;
    const partition = Number(headers['__connect.errors.partition']);
    const location = locationKey({ partition, offset: Number(headers['__connect.errors.offset']) });
    if (seen.has(location)) violations.add('dead letter twice', location);
    seen.add(location);
    if (found.outcomes.get(location)?.kind !== 'dead_letters')
      violations.add('dead letter that the ledger does not have', location);
  }
  addMissing('dead_letters', 'dead letter missing', seen, found, violations);
}

function addMissing(
  kind: OutcomeKind,
  violation: string,
  seen: ReadonlySet<string>,
  { outcomes }: InputAndOutcomes,
  violations: Violations,
): void {
  for (const [location, outcome] of outcomes)
    if (outcome.kind === kind && !seen.has(location)) violations.add(violation, location);
}

/**
 * Redis has the newest scored event of each KOL or video.
 */
export function checkCached(
  { topic, cached }: ObservedRun,
  found: InputAndOutcomes,
  violations: Violations,
): void {
  for (const [id, event] of newestScored(found)) {
    const source = cached.get(id);
    if (source?.topic !== topic) {
      violations.add('no value in Redis', id);
      continue;
    }
    const location = locationKey(source);
    const cachedEvent = found.input.get(location);
    if (cachedEvent === undefined || cachedEvent.id !== id)
      violations.add('value in Redis does not match its source event', `${id}: ${location}`);
    else if (isNewer(event, cachedEvent))
      violations.add('value in Redis is too old', `${id}: ${location}, newest is ${locationKey(event)}`);
    else if (isNewer(cachedEvent, event))
      violations.add('value in Redis is newer than every score', `${id}: ${location}`);
  }
}

/** The newest scored event of each KOL or video. */
function newestScored({ input, outcomes }: InputAndOutcomes): Map<string, InputEvent> {
  const newest = new Map<string, InputEvent>();
  for (const [location, { kind }] of outcomes) {
    const event = input.get(location);
    if (kind !== 'scored' || event === undefined || event.id === null) continue;
    const other = newest.get(event.id);
    if (other === undefined || isNewer(event, other)) newest.set(event.id, event);
  }
  return newest;
}
