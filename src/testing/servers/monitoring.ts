import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitoringPrograms } from './binaries.ts';
import { LocalServer } from './local-server.ts';
import { ServerProcess } from './server-process.ts';
import { startOnFreePort } from './start-on-free-port.ts';

/** Starts a private Prometheus with this configuration, in about a second. It keeps its samples until disposed. */
export async function startPrometheus(configuration: string): Promise<LocalServer> {
  return await start('Prometheus', configuration, ({ configFile, dir, port }) => ({
    command: monitoringPrograms().prometheus,
    args: [
      `--config.file=${configFile}`,
      `--web.listen-address=127.0.0.1:${port}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
    ],
    ready: /Server is ready to receive web requests/,
  }));
}

/** Starts a private Alertmanager with this configuration, alone and not in a cluster. */
export async function startAlertmanager(configuration: string): Promise<LocalServer> {
  return await start('Alertmanager', configuration, ({ configFile, dir, port }) => ({
    command: monitoringPrograms().alertmanager,
    args: [
      `--config.file=${configFile}`,
      `--web.listen-address=127.0.0.1:${port}`,
      `--storage.path=${join(dir, 'data')}`,
      '--cluster.listen-address=',
    ],
    ready: /Listening on/,
  }));
}

type Place = { configFile: string; dir: string; port: number };

async function start(
  title: string,
  configuration: string,
  program: (place: Place) => { command: string; args: readonly string[]; ready: RegExp },
): Promise<LocalServer> {
  return await startOnFreePort(undefined, async (port) => {
    const dir = await mkdtemp(join(tmpdir(), `${title.toLowerCase()}-`));
    const configFile = join(dir, 'configuration.yml');
    await using cleanup = new AsyncDisposableStack();
    const process = new ServerProcess({
      title: `${title} on port ${port}`,
      ...program({ configFile, dir, port }),
      folder: dir,
      account: undefined,
      stopSignal: 'SIGTERM',
      abortSignal: 'KILL',
    });
    cleanup.defer(() => process.dispose());
    await writeFile(configFile, configuration);
    await process.start();
    cleanup.move();
    return new LocalServer({ url: `http://127.0.0.1:${port}`, port, dir, process });
  });
}
