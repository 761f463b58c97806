import { expect, test } from 'vitest';
import { variables } from '../../src/config.ts';
import { httpUrl, list, secretText, text } from '../../src/lib/env-values.ts';
import { idlePublicNames, unmarkedSecrets } from './secrets.ts';

test('every variable that is named like a secret is marked as one, or known to be public', () => {
  expect(unmarkedSecrets(variables.shape)).toEqual([]);
});

test('the list of public names has no name that it does not need', () => {
  expect(idlePublicNames(variables.shape)).toEqual([]);
});

test.each([
  'GEO_API_TOKEN',
  'WEBHOOK_SECRET',
  'SMTP_PASSWORD',
  'PRIVATE_KEY',
  'TRACKER_DSN',
  'CRM_URL',
  'CRM_URL_RESEND',
])('%s without a mark is found', (name) => {
  expect(unmarkedSecrets({ [name]: text.optional() })).toEqual([name]);
  expect(unmarkedSecrets({ [name]: list.default([]).describe('x') })).toEqual([name]);
  expect(unmarkedSecrets({ [name]: secretText.min(1).optional().describe('x') })).toEqual([]);
  expect(unmarkedSecrets({ [name]: httpUrl.default('http://x').meta({ example: 'x' }) })).toEqual([]);
});

test('a transform after the mark loses it, and is found', () => {
  expect(unmarkedSecrets({ API_TOKEN: secretText.transform((value) => value.trim()) })).toEqual(['API_TOKEN']);
});
