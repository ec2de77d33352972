import { writeFile } from 'node:fs/promises';
import { generateDocs } from './generated-docs.ts';

/** `npm run docs`: writes the generated documents. */
for (const { path, text } of await generateDocs()) {
  await writeFile(path, text);
  console.log(path);
}
