import { createRequire } from 'node:module';

// kafkajs 2.2.4 throws away a complete response when one partition has an error, and it lacks newer request versions.
// This file sends requests of our own over its connections. See docs/decisions/0006-kafkajs.md.

const require = createRequire(import.meta.url);

/** Writes the fields of a request. Each method returns the encoder. */
export interface Encoder {
  readonly buffer: Buffer;
  writeInt8(value: number): this;
  writeInt32(value: number): this;
  writeBoolean(value: boolean): this;
  writeString(value: string): this;
  writeUVarIntString(value: string): this;
  writeArray(values: readonly (Encoder | string)[]): this;
  writeUVarIntArray(values: readonly Encoder[]): this;
}
export const Encoder = require('kafkajs/src/protocol/encoder') as new () => Encoder;

/** Reads the fields of a response, one after the other. */
export interface Decoder {
  readInt8(): number;
  readInt16(): number;
  readInt32(): number;
  readInt64(): bigint;
  readBoolean(): boolean;
  readString(): string | null;
  readUVarIntString(): string | null;
  readBytes(length?: number): Buffer | null;
  readArray<T>(read: (decoder: Decoder) => T): T[];
  readUVarIntArray<T>(read: (decoder: Decoder) => T): T[] | null;
  readUVarInt(): number;
  forward(bytes: number): void;
}
export const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => Decoder;

const { createErrorFromCode, errorCodes } = require('kafkajs/src/protocol/error') as {
  createErrorFromCode: (code: number) => Error;
  errorCodes: readonly { type: string; code: number }[];
};

/** A node of the Kafka cluster, connected. */
export interface Broker {
  /** Versions of each request that the node understands. */
  readonly versions: Readonly<Record<number, { minVersion: number; maxVersion: number }>> | null;
  readonly connectionPool: {
    send(protocol: {
      request: Request;
      response: {
        decode: (payload: Buffer) => Promise<unknown>;
        parse: (decoded: unknown) => Promise<unknown>;
      };
      requestTimeout?: number;
    }): Promise<unknown>;
  };
  disconnect(): Promise<void>;
}

export interface Request {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly apiName: string;
  readonly encode: () => Promise<Encoder>;
}

/** A decoded response. */
export interface Response<T> {
  readonly value: T;
  /** The broker asks the client to send nothing for this time. */
  readonly throttleMs: number;
}

/**
 * Sends a request and decodes its response.
 * @param timeoutMs time until the broker must answer, when it is longer than that of the client
 * @throws connection errors of kafkajs, and what `decode` throws
 */
export async function sendRequest<T>(
  broker: Broker,
  request: Request,
  decode: (decoder: Decoder) => Response<T>,
  timeoutMs?: number,
): Promise<T> {
  try {
    const response = await broker.connectionPool.send({
      request,
      response: {
        decode: (payload) => {
          const { value, throttleMs } = decode(new Decoder(payload));
          return Promise.resolve({ value, clientSideThrottleTime: throttleMs });
        },
        parse: (decoded) => Promise.resolve(decoded),
      },
      ...(timeoutMs !== undefined && { requestTimeout: timeoutMs }),
    });
    return (response as { value: T }).value;
  } catch (error) {
    // As kafkajs does: the next request connects again.
    if (error instanceof Error && error.name === 'KafkaJSConnectionClosedError') await broker.disconnect();
    throw error;
  }
}

/** Kafka's name of an error code, for example `OFFSET_OUT_OF_RANGE`; null for success. */
export function errorType(code: number): string | null {
  if (code === 0) return null;
  return errorCodes.find((error) => error.code === code)?.type ?? `UNKNOWN_ERROR_CODE_${code}`;
}

/** @throws the protocol error of kafkajs, unless the code means success */
export function throwIfError(code: number): void {
  if (code !== 0) throw createErrorFromCode(code);
}
