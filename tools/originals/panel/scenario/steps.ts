/** What is done to a panel for a record, and to the sandbox when it is held against it. Plain data: it stands in the record as it stands here. */

/** Values of requests; `<+30d>` stands for an instant that far from now, `{alice}` for the key of a user or node that a step has named. */
export type Request = {
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE' | 'HEAD';
  path: string;
  query?: Readonly<Record<string, string>>;
  body?: unknown;
  /** Sent as it stands, instead of a body. */
  text?: string;
  headers?: Readonly<Record<string, string>>;
  /** Headers that every request has and this one has not. */
  without?: readonly string[];
  /** What the token may do (3.x), or how it is wrong; everything by default. */
  token?: readonly string[] | 'wrong' | 'none' | 'bare' | 'deleted';
};

export type Call = Request & {
  name: string;
  /** The user or node that the answer shows is called so from now on. */
  bind?: string;
};

export type Given = {
  name: string;
  given:
    | { what: 'traffic'; user: string; usedTrafficBytes: number }
    | ({ what: 'node'; bind: string; name: string; countryCode: string } & Weights)
    | ({ what: 'weights'; node: string } & Weights)
    | { what: 'flow'; node: string; bytes: number; users?: Readonly<Record<string, number>> };
};

/** How many times the panel counts each byte: of the users of a node, and (3.x) of the node itself. */
export type Weights = { consumptionMultiplier?: number; nodeConsumptionMultiplier?: number };

/** What the panel does by itself, within a minute or two. */
export type Wait = {
  name: string;
  wait:
    | { user: string; status: string }
    | { user: string; usedTrafficBytes: number }
    | { user: string; lastNode: string }
    | { node: string; state: string }
    | { node: string; flownToday: number };
};

/** What the panel still does after it has answered. */
export type Settle = { name: string; settle: true };

export type Step = Call | Given | Wait | Settle;

export type GenerationHere = 2 | 3;

export const settle = (name: string): Settle => ({ name, settle: true });

const UNKNOWN = { 2: '00000000-0000-4000-8000-00000000dead', 3: '999999999' } as const;

/** How the two generations name users. */
export class Keys {
  readonly generation: GenerationHere;

  constructor(generation: GenerationHere) {
    this.generation = generation;
  }

  /** A user that nobody is. */
  get unknown(): string {
    return UNKNOWN[this.generation];
  }

  /** The key in a body. */
  one(...names: string[]): object {
    const [value] = this.#values(names);
    return this.generation === 2 ? { uuid: value } : { id: value };
  }

  /** Keys in the body of a bulk call; `?` is nobody's. */
  many(...names: string[]): object {
    return this.generation === 2 ? { uuids: this.#values(names) } : { userIds: this.#values(names) };
  }

  #values(names: readonly string[]): (string | number)[] {
    return names.map((name) => {
      if (name !== '?') return `{${name}}`;
      return this.generation === 2 ? this.unknown : Number(this.unknown);
    });
  }
}

/** A user as most steps need one. */
export function someone(name: string, fields: object = {}): Call {
  const body = { username: name, expireAt: '<+30d>', ...fields };
  return { name: `create ${name}`, method: 'POST', path: '/api/users', body, bind: name };
}
