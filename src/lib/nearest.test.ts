import { expect, test } from 'vitest';
import { nearest } from './nearest.ts';

const NAMES = ['send_notification', 'broadcast_message', 'process_notification_queue'];

test('a typing error finds the name that was meant', () => {
  expect(nearest('send_notifcation', NAMES)).toEqual(['send_notification']);
  expect(nearest('brodcast_mesage', NAMES)).toEqual(['broadcast_message']);
});

test('something else finds nothing', () => {
  expect(nearest('make_coffee_please', NAMES)).toEqual([]);
});
