-- conditional requests for what has not changed
local lib = dofile(os.getenv("LOAD_LUA") .. "/common.lua")
function init()
  local requests = {}
  for k = 1, lib.urls do requests[k] = wrk.format("GET", lib.prefix .. k, { ["If-None-Match"] = '"v1"' }) end
  request = lib.play(requests)
end
