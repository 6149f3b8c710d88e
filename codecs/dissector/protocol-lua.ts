/**
 * The Lua around the reader (codecs/wire/lua-reader.ts): what makes a protocol of a description in Wireshark.
 *
 *   TCP, TLS, exported PDU --> dissector: one message after the other --> items, expert infos, the info column
 *                                  '-- not whole yet: the next segment is asked for, with what came so far
 *   SIP's header --> the ticket's base64 --> the ticket's dissector
 */
export const LUA_PROTOCOL = String.raw`
-- The words for the info column: the values at these paths, through lists and in attributes of that name.
local function collect(value, names, i, words)
  if value == nil then return end
  if i > #names then
    if type(value) == "number" then value = whole(value) end
    value = tostring(value)
    words[#words + 1] = value:match("^%s*<%s*([%a][%w:-]*)") or value
  elseif type(value) == "table" then
    if #value > 0 then
      for _, one in ipairs(value) do collect(one, names, i, words) end
    elseif value.type == names[i] then collect(value.value, names, i + 1, words)
    else collect(value[names[i]], names, i + 1, words) end
  end
end

local function info_of(values, paths)
  local words = {}
  for _, path in ipairs(paths) do
    local names = {}
    for name in path:gmatch("[^.]+") do names[#names + 1] = name end
    collect(values, names, 1, words)
  end
  return table.concat(words, " ")
end

local function is_tls(tvb)
  if tvb:len() < 3 then return false end
  local kind = tvb(0, 1):uint()
  return kind >= 20 and kind <= 23 and tvb(1, 1):uint() == 3 and tvb(2, 1):uint() <= 4
end

-- Whether the bytes begin as every message does; nil where no byte is the same in all of them.
local function begins(fixed, tvb)
  if #fixed == 0 then return nil end
  for _, one in ipairs(fixed) do
    if tvb:len() < one.at + one.bytes then return false end
    if not has_fixed(tvb(one.at, one.bytes):uint(), one.runs) then return false end
  end
  return true
end

-- Reads; a fault is given back, anything else is none of ours.
local function attempt(of, c, p, tree)
  local ok, to, values = pcall(go, of.root, c, p, c.tvb:len(), false, of.label, tree)
  if not ok and type(to) ~= "table" then error(to, 0) end
  if ok then return to, values end
  return nil, to
end

-- One message from p on: its end and its words. Nothing, where more is to come: that is asked for.
local function message(of, tvb, pinfo, tree, p)
  local to, found = attempt(of, { tvb = tvb }, p)
  if to == nil and found.tag == "Truncated" and pinfo.can_desegment > 0 then
    pinfo.desegment_offset = p
    pinfo.desegment_len = found.missing
    return nil
  end
  local item = tree:add(of.proto, tvb(p, (to or tvb:len()) - p))
  attempt(of, { tvb = tvb, pinfo = pinfo, fields = of.fields, unknown = of.unknown }, p, item)
  if to == nil then
    item:add_proto_expert_info(of.malformed, found.at .. ": " .. found.why)
    return tvb:len(), "malformed: " .. found.at
  end
  local words = info_of(found, of.info)
  if words ~= "" then item:append_text(", " .. words) end
  return to, words
end

local function messages(of, tvb, pinfo, tree)
  local p, infos = 0, {}
  while p < tvb:len() do
    local to, words = message(of, tvb, pinfo, tree, p)
    if to == nil then break end
    infos[#infos + 1] = words
    p = to
  end
  return infos
end

local function show_columns(of, pinfo, infos)
  pinfo.cols.protocol:set(of.short)
  pinfo.cols.info:set(table.concat(infos, ", ") .. " ")
  pinfo.cols.info:fence()
end

local function put_ports(table_name, before, now, proto)
  local ports = DissectorTable.get(table_name)
  if before ~= nil and before ~= "" then ports:remove(before, proto) end
  if now ~= "" then ports:add(now, proto) end
end

local function listen(of, proto)
  local put = {}
  for _, one in ipairs(of.ports) do proto.prefs[one.pref] = Pref.range(one.title, one.ports, one.text, 65535) end
  local function update()
    for _, one in ipairs(of.ports) do
      local now = tostring(proto.prefs[one.pref])
      put_ports(one.table, put[one.pref], now, proto)
      put[one.pref] = now
    end
  end
  proto.prefs_changed = update
  update()
  for _, one in ipairs(of.ports) do DissectorTable.get(one.table):add_for_decode_as(proto) end
end

-- By how a message begins, where that is said by enough bits: on ports that nobody has named.
local HEURISTIC_BITS_MIN = 32
local function recognise(of, proto, dissect)
  if of.fixed_bits < HEURISTIC_BITS_MIN then return end
  local function try(tvb, pinfo, tree)
    if not begins(of.fixed, tvb) then return false end
    pinfo.conversation = proto
    dissect(tvb, pinfo, tree) -- and not as Wireshark calls one: whoever is called from within may ask for no more segments
    return true
  end
  for _, one in ipairs(of.ports) do proto:register_heuristic(one.below, try) end
end

local function protocol(of)
  local proto = Proto(of.name, of.title)
  of.proto = proto
  of.malformed = ProtoExpert.new(of.name .. ".malformed", "Does not decode", expert.group.MALFORMED, expert.severity.ERROR)
  of.unknown = ProtoExpert.new(of.name .. ".unassigned", "Unknown type", expert.group.UNDECODED, expert.severity.NOTE)
  proto.fields = of.fields
  proto.experts = { of.malformed, of.unknown }
  local function dissect(tvb, pinfo, tree)
    if is_tls(tvb) and not begins(of.fixed, tvb) then return Dissector.get("tls"):call(tvb, pinfo, tree) end
    local infos = messages(of, tvb, pinfo, tree)
    if #infos > 0 then show_columns(of, pinfo, infos) end
    return tvb:len()
  end
  proto.dissector = dissect
  listen(of, proto)
  recognise(of, proto, dissect)
  return of
end

local DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

-- RFC 4648 §4 in its one canonical form; nil for anything else.
local function base64(text)
  if #text % 4 ~= 0 then return nil end
  local body, padding = text:match("^([%w+/]*)(=*)$")
  if body == nil or #padding > 2 then return nil end
  local out, word, bits = {}, 0, 0
  for digit in body:gmatch(".") do
    word, bits = word * 64 + DIGITS:find(digit, 1, true) - 1, bits + 6
    if bits >= 8 then
      bits = bits - 8
      out[#out + 1] = string.char(math.floor(word / 2 ^ bits))
      word = math.floor(word % 2 ^ bits)
    end
  end
  if word ~= 0 then return nil end
  return table.concat(out)
end

-- Tickets stand in a header field of SIP, which Wireshark's own dissector has found.
local function in_sip(ticket, header, most)
  local found = Field.new("sip.msg_hdr")
  local proto = Proto(ticket.name .. "_header", "ViPR ticket in a SIP header field")
  local function show(text, pinfo, tree)
    local bytes = #text <= most and base64(text) or nil
    if bytes ~= nil and bytes ~= "" then
      messages(ticket, ByteArray.new(bytes, true):tvb("ViPR ticket"), pinfo, tree)
    else
      tree:add(ticket.proto):add_proto_expert_info(ticket.malformed, ticket.label .. ": not base64")
    end
  end
  function proto.dissector(tvb, pinfo, tree)
    for _, head in ipairs({ found() }) do
      for line in tostring(head.value):gmatch("[^\r\n]+") do
        local name, text = line:match("^([^%s:]+)%s*:%s*(.-)%s*$")
        if name ~= nil and name:lower() == header:lower() then show(text, pinfo, tree) end
      end
    end
  end
  register_postdissector(proto)
end
`;
