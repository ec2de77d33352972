const ISO_TIME =
  /^(?<date>\d{4}-\d{2}-\d{2})(?:[T ](?<time>\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(?: ?(?<zone>Z|UTC|[+-]\d{2}:?\d{2}))?)?$/;

/**
 * Parses ISO 8601 text as ms since 1970. Text without a zone is UTC, because the platform's pipelines write it so (JavaScript
 * would read it as local time of the machine). A blank between date and time is accepted too, because SQL and Python write it.
 * @returns NaN for any other text
 */
export function isoTimeMs(text: string): number {
  const { date, time = '00:00', zone = 'Z' } = ISO_TIME.exec(text.trim())?.groups ?? {};
  return date === undefined ? NaN : Date.parse(`${date}T${time}${zone === 'UTC' ? 'Z' : zone}`);
}
