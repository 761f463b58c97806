import { days } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';

/** What a script answers for one message, with microseconds to wait. */
export const GRANTED = 0;
export const CHAT_BUSY = 1;
export const RATE_REACHED = 2;
export const PAUSED = 3;

/**
 * Reserves the next places in the global rate for as many messages as it is given, in their order.
 * KEYS: next free place, pause, then the places of each message's chat.
 * ARGV (microseconds): interval between places, how far ahead to reserve, spacing within a chat, the group window;
 * then for each message how many places of its chat count: 1, the group's limit, or 0 for one that repeats a message which
 * Telegram has just refused.
 * Answers a pair for each message: one of the codes above, and the wait. Only `GRANTED` takes anything.
 */
const RESERVE = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, horizon, spacing, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local pause = redis.call('PTTL', KEYS[2])
local place = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
local granted = false
local answer = {}
for i = 1, #KEYS - 2 do
  local chat, kept = KEYS[i + 2], tonumber(ARGV[i + 4])
  local code, wait = ${GRANTED}, place - now
  if pause > 0 then
    code, wait = ${PAUSED}, pause * 1000
  elseif wait > horizon then
    code, wait = ${RATE_REACHED}, wait - horizon
  else
    local earliest = kept == 0 and 0 or (tonumber(redis.call('LINDEX', chat, 0) or 0)) + spacing
    if kept > 1 then earliest = math.max(earliest, (tonumber(redis.call('LINDEX', chat, kept - 1) or 0)) + window) end
    if earliest > place then
      code, wait = ${CHAT_BUSY}, earliest - now
    else
      if kept > 0 then
        redis.call('LPUSH', chat, string.format('%.0f', place))
        redis.call('LTRIM', chat, 0, kept - 1)
        redis.call('PEXPIRE', chat, math.ceil((wait + (kept > 1 and window or spacing)) / 1000))
      end
      place = place + interval
      granted = true
    end
  end
  answer[2 * i - 1], answer[2 * i] = code, wait
end
if granted then
  redis.call('SET', KEYS[1], string.format('%.0f', place), 'PX', math.ceil((place - now) / 1000) + 1000)
end
return answer`;

/** The mean of answers follows the last hundreds of them. */
const ANSWERS_IN_MEAN = 200;
const ANSWER_KEPT_MS = days(30);

/**
 * Frees the slots of messages that were answered, each a window after its answer; then lets messages out whose reserved
 * place has come. Each holds one of `limit` slots from now on.
 * KEYS: times of the last messages, pause, held slots, how long an answer takes. ARGV: messages per window; in microseconds the window, and
 * for how long a message without an answer holds its slot; how many ask; their ids; then for each answered message its id, and how many
 * microseconds ago the answer came.
 * Answers a pair for each that asks: a code and the wait. `RATE_REACHED` where no slot is free, `PAUSED` where a pause began
 * meanwhile. The wait for a slot whose message has no answer yet is the window: it is free that long after the answer.
 */
const TURNS = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local limit, window, hold, asking = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local took, known = 0, 0
for i = 5 + asking, #ARGV, 2 do
  local held = redis.call('ZSCORE', KEYS[3], ARGV[i])
  if held then took, known = took + now - ARGV[i + 1] - held + hold, known + 1 end
  redis.call('ZADD', KEYS[3], 'XX', 'LT', string.format('%.0f', now + window - ARGV[i + 1]), ARGV[i])
end
if known > 0 then
  local before = tonumber(redis.call('GET', KEYS[4]) or took / known)
  local mean = before + (took / known - before) * math.min(1, known / ${ANSWERS_IN_MEAN})
  redis.call('SET', KEYS[4], string.format('%.0f', mean), 'PX', ${ANSWER_KEPT_MS})
end
if asking == 0 then return {} end
local pause = redis.call('PTTL', KEYS[2])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
local over = redis.call('ZCARD', KEYS[3]) - limit
local granted = false
local answer = {}
for i = 1, asking do
  local code, wait = ${GRANTED}, 0
  if pause > 0 then
    code, wait = ${PAUSED}, pause * 1000
  elseif over >= 0 then
    local free = tonumber(redis.call('ZRANGE', KEYS[3], over, over, 'WITHSCORES')[2] or now + window)
    code, wait = ${RATE_REACHED}, math.min(free - now, window)
    over = over + 1
  else
    redis.call('LPUSH', KEYS[1], string.format('%.0f', now))
    redis.call('ZADD', KEYS[3], string.format('%.0f', now + hold), ARGV[4 + i])
    over = over + 1
    granted = true
  end
  answer[2 * i - 1], answer[2 * i] = code, wait
end
if granted then
  redis.call('LTRIM', KEYS[1], 0, limit - 1)
  redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
  redis.call('PEXPIRE', KEYS[3], math.ceil(hold / 1000))
end
return answer`;

/** Begins a pause or makes it longer, never shorter. KEYS: pause. ARGV: milliseconds. */
const PAUSE = `
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], '1', 'PX', ARGV[1]) end`;

export type TelegramScripts = {
  telegramReserve(keyCount: number, ...keysAndArguments: (string | number)[]): Promise<number[]>;
  telegramTurns(
    sentKey: string,
    pauseKey: string,
    heldKey: string,
    answerKey: string,
    limit: number,
    windowUs: number,
    holdUs: number,
    asking: number,
    ...idsAndAnswered: (string | number)[]
  ): Promise<number[]>;
  telegramPause(pauseKey: string, ms: number): Promise<null>;
};

/** The connection with the scripts as commands; ioredis loads them again after a restart of the server. */
export function withTelegramScripts(redis: RedisClient): RedisClient & TelegramScripts {
  redis.defineCommand('telegramReserve', { lua: RESERVE });
  redis.defineCommand('telegramTurns', { lua: TURNS, numberOfKeys: 4 });
  redis.defineCommand('telegramPause', { lua: PAUSE, numberOfKeys: 1 });
  return redis as RedisClient & TelegramScripts;
}
