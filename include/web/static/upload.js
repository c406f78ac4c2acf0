// Upload of the Labels page: a preview first, then the load of the same file.
(() => {
  "use strict";
  const form = document.getElementById("upload");
  if (!form) return;
  const { file, label, coding } = form.elements;
  const said = document.getElementById("said");
  const shown = document.getElementById("shown");
  const drop = form.querySelector(".drop");
  const asked = drop.textContent;

  const say = (text) => {
    said.hidden = !text;
    said.textContent = text;
  };

  const send = async (path, more) => {
    const chosen = file.files[0];
    const query = new URLSearchParams({ name: chosen.name, label: label.value, coding: coding.value, ...more });
    const response = await fetch(`${form.dataset.base}${path}?${query}`, {
      method: "POST",
      headers: { "Content-Type": "application/octet-stream", "X-NightCatch": "labels" },
      body: await chosen.arrayBuffer(),
    });
    if (response.ok) return response.text();
    const found = await response.json().catch(() => ({}));
    if (response.status === 401) throw new Error("You are not logged in any more.");
    throw new Error(typeof found.detail === "string" ? found.detail : `Airflow answered ${response.status}.`);
  };

  const show = async (button, text, path, more) => {
    button.disabled = true;
    say(text);
    try {
      // The server's own template, in which everything of the file is escaped.
      shown.innerHTML = await send(path, more);
      say("");
      shown.focus();
    } catch (problem) {
      shown.replaceChildren();
      say(problem.message);
    }
    button.disabled = false;
  };

  const changed = () => {
    shown.replaceChildren();
    say("");
    drop.textContent = file.files[0]?.name ?? asked;
  };
  for (const field of [file, label, coding]) field.addEventListener("change", changed);

  for (const name of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop" && event.dataTransfer.files.length) {
        file.files = event.dataTransfer.files;
        changed();
      }
    });
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(form.querySelector("[type=submit]"), "Reading\u2026", "/preview", {});
  });
  shown.addEventListener("click", (event) => {
    const button = event.target.closest("#load");
    if (button) show(button, "Loading\u2026", "", { digest: button.dataset.digest });
  });
})();
