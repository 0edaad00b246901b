-- Gives the format of the store and whether there was none before. Tries what the other scripts
-- do: a script that is refused a command in its middle is not undone.
-- KEYS: meta; a hash, a stream, a set and a string to try on. ARGV: the format of a new store.
local found = redis.call('HGET', KEYS[1], 'format')
if found and found ~= ARGV[1] then
  return {found, 0}
end
redis.call('TIME')
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5])
redis.call('HSET', KEYS[2], 'a', '1')
redis.call('HINCRBY', KEYS[2], 'a', 1)
redis.call('XADD', KEYS[3], '1-0', 'json', '{}')
redis.call('XTRIM', KEYS[3], 'MAXLEN', 1)
redis.call('ZADD', KEYS[4], 1, 'a')
redis.call('ZREM', KEYS[4], 'a')
redis.call('SET', KEYS[5], 'a')
redis.call('GET', KEYS[5])
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5])
if found then
  return {found, 0}
end
redis.call('HSET', KEYS[1], 'format', ARGV[1])
return {ARGV[1], 1}
