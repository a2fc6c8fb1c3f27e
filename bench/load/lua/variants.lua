-- LOAD_URLS URLs, each in four languages (the upstream says Vary: Accept-Language)
local lib = dofile(os.getenv("LOAD_LUA") .. "/common.lua")
function init()
  local requests = {}
  for k = 1, lib.urls do
    for _, language in ipairs({ "es", "qu", "ay", "en" }) do
      requests[#requests + 1] = wrk.format("GET", lib.prefix .. k, { ["Accept-Language"] = language })
    end
  end
  request = lib.play(requests)
end
