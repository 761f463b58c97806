/** Cuts a million characters of its argument into parts, twice, and says what that took to the process that started it. */
import { keepHeapSmall } from '../../src/main.ts';
import { split } from '../../src/messages/split.ts';

const CHARACTERS = 1_000_000;
const MB = 1e6;

keepHeapSmall();
const unit = process.argv[2]!;
const text = unit.repeat(Math.ceil(CHARACTERS / unit.length)).slice(0, CHARACTERS);
const before = process.memoryUsage().rss;
split(text);
const started = process.threadCpuUsage();
split(text);
const { system, user } = process.threadCpuUsage(started);
const ms = (user + system) / 1_000;
// `maxRSS` is in KiB.
process.send!({ ms, extraMb: (process.resourceUsage().maxRSS * 1024 - before) / MB });
process.disconnect();
