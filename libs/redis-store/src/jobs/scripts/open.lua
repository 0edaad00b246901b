-- Gives the format of the store and whether there was none before. Tries what the other scripts
-- do: a script that is refused a command in its middle is not undone.
-- KEYS: meta; a hash, a stream, a set and a string to try on. ARGV: the format of a new store.
local found = redis.call('HGET', KEYS[1], 'format')
if found and found ~= ARGV[1] then
  return {found, 0}
end
local trials = {
  {'TIME'},
  {'DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5]},
  {'HSET', KEYS[2], 'a', '1'},
  {'HINCRBY', KEYS[2], 'a', 1},
  {'XADD', KEYS[3], '1-0', 'json', '{}'},
  {'XTRIM', KEYS[3], 'MAXLEN', 1},
  {'ZADD', KEYS[4], 1, 'a'},
  {'ZREM', KEYS[4], 'a'},
  {'SET', KEYS[5], 'a'},
  {'GET', KEYS[5]},
  {'DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5]},
}
for _, trial in ipairs(trials) do
  local answer = redis.pcall(unpack(trial))
  if type(answer) == 'table' and answer['err'] then
    redis.pcall('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5])
    return redis.error_reply('ERR ' .. trial[1] .. ' is refused: ' .. answer['err'])
  end
end
if found then
  return {found, 0}
end
redis.call('HSET', KEYS[1], 'format', ARGV[1])
return {ARGV[1], 1}
