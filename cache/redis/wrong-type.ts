/** The reply to a command; null for a key of another type, which the next write replaces. @throws any other error */
export async function unlessWrongType<T>(reply: Promise<T>): Promise<T | null> {
  try {
    return await reply;
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return null;
    throw error;
  }
}
