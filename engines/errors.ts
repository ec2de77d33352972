/** The local stack cannot be installed, started or reset. The message says what is wrong and how to solve it. */
export class StackError extends Error {
  readonly code: string = 'STACK';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Tools that the installation needs are missing. Lists all of them. */
export class MissingToolsError extends StackError {
  override readonly code = 'STACK_TOOLS_MISSING';
  constructor(readonly missing: readonly string[]) {
    super(`Cannot install the local engines:\n${missing.map((sentence) => `  - ${sentence}`).join('\n')}`);
  }
}

/** A tool that downloads or builds an engine failed. */
export class InstallError extends StackError {
  override readonly code = 'STACK_INSTALL_FAILED';
}

/** Ports that the stack needs are in use or invalid. Lists all of them. */
export class PortsError extends StackError {
  override readonly code = 'STACK_PORTS';
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

/** Another process already runs a stack in this folder. */
export class StackRunsError extends StackError {
  override readonly code = 'STACK_RUNS';
}

/** A process of the stack did not become ready. The message quotes the last lines of its log. */
export class ProcessStartError extends StackError {
  override readonly code = 'STACK_PROCESS_START';
}

/** The start was cancelled, by Ctrl-C or because another engine failed. */
export class StartCancelledError extends StackError {
  override readonly code = 'STACK_START_CANCELLED';
}
