import type { Score } from '../../domain/entities/score.ts';
import type { PrintedRecord } from '../support/read-topics.ts';
import type { Complaints } from './complaints.ts';
import type { LedgerOutcome } from './check-ledger.ts';
import { isNewer, placeOf, type Evidence, type InputEvent, type OutcomeKind } from './evidence.ts';

/** The input, and what the ledger says became of it, by place. */
export interface Accounts {
  readonly input: ReadonlyMap<string, InputEvent>;
  readonly outcomes: ReadonlyMap<string, LedgerOutcome>;
}

const inLogOrder = (records: readonly PrintedRecord[]) =>
  [...records].sort((a, b) => a.partition - b.partition || a.offset - b.offset);

/** scores.stream has one record for each offset that the ledger calls scored, of that event, and none besides; of videos none. */
export function checkScores({ topic, scores }: Evidence, accounts: Accounts, complaints: Complaints): void {
  const seen = new Set<string>();
  const last = new Map<string, { partition: number; offset: number }>();
  for (const record of inLogOrder(scores ?? [])) {
    const { kol_id, source, event_time_ms } = JSON.parse(record.value) as Score;
    if (source?.topic !== topic) continue;
    const place = placeOf(source);
    const event = accounts.input.get(place);
    if (seen.has(place)) complaints.add('score twice in the stream', place);
    seen.add(place);
    if (accounts.outcomes.get(place)?.kind !== 'scored')
      complaints.add('score in the stream that the ledger does not have', place);
    if (event?.id !== kol_id || record.key !== kol_id || event.eventTimeMs !== event_time_ms)
      complaints.add('score of another event than its source', `${place}: ${record.key}`);
    const before = last.get(kol_id);
    if (before !== undefined && before.partition !== record.partition)
      complaints.add('KOL in two partitions of the stream', kol_id);
    if (before !== undefined && before.offset >= source.offset)
      complaints.add('scores of a KOL out of order', `${kol_id}: ${source.offset} after ${before.offset}`);
    last.set(kol_id, { partition: record.partition, offset: source.offset });
  }
  if (scores !== null) complainOfMissing('scored', 'score missing in the stream', seen, accounts, complaints);
}

/** The dead-letter topic has one record for each offset that the ledger calls dead, and none besides. */
export function checkDeadLetters(
  { topic, deadLetters }: Evidence,
  accounts: Accounts,
  complaints: Complaints,
): void {
  const seen = new Set<string>();
  for (const { headers } of deadLetters) {
    if (headers['__connect.errors.topic'] !== topic) continue;
    const partition = Number(headers['__connect.errors.partition']);
    const place = placeOf({ partition, offset: Number(headers['__connect.errors.offset']) });
    if (seen.has(place)) complaints.add('dead letter twice', place);
    seen.add(place);
    if (accounts.outcomes.get(place)?.kind !== 'dead_letters')
      complaints.add('dead letter that the ledger does not have', place);
  }
  complainOfMissing('dead_letters', 'dead letter missing', seen, accounts, complaints);
}

function complainOfMissing(
  kind: OutcomeKind,
  complaint: string,
  seen: ReadonlySet<string>,
  { outcomes }: Accounts,
  complaints: Complaints,
): void {
  for (const [place, outcome] of outcomes)
    if (outcome.kind === kind && !seen.has(place)) complaints.add(complaint, place);
}

/**
 * Redis has the newest scored event of each KOL, or of each video. Something newer is right only where it came from an event of that KOL
 * that ended as late: an attempt that died may have scored it before the watermark passed it.
 */
export function checkCached({ topic, cached }: Evidence, accounts: Accounts, complaints: Complaints): void {
  const newest = new Map<string, InputEvent>();
  for (const [place, { kind }] of accounts.outcomes) {
    const event = accounts.input.get(place);
    if (kind !== 'scored' || event === undefined || event.id === null) continue;
    const other = newest.get(event.id);
    if (other === undefined || isNewer(event, other)) newest.set(event.id, event);
  }
  for (const [id, event] of newest) {
    const source = cached.get(id);
    if (source?.topic !== topic) {
      complaints.add('nothing in Redis', id);
      continue;
    }
    const place = placeOf(source);
    const held = accounts.input.get(place);
    if (held === undefined || held.id !== id)
      complaints.add('Redis has something of no such event', `${id}: ${place}`);
    else if (isNewer(event, held))
      complaints.add('Redis has something older', `${id}: ${place}, newest is ${placeOf(event)}`);
    else if (isNewer(held, event) && accounts.outcomes.get(place)?.kind !== 'late')
      complaints.add('Redis has something that was never given out', `${id}: ${place}`);
  }
}
