import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import type { ApiRole } from '../lib/api-role.ts';
import { heardLog } from './heard-log.ts';
import { type HttpWorld, type HttpWorldOptions, httpWorld } from './http-world.ts';

/** The console as a browser calls it, over the whole application. */
export interface ConsoleWorld extends HttpWorld {
  /**
   * Opens an address as a person with this role; the owner Olga where none is given. English is the language unless a header says other.
   * Throws the error of a part that could not be read, unless `mayFail` says that the test is about that.
   */
  open(url: string, options?: InjectOptions & { role?: ApiRole; mayFail?: boolean }): Promise<LightMyRequestResponse>;
  /** Sends a form as the script does, a field with several values once for each: the answer has the pieces that change. `plain` sends it as a browser without the script. */
  submit(
    url: string,
    fields: Readonly<Record<string, string | readonly string[]>>,
    options?: { role?: ApiRole; plain?: boolean; headers?: Readonly<Record<string, string>> },
  ): Promise<LightMyRequestResponse>;
}

/** Built once per test file. */
export async function consoleWorld(options: HttpWorldOptions = {}): Promise<ConsoleWorld> {
  const failures: unknown[] = [];
  const http = await httpWorld({
    ...options,
    change: (built) => {
      const warn = (about: { err?: unknown }): void => void (about.err && failures.push(about.err));
      return { log: heardLog(built.log, warn), ...options.change?.(built) };
    },
  });
  const headersOf = (role: ApiRole = 'owner'): Record<string, string> => ({
    authorization: `Bearer ${role === 'owner' ? http.tokens.olga : http.tokens[role]}`,
    accept: 'text/html',
    'accept-language': 'en',
  });
  return {
    ...http,
    async open(url, { headers, mayFail, role, ...others } = {}) {
      failures.length = 0;
      const sent = { ...headersOf(role), ...headers };
      const response = await http.server.inject({ method: 'GET', url, ...others, headers: sent });
      if (failures.length > 0 && !mayFail) throw failures[0];
      return response;
    },
    submit: (url, fields, { headers, plain = false, role } = {}) =>
      http.server.inject({
        method: 'POST',
        url,
        headers: {
          ...headersOf(role),
          ...(!plain && { 'hx-request': 'true' }),
          'content-type': 'application/x-www-form-urlencoded',
          ...headers,
        },
        payload: new URLSearchParams(
          Object.entries(fields).flatMap(([name, value]) => [value].flat().map((one): [string, string] => [name, one])),
        ).toString(),
      }),
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}
