-- LOAD_URLS different URLs
local lib = dofile(os.getenv("LOAD_LUA") .. "/common.lua")
function init()
  local requests = {}
  for k = 1, lib.urls do requests[k] = wrk.format("GET", lib.prefix .. k) end
  request = lib.play(requests)
end
