import { parseDatabaseUrl, secretsOf } from '../config.ts';
import { masker } from '../observability/log.ts';
import { openDatabase } from '../repositories/database.ts';
import { grantsFor } from '../repositories/privileges.ts';
import { checkSchema } from '../repositories/schema-check.ts';
import { schemaCommand as command } from '../triggers/cli/schema.ts';
import { masked, outputOf, readArgs, sayFailure, type Terminal } from '../triggers/cli/terminal.ts';

/** `task-worker schema`, without the rest of the service: it needs `DATABASE_URL` and nothing else, so that a pipeline can call it. */
export const schema = {
  command,
  async run([, ...words]: readonly string[], terminal: Terminal): Promise<number> {
    let out = terminal;
    try {
      const args = readArgs(words, command);
      const url = parseDatabaseUrl(terminal.env);
      out = masked(terminal, masker(secretsOf({ DATABASE_URL: url })));
      const db = openDatabase({ url, poolSize: 2, onIdleError: () => undefined });
      await using stack = new AsyncDisposableStack();
      stack.defer(() => db.destroy());
      const context = { checkSchema: () => checkSchema(db), grantsFor };
      return (await command.run(args, context, outputOf(args, out))) ?? 0;
    } catch (error) {
      return sayFailure(error, out);
    }
  },
};
