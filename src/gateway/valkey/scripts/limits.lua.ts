/**
 * Lua with the same arithmetic as ../../limits (gcra.ts, token-bucket.ts, budget.ts, decision.ts), function by function
 * and in the same order of operations: both count in doubles, so both come to the same bits. Whoever changes one must
 * change the other; their common specification and a comparison on random histories find what differs.
 *
 * An absent limit is nil. States are the tables of state.lua.ts.
 */
export const LIMITS = `
local SHARES, MINUTE_US, UNTOUCHED = 60000, 60000000, 9007199254740991

local function round(x) return math.floor(x + 0.5) end

-- gcra.ts
local function step_of(limit) return math.ceil(MINUTE_US / limit) end
local function owed_us(tat, limit, now)
  return math.min(math.max(0, round((tat - now) * 1000)), limit * step_of(limit))
end
local function take_request(tat, limit, now, anyway)
  local step = step_of(limit)
  local owed = owed_us(tat, limit, now)
  if not anyway and owed + step - limit * step > 0 then return nil end
  return now + (owed + step) / 1000
end

-- token-bucket.ts
local function level_shares(state, limit, now)
  local full = limit * SHARES
  if state.tokens >= limit then return full end
  local shares = round(state.tokens * SHARES)
  local elapsed = math.min(math.max(0, now - state.tokens_at), math.ceil((full - shares) / limit))
  return math.min(full, shares + elapsed * limit)
end

-- budget.ts
local function rest_of(budget) return math.max(0, budget.limit - budget.used - budget.reserved) end
local function fewest_tokens(cost) return cost.prompt + math.min(1, cost.output) * cost.answers end
local function output_within(budget, cost, output)
  local rest = rest_of(budget)
  if rest < fewest_tokens({ prompt = cost.prompt, output = output, answers = cost.answers }) then return nil end
  if output == 0 then return 0 end
  return math.min(output, math.floor((rest - cost.prompt) / cost.answers))
end

-- decision.ts. Returns whether it changed the state. A TAT lies a minute ahead at most, and what steps are rounded up by.
local function after_clock_change(state, now)
  local tat, tokens_at = state.tat, state.tokens_at
  if tat > now + MINUTE_US / 1000 + 1000 then state.tat = now + MINUTE_US / 1000 end
  state.tokens_at = math.min(tokens_at, now)
  return state.tat ~= tat or state.tokens_at ~= tokens_at
end
local function on_day(state, moment)
  if state.day == moment.day or state.day == moment.next_day then return end
  if state.day < moment.day then state.day_tokens = 0 end
  state.day = moment.day
end
local function both_on_day(student, classroom, moment)
  on_day(student, moment)
  on_day(classroom, moment)
  if student.held_day < student.day then
    student.held_day = student.day
    student.day_reserved = 0
  end
end

local function budgets_of(limits, student)
  local budgets = {}
  if limits.day then
    budgets[#budgets + 1] = { limit = limits.day, used = student.day_tokens, reserved = student.day_reserved }
  end
  if limits.total then
    budgets[#budgets + 1] = { limit = limits.total, used = student.total_tokens, reserved = student.reserved }
  end
  return budgets
end

-- Returns what the rates would be with one request more, or nil.
local function take_rates(requests, tokens, state, wanted, now, anyway)
  local taken = { tat = state.tat, tokens = UNTOUCHED, tokens_at = now, reserved = 0 }
  if requests then
    taken.tat = take_request(state.tat, requests, now, anyway)
    if not taken.tat then return nil end
  end
  if tokens then
    taken.reserved = math.min(wanted, tokens)
    local level = level_shares(state, tokens, now)
    if not anyway and taken.reserved * SHARES - level > 0 then return nil end
    taken.tokens = (level - taken.reserved * SHARES) / SHARES
  end
  return taken
end
local function apply_rates(state, taken)
  state.tat, state.tokens, state.tokens_at = taken.tat, taken.tokens, taken.tokens_at
end

local function hold(student, classroom, own, shared, output, wanted)
  apply_rates(student, own)
  apply_rates(classroom, shared)
  student.running = student.running + 1
  student.reserved = student.reserved + wanted
  student.day_reserved = student.day_reserved + wanted
  student.held_day = student.day
  return {
    output = output,
    student_reserved = own.reserved,
    classroom_reserved = shared.reserved,
    budget_reserved = wanted,
    day = student.day,
  }
end

-- The states must be on the day. Returns a grant and changes the states, or returns nil and changes nothing. With
-- "anyway" all is taken as it is asked for: the request runs already.
local function decide(limits, student, classroom, cost, now, anyway)
  if not anyway and student.running >= limits.concurrent then return nil end
  local budgets = budgets_of(limits, student)
  local output = cost.output
  for _, budget in ipairs(anyway and {} or budgets) do
    output = output_within(budget, cost, output) or math.min(1, output)
  end
  local wanted = cost.prompt + output * cost.answers
  local own = take_rates(limits.requests, limits.tokens, student, wanted, now, anyway)
  if not own then return nil end
  for _, budget in ipairs(budgets) do
    if not anyway and rest_of(budget) < fewest_tokens(cost) then return nil end
  end
  local shared = take_rates(limits.class_requests, limits.class_tokens, classroom, wanted, now, anyway)
  if not shared then return nil end
  return hold(student, classroom, own, shared, output, wanted)
end

local function book(state, reserved, tokens, day)
  state.tokens = state.tokens + reserved - tokens
  if day >= state.day then state.day_tokens = state.day_tokens + tokens end
  state.total_tokens = state.total_tokens + tokens
end

-- The states must be on the day.
local function settle(student, classroom, grant, tokens)
  book(student, grant.student_reserved, tokens, grant.day)
  book(classroom, grant.classroom_reserved, tokens, grant.day)
  student.running = student.running - 1
  student.reserved = student.reserved - grant.budget_reserved
  if grant.day >= student.held_day then student.day_reserved = student.day_reserved - grant.budget_reserved end
end
`;
