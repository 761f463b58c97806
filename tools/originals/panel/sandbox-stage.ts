import { setTimeout as sleep } from 'node:timers/promises';
import type { PanelSandbox } from '../../../sandbox/panel/server.ts';
import type { Stage } from './player.ts';
import type { GenerationHere, Given, Request, Wait } from './scenario/steps.ts';

/** The sandbox as a record needs it. */
export class SandboxStage implements Stage {
  readonly url: string;
  readonly generation: GenerationHere;
  readonly #panel: PanelSandbox;

  constructor(panel: PanelSandbox, generation: GenerationHere, url = panel.url) {
    this.#panel = panel;
    this.generation = generation;
    this.url = url;
  }

  now = (): number => this.#panel.now().getTime();

  async token(wanted: Request['token']): Promise<string | undefined> {
    // No two requests come at the same instant.
    this.#panel.advance(100);
    if (wanted === 'none') return undefined;
    if (wanted === 'wrong') return 'a-wrong-token';
    this.#panel.allow(Array.isArray(wanted) ? (wanted as string[]) : ['*']);
    if (wanted === 'deleted') this.#panel.revokeToken();
    return this.#panel.token;
  }

  async given(given: Given['given'], keys: ReadonlyMap<string, string>): Promise<string | undefined> {
    if (given.what === 'traffic') {
      const { user: username, usedTrafficBytes } = given;
      this.#panel.changeUser(username, { usedTrafficBytes, lifetimeUsedTrafficBytes: usedTrafficBytes });
      return undefined;
    }
    if (given.what === 'node') {
      const { what: _, bind: __, ...node } = given;
      return this.#panel.addNode({ ...node, state: 'connecting' }).uuid;
    }
    const uuid = keys.get(given.node)!;
    if (given.what === 'weights') {
      const { what: _, node: __, ...weights } = given;
      this.#panel.changeNode(uuid, weights);
    } else this.#panel.flow(uuid, given.bytes, given.users);
    return undefined;
  }

  async wait(wait: Wait['wait'], keys: ReadonlyMap<string, string>): Promise<void> {
    if ('state' in wait && wait.state !== 'disabled') {
      this.#panel.changeNode(keys.get(wait.node)!, { state: wait.state as 'connected' | 'down' });
    }
    // Bytes are counted at once; what the panel does by itself takes it a minute or two.
    if ('state' in wait || 'status' in wait) this.#panel.advance(120_000);
  }

  settle = (): Promise<void> => sleep(50);
}
