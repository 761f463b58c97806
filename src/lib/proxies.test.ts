import { expect, test } from 'vitest';
import { proxiesIn } from './proxies.ts';

test.each<[text: string, proxies: ReturnType<typeof proxiesIn>]>([
  ['0', 0],
  ['1', 1],
  ['10', 10],
  ['11', undefined],
  ['-1', undefined],
  ['true', undefined],
  ['*', undefined],
  ['10.0.0.7', ['10.0.0.7']],
  ['10.0.0.0/8, 2001:db8::/32,loopback', ['10.0.0.0/8', '2001:db8::/32', 'loopback']],
  ['10.0.0.0/33', undefined],
  ['0.0.0.0/0', undefined],
  ['::/129', undefined],
  ['10.0.0.0/8/8', undefined],
  ['proxy.example', undefined],
  ['10.0.0.1,', undefined],
])('TRUST_PROXY=%s', (text, proxies) => {
  expect(proxiesIn(text)).toEqual(proxies);
});
