// fails: Only clients/kafka/kafkajs and its tests may use internals of kafkajs.
export { createRequire } from 'node:module';
