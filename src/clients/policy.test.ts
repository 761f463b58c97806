import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BreakerOpenError, PermanentError, TransientError } from '../lib/errors.ts';
import { type BreakerState, type ClientCall, ClientPolicy, type Gate, type PolicyOptions } from './policy.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function build(options: Partial<PolicyOptions> = {}) {
  const calls: ClientCall[] = [];
  const states: BreakerState[] = [];
  const policy = new ClientPolicy({
    service: 'panel',
    timeLimitMs: 20_000,
    observer: { called: (call) => void calls.push(call), breaker: (_, state) => void states.push(state) },
    ...options,
  });
  const signal = new AbortController().signal;
  const call = <T>(send: (signal: AbortSignal) => Promise<T>, ownSignal = signal) =>
    policy.call({ endpoint: 'listUsers', method: 'GET', signal: ownSignal }, send);
  return { policy, calls, states, call, signal };
}

const fail = async () => Promise.reject(new TransientError('panel_unavailable', 'panel listUsers: 503'));
const answer = async () => 'fine';

/** Never answers, and rejects on the signal as `fetch` does. */
const hang = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });

/** Never answers, and ignores the signal. */
const hangDeaf = () => new Promise<never>(() => {});

/** The error of a promise. The handler is attached at once, because the clock moves before the test awaits. */
const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error) => error,
  );

async function open(call: ReturnType<typeof build>['call']): Promise<void> {
  for (let i = 0; i < 5; i++) await errorOf(call(fail));
}

test('an answer passes and is measured', async () => {
  const { call, calls, states } = build();
  expect(await call(answer)).toBe('fine');
  expect(calls).toEqual([
    {
      service: 'panel',
      endpoint: 'listUsers',
      method: 'GET',
      outcome: 'ok',
      status: '200',
      seconds: expect.any(Number),
    },
  ]);
  expect(states).toEqual(['closed']);
});

test('the status of a refusal is measured', async () => {
  const { call, calls } = build();
  const refusal = Object.assign(new PermanentError('panel_not_found', 'panel getUser: 404'), { status: 404 });
  expect(await errorOf(call(() => Promise.reject(refusal)))).toBe(refusal);
  expect(calls).toMatchObject([{ outcome: 'error', status: '404' }]);
});

test.each([
  ['that listens to its signal', hang],
  ['that is deaf', hangDeaf],
])('a call %s is given up after the time limit, outcome unknown', async (_, send) => {
  const { call, calls } = build({ timeLimitMs: 1000 });
  const error = errorOf(call(send));
  await vi.advanceTimersByTimeAsync(1000);
  expect(await error).toMatchObject({ name: 'TransientError', code: 'panel_timeout' });
  expect(calls).toMatchObject([{ outcome: 'timeout', status: 'none' }]);
});

test('a hanging service opens the breaker in under 5 s, and what hangs already still gets its answer', async () => {
  const { call, policy } = build();
  const { promise, resolve } = Promise.withResolvers<string>();
  const first = call(() => promise);
  const hanging = Array.from({ length: 4 }, () => errorOf(call(hang)));
  await vi.advanceTimersByTimeAsync(4999);
  expect(policy.state).toBe('open');
  expect(await errorOf(call(answer))).toBeInstanceOf(BreakerOpenError);
  resolve('late');
  expect(await first).toBe('late');
  await vi.advanceTimersByTimeAsync(20_000);
  for (const error of hanging) expect(await error).toMatchObject({ code: 'panel_timeout' });
});

test('an open breaker sends nothing, and that is measured', async () => {
  const { call, calls } = build();
  await open(call);
  const send = vi.fn(answer);
  expect(await errorOf(call(send))).toMatchObject({ name: 'BreakerOpenError', code: 'breaker_open' });
  expect(send).not.toHaveBeenCalled();
  expect(calls.at(-1)).toMatchObject({ outcome: 'rejected', status: 'none', seconds: 0 });
});

test('after a while one probe goes through: its success closes the breaker, others wait for it', async () => {
  const { call, states } = build();
  await open(call);
  await vi.advanceTimersByTimeAsync(2000);
  const { promise, resolve } = Promise.withResolvers<string>();
  const probe = call(() => promise);
  const second = call(answer);
  resolve('back');
  expect(await Promise.all([probe, second])).toEqual(['back', 'fine']);
  expect(states).toEqual(['closed', 'open', 'half_open', 'closed']);
});

test('a failed or slow probe keeps it open', async () => {
  const { call, policy } = build();
  await open(call);
  await vi.advanceTimersByTimeAsync(2000);
  expect(await errorOf(call(fail))).toBeInstanceOf(TransientError);
  expect(policy.state).toBe('open');
  await vi.advanceTimersByTimeAsync(2000);
  const slow = errorOf(call(hang));
  await vi.advanceTimersByTimeAsync(4000);
  expect(policy.state).toBe('open');
  await vi.advanceTimersByTimeAsync(20_000);
  expect(await slow).toMatchObject({ code: 'panel_timeout' });
});

test('a probe that its caller ends proves nothing; one that waited behind it is free to leave as well', async () => {
  const { call, policy } = build();
  await open(call);
  await vi.advanceTimersByTimeAsync(2000);
  const caller = new AbortController();
  const probe = errorOf(call(hang, caller.signal));
  const send = vi.fn(answer);
  const waiting = errorOf(call(send, caller.signal));
  const reason = new Error('shutting down');
  caller.abort(reason);
  expect(await Promise.all([probe, waiting])).toEqual([reason, reason]);
  expect(policy.state).toBe('open');
  expect(send).not.toHaveBeenCalled();
});

test('a refusal ends a run of failures, for the service did answer; an aborted call does not', async () => {
  const { call, policy } = build();
  const refuse = () => Promise.reject(new PermanentError('panel_not_found', 'panel getUser: 404'));
  for (let i = 0; i < 4; i++) await errorOf(call(fail));
  expect(await errorOf(call(refuse))).toBeInstanceOf(PermanentError);
  for (let i = 0; i < 4; i++) await errorOf(call(fail));
  const caller = new AbortController();
  const aborted = errorOf(call(hangDeaf, caller.signal));
  caller.abort(new Error('shutting down'));
  expect(await aborted).toMatchObject({ message: 'shutting down' });
  expect(policy.state).toBe('closed');
  await errorOf(call(fail));
  expect(policy.state).toBe('open');
});

test('a caller that has left already sends nothing', async () => {
  const { call } = build();
  const send = vi.fn(answer);
  expect(await errorOf(call(send, AbortSignal.abort(new Error('gone'))))).toMatchObject({ message: 'gone' });
  expect(send).not.toHaveBeenCalled();
});

test('a read is repeated once where its connection broke; a write and a second break are not', async () => {
  const { policy, signal } = build();
  const broken = () => {
    const cause = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    return Promise.reject(new TransientError('panel_unavailable', 'panel: no answer', { cause }));
  };
  const read = { endpoint: 'getUser', signal, idempotent: true };
  const once = vi.fn(answer).mockImplementationOnce(broken);
  expect(await policy.call(read, once)).toBe('fine');
  const twice = vi.fn(broken);
  await errorOf(policy.call(read, twice));
  expect(twice).toHaveBeenCalledTimes(2);
  const write = vi.fn(broken);
  await errorOf(policy.call({ ...read, idempotent: false }, write));
  expect(write).toHaveBeenCalledTimes(1);
  const refused = vi.fn(() => Promise.reject(new PermanentError('panel_not_found', 'panel getUser: 404')));
  await errorOf(policy.call(read, refused));
  expect(refused).toHaveBeenCalledTimes(1);
});

test('the gate is passed before and freed after every call, whatever its end', async () => {
  let held = 0;
  const gate: Gate = {
    acquire: async () => {
      held += 1;
      return async () => {
        held -= 1;
      };
    },
  };
  const { call } = build({ gate });
  await call(async () => expect(held).toBe(1));
  await errorOf(call(fail));
  await open(call);
  expect(await errorOf(call(answer))).toBeInstanceOf(BreakerOpenError);
  expect(held).toBe(0);
});

test('a gate that cannot be freed does not take the result of the call with it', async () => {
  const gate: Gate = { acquire: async () => () => Promise.reject(new Error('redis is away')) };
  const { call } = build({ gate });
  expect(await call(answer)).toBe('fine');
});

test('a call that must not be made twice gets a moment for its answer when its caller has to end, any other ends at once', async () => {
  const { policy } = build();
  const caller = new AbortController();
  const call = (unrepeatable: boolean, answersAfterMs: number) =>
    policy.call({ endpoint: 'send', signal: caller.signal, unrepeatable }, async (signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      signal.addEventListener('abort', () => reject(signal.reason));
      setTimeout(() => resolve('sent'), answersAfterMs);
      return promise;
    });
  const soon = call(true, 1_000);
  const late = errorOf(call(true, 3_000));
  const read = errorOf(call(false, 1_000));
  caller.abort(new Error('shutting down'));

  expect(await read).toMatchObject({ message: 'shutting down' });
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await soon).toBe('sent');
  expect(await late).toMatchObject({ message: 'shutting down' });
});
