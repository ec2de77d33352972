import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { IncomingHttpHeaders } from 'node:http';
import type { Request, Response } from 'express';
import fresh from 'fresh';
import { LRUCache } from 'lru-cache';
import pLimit from 'p-limit';

/** Names and values in turn, as `writeHead` takes them. */
export type HeaderList = readonly string[];

const ENCODINGS = ['br', 'gzip'] as const;
type Encoding = (typeof ENCODINGS)[number] | 'identity';

/** The bytes of an answer in one content encoding. */
interface Variant {
  readonly etag: string;
  /** The bytes as characters (latin1), because Node sends text and headers in one write, and need not encode such text. */
  readonly body: string;
  readonly headers: HeaderList;
}

/** A smaller body is not compressed: it fits into one packet anyway. */
const MIN_COMPRESSED_BYTES = 1024;
/** The default, 11, takes 20 times as long and saves only a few percent. */
const BROTLI_QUALITY = 5;
/** One answer at a time is compressed, so that requests keep most of the processor. */
const compressing = pLimit(1);
/** While more answers wait, new ones stay uncompressed. */
const MAX_WAITING = 1000;

/** A JSON body with strong ETags. Each encoding has its own ETag, because its bytes differ. */
export class Answer {
  /** Upper limit for the size of all variants together. */
  readonly bytes: number;
  readonly #hash: string;
  readonly #canCompress: boolean;
  readonly #plain: Variant;
  readonly #compressed = new Map<Encoding, Variant>();

  constructor(body: object) {
    const json = Buffer.from(JSON.stringify(body));
    this.#hash = createHash('sha1').update(json).digest('base64url');
    this.#canCompress = json.length >= MIN_COMPRESSED_BYTES;
    this.bytes = json.length * (this.#canCompress ? 1 + ENCODINGS.length : 1);
    this.#plain = this.#variant('identity', json);
  }

  /** The variant in this encoding, or the uncompressed one until `compress` has made it. */
  variant(encoding: Encoding): Variant {
    return this.#compressed.get(encoding) ?? this.#plain;
  }

  /** Makes the compressed variants, in other threads. A small answer has none. */
  async compress(): Promise<void> {
    if (!this.#canCompress) return;
    const plain = Buffer.from(this.#plain.body, 'latin1');
    for (const encoding of ENCODINGS)
      this.#compressed.set(encoding, this.#variant(encoding, await compress[encoding](plain)));
  }

  /** Compresses an answer that is kept for many requests, once the current response is on its way. */
  compressLater(): void {
    if (!this.#canCompress || compressing.pendingCount >= MAX_WAITING) return;
    setImmediate(() => {
      // without memory for it, the answer stays uncompressed
      compressing(() => this.compress()).catch(() => {});
    });
  }

  /** The ETag of any variant that the client already has, for a 304: all variants have the same content. */
  etagHeldBy(headers: IncomingHttpHeaders, preferred: string, lastModified: string | undefined) {
    const held = {
      'if-none-match': headers['if-none-match'],
      'if-modified-since': headers['if-modified-since'],
      // fetch adds no-cache to each request with If-None-Match. It only asks for validation, and a 304 is one.
      'cache-control': headers['if-none-match'] === undefined ? headers['cache-control'] : undefined,
    };
    const etags = [preferred, ...(['identity', ...ENCODINGS] as const).map((each) => this.#etag(each))];
    return etags.find((etag) => fresh(held, { etag, 'last-modified': lastModified }));
  }

  #etag(encoding: Encoding): string {
    return encoding === 'identity' ? `"${this.#hash}"` : `"${this.#hash}-${encoding}"`;
  }

  #variant(encoding: Encoding, bytes: Buffer): Variant {
    const etag = this.#etag(encoding);
    const headers = [
      'Content-Type',
      'application/json; charset=utf-8',
      'Content-Length',
      String(bytes.length),
      ...(encoding === 'identity' ? [] : ['Content-Encoding', encoding]),
      'ETag',
      etag,
    ];
    return { etag, body: bytes.toString('latin1'), headers };
  }
}

const [toGzip, toBrotli] = [promisify(gzip), promisify(brotliCompress)];
const compress = {
  gzip: (body: Buffer) => toGzip(body),
  br: (body: Buffer) => toBrotli(body, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
};

/** Sends an answer, or 304 when the client has it. @param head the headers that do not depend on the encoding */
export function sendAnswer(
  request: Request,
  response: Response,
  answer: Answer,
  head: HeaderList,
  lastModified?: string,
): void {
  const { headers } = request;
  const variant = answer.variant(acceptedEncoding(request));
  const held =
    headers['if-none-match'] === undefined && headers['if-modified-since'] === undefined
      ? undefined
      : answer.etagHeldBy(headers, variant.etag, lastModified);
  if (held === undefined) {
    response.writeHead(200, [...variant.headers, ...head]);
    response.end(variant.body, 'latin1'); // Node leaves it out for HEAD
  } else {
    response.writeHead(304, ['ETag', held, ...head]);
    response.end();
  }
}

/** Clients send few different values of Accept-Encoding, and each takes some microseconds to parse. */
const accepted = new LRUCache<string, Encoding>({ max: 100 });

function acceptedEncoding(request: Request): Encoding {
  const header = request.headers['accept-encoding'];
  if (header === undefined) return 'identity';
  const known = accepted.get(String(header));
  if (known !== undefined) return known;
  const chosen = (request.acceptsEncodings(...ENCODINGS, 'identity') || 'identity') as Encoding;
  accepted.set(String(header), chosen);
  return chosen;
}
