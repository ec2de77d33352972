import { WATERMARK_DELAY_MS } from '../../domain/scoring/committed-metadata.ts';
import { checkRanges, outcomesOf, rangesOf } from './check-ledger.ts';
import { checkCached, checkDeadLetters, checkScores, type Accounts } from './check-outputs.ts';
import { Complaints } from './complaints.ts';
import { isNewer, placeOf, type Evidence, type InputEvent, type OutcomeKind } from './evidence.ts';

/** What a run came to; exactly once means that there are no violations. */
export interface Account {
  readonly violations: readonly string[];
  readonly input: number;
  readonly ranges: number;
  /** Ranges that the first attempt did not commit. */
  readonly retried: number;
  readonly counts: Readonly<Record<OutcomeKind, number>>;
}

/**
 * Checks that every input offset has exactly one outcome in ledger and topics alike, that ranges are gapless and do not
 * overlap, that each KOL's scores are in order, and that Redis has the newest. Pure: it sees only what readers see.
 */
export function checkAccounting(evidence: Evidence): Account {
  const complaints = new Complaints();
  const ranges = rangesOf(evidence.topic, evidence.ledger);
  checkRanges(ranges, evidence.input, complaints);
  const accounts: Accounts = {
    input: new Map(evidence.input.map((event) => [placeOf(event), event])),
    outcomes: outcomesOf(ranges, complaints),
  };
  checkInput(accounts, complaints);
  checkSuperseded(accounts, complaints);
  checkScores(evidence, accounts, complaints);
  checkDeadLetters(evidence, accounts, complaints);
  checkCached(evidence, accounts, complaints);
  const count = (kind: OutcomeKind) =>
    [...accounts.outcomes.values()].filter((outcome) => outcome.kind === kind).length;
  return {
    violations: complaints.sentences(),
    input: evidence.input.length,
    ranges: ranges.length,
    retried: ranges.filter(({ attempt }) => attempt > 1).length,
    counts: {
      scored: count('scored'),
      dead_letters: count('dead_letters'),
      late: count('late'),
      superseded: count('superseded'),
    },
  };
}

/** Every input offset has an outcome, one that its record deserves; no other offset has any. */
function checkInput({ input, outcomes }: Accounts, complaints: Complaints): void {
  let newestMs = 0;
  for (const { id, eventTimeMs } of input.values())
    if (id !== null) newestMs = Math.max(newestMs, eventTimeMs);
  for (const [place, { id, eventTimeMs }] of input) {
    const kind = outcomes.get(place)?.kind;
    if (kind === undefined) complaints.add('lost: offset without an outcome', place);
    else if ((id === null) !== (kind === 'dead_letters'))
      complaints.add(id === null ? 'unreadable record not a dead letter' : 'good record dead', place);
    else if (kind === 'late' && eventTimeMs >= newestMs - WATERMARK_DELAY_MS)
      complaints.add('late although it was in time', place);
  }
  for (const place of outcomes.keys())
    if (!input.has(place)) complaints.add('outcome of an offset that there is not', place);
}

/** A superseded event gave way to a newer one of its KOL that was scored in the same range. */
function checkSuperseded({ input, outcomes }: Accounts, complaints: Complaints): void {
  const scored = new Map<string, InputEvent>();
  const keyOf = ({ id, partition }: InputEvent, { from, to }: { from: number; to: number }) =>
    `${partition}/[${from}, ${to})/${id}`;
  for (const [place, { kind, range }] of outcomes) {
    const event = input.get(place);
    if (event !== undefined && kind === 'scored') scored.set(keyOf(event, range), event);
  }
  for (const [place, { kind, range }] of outcomes) {
    const event = input.get(place);
    if (event === undefined || kind !== 'superseded') continue;
    const newer = scored.get(keyOf(event, range));
    if (newer === undefined || !isNewer(newer, event))
      complaints.add('superseded by nothing newer in its range', place);
  }
}
