/** How long the hours of the ledger are kept after the last change of their day. Totals are kept for ever. */
export const HOURS_KEPT_SECONDS = 400 * 24 * 3600;
/** How long it is known of a settled lease that it was, so that a settlement that is sent again books nothing. */
export const SETTLED_KEPT_MS = 3_600_000;
/** How long the booking of an expired lease can be corrected: longer than a request can take. */
export const EXPIRED_KEPT_MS = 24 * 3_600_000;

/**
 * Lua that reads and writes what is kept of a class. KEYS, the same for every script of a class:
 *
 * 1. `…:subjects` hash: `c` the class, `s` and the id a student → MessagePack of the counts, in the order of FIELDS.
 *    Of the class only the first six are used.
 * 2. `…:leases` hash: lease → MessagePack of whose it is and what it holds
 * 3. `…:deadlines` sorted set: lease → epoch ms at which nobody renewed it
 * 4. `…:ended:` prefix: of a lease, for a while, that it was settled or how its expiry was booked
 * 5. `…:used:` prefix: by local day and student, hash `hour|session|outcome|model` → figures; hours are UTC, since the
 *    epoch; the session is the epoch ms of its beginning, 0 for none. Before there were sessions: `hour|outcome|model`
 * 6. `…:total:` prefix: by student, hash `outcome|model` → figures
 * 7. `…:active:` prefix: by local day and student, hash `hour|session` → the minutes in which the student was at work,
 *    as two numbers: bits of the first half of the hour, and of the second
 * 8. `…:engines:` prefix: by UTC hour, hash engine → its GPUs, and its minutes with GPUs and with requests, two each
 * 9. `…:days` hash: `s` and the id of a student → local day of the first row of the account; absent for students of whom
 *    something was booked before first days were remembered
 *
 * The names made of a prefix cannot be known before the script runs (whose lease has expired?). They have the same
 * hash tag as the others, so they are where the script runs.
 *
 * Figures: requests, prompt, cached and completion tokens, ms in the queue (sum, largest), answers with a first token,
 * ms to it (sum, largest).
 */
export const STATE = `
local FIELDS = { 'tat', 'tokens', 'tokens_at', 'day', 'day_tokens', 'total_tokens',
  'running', 'reserved', 'day_reserved', 'held_day' }
local FRESH = { 0, UNTOUCHED, 0, '', 0, 0, 0, 0, 0, '' }
local LEASE_FIELDS = { 'student', 'model', 'expected', 'output', 'student_reserved', 'classroom_reserved',
  'budget_reserved', 'day', 'session', 'let_in' }
-- In the place of a session where there is none.
local NO_SESSION = '0'

local function named(names, values)
  local record = {}
  for i, name in ipairs(names) do record[name] = values[i] end
  return record
end
local function packed(names, record)
  local values = {}
  for i, name in ipairs(names) do values[i] = record[name] end
  return cmsgpack.pack(values)
end

local function save_subject(field, state) redis.call('HSET', KEYS[1], field, packed(FIELDS, state)) end
-- A server whose clock is behind may have taken over. From when on is remembered also by calls that change nothing else.
local function load_subject(field, now)
  local found = redis.call('HGET', KEYS[1], field)
  if not found then return named(FIELDS, FRESH) end
  local state = named(FIELDS, cmsgpack.unpack(found))
  if after_clock_change(state, now) then save_subject(field, state) end
  return state
end
local function save_both(student_id, student, classroom)
  save_subject('s' .. student_id, student)
  save_subject('c', classroom)
end

local function load_lease(id)
  local found = redis.call('HGET', KEYS[2], id)
  return found and named(LEASE_FIELDS, cmsgpack.unpack(found))
end
local function open_lease(id, lease, deadline)
  redis.call('HSET', KEYS[2], id, packed(LEASE_FIELDS, lease))
  redis.call('ZADD', KEYS[3], deadline, id)
end
local function close_lease(id)
  redis.call('HDEL', KEYS[2], id)
  redis.call('ZREM', KEYS[3], id)
end

-- Texts of all digits: Lua's own and the server's lose some.
local function text(number) return string.format('%.17g', number) end

-- Adds figures to those of a field; the sixth and the ninth are maxima.
local function add_figures(key, field, figures)
  local sums, known = {}, redis.call('HGET', key, field)
  local i = 0
  for value in string.gmatch(known or '0 0 0 0 0 0 0 0 0', '%S+') do
    i = i + 1
    local number = tonumber(value)
    sums[i] = text((i == 6 or i == 9) and math.max(number, figures[i]) or number + figures[i])
  end
  redis.call('HSET', key, field, table.concat(sums, ' '))
end
local function add_to_ledger(entry, hour, figures)
  local row = entry.outcome .. '|' .. entry.model
  local day_key = KEYS[5] .. entry.day .. ':' .. entry.student
  add_figures(day_key, hour .. '|' .. (entry.session or NO_SESSION) .. '|' .. row, figures)
  redis.call('EXPIRE', day_key, ${HOURS_KEPT_SECONDS})
  local total_key = KEYS[6] .. entry.student
  -- Who has a total already and no first day was booked before first days were remembered.
  if redis.call('EXISTS', total_key) == 0 then redis.call('HSETNX', KEYS[9], 's' .. entry.student, entry.day) end
  add_figures(total_key, row, figures)
end
local function numbers_in(written)
  local numbers = {}
  for value in string.gmatch(written or '', '%S+') do numbers[#numbers + 1] = tonumber(value) end
  return numbers
end
-- Bits of the minutes from first to last of one half of an hour; as src/report/hour-minutes.ts.
local function minute_bits(first, last)
  first, last = math.max(first, 0), math.min(last, 29)
  if last < first then return 0 end
  return (2 ^ (last - first + 1) - 1) * 2 ^ first
end
-- Joins minutes with those of a field.
local function join_minutes(key, field, early, late)
  local known = redis.call('HGET', key, field)
  local sets = numbers_in(known)
  local joined = string.format('%.0f %.0f', bit.bor(sets[1] or 0, early), bit.bor(sets[2] or 0, late))
  if joined == known then return end
  redis.call('HSET', key, field, joined)
  redis.call('EXPIRE', key, ${HOURS_KEPT_SECONDS})
end
-- Every minute that a request touched, from its admission to its end.
local function add_active(entry, from, to)
  local key = KEYS[7] .. entry.day .. ':' .. entry.student
  local first, last = math.floor(from / 60000), math.floor(to / 60000)
  for hour = math.floor(first / 60), math.floor(last / 60) do
    local a, b = math.max(first - hour * 60, 0), math.min(last - hour * 60, 59)
    join_minutes(key, text(hour) .. '|' .. (entry.session or NO_SESSION),
      minute_bits(a, b), minute_bits(a - 30, b - 30))
  end
end
local function hour_of(now) return text(math.floor(now / 3600000)) end

local function figures_of(requests, prompt, cached, completion)
  return { requests, prompt, cached, completion, 0, 0, 0, 0, 0 }
end

-- Books a lease with the expected tokens of its prompt.
local function book_lost(id, lease, now, moment)
  local student, classroom = load_subject('s' .. lease.student, now), load_subject('c', now)
  both_on_day(student, classroom, moment)
  settle(student, classroom, lease, lease.expected)
  save_both(lease.student, student, classroom)
  local hour = hour_of(now)
  local entry = { student = lease.student, model = lease.model, outcome = 'interrupted', day = lease.day,
    session = lease.session }
  add_to_ledger(entry, hour, figures_of(1, lease.expected, 0, 0))
  if lease.let_in then add_active(entry, lease.let_in, lease.let_in) end
  local booked = cmsgpack.pack({ lease.expected, lease.day, hour, lease.model, lease.session or NO_SESSION })
  redis.call('SET', KEYS[4] .. id, booked, 'PX', ${EXPIRED_KEPT_MS})
end

-- Books the leases that nobody renewed, as many at a time as cost little. Of one that the server threw away (which it
-- must not) there is nothing to book, and it must not stop all others for ever.
local function expire_leases(now, moment)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, 100)) do
    local lease = load_lease(id)
    if lease then book_lost(id, lease, now, moment) end
    close_lease(id)
  end
end

-- Values of a call, one after the other; an empty one is nil.
local position = 0
local function argument()
  position = position + 1
  return ARGV[position] ~= '' and ARGV[position] or nil
end
local function number_argument()
  local value = argument()
  return value and tonumber(value)
end

-- Every script begins with the day that the gateway believes it is; if it is another one, nothing happens.
local function moment_argument(now)
  local moment = { day = argument(), next_day = argument() }
  local starts, ends = number_argument(), number_argument()
  if now < starts or now >= ends then return nil end
  return moment
end

-- What the gateway makes messages and headers of.
local function counts_reply(status, now, student, classroom, ...)
  local reply = { status, text(now) }
  for _, state in ipairs({ student, classroom }) do
    for _, name in ipairs(FIELDS) do
      local value = state[name]
      reply[#reply + 1] = type(value) == 'number' and text(value) or value
    end
  end
  for _, value in ipairs({ ... }) do reply[#reply + 1] = type(value) == 'number' and text(value) or value end
  return reply
end
local function other_day_reply(now) return { 'other-day', text(now) } end
`;
