/**
 * Lua that says what time it is: `now_ms()`, whole epoch ms of the server, the same for all replicas. Tests bring their
 * own, to hold time still.
 */
export const SERVER_TIME = `
local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
`;
