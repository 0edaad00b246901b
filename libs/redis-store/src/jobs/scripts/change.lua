-- Keeps what a job has become, unless somebody else changed it since it was read, or its time is
-- up. A repeat of the same commit is recognised by its name. What the job has become was decided
-- before.
-- KEYS: job, events, counts, schedule before, schedule after.
-- ARGV: id, name of this commit, milliseconds that the clock is ahead, when it is too late,
--   commits at the reading, record, when it was decided, moment in the schedule, count that it
--   leaves or nothing, count that it enters or nothing, channel of changes, events that are kept,
--   and number and JSON of each new event.
local commits = redis.call('HGET', KEYS[1], 'commits')
if not commits then
  return {'gone', 0}
end
if string.find(commits, ARGV[2], 1, true) then
  return {'before', 0}
end
if commits ~= ARGV[5] then
  return {'conflict', 0}
end
local time = redis.call('TIME')
if time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3] >= tonumber(ARGV[4]) then
  return {'late', 0}
end
-- The last eight, each of 36 characters and a blank.
commits = ARGV[2] .. ' ' .. string.sub(commits, 1, 258)
redis.call('HSET', KEYS[1], 'record', ARGV[6], 'commits', commits, 'at', ARGV[7])
for n = 13, #ARGV, 2 do
  redis.call('XADD', KEYS[2], ARGV[n] .. '-0', 'json', ARGV[n + 1])
end
if #ARGV > 12 then
  redis.call('XTRIM', KEYS[2], 'MAXLEN', ARGV[12])
end
if KEYS[4] ~= KEYS[5] then
  redis.call('ZREM', KEYS[4], ARGV[1])
end
redis.call('ZADD', KEYS[5], ARGV[8], ARGV[1])
if ARGV[9] ~= ARGV[10] then
  if ARGV[9] ~= '' then
    redis.call('HINCRBY', KEYS[3], ARGV[9], -1)
  end
  if ARGV[10] ~= '' then
    redis.call('HINCRBY', KEYS[3], ARGV[10], 1)
  end
end
-- Who may not publish loses only time: watchers look again by themselves.
redis.pcall('PUBLISH', ARGV[11], ARGV[1])
return {'done', 0}
