/** Result of parsing one input record. An invalid record is a value, not an exception: it must not stop its batch. */
export type ParseOutcome<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'deadLetter'; readonly reason: DeadLetterReason; readonly detail: string };

/** Why a record became a dead letter. Used as metric label and header, so the list is short and fixed. */
export const deadLetterReasons = [
  'tombstone',
  'too_large',
  'not_utf8',
  'too_deep',
  'not_json',
  'not_an_object',
  'wrong_event_type',
  'missing_id',
  'invalid_id',
  'invalid_field',
  'invalid_count',
  'invalid_event_time',
  'event_time_in_future',
  'rejected_by_model',
  'score_too_large',
] as const;
export type DeadLetterReason = (typeof deadLetterReasons)[number];

export const ok = <T>(value: T): ParseOutcome<T> => ({ kind: 'ok', value });
export const deadLetter = (reason: DeadLetterReason, detail: string): ParseOutcome<never> => ({
  kind: 'deadLetter',
  reason,
  detail,
});
