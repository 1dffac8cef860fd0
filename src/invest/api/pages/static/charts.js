"use strict";
// Charts one can ask: ranges, a cross-hair with the values of its day, and one more line to compare with.
for (const box of document.querySelectorAll("[data-series]")) {
  const NS = "http://www.w3.org/2000/svg", data = JSON.parse(box.querySelector("script").textContent), language = document.documentElement.lang;
  const days = data.days.map(d => Date.parse(d)), roles = ["blue", "amber", "green", "muted", "red"], dashes = ["", "", "6 3", "3 3", "8 2 2 2"];
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: data.rebase ? 1 : 2, minimumFractionDigits: data.rebase ? 1 : 2 });
  const dayText = new Intl.DateTimeFormat(language, { day: "2-digit", month: "short", year: "numeric", timeZone: "UTC" }), monthText = new Intl.DateTimeFormat(language, { month: "short", year: "2-digit", timeZone: "UTC" });
  const still = box.querySelector(".fig"), svg = make("svg", { viewBox: "0 0 760 250", role: "img", "aria-label": data.title, tabindex: 0 }), told = document.createElement("p");
  told.className = "note"; told.setAttribute("aria-live", "polite"); told.textContent = "\u00a0";
  let from = 0, at = -1;
  const bar = document.createElement("div"); bar.className = "ranges";
  for (const [words, months] of data.ranges) {
    const button = document.createElement("button"); button.type = "button"; button.textContent = words;
    button.addEventListener("click", () => { choose(months); for (const b of bar.children) b.setAttribute("aria-pressed", b === button); });
    button.setAttribute("aria-pressed", months === data.range); bar.append(button);
  }
  function make(name, given, text) { const made = document.createElementNS(NS, name); for (const key in given) made.setAttribute(key, given[key]); if (text !== undefined) made.textContent = text; return made; }
  function choose(months) {
    if (!months) from = 0;
    else { const since = new Date(days.at(-1)); since.setUTCMonth(since.getUTCMonth() - months); from = Math.max(0, days.findIndex(d => d >= since)); }
    at = -1; told.textContent = "\u00a0"; draw();
  }
  const WIDTH = Math.max(320, still.clientWidth || 760), LEFT = 4, RIGHT = WIDTH - 132, TOP = 14, BOTTOM = 220;
  svg.setAttribute("viewBox", `0 0 ${WIDTH} 250`);
  let x, y, lines;
  const means = data.averages || [], volume = data.volume;
  function draw() {
    lines = data.lines.map(line => { const base = data.rebase ? line.values.slice(from).find(v => v !== null) : 1; return line.values.map((v, i) => v === null || i < from ? null : data.rebase ? v / base * 100 : v); });
    const values = [...lines, ...means.map(m => m.values.map((v, i) => i < from ? null : v))].flat().filter(v => v !== null); let low = Math.min(...values), high = Math.max(...values);
    if (!(high > low)) { low -= 1; high += 1; }
    const pad = (high - low) * .05; low -= pad; high += pad;
    x = i => LEFT + (days[i] - days[from]) / Math.max(1, days.at(-1) - days[from]) * (RIGHT - LEFT);
    const foot = volume ? BOTTOM - 36 : BOTTOM;
    y = v => foot - (v - low) / (high - low) * (foot - TOP);
    const parts = [], step = nice((high - low) / 5);
    const marked = [...lines.map((line, k) => ({ line, name: data.lines[k].name, role: roles[k % 5], main: true })), ...means.map(m => ({ line: m.values, name: m.name, role: m.role }))];
    const ends = marked.map(e => { let i = e.line.length - 1; while (i > from && e.line[i] === null) i--; return { ...e, v: e.line[i], y: e.line[i] === null ? -99 : y(e.line[i]) }; }).filter(e => e.v !== null).sort((a, b) => a.y - b.y);
    for (let n = 1; n < ends.length; n++) if (ends[n].y - ends[n - 1].y < 15) ends[n].y = ends[n - 1].y + 15;
    for (let v = Math.ceil(low / step) * step; v <= high; v += step) {
      parts.push(make("line", { class: "s-line", x1: LEFT, x2: RIGHT, y1: y(v), y2: y(v) }));
      if (ends.every(e => Math.abs(e.y - y(v)) > 13)) parts.push(make("text", { class: "f-muted", x: RIGHT + 6, y: y(v) + 4, "font-size": 11 }, new Intl.NumberFormat(language, { maximumFractionDigits: step < 1 ? 2 : 0 }).format(v)));
    }
    let last = -99;
    for (let i = from + 1; i < days.length; i++) {
      const a = new Date(days[i]), b = new Date(days[i - 1]);
      if (a.getUTCMonth() !== b.getUTCMonth() && x(i) - last > 74 && x(i) > 36 && x(i) < RIGHT - 20) { last = x(i); parts.push(make("text", { class: "f-muted", x: last, y: 240, "font-size": 11, "text-anchor": "middle" }, monthText.format(a))); }
    }
    if (volume) {
      const most = Math.max(1, ...volume.slice(from)), wide = Math.max(.6, (RIGHT - LEFT) / (days.length - from) * .7);
      for (let i = from; i < days.length; i++) { const tall = 30 * (volume[i] || 0) / most; parts.push(make("rect", { class: "f-volume", x: (x(i) - wide / 2).toFixed(1), y: (BOTTOM - tall).toFixed(1), width: wide.toFixed(1), height: tall.toFixed(1) })); }
    }
    const trace = (line, role, width, dash) => {
      let d = "", joined = false, before = 0;
      for (let i = from; i < line.length; i++) {
        if (line[i] === null || joined && days[i] - before > data.gap * 864e5) { joined = false; if (line[i] === null) continue; }
        d += (joined ? "L" : "M") + x(i).toFixed(1) + " " + y(line[i]).toFixed(1); joined = true; before = days[i];
      }
      parts.push(make("path", { class: "s-" + role, d, fill: "none", "stroke-width": width, "stroke-dasharray": dash, "stroke-linejoin": "round" }));
    };
    for (const mean of means) trace(mean.values, mean.role, 1, mean.dash);
    lines.forEach((line, k) => trace(line, roles[k % 5], k ? 1.4 : 2, dashes[k % 5]));
    for (const end of ends) {
      const text = !end.main ? end.name : data.rebase ? `${end.name} ${sign(end.v - 100)}` : `${end.name} ${number.format(end.v)}`;
      parts.push(make("rect", { class: "f-paper", x: RIGHT + 2, y: end.y - 8, width: 130, height: 16 }), make("text", { class: "f-" + (end.role === "amber" ? "amber-ink" : end.role), x: RIGHT + 6, y: end.y + 4, "font-size": end.main ? 12 : 11, "font-weight": end.main ? 600 : 400 }, text));
    }
    const hair = make("line", { class: "s-muted", x1: -9, x2: -9, y1: TOP, y2: BOTTOM, "stroke-width": 1 }); hair.id = "";
    svg.replaceChildren(...parts, hair); svg.hair = hair;
  }
  const sign = v => (v >= 0 ? "+" : "−") + number.format(Math.abs(v)) + "%";
  function nice(rough) { const power = 10 ** Math.floor(Math.log10(rough)); return [1, 2, 2.5, 5, 10].map(m => m * power).find(s => s >= rough); }
  function show(i) {
    at = Math.max(from, Math.min(days.length - 1, i));
    svg.hair.setAttribute("x1", x(at)); svg.hair.setAttribute("x2", x(at));
    told.textContent = [dayText.format(days[at]), ...lines.map((line, k) => line[at] === null ? null : `${data.lines[k].name} ${data.rebase ? sign(line[at] - 100) : data.unit + number.format(line[at])}`).filter(Boolean), ...means.map(m => m.values[at] === null ? null : `${m.name} ${number.format(m.values[at])}`).filter(Boolean)].join(" · ");
  }
  svg.addEventListener("pointermove", event => {
    const box = svg.getBoundingClientRect(), wanted = days[from] + ((event.clientX - box.left) / box.width * WIDTH - LEFT) / (RIGHT - LEFT) * (days.at(-1) - days[from]);
    let low = from, high = days.length - 1;
    while (high - low > 1) { const middle = (low + high) >> 1; if (days[middle] < wanted) low = middle; else high = middle; }
    show(wanted - days[low] < days[high] - wanted ? low : high);
  });
  svg.addEventListener("keydown", event => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -21, PageDown: 21 }[event.key];
    const to = { Home: from, End: days.length - 1 }[event.key];
    if (step || to !== undefined) { event.preventDefault(); show(to ?? (at < 0 ? days.length - 1 : at) + step); }
  });
  choose(data.range); still.replaceChildren(bar, svg, told);
}
