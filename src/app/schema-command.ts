import { parseDatabaseUrl, secretsOf } from '../config.ts';
import { minutes } from '../lib/duration.ts';
import { masker } from '../observability/log.ts';
import { openDatabase } from '../repositories/database.ts';
import { installOwnSchema, ownGrantsFor, ownSchemaState } from '../repositories/history/own-schema.ts';
import { grantsFor, missingTables } from '../repositories/privileges.ts';
import { checkSchema } from '../repositories/schema-check.ts';
import { schemaCommand as command } from '../triggers/cli/schema.ts';
import { masked, outputOf, readArgs, sayFailure, type Terminal } from '../triggers/cli/terminal.ts';

/** A later step may build an index over all that is kept. */
const STATEMENT_LIMIT_MS = minutes(30);

/** `task-worker schema`, without the rest of the service: it needs `DATABASE_URL` and nothing else, so that a pipeline can call it. */
export const schema = {
  command,
  async run([, ...words]: readonly string[], terminal: Terminal): Promise<number> {
    let out = terminal;
    try {
      const args = readArgs(words, command);
      const url = parseDatabaseUrl(terminal.env);
      out = masked(terminal, masker(secretsOf({ DATABASE_URL: url })));
      const options = { url, poolSize: 2, statementLimitMs: STATEMENT_LIMIT_MS, onIdleError: () => undefined };
      const db = openDatabase(options);
      await using stack = new AsyncDisposableStack();
      stack.defer(() => db.destroy());
      const context = {
        checkSchema: () => checkSchema(db),
        grantsFor: async (role: string) => ({
          platform: grantsFor(role, await missingTables(db)),
          own: ownGrantsFor(role),
        }),
        install: () => installOwnSchema(db),
        ownSchema: () => ownSchemaState(db),
      };
      return (await command.run(args, context, outputOf(args, out))) ?? 0;
    } catch (error) {
      return sayFailure(error, out);
    }
  },
};
