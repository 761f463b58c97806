import { randomUUID } from 'node:crypto';

/** A customer of the backend, who uses its HTTP API as an application does. */
export class Customer {
  readonly id: string;
  readonly #url: string;
  readonly #token: string;

  private constructor(url: string, id: string, token: string) {
    this.#url = url;
    this.id = id;
    this.#token = token;
  }

  static async register(url: string, name: string): Promise<Customer> {
    const device = {
      ...{ device_id: randomUUID(), platform: 'android', platform_id: 'x', os_version: '14' },
      ...{ app_version: '1.0.0', device_model: 'Pixel' },
    };
    const body = { email: `${name}@example.com`, password: 'Str0ng!Passw0rd', device };
    const { tokens, user } = await send<Registered>(url, '/api/v1/mobile/auth/register', { body });
    return new Customer(url, user.id, tokens.access_token);
  }

  /** Resolves to what the route answers; the caller says what that is. */
  async post<T>(path: string, body: object): Promise<T> {
    return await send<T>(this.#url, path, { body, token: this.#token });
  }
}

type Request = { readonly body: object; readonly token?: string };
type Registered = { readonly tokens: { readonly access_token: string }; readonly user: { readonly id: string } };

/** A POST; throws where it is refused. Each has a key of its own, as the routes of a checkout want one. */
export async function send<T>(url: string, path: string, { body, token }: Request): Promise<T> {
  const answer = await fetch(url + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'idempotency-key': randomUUID(),
      // After a 500 the backend closes the connection without saying so.
      connection: 'close',
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  });
  const said = await answer.text();
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${said.slice(0, 500)}`);
  return JSON.parse(said) as T;
}
