// The admin page: shows the figures that Tambo streams, and asks its admin API. Nothing that was stored, and no header, is
// ever put into the page but as text: elements are made by el(), and there is no innerHTML here.
"use strict";

const $ = (id) => document.getElementById(id);
const csrf = document.querySelector("meta[name=tambo-csrf]").content;
const SVG = "http://www.w3.org/2000/svg";

function el(name, attributes = {}, ...children) {
  const made = name.startsWith("svg:") ? document.createElementNS(SVG, name.slice(4)) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") made.addEventListener("click", value);
    else if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return made;
}
const fill = (id, ...children) => $(id).replaceChildren(...children);
const row = (...cells) => el("tr", {}, ...cells);
const cell = (text, kind = "") => el("td", kind ? { class: kind } : {}, text);
const empty = (columns, text) => row(el("td", { colspan: columns, class: "quiet" }, text));

async function api(method, path, body) {
  const headers = { "X-Tambo-CSRF": csrf };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  if (answer.status === 401) location.reload();
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.detail || `HTTP status ${answer.status}`);
  return said;
}
const problem = (error) => el("p", { class: "problem", role: "alert" }, error.message);

function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 10) return `${Number(seconds.toFixed(seconds < 1 ? 3 : 1))} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Number((seconds / 3600).toFixed(1))} h`;
  return `${Number((seconds / 86400).toFixed(1))} days`;
}
function size(bytes) {
  if (bytes === null || bytes === undefined) return "–";
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (bytes < 1024 || unit === "GiB") return `${Number(bytes.toFixed(unit === "B" ? 0 : 1))} ${unit}`;
    bytes /= 1024;
  }
}
const percent = (part) => (part === null || part === undefined ? "–" : `${(part * 100).toFixed(1)}%`);
const many = (count, one, more = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : more}`;
const when = (text) => (text ? new Date(text).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" }) : "–");

// Overview: figures and charts ------------------------------------------------------------------------------------------

const GROUPS = [
  ["hit", "from the store", ["hit", "offline"]],
  ["stale", "stale", ["stale_revalidate", "stale_error", "archive"]],
  ["miss", "fetched or waited", ["miss", "coalesced", "expired", "revalidated"]],
  ["pass", "passed on", ["bypass", "pass"]],
  ["bad", "failed", ["failure", "error"]],
];
const FROM_STORE = ["hit", "stale_revalidate", "stale_error", "archive", "offline", "coalesced"];
const SAMPLES = 150, FEWEST = 30;
const samples = [];
let last = null;

fill("legend", ...GROUPS.map(([name, words]) => el("span", { class: `key c-${name}` }, words)));

function note(stats) {
  if (last !== null && stats.now > last.now && stats.requests.total >= last.requests.total) {
    const seconds = stats.now - last.now;
    const grown = (now, before, name) => (now[name] || 0) - (before[name] || 0);
    const results = (names) => names.reduce((sum, name) => sum + grown(stats.requests.by_result, last.requests.by_result, name), 0);
    const counts = stats.upstream.latency.counts.map((count, at) => count - last.upstream.latency.counts[at]);
    samples.push({
      groups: GROUPS.map(([, , names]) => results(names) / seconds),
      total: stats.requests.total - last.requests.total,
      served: results(FROM_STORE),
      seconds,
      inflight: stats.upstream.inflight,
      queue: stats.upstream.queue_depth,
      p50: quantile(counts, stats.upstream.latency.bounds, 0.5),
      p95: quantile(counts, stats.upstream.latency.bounds, 0.95),
    });
    if (samples.length > SAMPLES) samples.shift();
  }
  last = stats;
}

function quantile(counts, bounds, part) {
  const rank = part * counts.reduce((sum, count) => sum + count, 0);
  let below = 0;
  for (let at = 0; at < counts.length; at += 1) {
    if (counts[at] && below + counts[at] >= rank) {
      if (at === bounds.length) return bounds[at - 1];
      const start = at ? bounds[at - 1] : 0;
      return start + ((bounds[at] - start) * (rank - below)) / counts[at];
    }
    below += counts[at];
  }
  return null;
}

function frame(id, highest, unit) {
  const grid = [0.25, 0.5, 0.75].map((part) => el("svg:line", { class: "grid", x1: 0, x2: 600, y1: 180 * part, y2: 180 * part }));
  fill(`a-${id}`, el("span", {}, `${span(wide() * 2)} ago`), el("span", {}, `highest ${Number(highest.toFixed(highest < 10 ? 1 : 0))}${unit}`), el("span", {}, "now"));
  return grid;
}
const wide = () => Math.max(FEWEST, samples.length);
const x = (at) => ((wide() - samples.length + at) * 600) / wide();

function drawStacked() {
  const highest = Math.max(...samples.map((each) => each.groups.reduce((sum, value) => sum + value, 0)), 0);
  const bars = [];
  samples.forEach((each, at) => {
    let top = 180;
    each.groups.forEach((value, group) => {
      const height = highest ? (value / highest) * 174 : 0;
      top -= height;
      if (height > 0) bars.push(el("svg:rect", { class: `f-${GROUPS[group][0]}`, x: x(at), y: top, width: 510 / wide(), height }));
    });
  });
  fill("c-requests", ...frame("requests", highest, "/s"), ...bars);
}
function drawLines(id, unit, lines) {
  const highest = Math.max(...samples.flatMap((each) => lines.map(([name]) => each[name] || 0)), 0);
  const drawn = lines.map(([name, kind]) => {
    const points = samples.map((each, at) => (each[name] === null ? null : `${x(at).toFixed(1)},${(176 - (highest ? (each[name] / highest) * 170 : 0)).toFixed(1)}`));
    return el("svg:polyline", { class: `l s-${kind}`, points: points.filter((point) => point !== null).join(" ") });
  });
  fill(id === "queue" ? "c-queue" : "c-latency", ...frame(id, highest, unit), ...drawn);
}

function pill(id, text, is) {
  $(id).textContent = text;
  $(id).dataset.is = is;
}
function show(stats) {
  const { requests, upstream, saved_seconds: saved } = stats;
  const recent = samples.reduce((sum, each) => ({ total: sum.total + each.total, served: sum.served + each.served, seconds: sum.seconds + each.seconds }), { total: 0, served: 0, seconds: 0 });
  $("t-rate").textContent = percent(recent.total ? recent.served / recent.total : requests.hit_rate);
  $("n-rate").textContent = recent.total ? `while you watch; ${percent(requests.hit_rate)} since the start` : "since the start";
  $("t-requests").textContent = requests.total.toLocaleString("en");
  $("n-requests").textContent = recent.seconds ? `${(recent.total / recent.seconds).toFixed(1)} a second` : "\u00a0";
  $("t-saved").textContent = span(saved.total);
  $("n-saved").textContent = Object.entries(saved.by).filter(([, seconds]) => seconds).map(([by, seconds]) => `${by} ${span(seconds)}`).join(", ") || "nothing yet";
  $("t-inflight").textContent = upstream.inflight;
  $("n-inflight").textContent = `${upstream.queue_depth} waiting; half within ${span(upstream.latency.p50)}`;
  $("t-breaker").textContent = upstream.breaker || "off";
  $("t-breaker").dataset.is = upstream.breaker || "off";
  $("n-breaker").textContent = `${upstream.failed} of ${many(upstream.requests, "fetch", "fetches")} failed`;
  $("t-held").textContent = Object.values(upstream.held).reduce((sum, count) => sum + count, 0);
  pill("health", stats.health.redis === "embedded" ? stats.health.status : `${stats.health.status}, Redis ${stats.health.redis}`, stats.health.status);
  const left = stats.mode.seconds_left;
  pill("mode-now", left === null ? stats.mode.mode : `${stats.mode.mode} for ${span(left)} more`, stats.mode.mode);
  showMode(stats.mode);
  $("uptime").textContent = span(stats.uptime);
  const ranked = Object.entries(requests.by_result).sort((one, other) => other[1] - one[1]);
  fill("results", ...(ranked.length ? ranked.map(([name, count]) => row(cell(name), cell(count.toLocaleString("en"), "n"), cell(percent(count / requests.total), "n"))) : [empty(3, "No request yet")]));
  const routes = Object.entries(stats.routes);
  fill("routes", ...(routes.length ? routes.map(([name, each]) => row(cell(name), cell(each.total.toLocaleString("en"), "n"), cell(percent(each.hit_rate), "n"), cell(upstream.held[name] || 0, "n"))) : [empty(4, "No request yet")]));
  fill("tiers", ...Object.entries(stats.tiers).map(([name, tier]) => row(cell(name), cell(tier.up ? "up" : "out", tier.up ? "good" : "bad"), cell(tier.entries === null ? "–" : tier.entries.toLocaleString("en"), "n"), cell(size(tier.bytes), "n"), cell(tier.evictions, "n"))));
  drawStacked();
  drawLines("queue", "", [["inflight", "k1"], ["queue", "k2"]]);
  drawLines("latency", " s", [["p50", "k3"], ["p95", "k4"]]);
}
function listen() {
  const source = new EventSource("admin/stream");
  source.addEventListener("message", (event) => {
    const stats = JSON.parse(event.data);
    pill("live", "live", "on");
    note(stats);
    show(stats);
  });
  source.addEventListener("error", () => pill("live", "not live", "off"));
}

// Keys ------------------------------------------------------------------------------------------------------------------

let order = "hits";
async function showTop() {
  try {
    const top = await api("GET", `admin/top?by=${order}`);
    $("top-span").textContent = `of the last ${span(top.seconds)}`;
    const rows = top.keys.slice(0, 20).map((each) =>
      row(cell(each.key, "key-cell"), cell(each.route), cell(each.requests, "n"), cell(each.fetches, "n"), cell(span(each.mean), "n"), cell(span(each.worst), "n"), cell(each.failures ? `${each.failures} (${each.failure})` : "0", each.failures ? "n bad" : "n")));
    fill("top", ...(rows.length ? rows : [empty(7, { hits: "No request yet", slow: "No fetch yet", failing: "No fetch has failed" }[order])]));
  } catch (error) {
    fill("top", row(el("td", { colspan: 7 }, problem(error))));
  }
}
for (const button of document.querySelectorAll("[data-order]")) {
  button.addEventListener("click", () => {
    order = button.dataset.order;
    for (const each of document.querySelectorAll("[data-order]")) each.setAttribute("aria-pressed", each === button);
    showTop();
  });
}

// Entries ---------------------------------------------------------------------------------------------------------------

const WINDOWS = [["ttl", "fresh", "ttl"], ["stale_while_revalidate", "stale while revalidate", "swr"], ["stale_if_error", "stale if error", "sie"], ["archive", "archive", "arc"]];
let search = "", cursor = null, found = 0;

async function searchEntries(more) {
  const asked = new URLSearchParams(search);
  if (more && cursor) asked.set("cursor", cursor);
  try {
    const page = await api("GET", `admin/entries?${asked}`);
    const rows = page.entries.map((each) =>
      row(el("td", { class: "key-cell" }, el("button", { type: "button", class: "link", onclick: () => showEntry(each.id) }, each.target), varies(each.vary) ? el("div", { class: "quiet" }, varies(each.vary)) : ""), cell(each.status), el("td", {}, el("span", { class: "pill", "data-is": each.state }, each.state.replaceAll("_", " "))), cell(span(each.age), "n"), cell(size(each.length), "n"), cell(span(each.cost), "n"), cell(each.route)));
    if (!more) { $("rows").replaceChildren(); found = 0; }
    found += rows.length;
    cursor = page.cursor;
    $("rows").append(...rows);
    if (!found) fill("rows", empty(7, "Nothing like that is stored"));
    $("entries-said").textContent = found ? `${many(found, "entry", "entries")}${cursor ? ", and more" : ""}` : "";
    $("more").hidden = !cursor;
  } catch (error) {
    fill("rows", row(el("td", { colspan: 7 }, problem(error))));
    $("entries-said").textContent = "";
  }
}
$("f-entries").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  search = form.get("kind") ? new URLSearchParams({ [form.get("kind")]: form.get("value") }).toString() : "";
  searchEntries(false);
});
$("more").addEventListener("click", () => searchEntries(true));

// Windows last from seconds to years: each gets a width by the order of its length, so that all of them can be seen.
function placing(start, ends, now) {
  const marks = [start];
  for (const end of [...ends, now]) if (end > marks.at(-1)) marks.push(end);
  const weights = marks.slice(1).map((mark, at) => 1 + Math.log10(1 + (mark - marks[at]) / 1000));
  const all = weights.reduce((sum, weight) => sum + weight, 0) || 1;
  return (time) => {
    let place = 0;
    for (const [at, weight] of weights.entries()) place += weight * Math.min(1, Math.max(0, (time - marks[at]) / (marks[at + 1] - marks[at])));
    return place / all * 1000;
  };
}
function timeline(entry) {
  const start = Date.parse(entry.stored_at), now = start + entry.age * 1000;
  const ends = WINDOWS.map(([name, words, kind]) => [words, kind, entry.windows[name] === null ? null : Date.parse(entry.windows[name])]).filter(([, , end]) => end !== null && !Number.isNaN(end));
  const place = placing(start, ends.map(([, , end]) => end), now);
  const drawn = [el("svg:rect", { class: "w-none", x: 0, y: 16, width: 1000, height: 26 })];
  let from = start;
  for (const [, kind, end] of ends) {
    if (end <= from) continue;
    drawn.push(el("svg:rect", { class: `w-${kind}`, x: place(from), y: 16, width: place(end) - place(from), height: 26 }));
    from = end;
  }
  drawn.push(el("svg:line", { class: "now", x1: place(now), x2: place(now), y1: 6, y2: 52 }));
  const words = ends.map(([name, , end]) => `${name} until ${when(new Date(end).toISOString())}`).join("; ") || "no window";
  return el("div", {},
    el("svg:svg", { class: "line", viewBox: "0 0 1000 58", preserveAspectRatio: "none", role: "img", "aria-label": `Timeline. Now: ${entry.state.replaceAll("_", " ")}. ${words}` }, ...drawn),
    el("ul", { class: "spans" }, ...ends.map(([name, kind, end]) => el("li", { class: `i-${kind}` }, `${name} until ${when(new Date(end).toISOString())}`)), el("li", {}, "the line: now (not to scale)")));
}
const varies = (vary) => Object.entries(vary).map(([name, value]) => `${name}: ${value ?? "-"}`).join(", ");
function facts(pairs) {
  return el("dl", { class: "facts" }, ...pairs.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}
async function showEntry(id) {
  const dialog = $("entry");
  fill("entry-body", el("p", { class: "quiet" }, "Looking..."));
  if (!dialog.open) dialog.showModal();
  try {
    const entry = await api("GET", `admin/entries/${encodeURIComponent(id)}?pretty=1`);
    $("entry-title").textContent = entry.target;
    const body = entry.body.text ?? entry.body.base64 ?? `(${entry.body.omitted})`;
    fill("entry-body",
      el("h3", {}, "Timeline"), timeline(entry),
      facts([["state", entry.state.replaceAll("_", " ") + (entry.ended ? ", ended by a purge" : "")], ["age", span(entry.age)], ["key", entry.key], ["route", entry.route], ["stored", when(entry.stored_at)], ["cost", `${span(entry.cost)} of the upstream`], ["tags", entry.tags.join(", ") || "none"], ["varies by", varies(entry.vary) || "nothing"]]),
      el("div", { class: "bar" },
        el("button", { type: "button", onclick: () => actOn(id, () => api("POST", "admin/purge", { url: entry.target, mode: "refresh" }), "It is being fetched again.") }, "Fetch again"),
        el("button", { type: "button", class: "danger", onclick: () => confirm(`Remove ${entry.target}?`) && actOn(null, () => api("DELETE", `admin/entries/${encodeURIComponent(id)}`), "Removed.") }, "Remove"),
        el("span", { id: "entry-said", role: "status" })),
      el("h3", {}, `${entry.status} ${entry.reason}`), el("pre", { tabindex: "0", role: "region", "aria-label": "Headers" }, entry.fields.map(([name, value]) => `${name}: ${value}`).join("\n")),
      el("h3", {}, "Body"), el("pre", { tabindex: "0", role: "region", "aria-label": "Body" }, body));
  } catch (error) {
    fill("entry-body", problem(error));
  }
}
async function actOn(id, act, words) {
  try {
    await act();
    fill("entry-said", words);
    searchEntries(false);
    showHistory();
    if (id === null) $("entry").close();
  } catch (error) {
    fill("entry-said", problem(error));
  }
}
$("entry-close").addEventListener("click", () => $("entry").close());

// Purge -----------------------------------------------------------------------------------------------------------------

$("f-purge").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(event.target), kind = form.get("kind"), mode = form.get("mode");
  const wish = { [kind]: kind === "all" ? true : form.get("value"), mode };
  try {
    const tried = await api("POST", "admin/purge", { ...wish, dry_run: true });
    const words = `${tried.at_least ? "at least " : ""}${many(tried.count, "entry", "entries")}, about ${span(tried.upstream_seconds)} of scraping`;
    fill("preview", el("div", { class: "card" },
      el("p", { class: "verdict" }, words),
      el("ul", { class: "mono" }, ...tried.sample.map((each) => el("li", {}, each.target))),
      tried.count > tried.sample.length ? el("p", { class: "quiet" }, "and more") : "",
      el("div", { class: "bar" },
        el("button", { type: "button", class: mode === "hard" ? "danger" : "primary", id: "confirm", onclick: () => carryOut(wish) }, `Purge (${mode})`),
        el("button", { type: "button", class: "plain", onclick: () => fill("preview") }, "Leave it"))));
    $("confirm").focus();
  } catch (error) {
    fill("preview", problem(error));
  }
});
async function carryOut(wish) {
  try {
    const done = await api("POST", "admin/purge", wish);
    const words = done.count === null ? "Purged." : `Purged ${many(done.count, "entry", "entries")}.`;
    const late = done.unconfirmed ? ` Not confirmed by: ${JSON.stringify(done.unconfirmed)}` : "";
    fill("preview", el("p", { class: done.unconfirmed ? "warn" : "good" }, words + late));
    showHistory();
    searchEntries(false);
  } catch (error) {
    fill("preview", problem(error));
  }
}
async function showHistory() {
  try {
    const { purges } = await api("GET", "admin/purges");
    const rows = purges.slice(0, 30).map((each) => row(cell(when(each.at)), cell(each.kind === "all" ? "everything" : `${each.kind} ${each.argument}`, "key-cell"), cell(each.mode), cell(each.count ?? "–", "n"), cell(each.by)));
    fill("history", ...(rows.length ? rows : [empty(5, "Nobody has purged anything since the start")]));
  } catch (error) {
    fill("history", row(el("td", { colspan: 5 }, problem(error))));
  }
}

// Explain ---------------------------------------------------------------------------------------------------------------

const ACTS = { reuse: "Would answer from the store", "reuse-and-refresh": "Would answer from the store, and refresh behind", "stand-in": "Would answer from the store, stale, without asking", join: "Would wait for the fetch that is under way", validate: "Would ask the upstream whether what is stored still holds", fetch: "Would fetch it from the upstream", pass: "Would pass it on to the upstream", refuse: "Would refuse it", depends: "Depends on the request's content" };
const sentences = (said) => el("ol", { class: "why" }, ...said.map((each) => el("li", {}, each.text, ...each.refs.map((ref) => el("span", { class: "ref" }, ref)))));

$("f-explain").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const headers = form.get("headers").split("\n").filter((line) => line.trim()).map((line) => { const at = line.indexOf(":"); return at < 0 ? [line, ""] : [line.slice(0, at).trim(), line.slice(at + 1).trim()]; });
  try {
    const said = await api("POST", "admin/explain", { method: form.get("method").trim(), url: form.get("url").trim(), headers });
    const parts = [el("p", { class: "verdict" }, ACTS[said.would.act] || said.would.act)];
    if (said.would.x_cache.length) parts.push(el("p", {}, "X-Cache: ", el("b", {}, said.would.x_cache.join(" or "))));
    parts.push(sentences(said.would.why), el("h3", {}, `Route ${said.route.name}`), sentences(said.route.why));
    if (said.key) parts.push(el("h3", {}, "Key ", el("code", {}, said.key.text)), sentences(said.key.made));
    for (const entry of said.stored) parts.push(el("h3", {}, entry.selected ? "Stored, and may answer" : "Stored, for other requests"), timeline(entry), el("button", { type: "button", class: "link", onclick: () => showEntry(entry.id) }, "Show the entry"));
    fill("explained", el("div", { class: "card" }, ...parts));
  } catch (error) {
    fill("explained", problem(error));
  }
});

// Warm ------------------------------------------------------------------------------------------------------------------

let isWatching = false;
$("f-warm").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  try {
    const job = await api("POST", "admin/warm", { urls: form.get("urls").split("\n").map((line) => line.trim()).filter(Boolean), force: form.get("force") !== null });
    fill("warm-said", `Started: ${many(job.total, "URL")}.`);
    showJobs();
  } catch (error) {
    fill("warm-said", problem(error));
  }
});
async function showJobs() {
  try {
    const { jobs } = await api("GET", "admin/jobs");
    fill("jobs", ...jobs.slice(0, 10).map((job) => el("div", { class: "card" },
      el("p", {}, el("b", {}, job.state), ` · ${job.done} of ${many(job.total, "URL")} · ${job.fetched} fetched, ${job.fresh} fresh already, ${job.failed} failed`, job.eta_seconds && !job.finished ? ` · about ${span(job.eta_seconds)} more` : ""),
      el("progress", { max: job.total, value: job.done, "aria-label": `Job of ${when(job.created)}` }),
      el("p", { class: "quiet" }, `begun ${when(job.created)}${job.by ? ` by ${job.by}` : ""}`),
      job.finished ? "" : el("button", { type: "button", onclick: async () => { await api("DELETE", `admin/jobs/${encodeURIComponent(job.id)}`).catch(() => null); showJobs(); } }, "Cancel"))));
    if (jobs.some((job) => !job.finished) && !isWatching) {
      isWatching = true;
      setTimeout(() => { isWatching = false; showJobs(); }, 1000);
    }
  } catch (error) {
    fill("jobs", problem(error));
  }
}

// Mode ------------------------------------------------------------------------------------------------------------------

let shownMode = null;
function showMode(mode) {
  if (shownMode !== mode.mode) {
    shownMode = mode.mode;
    for (const radio of $("f-mode").elements.namedItem("mode")) radio.checked = radio.value === mode.mode;
  }
  const end = mode.seconds_left === null ? null : new Date(Date.now() + mode.seconds_left * 1000);
  const words = mode.mode === "normal" ? "Now: normal." : end === null ? `Now: ${mode.mode}, until it is switched back.` : `Now: ${mode.mode}, until ${end.toLocaleTimeString([], { timeStyle: "short" })}.`;
  if ($("mode-said").textContent !== words && !$("mode-said").querySelector(".problem")) $("mode-said").textContent = words;
}
$("f-mode").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(event.target), mode = form.get("mode"), time = form.get("for").trim();
  try {
    const now = await api("PUT", "admin/mode", mode === "normal" || !time ? { mode } : { mode, for: time });
    fill("mode-said");
    showMode(now);
    pill("mode-now", now.mode, now.mode);
  } catch (error) {
    fill("mode-said", problem(error));
  }
});

// Where one is, and the beginning ---------------------------------------------------------------------------------------

if ($("signout")) $("signout").addEventListener("click", async () => { await api("POST", "signout").catch(() => null); location.reload(); });
const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
const seen = new IntersectionObserver((changes) => {
  for (const change of changes) {
    if (!change.isIntersecting) continue;
    for (const [name, link] of links) name === change.target.id ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
  }
}, { rootMargin: "-30% 0px -60% 0px" });
document.querySelectorAll("main section").forEach((section) => seen.observe(section));

listen();
showTop();
setInterval(showTop, 5000);
searchEntries(false);
showHistory();
showJobs();
