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
    if (answer.status === 403) throw new Error(form.dataset.conf ? "You may not trigger approve_model." : "You may not respond to this run.");
    throw new Error(typeof told.detail === "string" ? told.detail : `Airflow answered ${answer.status}.`);
  };

  const ended = async (path) => {
    for (;;) {
      await new Promise((later) => setTimeout(later, 1000));
      const { state } = await ask("GET", path);
      if (state === "success") return "It is in production now. ";
      if (state === "failed") return "Not done, and nothing was changed; its log says why. ";
    }
  };

  // What a training run asked, or a run of approve_model: its page, its path, and what it says first.
  const respond = async (choice, reason) => {
    const body = { chosen_options: [choice], params_input: { reason } };
    await ask("PATCH", `${form.dataset.run}/taskInstances/wait_for_approval/-1/hitlDetails`, body);
    return { id: "its run", page: form.dataset.page, path: choice === "Approve" && form.dataset.run };
  };

  const start = async (reason) => {
    const conf = { ...JSON.parse(form.dataset.conf), reason };
    const run = await ask("POST", `${form.dataset.run}/dagRuns`, { logical_date: null, conf });
    await ask("PATCH", `${form.dataset.run}?update_mask=is_paused`, { is_paused: false });
    const id = encodeURIComponent(run.dag_run_id);
    return { id: run.dag_run_id, page: `${form.dataset.page}/runs/${id}`, path: `${form.dataset.run}/dagRuns/${id}` };
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const buttons = form.querySelectorAll("button");
    const enable = (can) => buttons.forEach((button) => { button.disabled = !can; });
    enable(false);
    said.textContent = "Asking Airflow\u2026";
    try {
      const reason = form.elements.reason.value.trim();
      const asked = form.dataset.conf ? await start(reason) : await respond(event.submitter.value, reason);
      const link = document.createElement("a");
      link.href = asked.page;
      link.dataset.top = "";
      link.textContent = asked.id;
      const outcome = document.createTextNode(asked.path ? "Started; it takes a few seconds. " : "Rejected; what is in production stays. ");
      said.replaceChildren(outcome, link);
      link.focus();
      if (asked.path) outcome.data = await ended(asked.path).catch(() => "Started; its run tells how it ended. ");
      said.append(", ", document.querySelector(".back a").cloneNode(true));
    } catch (problem) {
      said.textContent = problem.message;
      enable(true);
    }
  });
})();
