-- LOAD_URLS URLs from a browser, with a cookie in every request that no other request has
local lib = dofile(os.getenv("LOAD_LUA") .. "/common.lua")
lib.unique("Cookie: theme=dark; session=")
