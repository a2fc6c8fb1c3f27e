-- what may not be stored
local lib = dofile(os.getenv("LOAD_LUA") .. "/common.lua")
function init()
  local requests = {}
  requests[1] = wrk.format("GET", "/nocache/x")
  request = lib.play(requests)
end
