"use strict";
const $ = id => document.getElementById(id), api = "/api/v1";
const headers = () => { const key = sessionStorage.getItem("key"); return key ? { Authorization: "Bearer " + key } : {}; };
const when = (at, none = "paused") => at ? new Date(at).toLocaleString("en", { weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }) : none;

async function ask(path) {
  const answer = await fetch(api + path, { headers: headers() });
  if (answer.status === 401 || answer.status === 403) { $("key").hidden = false; throw new Error("a key is needed"); }
  if (!answer.ok) throw new Error((await answer.json()).detail);
  $("key").hidden = true;
  return answer.json();
}
function cell(row, text, kind) {
  const td = row.insertCell();
  if (text instanceof Node) td.append(text); else td.textContent = text;
  if (kind) td.className = kind;
}
function fill(id, rows, empty, make) {
  const body = $(id), fresh = document.createElement("tbody");
  for (const item of rows) make(fresh.insertRow(), item);
  if (!rows.length) { const row = fresh.insertRow(); cell(row, empty, "empty"); row.cells[0].colSpan = 9; }
  body.replaceChildren(...fresh.rows);
}
function state(word) { const s = document.createElement("span"); s.className = "state " + word; s.textContent = word; return s; }
function progress(p) {
  if (!p) return "—";
  if (p.fraction === null) return p.message || String(p.done);
  const bar = document.createElement("progress");
  bar.max = 1; bar.value = p.fraction; bar.title = p.message;
  return bar;
}
const word = value => typeof value === "string" ? value : JSON.stringify(value).replaceAll('"', "").replaceAll(",", ", ");
const said = given => Object.entries(given ?? {}).map(([name, value]) => (isNaN(name) ? name + "=" : "") + word(value)).join(", ").slice(0, 120) || "—";
function span(seconds) {
  if (seconds === null || !(seconds >= 0)) return "—";
  if (seconds < 1) return Math.round(seconds * 1000) + " ms";
  for (const [limit, unit, size] of [[60, "s", 1], [3600, "min", 60], [86400, "h", 3600]])
    if (seconds < limit) return (seconds / size).toFixed(seconds / size < 10 ? 1 : 0) + " " + unit;
  return Math.round(seconds / 86400) + " d";
}
const until = at => at ? span(Math.max(0, (new Date(at) - Date.now()) / 1000)) : "paused";
const took = (from, to) => from ? span((new Date(to || Date.now()) - new Date(from)) / 1000) : "—";

const seen = {};
function line(name, waiting) {
  const past = seen[name] = [...(seen[name] || [waiting]), waiting].slice(-60), top = Math.max(4, ...past);
  return past.map((n, i) => `${(i * 240 / (past.length - 1)).toFixed(1)},${(34 - 32 * n / top).toFixed(1)}`).join(" ");
}
function card(title, pill, big, words, points, rows, bad) {
  const made = $("queue").content.cloneNode(true).firstElementChild;
  made.querySelector("h2").textContent = title; made.querySelector(".pill").textContent = pill;
  made.querySelector("p").replaceChildren(made.querySelector(".big"), " " + words);
  made.querySelector(".big").textContent = big.toLocaleString("en"); made.classList.toggle("bad", bad);
  if (points) made.querySelector("polyline").setAttribute("points", points); else made.querySelector("svg").remove();
  for (const [term, value] of rows) {
    const dt = document.createElement("dt"), dd = document.createElement("dd");
    dt.textContent = term; dd.textContent = value; made.querySelector("dl").append(dt, dd);
  }
  return made;
}
function cards(queues, workers, letters) {
  const alive = workers.filter(w => w.alive), dead = queues.reduce((n, q) => n + q.dead, 0), kinds = {};
  for (const t of letters.items) kinds[t.error_type || "?"] = (kinds[t.error_type || "?"] || 0) + 1;
  const made = queues.map(q => {
    const mine = alive.filter(w => w.queues.includes(q.name)).length;
    return card(q.name, mine === 1 ? "1 worker" : mine + " workers", q.waiting, "waiting", line(q.name, q.waiting),
      [["running", q.active], ["oldest wait", span(q.oldest_seconds)], ["due later", q.scheduled], ["done", q.done.toLocaleString("en")], ["dead", q.dead]], false);
  });
  const most = Object.entries(kinds).sort((a, b) => b[1] - a[1]), more = letters.next_cursor ? "at least " : "";
  made.push(card("Dead letters", "", dead, dead ? more + most.length + (most.length === 1 ? " kind" : " kinds") : "nothing failed for good", "", most.slice(0, 6), dead > 0));
  $("queues").replaceChildren(...made);
}

async function refresh() {
  const [queues, workers, running, past, schedules, letters, ready] = await Promise.all([
    ...["/queues", "/workers", "/tasks/active", "/history?limit=14", "/schedules", "/dead-letters?limit=100"].map(ask),
    fetch("/readyz").then(answer => answer.json())]);
  const wrong = Object.entries(ready.checks).filter(([, word]) => word !== "ok");
  $("health").textContent = [wrong.length ? wrong.map(([name, word]) => `${name}: ${word}`).join(" · ") : "Redis and PostgreSQL answer",
    `${workers.filter(w => w.alive).length} workers`, `${running.count} running`].join(" · ");
  cards(queues, workers, letters);
  fill("schedules", schedules.sort((a, b) => (a.next_at || "z") < (b.next_at || "z") ? -1 : 1), "no schedules", (row, s) => {
    cell(row, s.name); cell(row, until(s.next_at), "n"); cell(row, when(s.last_at, "—"), "n"); row.title = s.cron;
  });
  const going = new Set(running.active_tasks.map(t => t.task_id));
  const now = running.active_tasks.map(t => ({ ...t, id: t.task_id, state: "running", args: t }));
  fill("jobs", [...now, ...past.items.filter(t => !going.has(t.id))].slice(0, 14), "no job ran yet", (row, t) => {
    const given = t.args?.kwargs && Object.keys(t.args.kwargs).length ? t.args.kwargs : t.args?.args;
    cell(row, state(t.state)); cell(row, t.name); cell(row, said(given)); row.lastChild.title = row.lastChild.textContent; cell(row, t.attempt ?? "—", "n");
    cell(row, t.progress ? progress(t.progress) : took(t.started_at, t.finished_at), "n");
  });
  fill("letters", letters.items.slice(0, 8), "none: nothing failed for good", (row, t) => {
    cell(row, t.name); cell(row, (t.error || "").slice(0, 160)); cell(row, when(t.timings.finished_at), "n");
  });
}
let due = 0;
function soon() { if (!due) due = setTimeout(() => { due = 0; refresh().catch(failed); }, 500); }
function live(word, kind) { $("live").textContent = word; $("live").className = "state " + kind; }
function failed(error) { live(error.message, "down"); }

async function follow() {
  let last = "";
  for (;;) {
    try {
      const answer = await fetch(api + "/events", { headers: { ...headers(), ...(last ? { "Last-Event-ID": last } : {}) } });
      if (!answer.ok) throw new Error("no events: " + answer.status);
      live("live", "ok"); soon();
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let text = ""; ;) {
        const { value, done } = await reader.read();
        if (done) break;
        text += value;
        const parts = text.split("\n\n"); text = parts.pop();
        for (const part of parts) last = show(part) || last;
      }
    } catch (error) { failed(error); }
    await new Promise(next => setTimeout(next, 3000));
  }
}
function show(part) {
  const fields = Object.fromEntries(part.split("\n").map(l => [l.slice(0, l.indexOf(":")), l.slice(l.indexOf(":") + 2)]));
  if (!fields.id) return "";
  soon();
  return fields.id;
}
$("key").addEventListener("submit", e => {
  e.preventDefault();
  sessionStorage.setItem("key", new FormData(e.target).get("key").trim());
  refresh().catch(failed);
});
refresh().catch(failed);
setInterval(() => { if (!document.hidden) soon(); }, 15000);
follow();
