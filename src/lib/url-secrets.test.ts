import { expect, test } from 'vitest';
import { parameterForms, passwordsIn } from './url-secrets.ts';

test('a password is found as it is written, as it is meant and as URL writes it', () => {
  expect(passwordsIn('smtp://mailer:p%40ss@mail')).toEqual(['p%40ss', 'p@ss']);
  expect(passwordsIn('https://u:%41^b@h/x')).toEqual(['%41^b', 'A^b', '%41%5Eb']);
  expect(passwordsIn('https://u:a@b:c@h')).toEqual(['a@b:c', 'a%40b%3Ac']);
});

test('a percent sign that encodes nothing means itself', () => {
  expect(passwordsIn('smtp://u:100%@mail')).toEqual(['100%']);
});

test('a user without a password is a secret only where it is a key', () => {
  expect(passwordsIn('smtp://mailer@mail')).toEqual([]);
  expect(passwordsIn('https://key@host/7', { userIsKey: true })).toEqual(['key']);
  expect(passwordsIn('https://key:@host/7', { userIsKey: true })).toEqual(['key']);
  expect(passwordsIn('https://user:pass@host', { userIsKey: true })).toEqual(['pass']);
  expect(passwordsIn('https://host/a:b@c', { userIsKey: true })).toEqual([]);
});

test('a parameter is found in every form', () => {
  expect(parameterForms('postgresql://h/d?x=1&password=a%2Bb+c', 'password')).toEqual([
    'a%2Bb+c',
    'a+b+c',
    'a%2Bb c',
    'a+b c',
  ]);
  expect(parameterForms('postgresql://h/d?xpassword=1', 'password')).toEqual([]);
});
