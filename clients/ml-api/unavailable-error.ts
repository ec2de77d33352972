/** The ML API cannot score now: down, slow, overloaded, or its response is invalid. A later call may succeed. */
export class MlApiUnavailableError extends Error {
  readonly code = 'ML_API_UNAVAILABLE';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MlApiUnavailableError';
  }
}

/** The service closed the connection before it answered. A profile that crashes the model does that, and so does an outage. */
export class ConnectionLostError extends MlApiUnavailableError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConnectionLostError';
  }
}

/** The service did not answer in time: it is down or overloaded, or the call had too many profiles, or one that makes the model hang. */
export class NoAnswerError extends MlApiUnavailableError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NoAnswerError';
  }
}
