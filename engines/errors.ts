/** The local stack cannot be installed, started or reset; the message says what is wrong and what helps. */
export class StackError extends Error {
  readonly code: string = 'STACK';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Something the installation needs is not on this machine; lists all of it. */
export class MissingToolsError extends StackError {
  override readonly code = 'STACK_TOOLS_MISSING';
  constructor(readonly missing: readonly string[]) {
    super(
      `The local engines cannot be installed yet:\n${missing.map((sentence) => `  - ${sentence}`).join('\n')}`,
    );
  }
}

/** A tool that fetches or builds an engine failed. */
export class InstallError extends StackError {
  override readonly code = 'STACK_INSTALL_FAILED';
}

/** Ports that the stack wants are taken, or not ports at all; lists all of them. */
export class PortsError extends StackError {
  override readonly code = 'STACK_PORTS';
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

/** A stack runs in this folder already. */
export class StackRunsError extends StackError {
  override readonly code = 'STACK_RUNS';
}

/** A process of the stack did not become ready; the message quotes the end of its log. */
export class ProcessStartError extends StackError {
  override readonly code = 'STACK_PROCESS_START';
}

/** The start was called off, by Ctrl-C or because another engine failed. */
export class StartCancelledError extends StackError {
  override readonly code = 'STACK_START_CANCELLED';
}
