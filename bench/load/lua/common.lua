-- Prints one line that can be read by a program; and what all scripts share.
local lib = {}
lib.urls = tonumber(os.getenv("LOAD_URLS") or "1000")
lib.prefix = os.getenv("LOAD_PREFIX") or "/item/"
lib.browser = {
  ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
  ["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
  ["Accept-Language"] = "en-GB,en-US;q=0.9,en;q=0.8,de;q=0.7",
  ["Accept-Encoding"] = "gzip, deflate, br, zstd",
  ["Sec-Ch-Ua"] = "\"Not/A)Brand\";v=\"8\", \"Chromium\";v=\"126\", \"Google Chrome\";v=\"126\"",
  ["Sec-Ch-Ua-Mobile"] = "?0",
  ["Sec-Ch-Ua-Platform"] = "\"Linux\"",
  ["Sec-Fetch-Site"] = "same-origin",
  ["Sec-Fetch-Mode"] = "navigate",
  ["Sec-Fetch-Dest"] = "document",
  ["Upgrade-Insecure-Requests"] = "1",
  ["Referer"] = "http://127.0.0.1/list?page=2",
}
-- Plays these requests in a shuffled order, over and over.
function lib.play(requests)
  math.randomseed(7)
  for k = #requests, 2, -1 do
    local r = math.random(k)
    requests[k], requests[r] = requests[r], requests[k]
  end
  local i, n = 0, #requests
  return function()
    i = i % n + 1
    return requests[i]
  end
end
-- Asks for LOAD_URLS URLs from a browser, in every request with this line and a number behind it that no other has.
function lib.unique(line)
  local heads, n = {}, 0
  function init()
    for k = 1, lib.urls do
      heads[k] = string.sub(wrk.format("GET", lib.prefix .. k, lib.browser), 1, -3) .. line
    end
  end
  function request()
    n = n + 1
    return heads[n % lib.urls + 1] .. n .. "\r\n\r\n"
  end
end
function done(summary, latency)
  io.write(string.format(
    "RESULT {\"requests\":%d,\"microseconds\":%d,\"p50\":%.1f,\"p99\":%.1f,\"errors\":%d}\n",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout))
end
return lib
