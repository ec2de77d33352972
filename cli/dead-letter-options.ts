import { InvalidArgumentError, Option } from 'commander';
import { InvalidFilterError, parseOffsets, parseSince } from '../domain/scoring/dead-letter-filter.ts';
import { deadLetterReasons } from '../domain/scoring/parse-event.ts';
import { deadLetterTopic } from '../domain/scoring/output-record.ts';

const MAX_LIMIT = 10_000;

export const topicOption = (): Option =>
  new Option('--topic <topic>', 'the input topic').argParser(parseTopic);

export const reasonOption = (): Option =>
  new Option('--reason <reason>', 'only letters with this reason').choices(deadLetterReasons);

export const sinceOption = (): Option =>
  new Option(
    '--since <when>',
    'only letters written since then: a time in ISO 8601, or an age like 1h',
  ).argParser(withUsageError((text) => parseSince(text, Date.now())));

export const limitOption = (): Option =>
  new Option('--limit <n>', 'at most this many letters').argParser(parseLimit).default(50);

export const offsetsOption = (): Option =>
  new Option('--offsets <offsets>', 'only these letters, as partition:offset,… in the dead letter topic')
    .argParser(withUsageError(parseOffsets))
    .conflicts(['reason', 'since']);

/** Turns an InvalidFilterError into an error that commander reports as wrong usage. */
function withUsageError<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof InvalidFilterError) throw new InvalidArgumentError(`${error.message}.`);
      throw error;
    }
  };
}

function parseTopic(text: string): string {
  if (!/^[A-Za-z0-9._-]{1,245}$/.test(text))
    throw new InvalidArgumentError('accepted is the name of a topic.');
  if (text.endsWith(deadLetterTopic('')))
    throw new InvalidArgumentError(`name the input topic, without ${deadLetterTopic('')}.`);
  return text;
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw new InvalidArgumentError(`accepted is a whole number from 1 to ${MAX_LIMIT}.`);
  return limit;
}
