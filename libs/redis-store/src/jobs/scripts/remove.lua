-- Removes a job that is over, unless somebody changed it since it was read. An idempotency key
-- that points to another job by now stays.
-- KEYS: job, events, index, schedule; where the idempotency key points, if there is one.
-- ARGV: id, commits at the reading, channel of changes.
local commits = redis.call('HGET', KEYS[1], 'commits')
if not commits then
  return {'gone', 0}
end
if commits ~= ARGV[2] then
  return {'conflict', 0}
end
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
if KEYS[5] and redis.call('GET', KEYS[5]) == ARGV[1] then
  redis.call('DEL', KEYS[5])
end
redis.pcall('PUBLISH', ARGV[3], ARGV[1])
return {'done', 0}
