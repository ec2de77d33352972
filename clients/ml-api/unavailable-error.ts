/** The ML API cannot score now: down, slow, overloaded, or its response is invalid. A later call may succeed. */
export class MlApiUnavailableError extends Error {
  readonly code = 'ML_API_UNAVAILABLE';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MlApiUnavailableError';
  }
}
