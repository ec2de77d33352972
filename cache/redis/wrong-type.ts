/** What a command answers; null for a key of another type, which is not ours. The next write replaces it. @throws any other error */
export async function unlessWrongType<T>(reply: Promise<T>): Promise<T | null> {
  try {
    return await reply;
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return null;
    throw error;
  }
}
