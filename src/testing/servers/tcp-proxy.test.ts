import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../until.ts';
import { TcpProxy } from './tcp-proxy.ts';

let server: Server;
let proxy: TcpProxy;
let accepted: Socket[];
beforeEach(async () => {
  accepted = [];
  server = createServer((socket) => {
    accepted.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => socket.write(`echo ${chunk}`));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await TcpProxy.start((server.address() as AddressInfo).port);
});
afterEach(async () => {
  await proxy[Symbol.asyncDispose]();
  for (const socket of accepted) socket.destroy();
  server.close();
});

/** A client that keeps the bytes that it receives. */
async function client(): Promise<{ socket: Socket; heard: () => string }> {
  const socket = connect(proxy.port, '127.0.0.1');
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk;
  });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return { socket, heard: () => heard };
}

test('a silent connection stays open to both ends and carries nothing; a new one does', async () => {
  const old = await client();
  old.socket.write('one');
  await until('the echo is there', () => old.heard() === 'echo one');
  expect(proxy.silence()).toBe(1);
  old.socket.write('two');

  const fresh = await client();
  fresh.socket.write('three');
  await until('the new one is served', () => fresh.heard() === 'echo three');
  expect(old.heard()).toBe('echo one');
  expect(old.socket.destroyed).toBe(false);
  old.socket.destroy();
  fresh.socket.write('four');
  await until('time has passed', () => fresh.heard().endsWith('four'));
  expect(accepted[0]!.destroyed).toBe(false);
  expect(proxy.forget()).toBe(1);
  await until('the server has noticed', () => accepted[0]!.destroyed);
  fresh.socket.destroy();
});

test('what is sent while the cable is pulled arrives when it is back', async () => {
  const { heard, socket } = await client();
  proxy.pull();
  socket.write('late');
  const second = await client();
  second.socket.write('later');
  await new Promise(setImmediate);
  expect(heard() + second.heard()).toBe('');
  proxy.plug();
  await until('both are served', () => heard() === 'echo late' && second.heard() === 'echo later');
  socket.destroy();
  second.socket.destroy();
});

test('a server that is away looks away through the proxy', async () => {
  const { socket } = await client();
  await until('the server has it', () => accepted.length === 1);
  for (const one of accepted) one.resetAndDestroy();
  await until('the reset has arrived', () => socket.destroyed);
  server.close();
  const late = connect(proxy.port, '127.0.0.1');
  late.on('error', () => undefined);
  await until('nobody serves it', () => late.destroyed);
  await until('nothing is left', () => proxy.open === 0);
});
