import type { RedisClient } from '../../lib/redis-client.ts';

/**
 * For each group, finds the oldest entry that it still needs: its oldest pending one, or else the last one that it was given (XTRIM MINID
 * keeps that very entry). Trims below the oldest over all groups. It is a script, because between the question and the trimming a group
 * could be created or an entry claimed. Ids are compared as text by parts: their numbers have 64 bits, Lua's only 53.
 */
const TRIM = `
local function parts(id) return id:match('^(%d+)-(%d+)$') end
local function smaller(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end
local function older(a, b)
  local a_ms, a_n = parts(a)
  local b_ms, b_n = parts(b)
  if a_ms ~= b_ms then return smaller(a_ms, b_ms) end
  return smaller(a_n, b_n)
end
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local oldest
for _, flat in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = {}
  for i = 1, #flat, 2 do group[flat[i]] = flat[i + 1] end
  local needed = group['last-delivered-id']
  if group.pending > 0 then needed = redis.call('XPENDING', KEYS[1], group.name)[2] end
  if not oldest or older(needed, oldest) then oldest = needed end
end
if not oldest then return 0 end
return redis.call('XTRIM', KEYS[1], 'MINID', oldest)`;

/**
 * Removes the entries that every group of the stream has acknowledged, and returns how many. Never removes an entry that some group has not
 * read or not acknowledged; a stream without groups is left alone. Afterwards an idle stream holds one entry at most.
 */
export async function trimAcknowledged(redis: RedisClient, stream: string): Promise<number> {
  return (await redis.eval(TRIM, 1, stream)) as number;
}
