-- LOAD_URLS URLs from a browser, with a line in every request that no other request has
local lib = dofile(os.getenv("LOAD_LUA") .. "/common.lua")
local heads, n = {}, 0
function init()
  for k = 1, lib.urls do
    heads[k] = string.sub(wrk.format("GET", lib.prefix .. k, lib.browser), 1, -3) .. "X-Request-Id: 7f3a-"
  end
end
function request()
  n = n + 1
  return heads[n % lib.urls + 1] .. n .. "\r\n\r\n"
end
