import {
  DefaultPayloadConverter,
  type ConverterHint,
  type Payload,
  type SerializationContext,
} from '@temporalio/common';
import { messageOf } from '../domain/values/message-of.ts';

/**
 * Decodes what reaches a workflow. Any client can send a signal, a query, an update or an input, with any number of arguments. If one of
 * them is not JSON, decoding would fail, and with it each workflow task from then on. Such a payload becomes the text of the error
 * instead, and the workflow finds it invalid like any other wrong value.
 */
class TolerantPayloadConverter extends DefaultPayloadConverter {
  override fromPayload<T>(payload: Payload, context?: SerializationContext, hint?: ConverterHint<T>): T {
    try {
      return super.fromPayload<T>(payload, context, hint);
    } catch (error) {
      return messageOf(error) as T;
    }
  }
}

/** The workflow bundle uses it by this name (workers/workflow-bundle.ts). */
export const payloadConverter = new TolerantPayloadConverter();
