import { groupBy } from '../../domain/values/lists.ts';
import { checkRanges, outcomesOf, rangesOf } from './check-ledger.ts';
import { checkCached, checkDeadLetters, checkScores, type InputAndOutcomes } from './check-outputs.ts';
import { isNewer, locationKey, type InputEvent, type ObservedRun, type OutcomeKind } from './observed-run.ts';
import { Violations } from './violations.ts';

/** Offsets that the runs read at most for one micro-batch. */
const MAX_BATCH = 1000;

/** Result of the check of a run. No violations means exactly once. */
export interface CheckResult {
  readonly violations: readonly string[];
  readonly input: number;
  readonly ranges: number;
  /** Ranges that a later attempt than the first committed. */
  readonly retried: number;
  readonly counts: Readonly<Record<OutcomeKind, number>>;
}

/**
 * Checks that every input offset has exactly one outcome, the same in ledger and topics; that ranges have no gaps and do not
 * overlap; that the scores of each KOL are in order; and that Redis has the newest. Pure: it uses only what readers see.
 */
export function checkExactlyOnce(run: ObservedRun): CheckResult {
  const violations = new Violations();
  const ranges = rangesOf(run.topic, run.ledger);
  checkRanges(ranges, run.input, violations);
  const found: InputAndOutcomes = {
    input: new Map(run.input.map((event) => [locationKey(event), event])),
    outcomes: outcomesOf(ranges, violations),
  };
  checkInput(found, violations);
  checkSuperseded(found, violations);
  checkScores(run, found, violations);
  checkDeadLetters(run, found, violations);
  checkCached(run, found, violations);
  const count = (kind: OutcomeKind) =>
    [...found.outcomes.values()].filter((outcome) => outcome.kind === kind).length;
  return {
    violations: violations.summaries(),
    input: run.input.length,
    ranges: ranges.length,
    retried: ranges.filter(({ attempt }) => attempt > 1).length,
    counts: {
      scored: count('scored'),
      dead_letters: count('dead_letters'),
      superseded: count('superseded'),
      dropped: count('dropped'),
    },
  };
}

/** Every input offset has an outcome that fits its record; no other offset has one. */
function checkInput({ input, outcomes }: InputAndOutcomes, violations: Violations): void {
  for (const [location, { id }] of input) {
    const kind = outcomes.get(location)?.kind;
    if (kind === undefined) violations.add('offset without an outcome', location);
    else if (id === null && kind !== 'dead_letters')
      violations.add('unreadable record is not a dead letter', location);
    else if (id !== null && kind === 'dead_letters')
      violations.add('readable record is a dead letter', location);
    else if (kind === 'dropped') violations.add('late event was left out', location);
  }
  for (const location of outcomes.keys())
    if (!input.has(location)) violations.add('outcome of an offset that does not exist', location);
}

/**
 * For each superseded event, a newer event of its KOL was scored among the offsets that were read with it. When the time of a slice was
 * up, the batch was cut, and the newer event is in the next range.
 */
function checkSuperseded({ input, outcomes }: InputAndOutcomes, violations: Violations): void {
  const keyOf = ({ id, partition }: InputEvent) => `${partition}/${id}`;
  const scored = groupBy(
    [...input].flatMap(([location, event]) => (outcomes.get(location)?.kind === 'scored' ? [event] : [])),
    keyOf,
  );
  for (const [location, { kind, range }] of outcomes) {
    const event = input.get(location);
    if (event === undefined || kind !== 'superseded') continue;
    const readWith = ({ offset }: InputEvent) => offset >= range.from && offset < range.from + MAX_BATCH;
    const candidates = scored.get(keyOf(event)) ?? [];
    if (!candidates.some((newer) => readWith(newer) && isNewer(newer, event)))
      violations.add('superseded event without a newer one in its range', location);
  }
}
