/** The record of an alert; nil where there is none that can be read. */
export const KNOWN = `
local function knownAs(text)
  local isJson, known = pcall(cjson.decode, text or '')
  if isJson and type(known) == 'table' and type(known.seen_at) == 'string' and type(known.since) == 'string' then return known end
end`;

/**
 * One step, so that of all who see a condition at the same moment one tells it: when it is new or forgotten, and when the caller that claimed the
 * telling has not done it. One that is muted waits until somebody tells it after the mute. Times are ISO 8601 in UTC, which sort as text.
 * KEYS: the alerts. ARGV: the id, its record, now, the times before which it is forgotten and its telling is the next caller's, how long
 * Redis keeps all, until when it is muted or nothing, and its text. Answers the verdict and since when it is on.
 */
export const BEGIN = `${KNOWN}
redis.call('PEXPIRE', KEYS[1], ARGV[6])
local isMuted = ARGV[7] ~= ''
local known = knownAs(redis.call('HGET', KEYS[1], ARGV[1]))
if not known or known.seen_at < ARGV[4] then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
  return {isMuted and 'hush' or 'tell', false}
end
local waits = isMuted or known.muted_until
local orphaned = not known.told and not waits and known.seen_at < ARGV[5]
if known.told or orphaned or waits then
  known.seen_at = ARGV[3]
  if isMuted then known.muted_until = ARGV[7] end
  if not known.text then known.text = ARGV[8] end
  redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(known))
end
return {orphaned and 'tell' or 'on', known.since}`;

/**
 * One step, so that an alert that ended in between stays ended, and one that began again is its own: only the record of the same beginning is
 * marked. KEYS: the alerts. ARGV: now, who was told, the round, then the id and since when, for each.
 */
export const MARK_TOLD = `${KNOWN}
for i = 4, #ARGV, 2 do
  local known = knownAs(redis.call('HGET', KEYS[1], ARGV[i]))
  if known and known.since == ARGV[i + 1] then
    known.told = true
    if not known.told_at then
      known.told_at = ARGV[1]
      known.told_to = ARGV[2]
      if ARGV[3] ~= '' then known.round = ARGV[3] end
    end
    if known.seen_at < ARGV[1] then known.seen_at = ARGV[1] end
    redis.call('HSET', KEYS[1], ARGV[i], cjson.encode(known))
  end
end`;

/** KEYS: the alerts. ARGV: the id, since when, the field that must have a value, this value, and the new fields as JSON. */
export const CHANGE = `${KNOWN}
local known = knownAs(redis.call('HGET', KEYS[1], ARGV[1]))
if not known or known.since ~= ARGV[2] then return 0 end
local value = known[ARGV[3]]
if (value == nil and '' or tostring(value)) ~= ARGV[4] then return 0 end
for field, new in pairs(cjson.decode(ARGV[5])) do
  if new == cjson.null then known[field] = nil else known[field] = new end
end
redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(known))
return 1`;

/** Takes out what nobody can read, unless it was replaced meanwhile. KEYS: the alerts. ARGV: the field, its text. */
export const TAKE_OUT = `
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end`;
