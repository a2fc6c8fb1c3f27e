-- LOAD_URLS URLs from a browser, with a request id in every request that no other request has
local lib = dofile(os.getenv("LOAD_LUA") .. "/common.lua")
lib.unique("X-Request-Id: 7f3a-")
