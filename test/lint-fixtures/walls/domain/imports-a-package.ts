// fails: domain/ may import no package.
export { z } from 'zod';
