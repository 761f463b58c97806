import { parseConfig } from '../config.ts';
import { healthCommand as command } from '../triggers/cli/health.ts';
import { outputOf, readArgs, sayFailure, type Terminal } from '../triggers/cli/terminal.ts';

/**
 * `task-worker health`, without the rest of the service: `run` takes the words of the command line and returns the exit code. A container
 * is asked for its health twice a minute, and loading the whole command line takes a second of processor time. So this loads the
 * configuration only.
 */
export const health = {
  command,
  async run([, ...words]: readonly string[], terminal: Terminal): Promise<number> {
    try {
      const args = readArgs(words, command);
      const { METRICS_HOST: host, METRICS_PORT: port } = parseConfig(terminal.env);
      return (await command.run(args, { host, port }, outputOf(args, terminal))) ?? 0;
    } catch (error) {
      return sayFailure(error, terminal);
    }
  },
};
