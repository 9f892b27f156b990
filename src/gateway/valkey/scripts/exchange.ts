import { defineScript, type Script } from '../script.ts';

/**
 * Lua that writes what one replica says of itself and reads what the others said. Replicas that were silent for longer
 * than the time to live are removed; so is one whose time lies as far ahead (the server's clock was set back).
 *
 * KEYS: a hash, replica → its time and its text.
 * ARGV: own id, own text (empty: leave), time to live in ms.
 * Reply: id and text of each other replica, alternating.
 */
const EXCHANGE = `
local now, ttl = now_ms(), tonumber(ARGV[3])
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f ', now) .. ARGV[2])
end
local others, all = {}, redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if all[i] ~= ARGV[1] then
    local at, text = string.match(all[i + 1], '^(%d+) (.*)$')
    if math.abs(now - tonumber(at)) > ttl then
      redis.call('HDEL', KEYS[1], all[i])
    else
      others[#others + 1] = all[i]
      others[#others + 1] = text
    end
  end
end
redis.call('PEXPIRE', KEYS[1], 2 * ttl)
return others
`;

/** @param time Lua that defines `now_ms()` */
export function exchangeScript(time: string): Script {
  return defineScript('exchange', time + EXCHANGE);
}
