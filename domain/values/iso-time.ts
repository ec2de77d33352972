const ISO_TIME =
  /^(?<date>\d{4}-\d{2}-\d{2})(?:[T ](?<time>\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(?: ?(?<zone>Z|UTC|[+-]\d{2}:?\d{2}))?)?$/;

/**
 * The moment that ISO 8601 text names, in ms since 1970; NaN where it names none. Without a zone it is UTC, as the platform's
 * pipelines write it (JavaScript would take it for the local time of whatever machine reads it). The blank that SQL and Python
 * put between date and time is taken too.
 */
export function isoTimeMs(text: string): number {
  const { date, time = '00:00', zone = 'Z' } = ISO_TIME.exec(text.trim())?.groups ?? {};
  return date === undefined ? NaN : Date.parse(`${date}T${time}${zone === 'UTC' ? 'Z' : zone}`);
}
