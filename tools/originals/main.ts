/**
 * `node tools/originals/main.ts <bare git snapshot> <work folder>`: starts the platform's own backend and Python worker over servers and
 * sandboxes of this repository, tells where they are in `<work folder>/lab.json`, and runs until Ctrl-C. docs/originals.md says what for.
 */
import { once } from 'node:events';
import { writeLab } from './lab.ts';
import { OriginalPlatform } from './original-platform.ts';

const [git, work] = process.argv.slice(2);
if (!git || !work) {
  console.error('usage: node tools/originals/main.ts <bare git snapshot of the platform> <work folder>');
  process.exit(64);
}
console.log('Starting; the first time takes minutes …');
await using platform = await OriginalPlatform.start({ git, work });
const lab = await platform.startAll();
await writeLab(lab);
console.log(
  `backend ${lab.backendUrl}\nmetrics of the Python worker ${lab.workerMetricsUrl}\n${work}/lab.json has the rest`,
);
await Promise.race(['SIGINT', 'SIGTERM'].map((signal) => once(process, signal)));
