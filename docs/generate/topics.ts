import type { OutputRecord } from '../../domain/kafka-record.ts';
import {
  bareDeadLetterRecord,
  deadLetterRecord,
  REPLAYED_FROM_HEADER,
} from '../../domain/scoring/dead-letter.ts';
import type { RejectedRecord } from '../../domain/scoring/keep-newest.ts';
import {
  deadLetterTopic,
  LEDGER_TOPIC,
  ledgerRecord,
  scoreRecord,
  SCORES_TOPIC,
} from '../../domain/scoring/output-record.ts';
import { type DeadLetterReason, deadLetterReasons } from '../../domain/scoring/parse-event.ts';
import { INPUT_TOPICS } from '../../domain/scoring/topics.ts';
import { code, codeBlock, describeNames, fieldTable, type NameDoc, table } from './markdown.ts';
import { sampleScore } from './samples.ts';

const range = { topic: 'kol.profiles.raw', partition: 3, from: 1000, to: 1043 };
const sampleScoreRecord = scoreRecord(sampleScore, { latencyMs: 850, late: false, negativeCounts: [] });
const rejected: RejectedRecord = {
  record: { offset: 1002, key: null, value: null, headers: {}, timestampMs: 0 },
  reason: 'not_json',
  detail: 'the value is not JSON',
};
const sampleLedgerRecord = ledgerRecord(
  range,
  { scored: [1000, 1001, 1042], deadLetters: [rejected], superseded: [1003, 1004], dropped: [] },
  {
    worker: 'worker-1/6f1c2a52',
    attempt: 1,
    modelVersion: 'v1',
    phases: { read: 5, features: 1, model: 52, cache: 2 },
  },
);

const SPANS = 'array of `[first, last]`';

const scoreDocs: Readonly<Record<string, NameDoc>> = {
  kol_id: { type: 'string', meaning: 'the KOL; also the key of the record' },
  platform: {
    type: 'string',
    meaning: 'platform of the event, else that of the KOL in `kol_trust_features`, else `unknown`',
  },
  timestamp: { type: 'string', meaning: 'when the model scored it, ISO 8601' },
  trust_score: { type: 'number 0–100', meaning: 'the score' },
  trust_label: { type: 'string', meaning: 'the risk level: `low`, `moderate`, `elevated` or `high`' },
  trust_confidence: { type: 'number 0–1', meaning: '`confidence` of the model' },
  is_trustworthy: { type: 'boolean', meaning: 'of the model' },
  latency_ms: {
    type: 'number ≥ 0',
    meaning: 'from the event time to the write of the score to Redis; 0 if the event time is ahead',
  },
  late: {
    type: 'boolean',
    meaning:
      'whether the event was behind the watermark: more than 5 minutes older than the newest of its partition',
  },
  model_version_trust: { type: 'string', meaning: '`model_version` of the model' },
  features_from: {
    type: 'string',
    meaning: '`event`, or `event+lakehouse` if the lakehouse filled what the event lacked',
  },
  event_time_ms: { type: 'number', meaning: 'event time, ms since 1970' },
  source: { type: 'object', meaning: '`topic`, `partition` and `offset` of the event' },
  negative_counts: {
    type: 'array of strings',
    meaning: 'fields of the event whose counts were negative: they are taken as unknown',
  },
};

const ledgerDocs: Readonly<Record<string, NameDoc>> = {
  topic: { type: 'string', meaning: 'input topic' },
  partition: { type: 'number', meaning: 'its partition' },
  from: { type: 'number', meaning: 'first offset of the range' },
  to: { type: 'number', meaning: 'first offset after the range' },
  scored: { type: SPANS, meaning: 'offsets that became a score, or refreshed a video' },
  dead_letters: { type: SPANS, meaning: 'offsets that became dead letters' },
  superseded: {
    type: SPANS,
    meaning: 'offsets with a newer event of the same account or video in the range, or right after it',
  },
  dropped: { type: SPANS, meaning: 'offsets of late events that were left out (`lateEvents: "drop"`)' },
  model_version: { type: 'string or null', meaning: 'version that scored them' },
  worker: { type: 'string', meaning: 'process that committed the range' },
  attempt: { type: 'number', meaning: 'attempt of the activity' },
  phases_ms: {
    type: 'object',
    meaning: 'milliseconds of the steps `read`, `features`, `model`, `cache`',
  },
};

const reasonDocs: Readonly<Record<DeadLetterReason, string>> = {
  tombstone: 'the record has no value',
  too_large: 'the value has more than 32 MiB',
  not_utf8: 'the value is not UTF-8',
  too_deep: 'lists and objects are nested deeper than 64 levels',
  not_json: 'the value is not JSON',
  not_an_object: 'the value is JSON, but not an object',
  wrong_event_type: '`event_type` is not the one of the topic',
  missing_id: '`username` (profile) or `video_id` (video) is missing or blank',
  invalid_id:
    'an id is neither text nor digits, is longer than 256 characters, or has control characters or unpaired surrogates',
  invalid_field: 'a text, flag or platform is of a wrong form, or a text is too long',
  invalid_count:
    'a count is not whole, too large, not readable or could mean two numbers; or the number of followers is negative',
  invalid_event_time: '`event_time` is of no accepted form, or does not exist',
  event_time_in_future: '`event_time` is more than 5 minutes after Kafka received the record',
  rejected_by_model:
    'the ML API refused this profile, or fails each time because of it; the message holds its answer',
  score_too_large: '`scores.stream` does not accept a record of the size of this score; Redis has the score',
};

const ERRORS = '__connect.errors.';
const headerDocs: Readonly<Record<string, NameDoc>> = {
  [`${ERRORS}topic`]: { type: 'letter', meaning: 'input topic of the record' },
  [`${ERRORS}partition`]: { type: 'letter', meaning: 'its partition' },
  [`${ERRORS}offset`]: { type: 'letter', meaning: 'its offset' },
  [`${ERRORS}connector.name`]: { type: 'letter', meaning: 'always `kol-scoring`' },
  [`${ERRORS}task.id`]: { type: 'letter', meaning: 'the partition' },
  [`${ERRORS}stage`]: {
    type: 'letter',
    meaning:
      '`VALUE_CONVERTER` (the record could not be read) or `TRANSFORMATION` (the ML API refused it, or its score is too large)',
  },
  [`${ERRORS}class.name`]: { type: 'letter', meaning: '`kol-scoring/` and the topic' },
  [`${ERRORS}exception.class.name`]: { type: 'letter', meaning: 'the reason, see below' },
  [`${ERRORS}exception.message`]: { type: 'letter', meaning: 'what was wrong and what is accepted' },
  [`${ERRORS}exception.stacktrace`]: { type: 'letter', meaning: 'reason and message' },
  'kol.left-out-bytes': {
    type: 'letter without its value',
    meaning: 'size of the value that was left out because the topic does not accept it',
  },
  'kol.received-at-ms': {
    type: 'letter, and replayed record',
    meaning: 'when Kafka first got the record, in ms since 1970: the time of an event without `event_time`',
  },
  'kol.replayed-from': {
    type: 'replayed record',
    meaning: 'the letter that the record was replayed from: topic/partition/offset',
  },
};

/** Topics, the records that the system writes to them, and dead letters. */
export function topicSections(): Readonly<Record<string, string>> {
  return {
    topics: table(['topic', 'holds', 'key'], topicRows()),
    'score-record': recordSection('scores.stream', sampleScoreRecord, scoreDocs),
    'ledger-record': recordSection('ledger', sampleLedgerRecord, ledgerDocs),
    'dead-letter-headers': table(
      ['header', 'on', 'meaning'],
      describeNames('headers', deadLetterHeaders(), headerDocs).map(({ name, doc }) => [
        code(name),
        doc.type,
        doc.meaning,
      ]),
    ),
    'dead-letter-reasons': table(
      ['reason', 'meaning'],
      deadLetterReasons.map((reason) => [code(reason), reasonDocs[reason]]),
    ),
  };
}

function topicRows(): string[][] {
  const inputs = INPUT_TOPICS.map(({ topic, kind }) => [
    code(topic),
    `input: ${kind === 'profiles' ? 'profile' : 'video'} events`,
    'any; use the id of the KOL, so that its events stay in order',
  ]);
  const letters = INPUT_TOPICS.map(({ topic }) => [
    code(deadLetterTopic(topic)),
    `dead letters of ${code(topic)}`,
    'as the record had it',
  ]);
  return [
    ...inputs,
    [code(SCORES_TOPIC), 'output: one record for each scored event', '`kol_id`'],
    [
      code(LEDGER_TOPIC),
      'output: one record for each committed range, and for each seek',
      '`topic/partition` of the input',
    ],
    ...letters,
  ];
}

function recordSection(
  what: string,
  { key, value }: OutputRecord,
  docs: Readonly<Record<string, NameDoc>>,
): string {
  const record = JSON.parse(String(value)) as Record<string, unknown>;
  const example = codeBlock('json', JSON.stringify(record, null, 2));
  return `${fieldTable(what, Object.keys(record), docs)}\n\nExample, with the key ${code(String(key))}:\n\n${example}`;
}

/** All headers that the system adds, from records that it builds. */
function deadLetterHeaders(): string[] {
  const records = [deadLetterRecord(range, rejected), bareDeadLetterRecord(range, rejected)];
  return [...new Set([...records.flatMap(({ headers }) => Object.keys(headers)), REPLAYED_FROM_HEADER])];
}
