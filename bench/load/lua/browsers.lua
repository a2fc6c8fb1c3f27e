-- LOAD_URLS URLs from 50 different browsers: URLs x browsers different heads
local lib = dofile(os.getenv("LOAD_LUA") .. "/common.lua")
function init()
  local requests = {}
  for k = 1, lib.urls do
    for version = 81, 130 do
      lib.browser["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/" .. version .. ".0.0.0 Safari/537.36"
      requests[#requests + 1] = wrk.format("GET", lib.prefix .. k, lib.browser)
    end
  end
  request = lib.play(requests)
end
