import { userInfo } from 'node:os';

/**
 * Who runs a command, as the reports name it. A container with an arbitrary user id has no name for it; then it is the id.
 * @param user throws when the system has no name for the user
 */
export function operatorName(user: () => { readonly username: string } = userInfo): string {
  try {
    return `cli:${user().username}`;
  } catch {
    return `cli:uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
