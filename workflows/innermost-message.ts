import { messageOf } from '../domain/values/message-of.ts';

/** The message of the innermost cause: the reason of a failure, without the activity or child workflow around it. */
export function innermostMessage(error: unknown): string {
  let reason = error;
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause;
  return messageOf(reason);
}
