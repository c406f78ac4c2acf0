// The page stands in a frame of the Airflow UI, on the same origin; without it, it is a page.
(() => {
  "use strict";
  const shell = window.parent === window ? null : window.parent.document;

  // Airflow's own switch between light and dark, which is not that of the system.
  if (shell) {
    const root = shell.documentElement;
    const follow = () => {
      const theme = ["dark", "light"].find((name) => root.classList.contains(name));
      if (theme) document.documentElement.dataset.theme = theme;
    };
    follow();
    new MutationObserver(follow).observe(root, { attributeFilter: ["class"] });
  }

  // The frame may not navigate the window around it, so pages of Airflow are opened by that window.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-top]");
    if (!link || !shell || !["http:", "https:"].includes(link.protocol) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const outside = shell.createElement("a");
    outside.href = link.href;
    if (link.origin !== location.origin) {
      outside.target = "_blank";
      outside.rel = "noopener noreferrer";
    }
    outside.click();
  });

  const form = document.getElementById("approve");
  if (!form) return;
  const said = document.getElementById("said");
  form.hidden = false;

  const ask = async (method, path, body) => {
    const answer = await fetch(path, {
      method,
      headers: { "Content-Type": "application/json" },
      body: body && JSON.stringify(body),
    });
    const told = await answer.json().catch(() => ({}));
    if (answer.ok) return told;
    if (answer.status === 401) throw new Error("You are not logged in any more.");
    if (answer.status === 403) throw new Error("You may not trigger approve_model.");
    throw new Error(typeof told.detail === "string" ? told.detail : `Airflow answered ${answer.status}.`);
  };

  const ended = async (runId) => {
    for (;;) {
      await new Promise((later) => setTimeout(later, 1000));
      const { state } = await ask("GET", `${form.dataset.run}/dagRuns/${encodeURIComponent(runId)}`);
      if (state === "success") return "It is in production now. ";
      if (state === "failed") return "Not done, and nothing was changed; its log says why. ";
    }
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    said.textContent = "Asking Airflow\u2026";
    try {
      const conf = { ...JSON.parse(form.dataset.conf), reason: form.elements.reason.value.trim() };
      const run = await ask("POST", `${form.dataset.run}/dagRuns`, { logical_date: null, conf });
      await ask("PATCH", `${form.dataset.run}?update_mask=is_paused`, { is_paused: false });
      const link = document.createElement("a");
      link.href = `${form.dataset.page}/runs/${encodeURIComponent(run.dag_run_id)}`;
      link.dataset.top = "";
      link.textContent = run.dag_run_id;
      const outcome = document.createTextNode("Started; it takes a few seconds. ");
      said.replaceChildren(outcome, link);
      link.focus();
      outcome.data = await ended(run.dag_run_id).catch(() => "Started; its run tells how it ended. ");
      said.append(", ", document.querySelector(".back a").cloneNode(true));
    } catch (problem) {
      said.textContent = problem.message;
      button.disabled = false;
    }
  });
})();
