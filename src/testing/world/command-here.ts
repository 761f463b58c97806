import { runCommandLine } from '../../app/command-line.ts';
import type { CommandResult } from './command.ts';

/**
 * Runs one command of the command line to its end in this process. It is the same code without the second that a process takes to start.
 */
export async function commandHere(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<CommandResult & { code: number }> {
  const result = { code: 0, stdout: '', stderr: '' };
  result.code = await runCommandLine(args, {
    env,
    stdout(text) {
      result.stdout += text;
    },
    stderr(text) {
      result.stderr += text;
    },
    stop: new Promise(() => undefined),
  });
  return result;
}
