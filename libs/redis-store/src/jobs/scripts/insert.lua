-- Keeps a new job, unless it is there already, its time is up, its idempotency key has come to
-- point elsewhere or its lane is full. What the job is was decided before.
-- KEYS: job, events, index, counts, schedule; where the idempotency key points, if there is one.
-- ARGV: id, name of this commit, milliseconds that the clock is ahead, when it is too late,
--   record, specification, when it was decided, moment in the schedule, name of the count, most
--   jobs in it, id that the idempotency key pointed to or nothing, channel of changes,
--   number and JSON of the first event.
local commits = redis.call('HGET', KEYS[1], 'commits')
if commits then
  return {string.find(commits, ARGV[2], 1, true) and 'before' or 'conflict', 0}
end
if KEYS[6] and (redis.call('GET', KEYS[6]) or '') ~= ARGV[11] then
  return {'conflict', 0}
end
local time = redis.call('TIME')
if time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3] >= tonumber(ARGV[4]) then
  return {'late', 0}
end
local waiting = tonumber(redis.call('HGET', KEYS[4], ARGV[9]) or '0')
if waiting >= tonumber(ARGV[10]) then
  return {'full', waiting}
end
redis.call('HSET', KEYS[1], 'record', ARGV[5], 'specification', ARGV[6], 'commits', ARGV[2],
  'at', ARGV[7])
redis.call('XADD', KEYS[2], ARGV[13] .. '-0', 'json', ARGV[14])
redis.call('ZADD', KEYS[3], 0, ARGV[1])
redis.call('HINCRBY', KEYS[4], ARGV[9], 1)
redis.call('ZADD', KEYS[5], ARGV[8], ARGV[1])
if KEYS[6] then
  redis.call('SET', KEYS[6], ARGV[1])
end
-- Who may not publish loses only time: watchers look again by themselves.
redis.pcall('PUBLISH', ARGV[12], ARGV[1])
return {'done', 0}
