/** `node --import=…/note-loaded.ts`: writes the address of every module that the process loads into `$LOADED_IN/<its first word>`, a line each. */
import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';

const file = join(process.env.LOADED_IN!, process.argv[2] ?? 'none');
registerHooks({
  load(url, context, next) {
    appendFileSync(file, `${url}\n`);
    return next(url, context);
  },
});
