"use strict";
// Everything here is a comfort: each page reads and each form posts without it.
const one = (what, within = document) => within.querySelector(what), all = (what, within = document) => [...within.querySelectorAll(what)];

// Numbers move in place: when a job changes, the page is asked for again and only what differs is exchanged.
const Live = {
  paused: sessionStorage.getItem("paused") === "1", due: 0, busy: false,
  start() {
    const button = one("#pause");
    if (button) { button.hidden = false; button.addEventListener("click", () => this.toggle()); }
    this.show("connecting");
    const events = new EventSource(document.body.dataset.live);
    events.onopen = () => { this.show("live"); this.soon(); };
    events.onerror = () => this.show("down");
    for (const kind of ["message", "queued", "scheduled", "started", "running", "progress", "retrying", "succeeded", "failed", "cancelled"])
      events.addEventListener(kind, () => this.soon());
    addEventListener("pagehide", () => events.close());
    setInterval(() => { if (!document.hidden) this.soon(); }, 15000);
  },
  show(word) { const at = one("#live"); if (at) { const shown = this.paused ? "paused" : word; at.textContent = at.dataset[shown] || shown; at.className = "state " + ({ live: "running", down: "down", paused: "paused" }[shown] || ""); } this.word = word; },
  toggle() {
    this.paused = !this.paused; sessionStorage.setItem("paused", this.paused ? "1" : "0");
    const button = one("#pause"); button.textContent = this.paused ? button.dataset.resume : button.dataset.pause;
    this.show(this.word); clearTimeout(this.due); this.due = 0; if (!this.paused) this.soon();
  },
  soon() { if (!this.paused && !this.due) this.due = setTimeout(() => this.refresh(), 700); },
  async refresh() {
    if (this.busy || this.paused || one("dialog[open]")) { this.due = 0; return; }
    this.busy = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      this.show(answer.ok ? this.word === "down" ? "live" : this.word : "down");
      if (!answer.ok || answer.redirected || this.paused) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const now of all("[data-part]")) {
        const then = one(`[data-part="${now.dataset.part}"]`, fresh);
        if (!then || now.contains(document.activeElement) && document.activeElement.matches("input,textarea,select") || now.isEqualNode(then)) continue;
        const ticked = new Set(all("input:checked", now).map(box => box.value)), at = one("tr.at", now)?.dataset.id, open = all("details[open]>summary", now).map(s => s.textContent);
        now.replaceChildren(...then.childNodes);
        for (const box of all("input[type=checkbox]", now)) if (ticked.has(box.value)) box.checked = true;
        for (const s of all("details>summary", now)) if (open.includes(s.textContent)) s.parentNode.open = true;
        if (at) one(`tr[data-id="${CSS.escape(at)}"]`, now)?.classList.add("at");
      }
    } catch { this.show("down"); } finally { this.busy = false; this.due = 0; }
  },
};

// A form that asks before it acts shows its question in a dialog instead of on a page of its own.
async function ask(form, button) {
  const data = new URLSearchParams(new FormData(form, button));
  const answer = await fetch(form.getAttribute("action") || location.href, { method: "POST", body: data, redirect: "follow" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html"), question = one(".question", page);
  if (!question) { form.dataset.sure = "1"; if (answer.redirected) { location.href = answer.url; return; } form.requestSubmit(button); return; }
  const dialog = one("#dialog");
  dialog.replaceChildren(question);
  one("[data-cancel]", dialog)?.addEventListener("click", event => { event.preventDefault(); dialog.close(); });
  dialog.addEventListener("close", () => button?.focus(), { once: true });
  dialog.showModal();
  (one("[data-cancel]", dialog) || one("button", dialog)).focus();
}
document.addEventListener("submit", event => {
  const form = event.target, button = event.submitter;
  if (!(form.matches("[data-asks]") || button?.matches("[data-asks]")) || form.dataset.sure) return;
  event.preventDefault();
  ask(form, button).catch(() => { form.dataset.sure = "1"; form.requestSubmit(button); });
});

// A form is sent once, however often its button is clicked; the way back from an error leads to what was typed.
document.addEventListener("submit", event => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1"; setTimeout(() => delete form.dataset.sent, 3000);
});
one("[data-back]")?.addEventListener("click", event => { if (history.length > 1) { event.preventDefault(); history.back(); } });

// The keyboard: / searches, j and k walk rows, Enter opens one, ? shows this.
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input,textarea,select") || one("dialog[open]")) return;
  const rows = all("tbody tr[data-id]"), at = rows.findIndex(row => row.classList.contains("at"));
  const walk = to => { const row = rows[Math.max(0, Math.min(rows.length - 1, to))]; if (!row) return; rows[at]?.classList.remove("at"); row.classList.add("at"); row.scrollIntoView({ block: "nearest" }); one("a", row)?.focus({ preventScroll: true }); };
  if (event.key === "/") { event.preventDefault(); one(".find input").select(); one(".find input").focus(); }
  else if (event.key === "j") walk(at + 1);
  else if (event.key === "k") walk(at < 0 ? 0 : at - 1);
  else if (event.key === "?") one("#keys").showModal();
});

document.addEventListener("change", event => {
  const box = event.target;
  if (box.matches("[data-all]")) for (const other of all("input[name=id]", box.closest("form,table,section") || document)) other.checked = box.checked;
  if (box.matches("select[data-go]")) box.form.requestSubmit();
});

// A file may be dropped on its field, a statement may be pasted as text.
for (const zone of all(".drop")) {
  const field = one("input[type=file]", zone);
  for (const kind of ["dragenter", "dragover"]) zone.addEventListener(kind, event => { event.preventDefault(); zone.classList.add("over"); });
  for (const kind of ["dragleave", "drop"]) zone.addEventListener(kind, () => zone.classList.remove("over"));
  zone.addEventListener("drop", event => { event.preventDefault(); if (event.dataTransfer.files.length) { field.files = event.dataTransfer.files; field.form.requestSubmit(); } });
  field.addEventListener("change", () => { if (field.files.length) field.form.requestSubmit(); });
}
for (const button of all("[data-copy]")) { button.hidden = false; button.addEventListener("click", () => navigator.clipboard?.writeText(one(button.dataset.copy).textContent)); }
for (const here of all("nav [aria-current]")) here.parentNode.scrollLeft = here.offsetLeft - here.parentNode.offsetLeft - 32;  // of many tabs the open one is seen
if (document.body.dataset.live) Live.start();
