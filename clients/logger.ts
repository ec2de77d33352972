import { pino, type Logger } from 'pino';

export type { Logger } from 'pino';

/** Logs JSON lines to standard output. Redacts secrets in logged objects. */
export const createLogger = (name: string, level: string): Logger =>
  pino({
    name,
    level,
    redact: ['*.password', '*.token', '*.authorization', 'headers.authorization'],
    serializers: { error: serializeError },
    formatters: { level: (label) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
  });

/** Message, code and causes of an error; never the complete object, which may contain a request with credentials. */
function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  return {
    name: error.name,
    message: error.message,
    ...('code' in error ? { code: error.code } : {}),
    ...(error.cause === undefined ? {} : { cause: serializeError(error.cause) }),
    stack: error.stack?.split('\n').slice(1, 6).join('\n'),
  };
}
