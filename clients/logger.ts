import { pino, type Logger } from 'pino';

export type { Logger } from 'pino';

/** Structured JSON lines on standard output. Secrets that end up in a logged object are cut out. */
export const createLogger = (name: string, level: string): Logger =>
  pino({
    name,
    level,
    redact: ['*.password', '*.token', '*.authorization', 'headers.authorization'],
    serializers: { error: describeError },
    formatters: { level: (label) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
  });

/** Message, code and causes; never the whole object, which may hold a request with credentials. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  return {
    name: error.name,
    message: error.message,
    ...('code' in error ? { code: error.code } : {}),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
    stack: error.stack?.split('\n').slice(1, 6).join('\n'),
  };
}
