// Decisions of the Labels page: by buttons and, unless switched off, by single keys.
(() => {
  "use strict";
  const desk = document.getElementById("desk");
  if (!desk) return;
  const said = document.getElementById("said");
  const why = document.getElementById("why");
  const keys = document.getElementById("keys");
  const entry = document.querySelector(".entry");
  const store = window.sessionStorage;

  if (why && store.getItem("why")) why.value = store.getItem("why");
  if (keys) keys.checked = window.localStorage.getItem("keys") !== "off";
  keys?.addEventListener("change", () => window.localStorage.setItem("keys", keys.checked ? "on" : "off"));

  // Keys go to the frame of the Airflow UI, so that the first one acts.
  if (entry) window.focus();

  const say = (text) => {
    said.hidden = false;
    said.textContent = text;
  };

  const send = async (path, body) => {
    const response = await fetch(`${desk.dataset.base}/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-NightCatch": "labels" },
      body: JSON.stringify(body),
    });
    const found = await response.json().catch(() => ({}));
    if (response.ok) return found;
    if (response.status === 401) throw new Error("You are not logged in any more.");
    if (response.status === 422) throw new Error("Give a reason of at least 3 characters.");
    throw new Error(typeof found.detail === "string" ? found.detail : `Airflow answered ${response.status}.`);
  };

  const reason = () => {
    const text = why ? why.value.trim() : "undone";
    if (why) store.setItem("why", text);
    return text;
  };

  // What stands behind the open entry; the first of the page behind the last.
  const next = () => {
    const rows = [...document.querySelectorAll("[data-row]")];
    const at = rows.findIndex((row) => row.classList.contains("open"));
    const row = rows[at + 1] ?? rows.find((other, place) => place !== at);
    return row?.dataset.row;
  };

  const go = (more) => {
    const address = new URL(desk.dataset.here, location.href);
    for (const [name, value] of Object.entries(more)) if (value) address.searchParams.set(name, value);
    location.assign(address);
  };

  let busy = false;
  const once = async (act) => {
    if (busy) return;
    busy = true;
    try {
      await act();
    } catch (problem) {
      say(problem.message);
      busy = false;
    }
  };

  const decide = (verdict) => once(async () => {
    const { id, seen } = entry.dataset;
    await send("decide", { id, verdict, reason: reason(), seen });
    go({ entry: next(), done: id });
  });
  const undo = (button) => once(async () => {
    const { id, seen } = button.dataset;
    await send("decide", { id, verdict: "undo", reason: "undone", seen });
    go({ entry: new URL(desk.dataset.here, location.href).searchParams.has("state") ? "" : id, done: id });
  });
  const skip = () => go({ entry: next() });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const { verdict, all, accept } = button.dataset;
    if (verdict) decide(verdict);
    else if ("skip" in button.dataset) skip();
    else if ("undo" in button.dataset) undo(button);
    else if (all) once(async () => {
      const { feed, heldFor } = button.closest("ul").dataset;
      const { n_decided: count } = await send("decide-all", { feed, held_for: heldFor, verdict: all, reason: reason() });
      say(`${count} decided.`);
      go({});
    });
    else if (accept) once(async () => {
      await send("accept", { feed: accept, reason: reason() });
      say(`The next pull of ${accept} lands whatever its size.`);
      busy = false;
    });
  });

  document.getElementById("sure")?.addEventListener("change", (event) => {
    for (const button of document.querySelectorAll("[data-all]")) button.disabled = !event.target.checked;
  });

  document.addEventListener("keydown", (event) => {
    if (!keys?.checked || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.target.closest("textarea, select, input:not([type=checkbox])")) return;
    const undoing = document.querySelector("#said [data-undo]");
    const acts = {
      p: () => decide("phishing"), l: () => decide("legitimate"), r: () => decide("reject"),
      s: skip, u: () => undoing && undo(undoing),
    };
    const act = acts[event.key.toLowerCase()];
    if (act) {
      event.preventDefault();
      act();
    }
  });
})();
