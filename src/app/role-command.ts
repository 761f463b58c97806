import { secretsOf } from '../config.ts';
import { masker } from '../observability/log.ts';
import { masked, sayFailure, type Terminal } from '../triggers/cli/terminal.ts';
import { readConfig } from './read-config.ts';
import type { Role } from './roles.ts';

/**
 * Runs a role, or one of several worker processes, without the rest of the command line, until the terminal stops it. Returns the exit
 * code.
 */
export async function runRoleCommand(name: Role | 'worker-process', terminal: Terminal): Promise<number> {
  let out = terminal;
  try {
    const config = await readConfig(terminal.env);
    out = masked(terminal, masker(secretsOf(config)));
    if (name === 'worker-process') await (await import('./run-jobs.ts')).runWorkerProcess(config, terminal.stop);
    else await (await import('./roles.ts')).runRole(name, config, terminal.stop);
    return 0;
  } catch (error) {
    return sayFailure(error, out);
  }
}
