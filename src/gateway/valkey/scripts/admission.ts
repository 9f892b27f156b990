import { defineScript, type Script } from '../script.ts';
import { LIMITS } from './limits.lua.ts';
import { HOURS_KEPT_SECONDS, SETTLED_KEPT_MS, STATE } from './state.lua.ts';

/**
 * Takes a lease, or nothing. A lease that is open already (the reply to an earlier call was lost) is the same again. One
 * that was settled is not opened any more: a call can arrive late, on a connection that was given up, when another one
 * has told how the request ended.
 *
 * ARGV: day; lease, student, model; concurrent, requests, tokens, day, total, class requests, class tokens; prompt,
 * expected prompt, output, answers; ms until the lease expires; `adopt` to take it without asking the limits (it runs
 * already); epoch ms at which the session began, or empty.
 * Reply: `admitted` and counts and grant; `denied` and counts; `other-day` and the time.
 */
const ADMIT = `
local now = now_ms()
local moment = moment_argument(now)
if not moment then return other_day_reply(now) end
expire_leases(now, moment)
local id, student_id, model = argument(), argument(), argument()
local limits = {
  concurrent = number_argument(), requests = number_argument(), tokens = number_argument(),
  day = number_argument(), total = number_argument(),
  class_requests = number_argument(), class_tokens = number_argument(),
}
local cost = { prompt = number_argument() }
local expected = number_argument()
cost.output, cost.answers = number_argument(), number_argument()
local lease_ms, adopt, session = number_argument(), argument(), argument()

local student, classroom = load_subject('s' .. student_id, now), load_subject('c', now)
both_on_day(student, classroom, moment)
local lease = load_lease(id)
if not lease then
  if redis.call('EXISTS', KEYS[4] .. id) == 1 then return counts_reply('denied', now, student, classroom) end
  lease = decide(limits, student, classroom, cost, now, adopt)
  if not lease then
    local entry = { student = student_id, model = model, outcome = 'throttled', day = student.day,
      session = session }
    add_to_ledger(entry, hour_of(now), figures_of(1, 0, 0, 0))
    return counts_reply('denied', now, student, classroom)
  end
  lease.student, lease.model, lease.expected, lease.session = student_id, model, expected, session or NO_SESSION
  lease.let_in = now
  open_lease(id, lease, now + lease_ms)
  save_both(student_id, student, classroom)
end
return counts_reply('admitted', now, student, classroom, lease.output, lease.student_reserved,
  lease.classroom_reserved, lease.budget_reserved, lease.day)
`;

/**
 * Ends a lease and books it, once: by the lease, by the mark that it was settled, or by what was booked when it
 * expired, which is taken back. A lease that nobody knows is booked as well (it was given while the store was away),
 * unless it was settled before and its mark may be gone.
 *
 * ARGV: day; lease, student, model, outcome; prompt, cached, completion tokens; ms in the queue; ms to the first token
 * or empty; `again` when it may have been settled longer ago than marks last; epoch ms at which the session began in
 * which it was let in, or empty; ms since it was let in, and since it ended.
 * Reply: `settled`, `repeated` or `corrected`, and counts; `other-day` and the time.
 */
const SETTLE = `
local now = now_ms()
local moment = moment_argument(now)
if not moment then return other_day_reply(now) end
local id, student_id = argument(), argument()
local entry = { student = student_id, model = argument(), outcome = argument() }
local prompt, cached, completion = number_argument(), number_argument(), number_argument()
local wait, first_token = number_argument(), number_argument()
local again, session = argument(), argument()
local let_in_ago, ended_ago = number_argument(), number_argument()
local tokens = prompt + completion

local student, classroom = load_subject('s' .. student_id, now), load_subject('c', now)
both_on_day(student, classroom, moment)
local lease, mark = load_lease(id), redis.call('GET', KEYS[4] .. id)
local status = 'settled'
if lease then
  entry.day, entry.session = lease.day, lease.session
  settle(student, classroom, lease, tokens)
  close_lease(id)
elseif mark == 'settled' or (not mark and again) then
  redis.call('SET', KEYS[4] .. id, 'settled', 'PX', ${SETTLED_KEPT_MS})
  return counts_reply('repeated', now, student, classroom)
elseif mark then
  status = 'corrected'
  local expected, day, hour, model, lost_session = unpack(cmsgpack.unpack(mark))
  entry.day, entry.session = day, lost_session
  book(student, 0, tokens - expected, day)
  book(classroom, 0, tokens - expected, day)
  add_to_ledger({ student = student_id, model = model, outcome = 'interrupted', day = day, session = lost_session },
    hour, figures_of(-1, -expected, 0, 0))
else
  entry.day, entry.session = student.day, session
  book(student, 0, tokens, entry.day)
  book(classroom, 0, tokens, entry.day)
end
save_both(student_id, student, classroom)
local answered = first_token and 1 or 0
add_to_ledger(entry, hour_of(now),
  { 1, prompt, cached, completion, wait, wait, answered, first_token or 0, first_token or 0 })
if let_in_ago then add_active(entry, now - let_in_ago, now - ended_ago) end
redis.call('SET', KEYS[4] .. id, 'settled', 'PX', ${SETTLED_KEPT_MS})
expire_leases(now, moment)
return counts_reply(status, now, student, classroom)
`;

/**
 * Moves the deadlines of leases that run.
 *
 * ARGV: day; ms from now; leases.
 * Reply: `renewed`, the time, and the leases that are not open any more; `other-day` and the time.
 */
const RENEW = `
local now = now_ms()
local moment = moment_argument(now)
if not moment then return other_day_reply(now) end
local reply, deadline = { 'renewed', text(now) }, now + number_argument()
for i = position + 1, #ARGV do
  if redis.call('ZSCORE', KEYS[3], ARGV[i]) then
    redis.call('ZADD', KEYS[3], deadline, ARGV[i])
  else
    reply[#reply + 1] = ARGV[i]
  end
end
expire_leases(now, moment)
return reply
`;

/**
 * How the counts of a student and of the class stand.
 *
 * ARGV: day; student. Reply: `counts` and counts; `other-day` and the time.
 */
const READ = `
local now = now_ms()
local moment = moment_argument(now)
if not moment then return other_day_reply(now) end
expire_leases(now, moment)
return counts_reply('counts', now, load_subject('s' .. argument(), now), load_subject('c', now))
`;

/**
 * The account of a student. ARGV: student; local days.
 * Reply: of each day, and last of all time, the rows and their figures, alternating.
 */
const USAGE = `
local student_id, reply = argument(), {}
for i = 2, #ARGV do reply[#reply + 1] = redis.call('HGETALL', KEYS[5] .. ARGV[i] .. ':' .. student_id) end
reply[#reply + 1] = redis.call('HGETALL', KEYS[6] .. student_id)
return reply
`;

/**
 * What engines did. ARGV: of each hour and engine: hour, engine, GPUs, minutes with GPUs (two numbers) and with requests
 * (two). Reply: `kept`.
 */
const ENGINES = `
while position < #ARGV do
  local key, engine, gpus = KEYS[8] .. argument(), argument(), number_argument()
  local known = numbers_in(redis.call('HGET', key, engine))
  local row = { text(math.max(known[1] or 0, gpus)) }
  for i = 2, 5 do row[i] = string.format('%.0f', bit.bor(known[i] or 0, number_argument())) end
  redis.call('HSET', key, engine, table.concat(row, ' '))
  redis.call('EXPIRE', key, ${HOURS_KEPT_SECONDS})
end
return 'kept'
`;

/** Students of the account and their first days. Reply: names and days, alternating; then names of all subjects. */
const STUDENTS = `
return { redis.call('HGETALL', KEYS[9]), redis.call('HKEYS', KEYS[1]) }
`;

/** Days of a student. ARGV: student; local days. Reply: of each day, the rows of its figures and of its minutes. */
const REPORT_DAYS = `
local student_id, reply = argument(), {}
for i = 2, #ARGV do
  local name = ARGV[i] .. ':' .. student_id
  reply[#reply + 1] = redis.call('HGETALL', KEYS[5] .. name)
  reply[#reply + 1] = redis.call('HGETALL', KEYS[7] .. name)
end
return reply
`;

/** What engines did. ARGV: UTC hours. Reply: of each, the engines and their figures, alternating. */
const REPORT_ENGINES = `
local reply = {}
for i = 1, #ARGV do reply[i] = redis.call('HGETALL', KEYS[8] .. ARGV[i]) end
return reply
`;

/** The scripts of one class's limits and ledger. */
export interface AdmissionScripts {
  readonly admit: Script;
  readonly settle: Script;
  readonly renew: Script;
  readonly read: Script;
  readonly usage: Script;
  readonly engines: Script;
  readonly students: Script;
  readonly reportDays: Script;
  readonly reportEngines: Script;
}

/** @param time Lua that defines `now_ms()` */
export function admissionScripts(time: string): AdmissionScripts {
  const script = (name: string, body: string): Script => defineScript(name, time + LIMITS + STATE + body);
  return {
    admit: script('admit', ADMIT),
    settle: script('settle', SETTLE),
    renew: script('renew', RENEW),
    read: script('read', READ),
    usage: script('usage', USAGE),
    engines: script('engines', ENGINES),
    students: script('students', STUDENTS),
    reportDays: script('reportDays', REPORT_DAYS),
    reportEngines: script('reportEngines', REPORT_ENGINES),
  };
}
