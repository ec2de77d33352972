import { requestMetadata } from './metadata-request.ts';
import type { Broker } from './send-request.ts';

// Fault:       kafkajs 2.2.4 takes an empty list of topics for all of them. A cluster object that has no topics requests the metadata of
//              every topic to learn the brokers, and an error of one topic makes the request fail.
// Consequence: a topic of another system can stop a client that does not use it, and the answers are large.
// Remedy:      request the brokers only. The metadata of a topic is requested alone (topic-metadata.ts).
// Upstream:    no issue known.
// See docs/decisions/0006-kafkajs.md.

/** The part of kafkajs's internal cluster object that creates the objects which request metadata. */
export interface BrokerFactory {
  readonly brokerPool: { createBroker: (options: object) => Broker };
}

/** Makes a cluster object request the brokers and no topics. Call it before the object connects. */
export function requestNoTopics({ brokerPool }: BrokerFactory): void {
  const createBroker = brokerPool.createBroker;
  brokerPool.createBroker = (options) => {
    const broker = createBroker(options);
    return Object.assign(broker, {
      async metadata() {
        const { topics: _, ...nodes } = await requestMetadata(broker, []);
        return { ...nodes, topicMetadata: [] };
      },
    });
  };
}
