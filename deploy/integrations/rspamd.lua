--[[
Ask NightCatch about the URLs of a mail. Copy to /etc/rspamd/lua.local.d/nightcatch.lua and set, in
/etc/rspamd/local.d/nightcatch.conf:

  url = "http://nightcatch.internal:8000/predict";
  api_key = "...";   # where the scorer asks for one
  timeout = 2.0;     # seconds
  max_urls = 50;

Symbols: NIGHTCATCH_PHISHING, NIGHTCATCH_SUSPICIOUS (with the URLs as options) and NIGHTCATCH_FAIL,
without a score: a scorer that gives no response holds up no mail.
]]
local rspamd_http = require "rspamd_http"
local rspamd_logger = require "rspamd_logger"
local ucl = require "ucl"

local N = "nightcatch"
local SYMBOLS = { Phishing = "NIGHTCATCH_PHISHING", Suspicious = "NIGHTCATCH_SUSPICIOUS" }
local FAIL = "NIGHTCATCH_FAIL"

local settings = { timeout = 2.0, max_urls = 50 }
for name, value in pairs(rspamd_config:get_all_opt(N) or {}) do
  settings[name] = value
end

local function urls_of(task)
  local urls, seen = {}, {}
  for _, url in ipairs(task:get_urls({ "http", "https" }) or {}) do
    -- As it stands in the mail: what rspamd made of it may hide what it looked like.
    local text = url:get_text()
    if not seen[text] and #urls < settings.max_urls then
      seen[text] = true
      urls[#urls + 1] = text
    end
  end
  return urls
end

local function insert_verdicts(task, response)
  local found = {}
  for _, prediction in ipairs(response.predictions or {}) do
    local symbol = SYMBOLS[prediction.prediction]
    if symbol then
      found[symbol] = found[symbol] or {}
      table.insert(found[symbol], prediction.url)
    end
  end
  for symbol, urls in pairs(found) do
    task:insert_result(symbol, 1.0, urls)
  end
end

-- One URL that is none to a browser refuses the whole request: the others are sent again without it.
local function without_refused(urls, response)
  local refused, left = {}, {}
  for _, fault in ipairs(response.errors or {}) do
    local at = tostring(fault.pointer):match("^#/urls/(%d+)$")
    if at then
      refused[tonumber(at) + 1] = true
    end
  end
  for index, url in ipairs(urls) do
    if not refused[index] then
      left[#left + 1] = url
    end
  end
  return left
end

local send
function send(task, urls)
  local headers = {}
  if settings.api_key then
    headers["Authorization"] = "Bearer " .. settings.api_key
  end
  local function receive(err, code, body)
    local response = {}
    if not err then
      local parser = ucl.parser()
      if parser:parse_string(tostring(body)) then
        response = parser:get_object()
      end
    end
    if code == 200 then
      return insert_verdicts(task, response)
    end
    local left = without_refused(urls, response)
    if code == 422 and #left < #urls then
      return #left > 0 and send(task, left)
    end
    rspamd_logger.warnx(task, "%s: no verdicts: %s", N, err or code)
    task:insert_result(FAIL, 0.0, tostring(err or code))
  end
  rspamd_http.request({
    task = task,
    url = settings.url,
    method = "post",
    mime_type = "application/json",
    headers = headers,
    body = ucl.to_format({ urls = urls }, "json-compact"),
    timeout = settings.timeout,
    callback = receive,
  })
end

local function check(task)
  local urls = urls_of(task)
  if #urls > 0 then
    send(task, urls)
  end
end

if not settings.url then
  rspamd_logger.errx(rspamd_config, "%s: set url in local.d/%s.conf", N, N)
  return
end
local id = rspamd_config:register_symbol({ name = "NIGHTCATCH_CHECK", type = "callback", callback = check })
for _, name in pairs(SYMBOLS) do
  rspamd_config:register_symbol({ name = name, type = "virtual", parent = id })
end
rspamd_config:register_symbol({ name = FAIL, type = "virtual", parent = id })
rspamd_config:set_metric_symbol({ name = "NIGHTCATCH_PHISHING", score = 8.0, group = N, description = "A URL is phishing" })
rspamd_config:set_metric_symbol({ name = "NIGHTCATCH_SUSPICIOUS", score = 2.5, group = N, description = "A URL is suspicious" })
rspamd_config:set_metric_symbol({ name = FAIL, score = 0.0, group = N, description = "NightCatch gave no response" })
