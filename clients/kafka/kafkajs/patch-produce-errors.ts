import { createRequire } from 'node:module';

// Fault:       the error of a refused produce request does not name the topic (kafkajs 2.2.4), and a request holds several.
// Consequence: an operator cannot see which topic has a limit that is too small.
// Patch:       name topic and partition in the message, and the topic in a property.
// Upstream:    no issue known.
// See docs/decisions/0006-kafkajs.md.

interface ProduceResponse {
  readonly topics: readonly {
    readonly topicName: string;
    readonly partitions: readonly { readonly partition: number; readonly errorCode: number }[];
  }[];
}
interface ResponseModule {
  parse: (response: ProduceResponse) => Promise<ProduceResponse>;
}

/** The versions that producers with ids use. */
const VERSIONS = [3, 4, 5, 6, 7];
const require = createRequire(import.meta.url);
let patched = false;

/** Makes errors of produce requests name their topic. Applies to all clients of the process; calling it again does nothing. */
export function patchProduceErrors(): void {
  if (patched) return;
  patched = true;
  for (const version of VERSIONS) {
    const response = require(`kafkajs/src/protocol/requests/produce/v${version}/response`) as ResponseModule;
    const { parse } = response;
    response.parse = (data) =>
      parse(data).catch((error: unknown) => {
        if (error instanceof Error) nameTopic(error, data);
        throw error;
      });
  }
}

/** kafkajs throws the first error of a response. Its versions call each other, so an error passes here several times. */
function nameTopic(error: Error, { topics }: ProduceResponse): void {
  if ('topic' in error) return;
  for (const { topicName, partitions } of topics) {
    const refused = partitions.find(({ errorCode }) => errorCode !== 0);
    if (refused === undefined) continue;
    error.message = `${topicName}/${refused.partition}: ${error.message}`;
    Object.assign(error, { topic: topicName });
    return;
  }
}
