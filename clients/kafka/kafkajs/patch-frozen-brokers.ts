import { createRequire } from 'node:module';
import kafkajs from 'kafkajs';

// A frozen broker (a hung disk, a paused machine) accepts connections and answers nothing. kafkajs 2.2.4 handles only brokers that
// refuse connections.
//
// Fault 1:     a client whose first request to a seed broker times out tries the same broker again, 26 times, each for 15 s
//              instead of `connectionTimeout`.
// Consequence: while the first broker of the list is frozen, no new client gets a connection, although the others work.
// Patch:       the first request of a connection ends after `connectionTimeout`, as a connection error: the next seed is tried.
//
// Fault 2:     a connection to a node whose versions are known counts as connected without an answer.
// Consequence: each use of a frozen node waits for the timeout of a request, 15 s.
// Patch:       ask for the versions on each connect. The answer proves that the node works.
//
// Fault 3:     the tries of a connect are counted: 26 of them take 20 s when connections are refused, and 100 s when they time out.
// Patch:       end them after a time.
//
// Fault 4:     a coordinator is looked up at any node. The lookup fails when that node accepts no connection.
// Patch:       ask connected nodes first, and the next one when a node accepts no connection.
//
// Upstream:    no issue known.
// See docs/decisions/0006-kafkajs.md.

/** The parts of kafkajs's broker that the patch uses. */
interface Broker {
  readonly brokerAddress: string;
  /** Null until a node has answered. New objects of known nodes get those of the seed. */
  readonly versions: object | null;
  isConnected(): boolean;
  apiVersions(): Promise<object>;
}

type Work = (bail: (error: Error) => void, retryCount: number, retryTime: number) => Promise<unknown>;
type Retrier = (work: Work) => Promise<unknown>;

/** The parts of kafkajs's pool of brokers that the patch uses. */
interface BrokerPool {
  readonly brokers: Readonly<Record<string, Broker>>;
  retrier: Retrier;
  findBroker(options: { nodeId: string }): Promise<Broker>;
}
type AskBroker = (asked: { nodeId: string; broker: Broker }) => Promise<unknown>;

interface PushedRequest {
  readonly entry: { readonly apiKey: number };
  readonly requestTimeout?: number | null;
}

/** The first request of each connection. */
const API_VERSIONS = 18;
/** As long as `withRetry`. Then the caller reports the failure, and begins again. */
const CONNECT_WITHIN_MS = 10_000;

const require = createRequire(import.meta.url);
const shuffle = require('kafkajs/src/utils/shuffle') as (nodeIds: readonly string[]) => string[];
const { KafkaJSBrokerNotFound } = require('kafkajs/src/errors') as {
  KafkaJSBrokerNotFound: new (message: string) => Error;
};
const { prototype: queue } = require('kafkajs/src/network/requestQueue') as {
  prototype: { createSocketRequest: (pushed: PushedRequest) => { requestTimeout: number } };
};
const { prototype: broker } = require('kafkajs/src/broker') as {
  prototype: { connect: (this: Broker) => Promise<void> };
};
const { prototype: pool } = require('kafkajs/src/cluster/brokerPool') as {
  prototype: {
    connect: (this: BrokerPool) => Promise<void>;
    withBroker: (this: BrokerPool, ask: AskBroker) => Promise<unknown>;
  };
};
const bounded = new WeakSet<BrokerPool>();
let patched = false;

/** Makes clients treat a frozen broker as one that is down. Applies to all clients of the process; calling it again does nothing. */
export function patchFrozenBrokers(): void {
  if (patched) return;
  patched = true;
  const { createSocketRequest } = queue;
  queue.createSocketRequest = function (pushed) {
    const request = createSocketRequest.call(this, pushed);
    // kafkajs uses the longer of this timeout and that of all requests.
    if (pushed.entry.apiKey === API_VERSIONS && pushed.requestTimeout != null)
      request.requestTimeout = pushed.requestTimeout;
    return request;
  };
  const { connect } = broker;
  broker.connect = async function () {
    const mustAsk = this.versions !== null && !this.isConnected();
    try {
      await connect.call(this);
      if (mustAsk) await this.apiVersions();
    } catch (error) {
      throw toConnectionError(error, this.brokerAddress);
    }
  };
  const { connect: connectPool } = pool;
  pool.connect = function () {
    if (!bounded.has(this)) this.retrier = withDeadline(this.retrier);
    bounded.add(this);
    return connectPool.call(this);
  };
  pool.withBroker = askAnyBroker;
}

const isNamed = (error: unknown, name: string): error is Error =>
  error instanceof Error && error.name === name;

const toConnectionError = (error: unknown, address: string): unknown =>
  isNamed(error, 'KafkaJSRequestTimeoutError')
    ? new kafkajs.KafkaJSConnectionError(`${address} accepts connections but does not answer`, {
        broker: address,
      })
    : error;

const withDeadline =
  (retrier: Retrier): Retrier =>
  (work) => {
    const deadline = performance.now() + CONNECT_WITHIN_MS;
    return retrier(async (bail, retryCount, retryTime) => {
      try {
        return await work(bail, retryCount, retryTime);
      } catch (error) {
        if (!(error instanceof Error) || performance.now() < deadline) throw error;
        return bail(new kafkajs.KafkaJSNumberOfRetriesExceeded(error, { retryCount, retryTime }));
      }
    });
  };

/**
 * Asks one node after the other until one answers without an error, connected nodes first.
 * @returns null when all have answered with an error
 * @throws the reason of the last node when none accepts a connection
 */
async function askAnyBroker(this: BrokerPool, ask: AskBroker): Promise<unknown> {
  const nodeIds = shuffle(Object.keys(this.brokers));
  const isConnected = (nodeId: string) => this.brokers[nodeId]?.isConnected() === true;
  const sorted = [...nodeIds.filter(isConnected), ...nodeIds.filter((nodeId) => !isConnected(nodeId))];
  let reason: unknown = new KafkaJSBrokerNotFound('No brokers in the broker pool');
  let wasAsked = false;
  for (const nodeId of sorted) {
    try {
      const found = await this.findBroker({ nodeId });
      wasAsked = true;
      return await ask({ nodeId, broker: found });
    } catch (error) {
      reason = error;
    }
  }
  if (!wasAsked) throw reason;
  return null;
}
