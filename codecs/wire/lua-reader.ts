/**
 * The Lua that reads a message by its description, which ./lua.ts writes as a table: the careful reader of ./read.ts once more,
 * in the words that Wireshark's Lua 5.2 and 5.4 have in common.
 *
 *   read[kind](n, c, p, e, bounded, at, tree)  -->  the end, the value     reads a node from p, not past e, into a tree
 *                                              or   error { tag, at, why, missing }
 *
 * Without a tree it only reads: a dissector learns first how long a message is. Numbers are parted by division, since the
 * versions of Lua have no operation on bits in common. What is wrong is said as `wireErrorText` says it.
 */
export const LUA_READER = `
local read = {}

local function go(n, c, p, e, bounded, at, tree, earlier)
  return read[n.kind](n, c, p, e, bounded, at, tree, earlier)
end

local function whole(x) return string.format("%d", x) end

local function malformed(at, why) error({ tag = "Malformed", at = at, why = why }, 0) end

local function need(p, e, size, bounded, at)
  local missing = size - (e - p)
  if missing <= 0 then return end
  if bounded then malformed(at, "runs " .. whole(missing) .. " bytes past its bounds") end
  error({ tag = "Truncated", at = at, missing = missing, why = whole(missing) .. " bytes missing" }, 0)
end

-- Adds a field's item, where there is a tree and the node has a field of its own.
local function add(n, c, tree, from, to, ...)
  if tree == nil or n.f == nil then return tree end
  return tree:add(c.fields[n.f], c.tvb(from, to - from), ...)
end

-- The item of what holds others: as long as they turn out to be.
local function open(n, c, tree, from)
  if tree == nil or n.f == nil then return tree end
  return tree:add(c.fields[n.f], c.tvb(from, 0))
end
local function close(n, tree, item, from, to)
  if tree ~= nil and n.f ~= nil then item:set_len(to - from) end
end

local NTP_TO_UNIX_S = 2208988800
local function ntp_text(range)
  local seconds = range(0, 4):uint()
  if seconds < 2147483648 then seconds = seconds + 4294967296 end
  return " (" .. os.date("!%Y-%m-%dT%H:%M:%SZ", seconds - NTP_TO_UNIX_S) .. ")"
end

function read.uint(n, c, p, e, bounded, at, tree)
  need(p, e, n.bytes, bounded, at)
  local range = c.tvb(p, n.bytes)
  local value
  if n.bytes == 16 then value = range
  elseif n.bytes == 8 then value = range:uint64()
  elseif n.signed then value = range:int()
  else value = range:uint() end
  local item = add(n, c, tree, p, p + n.bytes)
  if n.shown == "ntp" and tree ~= nil then item:append_text(ntp_text(range)) end
  if n.min ~= nil and (value < n.min or value > n.max) then
    malformed(at, tostring(value) .. " is not in " .. tostring(n.min) .. ".." .. tostring(n.max))
  end
  return p + n.bytes, value
end

local function take(n, c, p, e, tree)
  add(n, c, tree, p, e)
  local bytes = e > p and c.tvb:raw(p, e - p) or ""
  if n.inner ~= nil and tree ~= nil and bytes:find("^%s*<") then -- what that dissector cannot read is its own affair
    pcall(function() Dissector.get(n.inner):call(c.tvb(p, e - p):tvb(), c.pinfo, tree) end)
  end
  return e, bytes
end

function read.bytes(n, c, p, e, bounded, at, tree)
  need(p, e, n.size, bounded, at)
  return take(n, c, p, p + n.size, tree)
end

function read.rest(n, c, p, e, bounded, at, tree) return take(n, c, p, e, tree) end

function read.boolean(n, c, p, e, bounded, at, tree)
  need(p, e, 1, bounded, at)
  local value = c.tvb(p, 1):uint()
  add(n, c, tree, p, p + 1)
  if value > 1 then malformed(at, "neither 0 nor 1") end
  return p + 1, value == 1
end

-- UTF-8 as RFC 3629 has it: no longer form than is needed, no surrogate, nothing above U+10FFFF.
local function is_utf8(text)
  local i, size = 1, #text
  while i <= size do
    local a, b = text:byte(i, i + 1)
    local more, least, most = 0, 0x80, 0xbf
    if a >= 0xc2 and a <= 0xdf then more = 1
    elseif a >= 0xe0 and a <= 0xef then
      more = 2
      if a == 0xe0 then least = 0xa0 elseif a == 0xed then most = 0x9f end
    elseif a >= 0xf0 and a <= 0xf4 then
      more = 3
      if a == 0xf0 then least = 0x90 elseif a == 0xf4 then most = 0x8f end
    elseif a >= 0x80 then return false end
    if i + more > size or (more > 0 and (b < least or b > most)) then return false end
    for k = i + 2, i + more do
      local next = text:byte(k)
      if next < 0x80 or next > 0xbf then return false end
    end
    i = i + more + 1
  end
  return true
end

local function read_text(n, c, p, e, at, tree)
  local text = e > p and c.tvb:raw(p, e - p) or ""
  if not is_utf8(text) then malformed(at, "not UTF-8") end
  if tree ~= nil then tree:add_packet_field(c.fields[n.f], c.tvb(p, e - p), ENC_UTF_8) end
  return e, text
end

function read.text(n, c, p, e, bounded, at, tree)
  if e - p > n.most then malformed(at, "longer than " .. whole(n.most) .. " bytes") end
  return read_text(n, c, p, e, at, tree)
end

-- A length, then what it bounds: where that begins and ends.
local function prefixed(n, c, p, e, bounded, at, tree)
  local from, size = read.uint(n.prefix, c, p, e, bounded, at, tree)
  if n.least ~= nil and size < n.least then malformed(at, whole(size) .. " bytes, fewer than " .. whole(n.least)) end
  if n.most ~= nil and size > n.most then malformed(at, whole(size) .. " bytes, more than " .. whole(n.most)) end
  need(from, e, size, bounded, at)
  return from, from + size
end

local function filled(p, e, at)
  if p ~= e then malformed(at, whole(e - p) .. " trailing bytes") end
end

local function filling(n, c, p, e, at, tree)
  local to, value = go(n, c, p, e, true, at, tree)
  filled(to, e, at)
  return to, value
end

function read.opaque(n, c, p, e, bounded, at, tree)
  local from, to = prefixed(n, c, p, e, bounded, at, tree)
  return take(n, c, from, to, tree)
end

function read.textVector(n, c, p, e, bounded, at, tree)
  local from, to = prefixed(n, c, p, e, bounded, at, tree)
  return read_text(n, c, from, to, at, tree)
end

local function items(n, c, p, e, bounded, at, tree)
  local all = {}
  local list = add(n, c, tree, p, e)
  while p < e do
    local place = at .. "[" .. whole(#all) .. "]"
    local to, one = go(n.item, c, p, e, bounded, place, list)
    if to == p then malformed(place, "an empty item") end
    all[#all + 1] = one
    p = to
  end
  return p, all
end

read.list = items

function read.vector(n, c, p, e, bounded, at, tree)
  local from, to = prefixed(n, c, p, e, bounded, at, tree)
  return items(n, c, from, to, true, at, tree)
end

function read.opaqueOf(n, c, p, e, bounded, at, tree)
  local from, to = prefixed(n, c, p, e, bounded, at, tree)
  return filling(n.of, c, from, to, at, tree)
end

function read.enumeration(n, c, p, e, bounded, at, tree)
  local to, code = read.uint(n.width, c, p, e, bounded, at, tree)
  local name = n.names[code]
  if name == nil and not n.open then malformed(at, "unassigned value " .. whole(code)) end
  return to, name or code
end

function read.constant(n, c, p, e, bounded, at, tree)
  local to, value = read.uint(n.width, c, p, e, bounded, at, tree)
  if value ~= n.value then malformed(at, "must be " .. tostring(n.value) .. ", is " .. tostring(value)) end
  return to
end

function read.optional(n, c, p, e, bounded, at, tree)
  if p < e then return go(n.of, c, p, e, bounded, at, tree) end
  return p
end

function read.select(n, c, p, e, bounded, at, tree, earlier)
  local on = earlier(n.on)
  local arm = n.cases[on] or n.otherwise
  if arm == nil then malformed(at, "no arm for " .. (type(on) == "number" and whole(on) or tostring(on))) end
  return go(arm, c, p, e, bounded, at, tree)
end

function read.firstBit(n, c, p, e, bounded, at, tree)
  need(p, e, 1, bounded, at)
  return go(c.tvb(p, 1):uint() < 128 and n.zero or n.one, c, p, e, bounded, at, tree)
end

local function part_of(word, runs)
  local value = 0
  for _, run in ipairs(runs) do value = value + math.floor(word / 2 ^ run.from) % 2 ^ run.size * 2 ^ run.to end
  return value
end

local function has_fixed(word, fixed)
  for _, run in ipairs(fixed) do
    if math.floor(word / 2 ^ run.from) % 2 ^ run.size ~= run.value then return false end
  end
  return true
end

function read.bits(n, c, p, e, bounded, at, tree)
  local to, word = read.uint(n.width, c, p, e, bounded, at, tree)
  if not has_fixed(word, n.fixed) then malformed(at, "fixed bits differ") end
  local values = {}
  for _, part in ipairs(n.parts) do
    local value = part_of(word, part.runs)
    if part.flag then value = value == 1 end
    if tree ~= nil then tree:add(c.fields[part.f], c.tvb(p, to - p), value) end
    if part.names ~= nil then
      local name = part.names[value]
      if name == nil and not part.open then malformed(at .. "." .. part.name, "unassigned value " .. whole(value)) end
      value = name or value
    end
    values[part.name] = value
  end
  return to, values
end

function read.tagged(n, c, p, e, bounded, at, tree)
  local after = read.constant(n.code, c, p, e, bounded, at, tree)
  local from, to = prefixed(n, c, after, e, bounded, at, tree)
  return filling(n.of, c, from, to, at, tree)
end

function read.tlv(n, c, p, e, bounded, at, tree)
  local item = open(n, c, tree, p)
  local after, code = read.uint(n.type, c, p, e, bounded, at, item)
  local from, size = read.uint(n.length, c, after, e, bounded, at, item)
  need(from, e, size, bounded, at)
  local to = from + size
  local arm = n.cases[code]
  local name = arm ~= nil and arm.name or "unknown"
  local _, value = filling(arm ~= nil and arm.of or n.unknown, c, from, to, at .. "." .. name, item)
  if item ~= nil and n.f ~= nil then
    item:append_text(": " .. name)
    if arm == nil then item:add_proto_expert_info(c.unknown, "an unknown type, " .. string.format("0x%04x", code)) end
  end
  local padding = (n.padTo - size % n.padTo) % n.padTo
  need(to, e, padding, bounded, at)
  close(n, tree, item, p, to + padding)
  return to + padding, { type = name, value = value }
end

-- The value at a path of names: of a field of the struct, or of a part of it.
local function at_path(values, path)
  for name in path:gmatch("[^.]+") do values = values ~= nil and values[name] or nil end
  return values
end

function read.struct(n, c, p, e, bounded, at, tree)
  local item = open(n, c, tree, p)
  local start, values, ends, lengths = p, {}, {}, {}
  local function earlier(path) return at_path(values, path) end
  for i, field in ipairs(n.fields) do
    local place = at .. "." .. field.name
    for _, measure in ipairs(field.measures) do
      local size = lengths[measure.by]
      if measure.whole then
        size = size - (p - start)
        local by = at .. "." .. n.fields[measure.by].name
        if size < 0 then malformed(by, whole(lengths[measure.by]) .. " is less than what precedes it") end
      end
      need(p, e, size, bounded, place)
      ends[#ends + 1] = { to = measure.to, e = e, bounded = bounded }
      e, bounded = p + size, true
    end
    local value
    p, value = go(field.of, c, p, e, bounded, place, item, earlier)
    values[field.name] = value
    lengths[i] = value
    while #ends > 0 and ends[#ends].to == i do
      filled(p, e, place)
      e, bounded = ends[#ends].e, ends[#ends].bounded
      ends[#ends] = nil
    end
  end
  close(n, tree, item, start, p)
  return p, values
end
`;
