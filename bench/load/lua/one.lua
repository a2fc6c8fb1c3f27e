-- one URL
local lib = dofile(os.getenv("LOAD_LUA") .. "/common.lua")
function init()
  local requests = { wrk.format("GET", lib.prefix .. 1) }
  request = lib.play(requests)
end
