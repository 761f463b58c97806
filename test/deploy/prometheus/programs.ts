import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  type MonitoringPrograms,
  missingMonitoringPackages,
  monitoringPrograms,
} from '../../../src/testing/servers/binaries.ts';
import { installServers } from '../../install-servers.ts';

const run = promisify(execFile);

/**
 * Prometheus, Alertmanager and their tools. Root, or a user who may become root, installs missing ones without starting a service.
 * Otherwise it throws a one-line error that names the package.
 */
export async function installedPrograms(): Promise<MonitoringPrograms> {
  await installServers(missingMonitoringPackages());
  return monitoringPrograms();
}

/** The output of a checking tool for files, and whether it accepts them. */
export async function check(program: string, args: readonly string[]): Promise<{ ok: boolean; text: string }> {
  const { stdout, stderr, code } = await run(program, [...args]).then(
    (done) => ({ ...done, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
  return { ok: code === 0, text: `${stdout}${stderr}` };
}
