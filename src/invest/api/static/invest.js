"use strict";
const $ = id => document.getElementById(id), api = "/api/v1";
const headers = () => { const key = sessionStorage.getItem("key"); return key ? { Authorization: "Bearer " + key } : {}; };
const time = at => at ? new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }) : "—";
const when = at => at ? new Date(at).toLocaleString([], { weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }) : "paused";

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
const said = value => { const text = JSON.stringify(value); return text === "{}" ? "—" : text.slice(1, -1).slice(0, 90); };

async function refresh() {
  const [stats, running, schedules, letters] = await Promise.all(
    ["/tasks/queue/stats", "/tasks/active", "/schedules", "/dead-letters?limit=8"].map(ask));
  const queues = Object.entries(stats.queues);
  const sum = name => queues.reduce((n, [, q]) => n + q[name], 0);
  $("active").textContent = stats.active_tasks; $("scheduled").textContent = stats.scheduled_tasks;
  $("waiting").textContent = sum("waiting"); $("dead").textContent = sum("dead"); $("workers").textContent = stats.workers;
  fill("queues", queues, "no queues", (row, [name, q]) => {
    cell(row, name);
    for (const n of [q.waiting, q.active, q.scheduled, q.dead]) cell(row, n, "n");
  });
  fill("schedules", schedules, "no schedules", (row, s) => { cell(row, s.name); cell(row, s.cron); cell(row, when(s.next_at)); });
  fill("running", running.active_tasks.slice(0, 20), "nothing runs", (row, t) => {
    cell(row, t.name); cell(row, said(t.kwargs)); cell(row, time(t.started_at)); cell(row, progress(t.progress));
  });
  fill("letters", letters.items, "none: nothing failed for good", (row, t) => {
    cell(row, t.name); cell(row, (t.error || "").slice(0, 160)); cell(row, when(t.timings.finished_at));
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
  if (fields.event !== "progress") {
    const row = $("events").insertRow(0);
    cell(row, state(fields.event)); cell(row, JSON.parse(fields.data).name); cell(row, time(Number(fields.id.split("-")[0])));
    while ($("events").rows.length > 12) $("events").deleteRow(-1);
  }
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
